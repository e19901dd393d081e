"""The real servers behind the tests: a Postgres and an S3 store of this process's own.

Each pytest worker starts its own, when a test first asks: a second costs less
than sharing would (no lock, no count of users, nothing left by a worker that
crashed), and the servers end with the worker whatever ends it.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import psycopg2
from psycopg2 import sql

from core.storage.bucket import Bucket
from core.storage.provision import provision
from deploy.local import ports, s3
from deploy.local.postgres import Cluster
from deploy.local.postgres_places import cluster_at
from deploy.local.processes import Command

HOST = "127.0.0.1"
ROLE = "proofsheet"  # an ordinary one: as superuser a missing grant would not show
TEMPLATE = "template_proofsheet"
CONNECTIONS = 300  # tests with fleets of workers open many
MEMORY = Path("/dev/shm")  # noqa: S108  (Linux; a folder of our own is made in it)
ENOUGH_BYTES = 2 << 30  # in memory, for the databases of one run
READY_S = 60.0
ORIGINS = ["http://127.0.0.1:8501", "http://localhost:8501"]
REAL_PREFIX = "S3_TEST_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """How to reach an S3 store."""

    endpoint_url: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreBucket:
    """How to reach one bucket."""

    endpoint_url: str
    region: str
    name: str
    access_key: str
    secret_key: str = field(repr=False)


class Databases:
    """Databases of one server, cloned from a template in some 10 ms, on disk in some 100."""

    def __init__(self, cluster: Cluster) -> None:
        """`cluster` runs."""
        self._cluster = cluster
        self._cluster.own_database(ROLE)
        self._admin = psycopg2.connect(host=cluster.sockets, port=5432, user="postgres")
        self._admin.autocommit = True

    def url(self, name: str) -> str:
        """Return the DSN of one database."""
        return self._cluster.url(name, role=ROLE)

    def create(self, name: str, *, template: str = "template1") -> str:
        """Make a database that belongs to the ordinary role; return its DSN."""
        statement = "CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY file_copy"
        self._run(statement, name, template, ROLE)
        return self.url(name)

    def create_deaf_to_korean(self, name: str) -> str:
        """Make one whose character type is `C`; return its DSN."""
        statement = "CREATE DATABASE {} TEMPLATE template0 OWNER {} LOCALE_PROVIDER libc LOCALE 'C'"
        self._run(statement, name, ROLE)
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever still uses it."""
        self._run("DROP DATABASE {} WITH (FORCE)", name)

    def close(self) -> None:
        """Disconnect."""
        self._admin.close()

    def _run(self, statement: str, *names: str) -> None:
        with self._admin.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[Cluster]:
    """A server in a folder of its own, in memory and without fsync.

    As root the folder must be everybody's. `durable`: as the local stack runs it, for what is
    measured.
    """
    place = None if durable else _in_memory()
    base = Path(tempfile.mkdtemp(prefix="proofsheet-tests-", dir=place))
    environment = dict(os.environ)
    cluster = replace(cluster_at(base, environment), durable=durable, connections=CONNECTIONS)
    try:
        cluster.prepare()
        with process(cluster.command(), cluster.accepts, base / "log", stop=signal.SIGINT):
            yield cluster
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _in_memory() -> Path | None:
    """Return where files cost no disk: hundreds of databases have 300 files each."""
    try:
        roomy = shutil.disk_usage(MEMORY).free >= ENOUGH_BYTES
    except OSError:
        return None
    return MEMORY if roomy and os.access(MEMORY, os.W_OK) else None


@contextmanager
def store() -> Iterator[Store]:
    """A ministack that verifies presigned URLs."""
    folder = Path(tempfile.mkdtemp(prefix="proofsheet-tests-"))
    found = ports.remembered(folder / "ports.json", HOST, ("s3",))
    reached = Store(
        endpoint_url=f"http://{HOST}:{found['s3']}",
        region=s3.REGION,
        access_key="AKIDEXAMPLE",
        secret_key="tests-only/+key",
    )
    command = s3.command(
        folder,
        host=HOST,
        port=found["s3"],
        access_key=reached.access_key,
        secret_key=reached.secret_key,
    )
    try:
        with process(command, lambda: s3.ready(HOST, found["s3"]), folder / "log"):
            yield reached
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def named(store: Store, name: str | None = None) -> StoreBucket:
    """Return a bucket that nobody has made yet."""
    return StoreBucket(
        endpoint_url=store.endpoint_url,
        region=store.region,
        name=name or f"tests-{uuid4()}",
        access_key=store.access_key,
        secret_key=store.secret_key,
    )


def real_bucket(env: Mapping[str, str]) -> StoreBucket | None:
    """Return the bucket of a real store that S3_TEST_* names, for the tests of storage alone."""
    if f"{REAL_PREFIX}BUCKET" not in env:
        return None
    return StoreBucket(
        endpoint_url=env.get(f"{REAL_PREFIX}ENDPOINT_URL", ""),
        region=env[f"{REAL_PREFIX}REGION"],
        name=env[f"{REAL_PREFIX}BUCKET"],
        access_key=env[f"{REAL_PREFIX}ACCESS_KEY_ID"],
        secret_key=env[f"{REAL_PREFIX}SECRET_ACCESS_KEY"],
    )


@contextmanager
def opened(place: StoreBucket) -> Iterator[Bucket]:
    """The application's own client of a bucket."""
    client = Bucket(
        endpoint_url=place.endpoint_url,
        public_endpoint_url="",
        region=place.region,
        bucket=place.name,
        access_key=place.access_key,
        secret_key=place.secret_key,
    )
    try:
        yield client
    finally:
        client.close()


def provisioned(place: StoreBucket, *, through: Bucket | None = None) -> StoreBucket:
    """Return a bucket after it has been made, with the application's CORS rules.

    `through` is a client of the same store: opening one costs more than its three requests.
    """
    with nullcontext(through) if through is not None else opened(place) as client:
        client.name = place.name
        steps = provision(client, origins=ORIGINS)
    assert all(step.done for step in steps), steps
    return place


@contextmanager
def process(
    command: Command, ready: Callable[[], bool], log: Path, *, stop: int = signal.SIGTERM
) -> Iterator[subprocess.Popen[bytes]]:
    """A server from the moment it is ready; it ends with us, also when we are killed."""
    with log.open("wb") as output:
        started = subprocess.Popen(
            command.launched(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(command.env),
            cwd=command.cwd,
            start_new_session=True,
        )
    try:
        _wait(started, ready, log)
        yield started
    finally:
        started.send_signal(stop)
        try:
            started.wait(10)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def _wait(started: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while not ready():
        assert started.poll() is None, log.read_text(encoding="utf-8", errors="replace")
        assert time.monotonic() < deadline, log.read_text(encoding="utf-8", errors="replace")
        threading.Event().wait(0.02)
