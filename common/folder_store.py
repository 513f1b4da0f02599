"""Files in a folder, whole or not at all: a process that is killed, or a full disk, leaves no half file under a file's name."""

import os
import tempfile
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage


class FolderStore(FileSystemStorage):
    """Writes beside the file's place and moves; what a kill leaves there is swept with other files that no row names."""

    def _save(self, name: str, content: File) -> str:
        place = Path(self.path(name)).parent
        place.mkdir(mode=self.directory_permissions_mode or 0o777, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=place, prefix=".arriving-", delete=False) as arriving:
            try:
                self._write(arriving, content)
                return super()._save(name, _Arrived(arriving.name))
            except BaseException:
                os.unlink(arriving.name)
                raise

    def _write(self, arriving, content: File) -> None:
        for chunk in content.chunks():
            arriving.write(chunk)
        arriving.flush()


class _Arrived(File):
    """A whole file, for Django to move to its place."""

    def __init__(self, path: str) -> None:
        super().__init__(None, path)

    def temporary_file_path(self) -> str:
        return self.name
