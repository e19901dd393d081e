"""The S3 server of the storage tests: a local one, or a real bucket if S3_TEST_* is set."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest

from core.storage.bucket import Bucket
from core.storage.provision import provision

ROOT = Path(__file__).parents[2]
ORIGIN = "http://127.0.0.1:8501"
HEALTH_S = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class S3:
    """How to reach a store."""

    endpoint_url: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    bucket: str


@pytest.fixture(scope="session")
def s3(request: pytest.FixtureRequest) -> S3:
    """The store that the contract is tested against."""
    real = _real(os.environ)  # noqa: TID251  (which store to test is no setting of the application)
    return real or request.getfixturevalue("local_s3")


@pytest.fixture(scope="session")
def local_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """A store of our own for the whole run, where buckets may be made."""
    folder = tmp_path_factory.mktemp("s3")
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [ROOT / ".venv-s3/bin/ministack"],
        env=_environment(folder, port),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(f"{url}/_ministack/health")
        yield S3(
            endpoint_url=url,
            region="us-east-1",
            access_key="AKIDEXAMPLE",
            secret_key="tests-only/+key",
            bucket=f"tests-{uuid4()}",
        )
    finally:
        server.terminate()
        server.wait(10)


def _real(env: Mapping[str, str]) -> S3 | None:
    if "S3_TEST_BUCKET" not in env:
        return None
    return S3(
        endpoint_url=env.get("S3_TEST_ENDPOINT_URL", ""),
        region=env["S3_TEST_REGION"],
        access_key=env["S3_TEST_ACCESS_KEY_ID"],
        secret_key=env["S3_TEST_SECRET_ACCESS_KEY"],
        bucket=env["S3_TEST_BUCKET"],
    )


def _environment(folder: Path, port: int) -> Mapping[str, str]:
    return {
        "AUTH": "true",
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "data"),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(folder / "state"),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "SERVICES": "s3",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "tests-only/+key",
        "TMPDIR": str(folder),
        "DOCKER_HOST": "unix:///nonexistent",
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + HEALTH_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)  # noqa: TID251  (nothing tells when the server listens)


@pytest.fixture(scope="session")
def bucket(s3: S3) -> Iterator[Bucket]:
    """A bucket that the application has set up."""
    made = bucket_at(s3)
    steps = provision(made, origins=[ORIGIN])
    assert all(step.done for step in steps), steps
    yield made
    made.close()


@pytest.fixture
def missing(local_s3: S3) -> Iterator[Bucket]:
    """A bucket that nobody has made yet."""
    made = bucket_at(local_s3, name=f"tests-{uuid4()}")
    yield made
    made.close()


@pytest.fixture
def nowhere() -> Iterator[Bucket]:
    """A bucket at a port where nobody listens."""
    made = Bucket(
        endpoint_url=f"http://127.0.0.1:{_free_port()}",
        public_endpoint_url="",
        region="us-east-1",
        bucket="pictures",
        access_key="AKIDEXAMPLE",
        secret_key="tests-only",
    )
    yield made
    made.close()


def bucket_at(s3: S3, *, name: str = "") -> Bucket:
    """Return a client of a bucket at the store."""
    return Bucket(
        endpoint_url=s3.endpoint_url,
        public_endpoint_url="",
        region=s3.region,
        bucket=name or s3.bucket,
        access_key=s3.access_key,
        secret_key=s3.secret_key,
    )
