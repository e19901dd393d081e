from collections.abc import Iterator

import pytest

from core import users
from core.models import User
from tests.application import services_for
from workers.hands import Hands
from workers.spool import Spool


@pytest.fixture
def hands(database_url, bucket, tmp_path) -> Iterator[Hands]:
    """A worker's hands over a real Postgres, a real bucket and a real spool."""
    services = services_for(database_url, bucket, tmp_path)
    yield Hands(services=services, spool=Spool(services.settings.spool_dir), worker="host:1")
    services.engine.dispose()
    services.bucket.close()


@pytest.fixture
def kim(hands) -> User:
    services = hands.services
    with services.sessions.begin() as session:
        return users.from_account(session, services.accounts.all()["kim"])
