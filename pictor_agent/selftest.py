"""The self-test: the newest Blender renders a small picture of its own in the sandbox, and it decodes and is one.

Passed once, it is not repeated until the agent or Blender is another.
"""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pictor_agent import __version__, engines, protocol
from pictor_agent.environments import Environments, NoBlender, RenderEnvironment
from pictor_agent.sandbox import Limits, Sandbox
from pictor_agent.warm import RunFailed, WarmBlender, time_limit

WIDTH, HEIGHT, SAMPLES = 64, 36, 4
SECONDS_MAX = 600.0  # a GPU's kernels may be compiled first
LIMITS = Limits(memory_bytes=8 << 30, tmp_bytes=256 << 20)
STAMP = "self-test"


@dataclass(frozen=True)
class SelfTest:
    """Of one node. What it gives is what the server is told."""

    environments: Environments
    sandbox: Sandbox
    state: Path

    def begun(self) -> protocol.SelfTested:
        """What can be said before: which Blenders are here."""
        return protocol.SelfTested(blender_versions=sorted(self.environments))

    async def fetch(self) -> str:
        """The newest Blender, where none is here. Returns why not; empty when all is well."""
        try:
            await self._newest()
        except NoBlender as error:
            return str(error)[:300]
        return ""

    async def run(self) -> protocol.SelfTested:
        """Try the newest of those that are here."""
        environment = await self._newest()
        if kept := self._kept(environment):
            return self._told(passed=True, words=kept)
        try:
            words = await _render(environment, self.sandbox)
        except (RunFailed, OSError) as error:
            return self._told(passed=False, words=str(error)[:300])
        self.keep(environment.version, words)
        return self._told(passed=True, words=words)

    def by_a_frame(self, device: str) -> protocol.SelfTested:
        """A frame of somebody's was rendered meanwhile: nothing is left to be tried."""
        return self._told(passed=True, words=f"a frame was rendered on {device or 'this node'}")

    def _told(self, *, passed: bool, words: str) -> protocol.SelfTested:
        return protocol.SelfTested(blender_versions=sorted(self.environments), passed=passed, words=words)

    async def _newest(self) -> RenderEnvironment:
        if self.environments:
            return self.environments[max(self.environments, key=engines.series_number)]
        offered = self.environments.offered()
        if not offered:
            raise NoBlender("none is here and none can be fetched")
        return await self.environments.find(max(offered, key=engines.series_number))

    def _kept(self, environment: RenderEnvironment) -> str:
        """What a test of this agent and this Blender said before; empty when there was none."""
        try:
            kept = json.loads((self.state / STAMP).read_text())
            return kept["words"] if [kept["agent"], kept["blender"]] == [__version__, environment.version] else ""
        except (OSError, ValueError, KeyError, TypeError):
            return ""

    def keep(self, version: str, words: str) -> None:
        (self.state / STAMP).write_text(json.dumps({"agent": __version__, "blender": version, "words": words}))


async def _render(environment: RenderEnvironment, sandbox: Sandbox) -> str:
    """Words on how it went.

    Raises:
        RunFailed: it did not, or the picture is not one.
    """
    blender = await WarmBlender.start(environment, sandbox, Path(__file__).parent / "engines", "", LIMITS)
    try:
        with tempfile.TemporaryDirectory(prefix="pictor-selftest-") as folder:
            async with time_limit(SECONDS_MAX, "the self-test did not end"):
                await blender.open_own()
                picture = await blender.render(_spec(environment.version), Path(folder) / "picture.png", lambda *_: None)
            _look_at(picture.path)
    finally:
        await blender.close()
    return f"{picture.answer.seconds:.1f} s on {picture.answer.device}"


def _look_at(path: Path) -> None:
    from pictor_agent import pixels  # as in runner.describe: 20 MB that an idle node does without

    try:
        found = pixels.decode(path, pixels_max=WIDTH * HEIGHT, image_format="PNG").pixels
    except pixels.Undecodable as error:
        raise RunFailed("output_invalid", str(error)) from error
    if found.shape[:2] != (HEIGHT, WIDTH) or found.min() == found.max():
        raise RunFailed("output_invalid", "the picture is not what was asked for")


def _spec(version: str) -> protocol.RenderSpec:
    return protocol.RenderSpec(
        engine="cycles", blender_version=version, scene_key="0" * 64, main_path="", files=[], frame=1, seed=1,
        width=WIDTH, height=HEIGHT, samples=SAMPLES, format="PNG", denoise=False,
    )  # fmt: skip
