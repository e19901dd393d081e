"""What every test may ask for. Nothing is started before a test asks for it."""

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3.session
import pytest
import structlog
from botocore import loaders
from botocore import session as botocore_session
from playwright.sync_api import Browser
from pytest_socket import socket_allow_hosts

from tests import servers, statements
from tests.browser import chromium

SIMULATOR_SPEED = 0.02
LONGEST_FIRST = ("acceptance", "campaigns", "stateful", "workers", "components", "local", "model")


def pytest_configure() -> None:
    """Look for garbage seldom: 4,500 tests are made first, and none of that is any.

    And log what was raised without every frame's variables: that takes seconds, for nobody.
    """
    gc.set_threshold(10_000)
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


def pytest_collection_finish() -> None:
    """Look through what was imported and collected no more."""
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits longest, so that no process is alone with it at the end."""
    items.sort(key=_place_in_line)


def _place_in_line(item: pytest.Item) -> int:
    folder = item.path.parent.name
    return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)


def pytest_runtest_setup() -> None:
    """Let tests reach this machine and nothing else."""
    socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)


@pytest.fixture(scope="session", autouse=True)
def descriptions_of_services() -> Iterator[None]:
    """Let boto3's clients share what they know of S3.

    Each would parse 2 MB of JSON, and name 140 functions that are to hear of its requests, anew.
    """
    shared = loaders.create_loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore_session, "create_loader", lambda _path=None: shared)
        patch.setattr(boto3.session, "Session", cache(boto3.session.Session))
        yield


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """Let a sign-in cost a millisecond; that it costs a quarter of a second is bcrypt's to test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.accounts.ROUNDS", 4)
        yield


@pytest.fixture(scope="session")
def databases() -> Iterator[servers.Databases]:
    """A Postgres with the application's schema in a template."""
    with servers.postgres() as cluster:
        found = servers.Databases(cluster)
        try:
            migrate = import_module("core.schema").migrate
            migrate(found.create(servers.TEMPLATE))
            with statements.compiled_once(found.url("postgres")):
                yield found
        finally:
            found.close()


@pytest.fixture
def empty_database_url(databases: servers.Databases) -> Iterator[str]:
    """A database without a schema."""
    yield from _database(databases, "template1")


@pytest.fixture
def database_url(databases: servers.Databases) -> Iterator[str]:
    """A database of its own for each test: commits, threads and workers are real."""
    yield from _database(databases, servers.TEMPLATE)


@pytest.fixture
def new_database(databases: servers.Databases) -> Iterator[Callable[[], str]]:
    """Makes databases for tests that need several; each is as `database_url`."""
    with ExitStack() as made:
        yield lambda: made.enter_context(contextmanager(_database)(databases, servers.TEMPLATE))


def _database(databases: servers.Databases, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    yield databases.create(name, template=template)
    databases.drop(name)


@pytest.fixture(scope="session")
def s3() -> Iterator[servers.Store]:
    """A local S3 store that verifies signatures, for the whole run."""
    with servers.store() as store:
        yield store


@pytest.fixture(scope="session")
def new_bucket(s3: servers.Store) -> Iterator[Callable[[], servers.StoreBucket]]:
    """Makes buckets with the application's CORS rules, through one client."""
    with servers.opened(servers.named(s3)) as client:
        yield lambda: servers.provisioned(servers.named(s3), through=client)


@pytest.fixture
def bucket(new_bucket: Callable[[], servers.StoreBucket]) -> servers.StoreBucket:
    """A bucket of its own for each test."""
    return new_bucket()


@pytest.fixture(scope="module")
def shared_bucket(new_bucket: Callable[[], servers.StoreBucket]) -> servers.StoreBucket:
    """The same for a whole module."""
    return new_bucket()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for the whole run: two of them cannot share a process."""
    with chromium() as started:
        yield started


@pytest.fixture
def openai_simulator(tmp_path: Path) -> Iterator[Any]:
    """OpenAI's images, fifty times as fast; `.url`, control routes under `/_control`."""
    yield from _simulator("openai", tmp_path)


@pytest.fixture
def minimax_simulator(tmp_path: Path) -> Iterator[Any]:
    """MiniMax's videos, fifty times as fast; `.url`, control routes under `/_control`."""
    yield from _simulator("minimax", tmp_path)


def _simulator(name: str, folder: Path) -> Iterator[Any]:
    data = folder / name
    data.mkdir()
    server = import_module(f"deploy.local.simulators.{name}.server")
    simulator = server.serve(0, data, speed=SIMULATOR_SPEED).start()
    yield simulator
    simulator.stop()
