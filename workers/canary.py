"""The network's public canary scene, as nodes fetch it: the same bytes for everybody, put into the store once."""

import hashlib
from datetime import datetime
from functools import cache
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from common.file_urls import sign_file_url
from pictor_agent import reference
from pictor_agent.protocol import FileRef, RenderSpec

SCENE = Path(settings.BASE_DIR) / "scenes" / "carousel.blend"
SECONDS_MAX = 1_800.0  # a machine of a fiftieth of the reference is still measured


@cache
def _file() -> tuple[str, int]:
    content = SCENE.read_bytes()
    return hashlib.sha256(content).hexdigest(), len(content)


def put_into_store() -> None:
    """Unless it lies there; outside of any transaction."""
    key = storage_key()
    if not default_storage.exists(key):
        default_storage.save(key, ContentFile(SCENE.read_bytes()))


def storage_key() -> str:
    return f"canary/{_file()[0]}.blend"


def file_ref(now: datetime) -> FileRef:
    sha256, size_bytes = _file()
    url = sign_file_url(method="GET", storage_key=storage_key(), sha256=sha256, size_bytes=size_bytes, now=now)
    return FileRef(path=SCENE.name, sha256=sha256, size_bytes=size_bytes, url=url)


def order(samples: int, now: datetime) -> RenderSpec:
    """The canary frame; its seed is told to a node that has committed."""
    return RenderSpec(
        engine="cycles",
        blender_version=reference.CANARY_VERSION,
        scene_key=_file()[0],
        main_path=SCENE.name,
        files=[file_ref(now)],
        frame=reference.FRAME,
        seed=0,
        width=reference.WIDTH,
        height=reference.HEIGHT,
        samples=samples,
        format="OPEN_EXR",
        denoise=False,
        seconds_max=SECONDS_MAX,
    )
