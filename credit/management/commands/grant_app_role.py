"""Give the app's SQL role what it may do: read and write rows, but never change or delete a transfer.

Run by the owner role after every `migrate`.
"""

from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction

GRANTS = """
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
REVOKE UPDATE, DELETE, TRUNCATE ON credit_transfer FROM {role};
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON django_migrations FROM {role};
"""


class Command(BaseCommand):
    help = "Grant the app's SQL role its rights on the tables (rows only; transfers may not be changed or deleted)."

    def add_arguments(self, parser) -> None:
        parser.add_argument("role", help="an existing PostgreSQL role")

    @transaction.atomic
    def handle(self, *, role: str, **options) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [role])
            found = cursor.fetchone()
            if found is None:
                raise CommandError(f"There is no role {role}. Create it first: CREATE ROLE {role} LOGIN PASSWORD '...'")
            if found[0]:
                raise CommandError(f"{role} is a superuser: rights do not bind it. Use an ordinary role for the app.")
            cursor.execute(GRANTS.format(role=connection.ops.quote_name(role)))
        self.stdout.write(f"{role} may read and write rows; transfers stay as written.")
