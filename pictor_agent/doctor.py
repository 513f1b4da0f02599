"""`pictor-agent doctor`: what this machine offers, what is missing, and what to do about it."""

from pathlib import Path

from pictor_agent import cgroups
from pictor_agent.environments import NoBlender, find_environment
from pictor_agent.probe import Probe
from pictor_agent.sandbox import SandboxUnavailable, find_sandbox
from pictor_agent.terminal import Terminal

GIB = 1 << 30


def examine(arguments) -> int:
    """Print the findings; the status is the number of things that keep this machine from rendering."""
    terminal = Terminal()
    problems = [*_say_machine(terminal), *_say_sandbox(terminal), *_say_blenders(terminal, arguments.blender_python)]
    for problem in problems:
        terminal.say(problem, "bad")
    return len(problems)


def _say_machine(terminal: Terminal) -> list[str]:
    found = Probe(Path.home()).inventory(blender_versions=[], isolation="none", unsandboxed_allowed=False)
    terminal.say(f"{found.os}; {found.cpu_model}, {found.cpu_cores} cores", "ok")
    terminal.say(f"{found.ram_bytes / GIB:.1f} GiB memory, {found.disk_free_bytes / GIB:.1f} GiB free disk", "ok")
    for gpu in found.gpus:
        terminal.say(f"GPU {gpu.index}: {gpu.model}, {gpu.vram_bytes / GIB:.1f} GiB, driver {gpu.driver}", "ok")
    if not found.gpus:
        terminal.say("No NVIDIA GPU: this node renders on its CPU", "warn")
    return []


def _say_sandbox(terminal: Terminal) -> list[str]:
    try:
        sandbox = find_sandbox()
    except SandboxUnavailable as error:
        return [str(error)]
    terminal.say(f"Isolation by {sandbox.isolation}{', with a user of its own' if sandbox.as_root else ''}", "ok")
    group = cgroups.create(memory_bytes=GIB, processes=64)
    by = "cgroups" if group.limits_memory else "rlimits (cgroups may not be written)"
    group.remove()
    terminal.say(f"Memory limit by {by}", "ok")
    return []


def _say_blenders(terminal: Terminal, programs: list[str]) -> list[str]:
    problems = [] if programs else ["No Blender given: --blender-python PROGRAM, or BLENDER_PYTHON"]
    for program in programs:
        try:
            terminal.say(f"Blender {find_environment(program).version}: {program}", "ok")
        except NoBlender as error:
            problems.append(str(error))
    return problems
