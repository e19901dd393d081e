"""One durable Postgres on which everybody is measured, and our application's parts on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2

from core import jobs, users
from core.accounts import Account
from core.models import Dialect, Role, User
from core.schema import migrate
from core.services import Services, build
from core.settings import Settings
from tests import servers
from tests.servers import Databases


@contextmanager
def ground() -> Iterator[Databases]:
    """A server as the local stack runs it: every commit is on disk before it is answered."""
    with servers.postgres(durable=True) as cluster:
        databases = Databases(cluster)
        try:
            yield databases
        finally:
            databases.close()


def with_schema(databases: Databases, name: str) -> str:
    """Make a database with our tables; return its DSN."""
    url = databases.create(name)
    migrate(url)
    return url


def services_on(url: str, folder: Path, **changes: Any) -> Services:
    """Return services with the settings an operator would leave alone; they have no bucket."""
    settings: dict[str, Any] = {
        "database_url": url,
        "s3_bucket": "none",
        "s3_access_key_id": "none",
        "s3_secret_access_key": "none",
        "auth_credentials": folder / "credentials.yaml",
        "auth_cookie_key": "k" * 32,
        "spool_dir": folder / "spool",
        "openai_api_key": "sk-bench",
        "minimax_api_key": "mm-bench",
    }
    return build(Settings(**(settings | changes)), application="bench")


def person(services: Services) -> User:
    """Return somebody whose jobs these are."""
    account = Account(login_id="kim", display_name="Kim", role=Role.TESTER, password_hash=b"")
    with services.sessions.begin() as session:
        return users.from_account(session, account)


def order(key: str | None = None) -> jobs.Order:
    """Return an edit without files, ready to be filed."""
    return jobs.Order(
        provider="gpt",
        dialect=Dialect.OPENAI,
        model="gpt-image-2",
        prompt="a paper boat on the sea at night, seen from above",
        options={"size": "1024x1024", "quality": "low"},
        inputs=[],
        client_key=key or uuid4().hex,
    )


def plain(url: str) -> str:
    """Return a DSN as libpq and asyncpg take it."""
    return url.replace("postgresql+psycopg2://", "postgresql://")


def connected(url: str) -> Any:
    """Return a bare connection that commits by itself."""
    connection = psycopg2.connect(plain(url))
    connection.autocommit = True
    return connection


def others_connected(cursor: Any) -> int:
    """Return how many connections others than this one have to its database."""
    cursor.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    return int(cursor.fetchone()[0])
