"""Secrets are made once and read by their user alone."""

import stat

from pictor.stack import secret_file


class LoadTests:
    def test_the_file_is_readable_by_its_user_alone(self, tmp_path):
        secret_file.load(tmp_path)
        assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600

    def test_a_second_start_keeps_them(self, tmp_path):
        assert secret_file.load(tmp_path) == secret_file.load(tmp_path)

    def test_no_two_are_alike(self, tmp_path):
        made = secret_file.load(tmp_path)
        values = [made.secret_key, made.postgres_password, made.owner_password, made.app_password, made.valkey_password]
        assert len(set(values)) == len(values)
        assert all(len(value) >= 32 for value in values)

    def test_an_interrupted_write_leaves_no_half_file(self, tmp_path):
        (tmp_path / "secrets.new").write_text('{"secret_key": "ha')
        assert secret_file.load(tmp_path).secret_key
