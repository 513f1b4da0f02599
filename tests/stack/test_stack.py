"""Where a stack finds its databases, and what its processes are told."""

import fcntl
import io
from urllib.parse import urlsplit

import psutil
import pytest
from django.core.management import CommandError

from pictor.management.commands import prepare_stack
from pictor.stack import databases, ports, programs, secret_file
from pictor.stack.stack import Stack
from pictor.stack.words import Stop

OUTSIDE = {
    "DATABASE_URL": "postgresql://app:a@db.invalid/pictor",
    "DATABASE_OWNER_URL": "postgresql://owner:o@db.invalid/pictor",
    "REDIS_URL": "redis://cache.invalid/0",
}


class ChooseTests:
    def test_without_addresses_both_are_embedded_with_roles_of_their_own(self, tmp_path):
        found = databases.choose(tmp_path, secret_file.load(tmp_path), {})
        assert found.postgres
        assert found.valkey_folder
        assert found.app_role == "pictor_app"
        assert urlsplit(found.owner_url).username == "pictor_owner"
        assert urlsplit(found.redis_url).password

    def test_addresses_that_are_set_are_used_each_by_itself(self, tmp_path):
        secrets = secret_file.load(tmp_path)
        assert databases.choose(tmp_path, secrets, {"REDIS_URL": OUTSIDE["REDIS_URL"]}).postgres
        found = databases.choose(tmp_path, secrets, OUTSIDE)
        assert (found.app_url, found.owner_url, found.redis_url) == tuple(OUTSIDE.values())
        assert (found.postgres, found.valkey_folder, found.app_role) == (None, None, "app")

    def test_one_role_for_everything_gets_no_grants(self, tmp_path):
        found = databases.choose(tmp_path, secret_file.load(tmp_path), {"DATABASE_URL": OUTSIDE["DATABASE_URL"]})
        assert found.app_role == ""


class EnvironmentTests:
    def test_the_node_learns_none_of_the_server_s_secrets(self, tmp_path):
        stack = Stack(tmp_path, inherited=OUTSIDE | {"GOOGLE_CLIENT_SECRET": "hush", "S3_SECRET_ACCESS_KEY": "of the bucket"})
        names = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "GOOGLE_CLIENT_SECRET", "S3_SECRET_ACCESS_KEY")
        secrets = {stack.environment[name] for name in names}
        told = programs.node(stack)
        assert not secrets & set(told.environment.values())
        assert not any(secret in word for secret in secrets for word in told.command)

    def test_sockets_are_told_by_the_next_port(self, tmp_path):
        stack = Stack(tmp_path, port=9000, inherited=OUTSIDE)
        assert (stack.environment["SITE_URL"], stack.environment["LIVE_URL"]) == (
            "http://127.0.0.1:9000",
            "ws://127.0.0.1:9001",
        )


class StartTests:
    def test_a_folder_that_another_stack_uses_is_refused(self, tmp_path):
        with (tmp_path / "stack.lock").open("a+") as theirs:
            fcntl.flock(theirs, fcntl.LOCK_EX)
            with pytest.raises(Stop, match="is running on"):
                Stack(tmp_path, inherited=OUTSIDE).start()

    def test_a_disk_without_room_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr("pictor.stack.stack.FREE_BYTES_MIN", 1 << 60)
        with pytest.raises(Stop, match="is full"):
            Stack(tmp_path, inherited=OUTSIDE).start()

    def test_a_disk_that_fills_up_while_it_runs_ends_it_with_its_name(self, tmp_path, monkeypatch):
        stack = Stack(tmp_path, inherited=OUTSIDE)
        stack.require_alive()
        monkeypatch.setattr("pictor.stack.stack.RUNNING_BYTES_MIN", 1 << 60)
        with pytest.raises(Stop, match=f"The disk of {tmp_path} is full"):
            stack.require_alive()


def preparing() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "prepare_stack" in child.cmdline()]


class PrepareTests:
    def test_what_fails_is_told_by_its_last_line(self, tmp_path):
        with pytest.raises(Stop, match=r"manage.py juggle failed: .*\n.*manage.log"):
            Stack(tmp_path, inherited=OUTSIDE).manage("juggle")

    def test_databases_that_do_not_start_end_what_waits_for_them(self, tmp_path, monkeypatch):
        def refuse(databases, supervisor) -> None:
            assert preparing()
            raise Stop("no PostgreSQL here")

        monkeypatch.setattr(databases.Databases, "start", refuse)
        with pytest.raises(Stop, match="no PostgreSQL here"):
            Stack(tmp_path, port=ports.free_pair(), inherited=OUTSIDE).start()
        assert not preparing()

    def test_without_databases_no_table_is_touched(self, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.StringIO(""))
        with pytest.raises(CommandError, match="did not start"):
            prepare_stack.await_databases()


class ReloadTests:
    def test_only_a_stack_for_development_reloads_and_never_for_its_own_logs(self, tmp_path):
        assert f"--reload-ignore-paths={tmp_path.resolve()}" in programs.web(Stack(tmp_path, debug=True))
        assert "--reload" not in programs.web(Stack(tmp_path))
