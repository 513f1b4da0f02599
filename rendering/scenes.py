"""From an upload to a stored scene, and to its end: files lie in the store under their owner and hash, once each.

Everything streams; nothing is read whole. A stored file belongs to one asset row: rows come and go, a file is never shared.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from rendering import blend_header, quotas, uploads
from rendering.blend_header import HEAD_BYTES, BadBlend, kind_of
from rendering.errors import BadScene, UnfitUpload
from rendering.models import Asset, Scene, SceneFile, Upload
from rendering.unpacking import members_of, open_archive, unpack
from rendering.uploads import Announced

# What kind of file it is ----------------------------------------------------------------------------------------------


def check_upload(upload: Upload) -> None:
    """A quick look, so that a wrong file is refused at once and not in the background.

    Raises:
        UnfitUpload: incomplete, or a .blend or .zip that is none.
    """
    if uploads.missing(upload):
        raise UnfitUpload("The upload is not complete.")
    for number, file in enumerate(uploads.files_of(upload)):
        if not file.is_here and file.path.lower().endswith(uploads.SUFFIXES):
            _check_kind(upload, number, file)


def _check_kind(upload: Upload, number: int, file: Announced) -> None:
    with uploads.opened(upload, number) as content:
        kind = kind_of(content.read(HEAD_BYTES))
        if not kind:
            raise UnfitUpload(f"{file.path} is neither a .blend file nor a .zip archive.")
        if kind == "blend":
            _check_blend(content, file.path)


def _check_blend(content: BinaryIO, path: str) -> None:
    """Whole, and of a Blender that nodes have: said at once, before anything is stored."""
    try:
        blend_header.check(content)
    except BadBlend as error:
        raise UnfitUpload(f"{path}: {error}") from error


# Storing --------------------------------------------------------------------------------------------------------------


def store_scene(scene: Scene) -> None:
    """Store the files of the scene's upload and forget the upload. Safe to run again after a crash.

    Raises:
        BadScene: the upload holds nothing that can be rendered; the words are for its creator.
    """
    upload = scene.upload
    if upload is None:
        return
    found = dict(_stored_files(scene, upload))
    _write_scene(scene, found, main_path=main_of(list(found), first=upload.files[0][0]))
    uploads.forget_upload(upload)


def _stored_files(scene: Scene, upload: Upload) -> Iterator[tuple[str, Asset]]:
    """(path below the scene's folder, asset) of every file, stored one by one."""
    for number, file in enumerate(uploads.files_of(upload)):
        if file.path.lower().endswith(".zip") and file.is_here:
            yield from _files_of_archive(scene, file)
        elif file.is_here and file.size_bytes:
            yield file.path, _known_asset(scene.owner, file)
        else:
            yield from _arrived_files(scene, upload, number, file)


def _arrived_files(scene: Scene, upload: Upload, number: int, file: Announced) -> Iterator[tuple[str, Asset]]:
    path = _whole(upload, number, file)
    digest = file_sha256(path)
    if file.sha256 not in {"", digest}:
        raise BadScene(f"{file.path} changed on its way, or while it was read. Upload it again.")
    with open(path, "rb") as content:
        is_archive = kind_of(content.read(HEAD_BYTES)) == "zip" and len(upload.files) == 1
    if is_archive:
        yield from _stored_members(scene, path)
        scene.archive_sha256 = digest
    else:
        yield _blend_name(file.path) if len(upload.files) == 1 else file.path, store_asset(scene.owner, path, digest)


def _whole(upload: Upload, number: int, file: Announced) -> Path:
    """Where the file lies; an empty one was never sent."""
    if not file.size_bytes:
        path = uploads.partial_path(upload, number)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch()
        return path
    return uploads.joined(upload, number)


def _blend_name(name: str) -> str:
    return name if name.lower().endswith(".blend") else f"{name}.blend"


def _known_asset(owner, file: Announced) -> Asset:
    asset = Asset.objects.filter(owner=owner, sha256=file.sha256).first()
    if not asset:
        raise BadScene(f"{file.path} was deleted with another scene while this upload ran. Upload it again.")
    return asset


def _files_of_archive(scene: Scene, file: Announced) -> Iterator[tuple[str, Asset]]:
    """What the same archive held when it came before."""
    earlier = Scene.objects.unpacked_from(scene.owner, [file.sha256]).exclude(pk=scene.pk).order_by("-pk").first()
    if not earlier:
        raise BadScene(f"The scene of {file.path} was deleted while this upload ran. Upload it again.")
    scene.archive_sha256 = file.sha256
    for kept in earlier.files.select_related("asset"):
        yield kept.path, kept.asset


def _stored_members(scene: Scene, packed: Path) -> Iterator[tuple[str, Asset]]:
    with open_archive(packed) as archive, tempfile.TemporaryDirectory(dir=packed.parent.parent) as folder:
        members = members_of(archive, packed_bytes=packed.stat().st_size)
        _check_room(scene, sum(member.entry.file_size for member in members), packed.stat().st_size)
        for number, member in enumerate(members):
            target = Path(folder) / str(number)
            unpack(archive, member, target)
            yield member.path, store_asset(scene.owner, target, file_sha256(target))
            target.unlink()


def _check_room(scene: Scene, unpacked_bytes: int, packed_bytes: int) -> None:
    try:
        quotas.check_stored(scene.owner, unpacked_bytes - packed_bytes)
    except UnfitUpload as error:
        raise BadScene(f"Unpacked, the archive is too much. {error}") from error


def store_asset(owner, path: Path, digest: str) -> Asset:
    """The owner's asset with these bytes, stored unless it is there already.

    The file is saved under a name of its own first, so that a row that is deleted meanwhile cannot take it along.
    """
    asset = Asset.objects.filter(owner=owner, sha256=digest).first()
    if asset:
        return asset
    with open(path, "rb") as file:
        key = default_storage.save(f"scenes/{owner.pk}/{digest}", File(file))
    asset, is_new = Asset.objects.get_or_create(
        owner=owner, sha256=digest, defaults={"storage_key": key, "size_bytes": path.stat().st_size}
    )
    if not is_new:
        default_storage.delete(key)
    return asset


def file_sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_scene(scene: Scene, found: dict[str, Asset], *, main_path: str) -> None:
    scene.main_path = main_path
    scene.scene_key = scene_key({path: asset.sha256 for path, asset in found.items()})
    try:
        with transaction.atomic():
            scene.files.all().delete()
            SceneFile.objects.bulk_create(SceneFile(scene=scene, path=path, asset=asset) for path, asset in found.items())
            scene.save(update_fields=["main_path", "scene_key", "archive_sha256"])
    except IntegrityError as error:
        raise BadScene("A file was deleted with another scene while this upload ran. Upload it again.") from error


def scene_key(hashes: dict[str, str]) -> str:
    """One hash for a set of files: equal key, equal scene."""
    lines = (f"{path}\0{digest}\n" for path, digest in sorted(hashes.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def main_of(paths: list[str], *, first: str = "") -> str:
    """The .blend to render: the one announced `first`, else the likeliest.

    Raises:
        BadScene: there is none.
    """
    blends = uploads.blends_of(paths)
    nested = next((path for path in paths if path.lower().endswith((".zip", ".7z", ".rar", ".tar.gz"))), "")
    if not blends and nested:
        raise BadScene(f"The archive holds no .blend file, only another archive: {nested[:100]}. Upload that one instead.")
    if not blends:
        raise BadScene("The archive holds no .blend file.")
    return first if first in blends else blends[0]
