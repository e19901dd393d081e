import dataclasses
import fcntl
import os
import subprocess
import sys
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from core import attempts, claims
from core.models import Dialect, Run
from core.stages import Stage
from tests.stack import ROOT
from workers.neighbours import Neighbours

LEASES = {str(dialect): 300.0 for dialect in Dialect}
HOLD = """
import fcntl, os, sys
held = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(held, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def neighbours(hands):
    made = Neighbours(hands)
    yield made
    made.leave()


@pytest.fixture
def neighbour(services):
    """Another worker's process, as far as its lock goes; the test kills it."""
    (services.settings.spool_dir / "workers").mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, services.settings.spool_dir / "workers/next-door"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env={"PATH": os.defpath},
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture
def taken(services, file_edit):
    """File an edit and let the neighbour claim it."""

    def take() -> claims.Claim:
        file_edit()
        with services.sessions.begin() as session:
            (claim,) = claims.claim(
                session,
                worker="next-door",
                stages=[Stage.READY],
                leases=LEASES,
                host="here",
                keys=services.keys(),
            )
        return claim

    return take


def lease_left(services) -> timedelta:
    with services.sessions() as session:
        return session.scalar(select(Run.lease_until - text("clock_timestamp()")))


def killed(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


def test_a_dead_neighbours_unsent_step_is_free_at_once(neighbours, neighbour, taken, services):
    taken()
    assert neighbours.free_the_deads() == 0  # it lives
    assert lease_left(services) > timedelta(seconds=200)

    killed(neighbour)

    assert neighbours.free_the_deads() == 1
    assert lease_left(services) <= timedelta(0)
    assert neighbours.free_the_deads() == 0


@pytest.fixture
def intended(taken, services):
    """Have the neighbour write its intent to send."""
    claim = taken()
    with services.sessions.begin() as session:
        return attempts.open_one(
            session, claim, key_id="key", send_s=5, callback_token=None, estimate_usd=None
        )


def test_a_request_whose_permit_is_still_there_is_free_at_once(
    hands, neighbours, neighbour, intended, services
):
    hands.spool.permits.write(intended.id)
    killed(neighbour)

    assert neighbours.free_the_deads() == 1
    assert lease_left(services) <= timedelta(0)


def test_a_request_that_may_have_been_sent_keeps_its_time(
    neighbours, neighbour, intended, services
):
    killed(neighbour)

    assert neighbours.free_the_deads() == 0
    assert lease_left(services) > timedelta(seconds=200)


def test_another_hosts_worker_is_nobody_we_can_judge(neighbours, taken, services):
    taken()  # no lock of that name lies on this host

    assert neighbours.free_the_deads() == 0
    assert lease_left(services) > timedelta(seconds=200)


def test_who_leaves_takes_its_lock_along(hands, services):
    made = Neighbours(dataclasses.replace(hands, worker="host:1:ab"))
    made.leave()

    assert list((services.settings.spool_dir / "workers").iterdir()) == []


def test_a_lock_that_was_taken_for_a_dead_workers_is_made_anew(hands, services, monkeypatch):
    """It is looked at after its file is made, and before it is locked."""
    locks, lock = hands.spool.locks, fcntl.flock

    def looked_at_first(held: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        assert locks.dead() == ["host:1:ab"]
        locks.forget("host:1:ab")
        lock(held, how)

    monkeypatch.setattr(fcntl, "flock", looked_at_first)
    held = locks.hold("host:1:ab")

    assert locks.is_held("host:1:ab")
    locks.leave("host:1:ab", held)
    assert not locks.is_held("host:1:ab")


def test_who_takes_its_lock_after_all_is_not_forgotten(hands):
    """It was seen between the making of its file and its lock, and passed for dead."""
    held = hands.spool.locks.hold("host:1:ab")
    hands.spool.locks.forget("host:1:ab")

    assert hands.spool.locks.is_held("host:1:ab")
    hands.spool.locks.leave("host:1:ab", held)
