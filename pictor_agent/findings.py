"""What `pictor-agent doctor` may find wrong, each with a code that people can name and the remedy in words. Pure."""

from dataclasses import dataclass
from typing import Literal

Tone = Literal["ok", "warn", "bad"]

# E: this machine cannot render until it is mended. W: it renders, with less than it could. docs/doctor.md lists the same
# (a test compares). A code keeps its meaning for good: people write them to each other.
REMEDIES = {
    "E-CONFIG-1": "Download the configuration file again from the node's page, and give its path with --config.",
    "E-STATE-1": "Make the state folder writable for the user that runs the agent, or name another with --state.",
    "E-SANDBOX-1": "Install bubblewrap: sudo apt install bubblewrap (or your system's way).",
    "E-SANDBOX-2": "Allow user namespaces: sudo sysctl kernel.unprivileged_userns_clone=1, on Ubuntu also "
    "kernel.apparmor_restrict_unprivileged_userns=0. Write it to /etc/sysctl.d to keep it. In a container: the "
    "--security-opt options that the page about installing lists for Docker.",
    "E-BLENDER-1": "Name a Python that has bpy, or an installed Blender, with --blender-python or BLENDER_PYTHON; or leave "
    "both out, and Blender is fetched.",
    "E-BLENDER-2": "Mend what keeps Blender from being fetched (the line says what), or name one with --blender-python.",
    "E-SERVER-1": "Look at this machine's line, name service and firewall: it must be able to dial out to the server. "
    "If other sites open, the network's operators can say whether the server is up.",
    "E-SERVER-2": "Compare server_url in the configuration file with the node's page; a proxy between must pass WebSockets.",
    "W-GPU-1": "With an NVIDIA card install its driver until nvidia-smi lists it; with an AMD card the amdgpu driver. "
    "Without a card nothing is wrong: the node renders on its processor.",
    "W-GPU-2": "Update the driver; Blender in the sandbox finds no device that it can use (in WSL2 there is none).",
    "W-GPU-3": "Install OpenCL, with which the network measures a card's memory: ocl-icd-libopencl1, and for NVIDIA nvidia-opencl-icd "
    "(many drivers bring it), for AMD mesa-opencl-icd or rocm-opencl-runtime. Until then its benchmarks fail.",
    "W-SECCOMP-1": "Nothing to do: the sandbox holds without the list, with one wall less.",
    "W-LIMITS-1": "Nothing to do: limits of processes hold instead. As root, or with a writable control group, the kernel counts.",
    "W-ENGINE-1": "For EEVEE install OpenGL without a screen: sudo apt install libegl1 libgl1-mesa-dri.",
    "W-BLENDER-3": "Only scenes of that version stay away. Mend what the line says to have them too.",
    "W-DISK-1": "Free some disk where the state folder lies: below 2 GiB a node takes no work.",
    "W-CLOCK-1": "Set it by the network: sudo timedatectl set-ntp true. The server counts by its own clock; certificates are "
    "judged by this one, and a connection over TLS may fail.",
    "W-UPDATE-1": "Nothing is broken: this agent is replaced by whoever installed it. The line says how.",
    "W-UPDATE-2": "Look at the reason. pictor-agent update --again tries it once more; the agent that runs is whole.",
    "W-CONFIG-2": "Nobody but you should read it: chmod 600 on the file.",
}


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's; `code` is empty where all is well."""

    words: str
    code: str = ""

    @property
    def tone(self) -> Tone:
        return "bad" if self.code.startswith("E-") else "warn" if self.code else "ok"

    @property
    def remedy(self) -> str:
        return REMEDIES[self.code] if self.code else ""

    def as_dict(self) -> dict[str, str]:
        return {"tone": self.tone, "code": self.code, "words": self.words, "remedy": self.remedy}
