import contextlib
import dataclasses
import signal
import socket
import time
from collections import Counter
from pathlib import Path

import pytest
import requests
from sqlalchemy import func, select, text

from core.models import Attempt, Job, JobEvent, Run, Spool, Worker
from core.services import HOST
from core.stages import Outcome, Stage, Status
from tests.workers.conftest import billed, picture
from tests.workers.left_behind import claimed, forget, intended, spooled_answer
from tests.workers.processes import until, worker

FILM = {"mode": "text", "resolution": "768P", "duration": 6}


@pytest.fixture
def settings(services):
    """As on a server: one machine, time enough for what was sent."""
    return dataclasses.replace(
        services.settings,
        worker_concurrency=4,
        poll_interval_s=1,
        openai_timeout_s=20,
        lease_margin_s=8,
    )


@pytest.fixture
def slow_providers(openai_simulator, minimax_simulator):
    changed(openai_simulator, fixed_s=2, tail_share=0)
    changed(minimax_simulator, fixed_s=1, small_videos=True)


def changed(simulator, **settings) -> None:
    answer = requests.patch(f"{simulator.url}/_control/settings", json=settings, timeout=5)
    answer.raise_for_status()


@pytest.fixture
def load(file_edit, file_video, upload, slow_providers):
    """Ten edits and four films: more than a worker has hands for."""
    image = upload(picture())
    jobs = [file_edit(prompt=f"edit {n}", input_ids=[image]) for n in range(10)]
    return jobs + [file_video("MiniMax-Hailuo-02", FILM, prompt=f"film {n}") for n in range(4)]


def stages(services) -> Counter[str]:
    with services.sessions() as session:
        return Counter(session.scalars(select(Run.stage)))


def statuses(services) -> Counter[str]:
    with services.sessions() as session:
        return Counter(session.scalars(select(Job.status)))


def claims_after(services, moment) -> int:
    """Return how many steps of the claim loop's began after a moment of the database's clock."""
    with services.sessions() as session:
        return session.scalar(
            select(func.count())
            .select_from(JobEvent)
            .where(JobEvent.to_stage == Stage.SUBMITTING, JobEvent.at > moment)
        )


def nobody_holds_anything(services) -> bool:
    with services.sessions() as session:
        held = session.scalar(select(func.count()).where(Run.lease_owner.is_not(None)))
        open_ones = session.scalar(select(func.count()).where(Attempt.outcome == Outcome.OPEN))
    return held == 0 and open_ones == 0


def test_sigterm_under_load_leaves_nothing_behind(
    services, settings, load, tmp_path, openai_simulator
):
    with worker(settings, tmp_path) as running:
        until(lambda: stages(services)[Stage.SUBMITTING] == 4)
        time.sleep(0.5)
        with services.sessions() as session:
            second_later = session.scalar(text("SELECT clock_timestamp() + interval '1 second'"))
        running.send()
        until(lambda: running.said("worker_stopping") == 1)
        running.send(signal.SIGINT)  # hurries nothing
        assert running.ended() == 0

    assert running.said("worker_still_finishing") == 1
    assert claims_after(services, second_later) == 0
    assert nobody_holds_anything(services)
    assert stages(services)[Stage.UNCERTAIN] == 0
    assert stages(services)[Stage.READY] >= 1  # the rest waits for the next worker
    with services.sessions() as session:
        edits_done = session.scalar(
            select(func.count()).where(Job.status == Status.DONE, Job.provider == "gpt")
        )
        assert session.scalars(select(Worker)).all() == []
    # How many edits were under way is the order of turns; films have threads of their own.
    assert edits_done == len(billed(openai_simulator)) >= 1
    assert list((settings.spool_dir / "workers").iterdir()) == []


def test_when_a_worker_had_its_spool_is_known_after_it_has_left(services, hands, tmp_path):
    with worker(services.settings, tmp_path) as one:
        until(lambda: seen_spools(services) == [(hands.spool.host, HOST)])
        one.send()
        assert one.ended() == 0

    with services.sessions() as session:
        assert session.scalars(select(Worker)).all() == []
    assert seen_spools(services) == [(hands.spool.host, HOST)]


def seen_spools(services) -> list[tuple[str, str]]:
    with services.sessions() as session:
        return [(spool.name, spool.machine) for spool in session.scalars(select(Spool))]


def test_a_rolling_restart_loses_nothing(
    services, settings, load, tmp_path, openai_simulator, minimax_simulator
):
    with contextlib.ExitStack() as workers:
        old = workers.enter_context(worker(settings, tmp_path))
        until(lambda: stages(services)[Stage.SUBMITTING] == 4)
        new = workers.enter_context(worker(settings, tmp_path))
        old.send()
        assert old.ended() == 0
        until(lambda: statuses(services)[Status.DONE] == len(load), within_s=60)
        new.send(signal.SIGINT)
        assert new.ended() == 0

    for simulator in (openai_simulator, minimax_simulator):
        assert set(Counter(entry["prompt"] for entry in billed(simulator)).values()) == {1}
    assert len(billed(openai_simulator)) + len(billed(minimax_simulator)) == len(load)


def test_a_killed_workers_free_steps_go_on_without_waiting_for_their_lease(
    services, settings, file_video, slow_providers, tmp_path, minimax_simulator
):
    patient = dataclasses.replace(settings, step_lease_s=300, minimax_timeout_s=30)
    with worker(patient, tmp_path) as first:
        file_video("MiniMax-Hailuo-02", FILM)
        until(lambda: stages(services)[Stage.GENERATING] == 1)
        with services.sessions.begin() as session:  # killed in the middle of a look
            owner = session.scalar(select(Worker.id))
            session.execute(
                text(
                    "UPDATE runs SET lease_owner = :owner, lease_token = lease_token + 1,"
                    " lease_until = now() + interval '300 s'"
                ),
                {"owner": owner},
            )
        first.send(signal.SIGKILL)
        first.ended()
    with worker(patient, tmp_path) as second:
        until(lambda: statuses(services)[Status.DONE] == 1)
        assert second.said("dead_neighbours") == 1
    assert len(billed(minimax_simulator)) == 1


class Systemd:
    """systemd's end of NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self.address = str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.settimeout(0.1)
        self.told: list[str] = []

    def heard(self, line: str) -> bool:
        with contextlib.suppress(TimeoutError):
            while True:
                self.told += self._socket.recv(4096).decode().splitlines()
        return line in self.told

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path):
    made = Systemd(tmp_path / "notify")
    yield made
    made.close()


def test_systemd_is_told_of_start_life_and_end(services, settings, load, tmp_path, systemd):
    with worker(settings, tmp_path, NOTIFY_SOCKET=systemd.address) as running:
        until(lambda: systemd.heard("READY=1"))
        until(lambda: stages(services)[Stage.SUBMITTING] == 4)
        systemd.told.clear()
        until(lambda: systemd.heard("WATCHDOG=1"))
        assert "STOPPING=1" not in systemd.told
        running.send()
        assert running.ended() == 0
        assert systemd.heard("STOPPING=1")
    assert "EXTEND_TIMEOUT_USEC=60000000" in systemd.told
    assert any(line.startswith("STATUS=Finishing") for line in systemd.told)


def test_a_claim_loop_that_hangs_no_longer_feeds_the_watchdog(
    services, settings, tmp_path, systemd
):
    with worker(settings, tmp_path, NOTIFY_SOCKET=systemd.address) as running:
        until(lambda: systemd.heard("WATCHDOG=1"))
        with services.engine.begin() as connection:
            connection.execute(text("LOCK TABLE runs"))  # the loop's next question waits
            time.sleep(settings.poll_interval_s + 0.5)
            systemd.heard("")
            systemd.told.clear()
            time.sleep(2 * settings.poll_interval_s + 0.5)
            assert not systemd.heard("WATCHDOG=1")
            assert beats(connection) == 1  # the process lives, and other threads of it work
        until(lambda: systemd.heard("WATCHDOG=1"))
        running.send()
        assert running.ended() == 0


def beats(connection) -> int:
    return connection.scalar(
        text("SELECT count(*) FROM workers WHERE seen_at > now() - interval '30 s'")
    )


def test_a_worker_looks_at_its_disk_before_it_sends_anything(
    services, hands, settings, tmp_path, file_edit, openai_simulator
):
    job = file_edit()
    attempt = intended(services, claimed(hands))
    spooled_answer(services, hands, attempt, job)
    forget(services, attempt)
    with services.sessions() as session:
        begun = session.scalar(select(func.clock_timestamp()))
    with worker(settings, tmp_path) as running:
        until(lambda: statuses(services) == {Status.DONE: 1})
        running.send()
        assert running.ended() == 0

    assert claims_after(services, begun) == 0
    assert len(billed(openai_simulator)) == 1
