from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session, sessionmaker

from core import claims, jobs, users
from core.accounts import Account
from core.claims import Claim
from core.database import open_engine, open_sessions
from core.models import Dialect, Job, Role, User
from core.stages import Stage
from core.usage import Key

LEASES = {str(dialect): 60.0 for dialect in Dialect}
KEYS = [Key(dialect=dialect, id="key") for dialect in Dialect]


@pytest.fixture
def sessions(database_url: str) -> Iterator[sessionmaker[Session]]:
    engine = open_engine(database_url, application="test", pool_size=20)
    yield open_sessions(engine)
    engine.dispose()


@pytest.fixture
def kim(sessions) -> User:
    return person(sessions, "kim")


def person(sessions, login: str, role: Role = Role.TESTER) -> User:
    account = Account(login_id=login, display_name=login.title(), role=role, password_hash=b"")
    with sessions.begin() as session:
        return users.from_account(session, account)


def order(**changes) -> jobs.Order:
    values = {
        "provider": "gpt",
        "dialect": "openai",
        "model": "gpt-image-2",
        "prompt": "a paper boat",
        "options": {"size": "auto", "quality": "low"},
        "inputs": [],
        "client_key": uuid4().hex,
    }
    return jobs.Order(**(values | changes))


def filed(sessions, user: User, **changes) -> Job:
    with sessions.begin() as session:
        return jobs.queue(session, user, order(**changes))


def claimed(sessions, *stages: Stage, worker: str = "w1", leases=None) -> Claim:
    claims = claim_all(sessions, *stages, worker=worker, leases=leases, limit=1)
    assert len(claims) == 1
    return claims[0]


def claim_all(sessions, *stages: Stage, worker: str = "w1", leases=None, keys=KEYS, limit=100):
    with sessions.begin() as session:
        return claims.claim(
            session,
            worker=worker,
            stages=stages or (Stage.READY,),
            leases=leases or LEASES,
            host="here",
            keys=keys,
            limit=limit,
        )


def queued(session, user: User, *, count: int) -> None:
    """File many jobs in one statement."""
    session.execute(
        text(
            """
            WITH filed AS (
                INSERT INTO jobs (id, user_id, client_key, provider, model, prompt, options,
                                  status, fingerprint)
                SELECT gen_random_uuid(), :user, gen_random_uuid(), 'gpt', 'm', 'p', '{}',
                       'queued', ''
                FROM generate_series(1, :count) RETURNING id
            )
            INSERT INTO runs (job_id, user_id, provider, dialect, model, stage)
            SELECT id, :user, 'gpt', 'openai', 'm', 'ready' FROM filed
            """
        ),
        {"user": user.id, "count": count},
    )
