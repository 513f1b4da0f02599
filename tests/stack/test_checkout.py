"""Root's copy holds what belongs to the checkout, and follows it."""

import subprocess

import pytest

from pictor.stack import checkout


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "checkout"
    made.mkdir()
    subprocess.run(["git", "init", "-q", made], check=True)
    (made / ".gitignore").write_text("/var/\n")
    (made / "tracked.py").write_text("1")
    (made / "var").mkdir()
    (made / "var" / "secret").write_text("x")
    subprocess.run(["git", "-C", made, "add", "."], check=True)
    (made / "new.py").write_text("2")
    return made


class CopyTests:
    def test_tracked_and_new_files_are_copied_ignored_ones_are_not(self, folder, tmp_path):
        checkout.copy_to(folder, tmp_path / "copy")
        assert checkout.walked(tmp_path / "copy") == checkout.walked(folder)
        assert not (tmp_path / "copy" / "var").exists()

    def test_a_second_time_copies_only_what_changed(self, folder, tmp_path):
        assert checkout.copy_to(folder, tmp_path / "copy") == 3
        assert checkout.copy_to(folder, tmp_path / "copy") == 0
        (folder / "new.py").write_text("changed")
        assert checkout.copy_to(folder, tmp_path / "copy") == 1
        assert (tmp_path / "copy" / "new.py").read_text() == "changed"

    def test_a_file_that_left_the_checkout_leaves_the_copy(self, folder, tmp_path):
        checkout.copy_to(folder, tmp_path / "copy")
        (folder / "tracked.py").unlink()
        checkout.copy_to(folder, tmp_path / "copy")
        assert not (tmp_path / "copy" / "tracked.py").exists()

    def test_others_may_read_the_copy_whatever_the_modes_here(self, folder, tmp_path):
        (folder / "tracked.py").chmod(0o600)
        (folder / "new.py").chmod(0o700)
        checkout.copy_to(folder, tmp_path / "copy")
        assert (tmp_path / "copy" / "tracked.py").stat().st_mode & 0o777 == 0o644
        assert (tmp_path / "copy" / "new.py").stat().st_mode & 0o777 == 0o755
