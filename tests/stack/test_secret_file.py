"""Secrets are made once and read by their user alone."""

import json
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

    def test_a_file_of_before_gets_what_it_lacks_for_good(self, tmp_path):
        made = secret_file.load(tmp_path)
        kept = json.loads((tmp_path / "secrets.json").read_text())
        (tmp_path / "secrets.json").write_text(json.dumps({n: v for n, v in kept.items() if n != "agent_signing_key"}))
        completed = secret_file.load(tmp_path)
        assert (completed.secret_key, len(completed.agent_signing_key)) == (made.secret_key, 64)
        assert secret_file.load(tmp_path) == completed

    def test_an_interrupted_write_leaves_no_half_file(self, tmp_path):
        (tmp_path / "secrets.new").write_text('{"secret_key": "ha')
        assert secret_file.load(tmp_path).secret_key
