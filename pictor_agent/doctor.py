"""`pictor-agent doctor`: what this machine offers, what is missing, and what to do about it."""

import asyncio
import json
import os
import platform
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from pictor_agent import __version__, bundle, cgroups, connection, engines, opencl, protocol, seccomp
from pictor_agent.abilities import find_abilities
from pictor_agent.config import BadConfig, Config, State, default_state_folder, read_config
from pictor_agent.engines import fetching
from pictor_agent.environments import Environments, NoBlender, make_environments
from pictor_agent.findings import Finding
from pictor_agent.probe import Probe
from pictor_agent.restraint import DISK_FREE_BYTES_MIN
from pictor_agent.sandbox import Sandbox, SandboxUnavailable, find_sandbox
from pictor_agent.terminal import Terminal
from pictor_agent.updating import handover, installation

GIB = 1 << 30
CLOCK_SECONDS_MAX = 120.0  # nothing of the network asks this clock; certificates and logs do


def examine(arguments) -> int:
    """Print the findings; the status is the number of things that keep this machine from rendering."""
    doctor = Doctor(arguments)
    findings = list(doctor.look())
    if arguments.json:
        print(json.dumps([finding.as_dict() for finding in findings], indent=2))
    else:
        _say(findings)
    if arguments.bundle:
        _bundle(Path(arguments.bundle), findings, doctor)
    return sum(finding.tone == "bad" for finding in findings)


def _bundle(target: Path, findings: list[Finding], doctor: "Doctor") -> None:
    """Said on the standard error: the standard output may be JSON."""
    try:
        bundle.write(target, findings, doctor.config_path, doctor.config, doctor.state_folder)
    except OSError as error:
        print(f"{target} could not be written: {error.strerror}", file=sys.stderr)
    else:
        print(f"Written: {target}. Read it before you send it to anybody.", file=sys.stderr)


def _say(findings: list[Finding]) -> None:
    terminal = Terminal()
    for finding in findings:
        terminal.say(f"{finding.code} {finding.words}".strip(), finding.tone)
        if finding.remedy:
            terminal.say(f"  {finding.remedy}", "quiet")


class Doctor:
    """One examination. What it needs of the configuration file is optional: a machine may be looked over before it has one."""

    def __init__(self, arguments) -> None:
        self.arguments = arguments
        self.config_path = Path(arguments.config) if arguments.config else None
        self.config: Config | None = None
        self.state_folder: Path | None = Path(arguments.state) if arguments.state else None
        self.sandbox: Sandbox | None = None
        self.environments = Environments({})
        self.gpus: list[protocol.GpuInfo] = []

    def look(self) -> Iterator[Finding]:
        yield from self._configuration()
        yield from self._updates()
        yield from self._machine()
        yield from self._sandbox()
        yield from self._blenders()
        yield from self._abilities()
        yield from self._server()

    def _configuration(self) -> Iterator[Finding]:
        if self.config_path is None:
            return
        try:
            self.config = read_config(self.config_path)
        except BadConfig as error:
            yield Finding(str(error), "E-CONFIG-1")
            return
        yield Finding(f"The configuration file is complete: {self.config_path}")
        if self.config_path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            yield Finding(f"Other users of this machine may read {self.config_path}", "W-CONFIG-2")
        self.state_folder = self.state_folder or default_state_folder(self.config.state_name)
        yield from self._state(self.state_folder)

    def _state(self, folder: Path) -> Iterator[Finding]:
        try:
            State(folder).make()
        except BadConfig as error:
            yield Finding(str(error), "E-STATE-1")
            return
        if not os.access(folder, os.W_OK):
            yield Finding(f"{folder} may not be written", "E-STATE-1")

    def _updates(self) -> Iterator[Finding]:
        """Which agent this is, and whether it can become a newer one."""
        made = installation.release()
        yield Finding(f"Agent {__version__}{f', release {made.number}' if made else ''}")
        if self.config is None or self.state_folder is None:
            return
        if why := installation.obstacle(self.config):
            yield Finding(f"It does not replace itself. {installation.OBSTACLES[why]}", "W-UPDATE-1")
            return
        releases = handover.releases_of(State(self.state_folder))
        if current := releases.current(installation.digest()):
            yield Finding(f"On this node {current.words} runs")
        record = releases.record()
        if record.words:
            yield Finding(f"Release {record.tried} was not taken: {record.words}", "W-UPDATE-2")

    def _machine(self) -> Iterator[Finding]:
        found = Probe(_existing(self._folder())).inventory(blender_versions=[], isolation="none", unsandboxed_allowed=False)
        yield Finding(f"{found.os}; {found.cpu_model}, {found.cpu_cores} cores")
        little = found.disk_free_bytes < DISK_FREE_BYTES_MIN
        words = f"{found.ram_bytes / GIB:.1f} GiB memory, {found.disk_free_bytes / GIB:.1f} GiB free disk"
        yield Finding(words, "W-DISK-1" if little else "")
        self.gpus = found.gpus
        for gpu in found.gpus:
            yield Finding(f"GPU {gpu.index}: {gpu.model}, {gpu.vram_bytes / GIB:.1f} GiB, driver {gpu.driver}")
        if found.gpus:
            yield from _computing(len(found.gpus))
        else:
            yield Finding("No NVIDIA or AMD GPU: this node renders on its CPU", "W-GPU-1")

    def _folder(self) -> Path:
        return self.state_folder or default_state_folder("any")

    def _sandbox(self) -> Iterator[Finding]:
        try:
            self.sandbox = find_sandbox()
        except SandboxUnavailable as error:
            yield Finding(str(error), "E-SANDBOX-2" if shutil.which("bwrap") else "E-SANDBOX-1")
            return
        yield Finding(f"Isolation by {self.sandbox.isolation}{', with a user of its own' if self.sandbox.as_root else ''}")
        if not seccomp.program():
            yield Finding(f"No list of refused system calls for {platform.machine()}: boxes go without", "W-SECCOMP-1")
        group = cgroups.create(memory_bytes=GIB, processes=64)
        counted = group.limits_memory
        group.remove()
        yield (
            Finding("Memory limit by cgroups")
            if counted
            else Finding("Memory limit by rlimits (cgroups may not be written)", "W-LIMITS-1")
        )

    def _blenders(self) -> Iterator[Finding]:
        """Those that are named, those that were fetched, and whether the others can be."""
        folder = Path(self.arguments.environments) if self.arguments.environments else self._folder().parent / "blender"
        try:
            self.environments = make_environments(self.arguments.blender_python, folder)
        except NoBlender as error:
            yield Finding(str(error), "E-BLENDER-1")
            return
        for environment in self.environments.values():
            yield Finding(f"Blender {environment.version}: {environment.program}")
        usable = bool(self.environments.offered())
        for version in engines.blender_versions_available():
            if version.exact not in self.environments:
                yield _fetchable(version, folder, usable)

    def _abilities(self) -> Iterator[Finding]:
        if self.sandbox is None:
            return
        abilities = asyncio.run(find_abilities(self.environments, self.sandbox))
        yield Finding(f"Engines: {', '.join(abilities.engines)}")
        for words in abilities.notes:
            yield Finding(words, "W-ENGINE-1")
        if self.gpus and self.environments and abilities.device == "CPU":
            yield Finding("The driver shows a GPU, and Blender in the sandbox renders on the CPU", "W-GPU-2")

    def _server(self) -> Iterator[Finding]:
        if self.config is None:
            return
        try:
            ahead = asyncio.run(connection.greet(self.config.socket_url))
        except connection.ProtocolBroken as error:
            yield Finding(f"{self.config.server_url} does not answer as a gateway: {error}", "E-SERVER-2")
        except connection.LOST as error:
            yield Finding(f"No connection to {self.config.server_url}: {error or type(error).__name__}", "E-SERVER-1")
        else:
            if ahead and abs(ahead) > CLOCK_SECONDS_MAX:
                words = f"This machine's clock is {abs(ahead) / 60:,.0f} minutes {'behind' if ahead > 0 else 'ahead of'} the server's"
                yield Finding(words, "W-CLOCK-1")
            yield Finding(f"{self.config.server_url} answers")


def _computing(named: int) -> Iterator[Finding]:
    """Can the GPUs be asked to compute, as a benchmark does?"""
    try:
        found = len(opencl.devices())
    except opencl.NoOpenCL as error:
        yield Finding(f"No GPU can be asked to compute: {error}", "W-GPU-3")
    else:
        yield Finding(f"OpenCL finds {found} of {named} GPUs", "W-GPU-3" if found < named else "")


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())


def _fetchable(version, folder: Path, usable: bool) -> Finding:
    """A version that is not here. What keeps it away is an error only where there is no other."""
    obstacle = fetching.obstacle(folder, version.exact)
    if not obstacle:
        return Finding(f"{version.label}: fetched into {folder} on first need")
    return Finding(f"{version.label}: {obstacle}", "W-BLENDER-3" if usable else "E-BLENDER-2")
