"""From a configuration file to a node that renders: the steps, how far it is, and what to do next. Pure; the same on page and terminal."""

from dataclasses import dataclass, field
from typing import Literal

BUBBLEWRAP = "sudo apt install bubblewrap"
State = Literal["done", "failed", "open"]


@dataclass(frozen=True)
class Seen:
    """What is known of a node. `self_test` None: it has not been tried yet."""

    signed_on: bool = False
    ever: bool = False  # it has signed on once: what follows was known then
    drivers: list[str] = field(default_factory=list)  # of its GPUs: "RTX 4090, 550.54"
    device: str = "CPU"  # the best that Blender finds in the sandbox
    isolation: str = "none"
    unsandboxed_allowed: bool = False
    blenders: list[str] = field(default_factory=list)  # that lie on the node
    blender_problem: str = ""
    self_test: bool | None = None
    self_test_words: str = ""


@dataclass(frozen=True)
class Step:
    """`action` and `command` (may be empty): what to do while it is not done."""

    title: str
    state: State
    action: str = ""
    command: str = ""

    @property
    def done(self) -> bool:
        return self.state == "done"

    @property
    def failed(self) -> bool:
        return self.state == "failed"

    @property
    def tone(self) -> str:
        """Of the notice that names it as the next one."""
        return "bad" if self.failed else "info"


def drivers_of(gpus) -> list[str]:
    """Words on each GPU that a driver shows; of protocol.GpuInfo or of the server's rows."""
    return [f"{gpu.model}, {gpu.driver}" if gpu.driver else gpu.model for gpu in gpus]


def steps(seen: Seen, *, run_command: str = "") -> list[Step]:
    """All of them, in the order in which they come about."""
    return [
        _signed_on(seen, run_command),
        _driver(seen),
        _gpu(seen),
        _blender(seen),
        _sandbox(seen),
        _self_test(seen),
    ]


def next_step(all_steps: list[Step]) -> Step | None:
    """The first that is not done; None when the node is set up."""
    return next((step for step in all_steps if step.state != "done"), None)


def _signed_on(seen: Seen, run_command: str) -> Step:
    if seen.signed_on:
        return Step("Signed on", "done")
    start = "Start the agent again on that machine" if seen.ever else "Run the command on the machine that renders"
    return Step("Signed on", "open", f"{start}, and leave it running.", run_command)


def _driver(seen: Seen) -> Step:
    if seen.drivers:
        return Step(f"Driver: {'; '.join(seen.drivers)}", "done")
    if seen.ever:
        return Step("No GPU driver: the node renders on its processor", "done")
    return Step("GPU driver", "open", "Nothing to do yet: the agent looks for it when it starts.")


def _gpu(seen: Seen) -> Step:
    if seen.device != "CPU":
        return Step(f"GPU seen by Blender: {seen.device}", "done")
    if not seen.ever:
        return Step("GPU seen by Blender", "open", "Nothing to do yet: Blender is asked when the agent starts.")
    if not seen.drivers:
        return Step("No GPU to be seen", "done")
    if not seen.blenders:
        return Step("GPU seen by Blender", "open", "Wait for Blender: the agent asks it when it is here.")
    words = "Update the driver and start the agent again: Blender sees no GPU in the sandbox. Until then it renders on its processor."
    return Step("GPU seen by Blender", "failed", words, "pictor-agent doctor")


def _blender(seen: Seen) -> Step:
    if seen.blenders:
        return Step(f"Blender {', '.join(seen.blenders)}", "done")
    if seen.blender_problem:
        words = f"Blender could not be fetched: {seen.blender_problem}. Mend that and start the agent again."
        return Step("Blender fetched", "failed", words, "pictor-agent doctor")
    return Step("Blender fetched", "open", "Wait: the agent fetches it by itself, 350 MB, once.")


def _sandbox(seen: Seen) -> Step:
    if seen.isolation == "bubblewrap":
        return Step("Sandbox works", "done")
    if seen.unsandboxed_allowed:
        return Step("No sandbox, as you allowed", "done")
    if not seen.ever:
        return Step(
            "Sandbox works", "open", "Install bubblewrap, if it is missing: it is tried when the agent starts.", BUBBLEWRAP
        )
    words = "Install bubblewrap and start the agent again; without it no stranger's scene comes here."
    return Step("Sandbox works", "failed", words, BUBBLEWRAP)


def _self_test(seen: Seen) -> Step:
    if seen.self_test:
        return Step(f"Self-test passed{': ' + seen.self_test_words if seen.self_test_words else ''}", "done")
    if seen.self_test is False:
        words = (
            f"The self-test failed: {seen.self_test_words}. Look at what the doctor says, mend it, and start the agent again."
        )
        return Step("Self-test", "failed", words, "pictor-agent doctor")
    return Step("Self-test", "open", "Wait: the agent renders a small picture of its own when it has nothing else to do.")
