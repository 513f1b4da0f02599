"""The squashed migrations make what the former ones made, and databases of before are carried on from wherever they are."""

import io
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from pictor.stack import embedded

# An install of before: two apps in the middle of what a squashed migration replaces, two at its end.
BEFORE = [
    ("users", "0006_addresses_are_proven"),
    ("credit", "0007_deposits_by_chain"),
    ("workers", "0010_gauges_by_hour_and_day"),
    ("rendering", "0014_checksums_of_frames_for_archives"),
]


class FormerCode(MigrationExecutor):
    """Knows no squashed migration, as the code of that time."""

    def __init__(self, connection):
        super().__init__(connection)
        self.loader.replace_migrations = False
        self.loader.build_graph()
        for squashed, migration in self.loader.replacements.items():
            self.loader.graph.remove_replacement_node(squashed, migration.replaces)

    def check_replacements(self) -> None:
        """Squashed ones are not recorded."""


@contextmanager
def database(name: str) -> Iterator[None]:
    """A new one, with Django's connection on it; that of the tests is put back."""
    of_the_tests = connection.settings_dict["NAME"]
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = of_the_tests
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture
def name(django_db_setup, django_db_blocker) -> Iterator[str]:
    """Of a database that is of this process alone."""
    with django_db_blocker.unblock():
        yield connection.settings_dict["NAME"] + "_steps"


def migrated() -> str:
    """What `manage.py migrate` says."""
    words = io.StringIO()
    call_command("migrate", interactive=False, stdout=words)
    return words.getvalue()


def schema() -> list[str]:
    """Tables with their columns in order, defaults, constraints, indexes, functions, triggers, partitions: as pg_dump has them."""
    server = connection.settings_dict
    where = f"postgresql://{server['USER']}:{server['PASSWORD']}@{server['HOST']}:{server['PORT']}/{server['NAME']}"
    dump = [str(embedded.postgres_bin() / "pg_dump"), "--schema-only", where]
    lines = subprocess.run(dump, check=True, capture_output=True, text=True).stdout.splitlines()
    return [line for line in lines if not line.startswith(("\\restrict", "\\unrestrict"))]  # a new word each time


def forget_squashed() -> None:
    """The table of migrations as the former code left it."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE name LIKE '0001_squashed_%'")


def test_a_new_database_and_one_that_came_all_the_way_are_the_same(name):
    with database(name):
        said = migrated()
        assert "0001_squashed_" in said
        assert "credit.0001_first" not in said
        new = schema()
    with database(name):
        FormerCode(connection).migrate(BEFORE)
        said = migrated()
        assert "0001_squashed_" not in said
        assert "credit.0008_payments_disputes_and_debts... OK" in said
        forget_squashed()
        call_command("migrate", check_unapplied=True)  # ends the process where something is to be done
        said = migrated()
        assert "No migrations to apply" in said
        assert "not yet reflected" not in said
        assert schema() == new
