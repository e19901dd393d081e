"""The bucket of the storage tests: at the local store, or a real one if S3_TEST_* is set."""

import os
import socket
from collections.abc import Iterator, Mapping

import pytest
import pytest_socket

from core.storage.bucket import Bucket
from core.storage.provision import provision
from tests import servers
from tests.conftest import ORIGINS

PREFIX = "S3_TEST_"


def _real(env: Mapping[str, str]) -> servers.StoreBucket | None:
    if f"{PREFIX}BUCKET" not in env:
        return None
    return servers.StoreBucket(
        endpoint_url=env.get(f"{PREFIX}ENDPOINT_URL", ""),
        region=env[f"{PREFIX}REGION"],
        name=env[f"{PREFIX}BUCKET"],
        access_key=env[f"{PREFIX}ACCESS_KEY_ID"],
        secret_key=env[f"{PREFIX}SECRET_ACCESS_KEY"],
    )


REAL = _real(os.environ)


@pytest.fixture(autouse=True)
def _reachable() -> None:
    """Let these tests out when a real store was asked for."""
    if REAL is not None:
        pytest_socket._remove_restrictions()


@pytest.fixture(scope="session")
def bucket(request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """The application's own client of a bucket that it has set up."""
    if REAL is not None:
        pytest_socket._remove_restrictions()
    made = bucket_at(REAL or servers.named(request.getfixturevalue("s3")))
    steps = provision(made, origins=ORIGINS)
    assert all(step.done for step in steps), steps
    yield made
    made.close()


@pytest.fixture
def missing(s3: servers.Store) -> Iterator[Bucket]:
    """A bucket that nobody has made yet, at the local store."""
    made = bucket_at(servers.named(s3))
    yield made
    made.close()


@pytest.fixture
def nowhere() -> Iterator[Bucket]:
    """A bucket at a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    made = bucket_at(
        servers.StoreBucket(
            endpoint_url=f"http://127.0.0.1:{port}",
            region="us-east-1",
            name="pictures",
            access_key="AKIDEXAMPLE",
            secret_key="tests-only",
        )
    )
    yield made
    made.close()


def bucket_at(place: servers.StoreBucket) -> Bucket:
    """Return a client of a bucket."""
    return Bucket(
        endpoint_url=place.endpoint_url,
        public_endpoint_url="",
        region=place.region,
        bucket=place.name,
        access_key=place.access_key,
        secret_key=place.secret_key,
    )
