"""PostgreSQL and Redis for the stack: those that DATABASE_URL and REDIS_URL name, else embedded ones with roles of their own."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from pictor.stack import embedded
from pictor.stack.ports import free_port
from pictor.stack.secret_file import Secrets
from pictor.stack.supervisor import Supervisor

OWNER, APP, NAME = "pictor_owner", "pictor_app", "pictor"


@dataclass
class Databases:
    """Where the truth and the hints are; None for what somebody else runs."""

    app_url: str
    owner_url: str
    redis_url: str
    postgres: embedded.Postgres | None = None
    valkey_folder: Path | None = None
    secrets: Secrets = field(default_factory=Secrets, repr=False)

    @property
    def app_role(self) -> str:
        """Empty where one role does everything."""
        return (urlsplit(self.app_url).username or "") if self.app_url != self.owner_url else ""

    def start(self, supervisor: Supervisor) -> None:
        if self.valkey_folder:
            self.valkey_folder.mkdir(parents=True, exist_ok=True)
            port = urlsplit(self.redis_url).port
            supervisor.start(embedded.valkey_program(port, self.valkey_folder, self.secrets.valkey_password))
        if self.postgres:
            self.postgres.create(durable=True)
            supervisor.start(self.postgres.program())
            make_roles(self.postgres.url, self.secrets)


def choose(var: Path, secrets: Secrets, environment: dict[str, str]) -> Databases:
    """DATABASE_URL and REDIS_URL when they are set, each by itself."""
    app_url = environment.get("DATABASE_URL", "")
    postgres = None
    if not app_url:
        postgres = embedded.Postgres(var / "postgres", free_port(), secrets.postgres_password)
        app_url = f"postgresql://{APP}:{secrets.app_password}@127.0.0.1:{postgres.port}/{NAME}"
        owner_url = f"postgresql://{OWNER}:{secrets.owner_password}@127.0.0.1:{postgres.port}/{NAME}"
    else:
        owner_url = environment.get("DATABASE_OWNER_URL") or app_url
    redis_url = environment.get("REDIS_URL", "")
    own_valkey = not redis_url
    redis_url = redis_url or f"redis://:{secrets.valkey_password}@127.0.0.1:{free_port()}/0"
    return Databases(app_url, owner_url, redis_url, postgres, var / "valkey" if own_valkey else None, secrets)


def make_roles(superuser_url: str, secrets: Secrets) -> None:
    """The owner that migrates, the app role that merely reads and writes rows, and the database; again and again the same."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        for role, password in ((OWNER, secrets.owner_password), (APP, secrets.app_password)):
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
            verb = sql.SQL("ALTER" if known else "CREATE")
            connection.execute(
                sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, sql.Identifier(role), sql.Literal(password))
            )
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(NAME), sql.Identifier(OWNER)))
