"""Files of the store are whole or not there."""

import os

import pytest
from django.core.files.base import ContentFile, File

from common.folder_store import FolderStore


class Breaks(File):
    """A disk that is full after the first block, a line that is cut: whatever ends a file in the middle."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__(None, "breaks")
        self.error = error

    def chunks(self, chunk_size=None):
        yield b"the first half"
        raise self.error


@pytest.fixture
def store(tmp_path) -> FolderStore:
    return FolderStore(location=tmp_path, file_permissions_mode=0o600, directory_permissions_mode=0o700)


def test_a_file_is_read_as_it_was_written(store):
    assert store.save("frames/1/1-1.png", ContentFile(b"whole")) == "frames/1/1-1.png"
    assert store.open("frames/1/1-1.png").read() == b"whole"
    assert os.stat(store.path("frames/1/1-1.png")).st_mode & 0o777 == 0o600
    assert store.listdir("frames/1")[1] == ["1-1.png"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_what_breaks_in_the_middle_leaves_nothing(store, error):
    with pytest.raises(error):
        store.save("frames/1/1-1.png", Breaks(error))
    assert not store.exists("frames/1/1-1.png")
    assert store.listdir("frames/1")[1] == []


def test_while_it_is_written_the_file_is_not_there(store):
    class Looks(File):
        def chunks(self, chunk_size=None):
            yield b"the first half"
            assert not store.exists("frames/1/1-1.png")
            yield b" and the second"

    store.save("frames/1/1-1.png", Looks(None, "looks"))
    assert store.open("frames/1/1-1.png").read() == b"the first half and the second"


def test_a_name_that_is_taken_keeps_its_file(store):
    store.save("a.png", ContentFile(b"first"))
    other = store.save("a.png", ContentFile(b"second"))
    assert (store.open("a.png").read(), store.open(other).read()) == (b"first", b"second")
