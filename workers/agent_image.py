"""What an owner makes a container image of the agent from: one archive, with the wheel that this server offers.

docker/worker/ with the locked requirements and the wheel beside it: the folder is all that a build needs, no checkout.
"""

import functools
import gzip
import io
import tarfile

from django.conf import settings

from workers import agent_wheel

NAME = "pictor-agent-image"  # of the archive, and of the folder in it
FILES = ("Dockerfile", "seccomp.json")  # by name: what else lies there, keys perhaps, is for nobody
PLACE = settings.BASE_DIR / "docker" / "worker"
REQUIREMENTS = settings.BASE_DIR / "requirements" / "node.txt"


@functools.cache
def archive() -> bytes:
    """The same bytes from every process, as the wheel is."""
    wheel = agent_wheel.offered()
    contents = {name: (PLACE / name).read_bytes() for name in FILES}
    contents |= {"requirements.txt": REQUIREMENTS.read_bytes(), f"wheels/{wheel.name}": wheel.content}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in contents.items():
            entry = tarfile.TarInfo(f"{NAME}/{name}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)
