"""`pictor-agent doctor`: what this machine offers, what is missing, and what to do about it."""

import asyncio
import platform
from pathlib import Path

from pictor_agent import cgroups, engines, seccomp
from pictor_agent.abilities import find_abilities
from pictor_agent.config import default_state_folder
from pictor_agent.engines import fetching
from pictor_agent.environments import NoBlender, make_environments
from pictor_agent.probe import Probe
from pictor_agent.sandbox import SandboxUnavailable, find_sandbox
from pictor_agent.terminal import Terminal

GIB = 1 << 30


def examine(arguments) -> int:
    """Print the findings; the status is the number of things that keep this machine from rendering."""
    terminal = Terminal()
    problems = [*_say_machine(terminal), *_say_sandbox(terminal), *_say_blenders(terminal, arguments)]
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
        terminal.say("No NVIDIA or AMD GPU: this node renders on its CPU", "warn")
    return []


def _say_sandbox(terminal: Terminal) -> list[str]:
    try:
        sandbox = find_sandbox()
    except SandboxUnavailable as error:
        return [str(error)]
    terminal.say(f"Isolation by {sandbox.isolation}{', with a user of its own' if sandbox.as_root else ''}", "ok")
    if not seccomp.program():
        terminal.say(f"No list of refused system calls for {platform.machine()}: boxes go without", "warn")
    group = cgroups.create(memory_bytes=GIB, processes=64)
    by = "cgroups" if group.limits_memory else "rlimits (cgroups may not be written)"
    group.remove()
    terminal.say(f"Memory limit by {by}", "ok")
    abilities = asyncio.run(find_abilities({}, sandbox))
    terminal.say(f"Engines: {', '.join(abilities.engines)}", "ok")
    for words in abilities.notes:
        terminal.say(words, "warn")
    return []


def _say_blenders(terminal: Terminal, arguments) -> list[str]:
    """Those that are named, those that were fetched, and whether the others can be."""
    folder = Path(arguments.environments) if arguments.environments else default_state_folder("any").parent / "blender"
    try:
        found = make_environments(arguments.blender_python, folder)
    except NoBlender as error:
        return [str(error)]
    for environment in found.values():
        terminal.say(f"Blender {environment.version}: {environment.program}", "ok")
    for version in engines.blender_versions_available():
        if version.exact not in found:
            obstacle = fetching.obstacle(folder, version.exact)
            terminal.say(f"{version.label}: {obstacle or f'fetched into {folder} on first need'}", "warn" if obstacle else "ok")
    return [] if found.offered() else ["No Blender: --blender-python PROGRAM, or BLENDER_PYTHON"]
