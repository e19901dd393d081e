"""The bucket of the storage tests: at the local store, or a real one if S3_TEST_* is set."""

import os
from collections.abc import Iterator

import pytest
import pytest_socket

from core.storage.bucket import Bucket
from tests import servers
from tests.stack import free_port

REAL = servers.real_bucket(os.environ)


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
    place = REAL or servers.named(request.getfixturevalue("s3"))
    with servers.opened(servers.provisioned(place)) as client:
        yield client


@pytest.fixture
def missing(s3: servers.Store) -> Iterator[Bucket]:
    """A bucket that nobody has made yet, at the local store."""
    with servers.opened(servers.named(s3)) as client:
        yield client


@pytest.fixture
def nowhere() -> Iterator[Bucket]:
    """A bucket at a port where nobody listens."""
    place = servers.StoreBucket(
        endpoint_url=f"http://127.0.0.1:{free_port()}",
        region="us-east-1",
        name="pictures",
        access_key="AKIDEXAMPLE",
        secret_key="tests-only",
    )
    with servers.opened(place) as client:
        yield client
