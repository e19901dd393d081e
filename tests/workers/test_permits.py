"""A request leaves with its permit, or it is known never to have left: one of the two."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest

from core import decisions
from core.errors import NotSent
from core.models import Attempt
from core.restore import after_restore
from core.stages import Outcome, Stage
from tests.workers.conftest import billed
from tests.workers.left_behind import claimed, detail_of, die, intended, stage_of, wait_s
from workers import permits, recovery, sending, sweep
from workers.permits import Permits
from workers.spool import Spool

pytestmark = pytest.mark.usefixtures("quick_videos")


def test_either_the_sender_has_it_or_the_sweep(tmp_path):
    found = Permits(tmp_path)

    def sent(attempt_id) -> bool:
        try:
            found.tear_up(attempt_id)
        except NotSent:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        for _ in range(500):
            attempt_id = uuid4()
            found.write(attempt_id)
            left, revoked = pool.submit(sent, attempt_id), pool.submit(found.revoke, attempt_id)
            assert left.result() != revoked.result()


def test_one_that_was_taken_away_stays_so_until_it_is_forgotten(tmp_path):
    found, attempt_id = Permits(tmp_path), uuid4()
    found.write(attempt_id)

    assert found.revoke(attempt_id)
    assert found.revoke(attempt_id), "its sweep may have died before it told the database"
    assert found.all() == [attempt_id]
    found.drop(attempt_id)
    assert not found.revoke(attempt_id)
    assert found.all() == []


def test_one_of_another_boot_proves_nothing(tmp_path):
    attempt_id = uuid4()
    Permits(tmp_path, boot="before the power cut").write(attempt_id)

    assert not Permits(tmp_path).revoke(attempt_id)


def test_a_copy_proves_nothing(tmp_path):
    found, attempt_id = Permits(tmp_path), uuid4()
    found.write(attempt_id)
    (original,) = found.paths()
    copied = tmp_path / "copy"
    copied.write_bytes(original.read_bytes())
    copied.replace(original)

    assert not found.revoke(attempt_id)


def test_what_is_no_permit_of_ours_is_passed_over(tmp_path):
    found, attempt_id = Permits(tmp_path), uuid4()
    (tmp_path / "notes.permit").write_bytes(b"\xff")
    (tmp_path / f"{attempt_id}.permit").write_bytes(b"\xff")

    assert found.all() == [attempt_id]
    assert found.unsent() == []
    assert not found.revoke(attempt_id)


def test_one_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    found = Permits(tmp_path)
    monkeypatch.setattr(Permits, "_named", failing)

    with pytest.raises(OSError, match="no room"):
        found.write(uuid4())
    assert found.paths() == []


def failing(*_: object) -> None:
    raise OSError(errno.ENOSPC, "no room")


def test_without_a_name_for_the_boot_nothing_is_proved(tmp_path, monkeypatch):
    monkeypatch.setattr(permits, "BOOT_ID", tmp_path / "nowhere")
    found, attempt_id = Permits(tmp_path), uuid4()
    found.write(attempt_id)

    assert not found.revoke(attempt_id)
    found.tear_up(attempt_id)  # to send is allowed all the same


def test_nothing_is_sent_without_it(services, hands, kim, file_edit, openai_simulator, monkeypatch):
    """A sender that slept while the sweep freed its job; both clocks may be wrong."""
    job = file_edit()
    claim = claimed(hands)
    sender, revoke = Permits.tear_up, hands.spool.permits.revoke

    def late(self, attempt_id) -> None:
        assert revoke(attempt_id)
        sender(self, attempt_id)

    monkeypatch.setattr(Permits, "tear_up", late)
    sending.submit(hands, claim, deadline=float("inf"))

    assert billed(openai_simulator) == []
    detail = detail_of(services, kim, job)
    assert (detail.stage, detail.run.waiting_for) == (Stage.READY, "too_late")
    assert hands.spool.permits.all() == []


def test_a_request_that_left_has_none(services, hands, file_edit, openai_simulator):
    file_edit()
    sending.submit(hands, claimed(hands), deadline=float("inf"))

    assert len(billed(openai_simulator)) == 1
    assert hands.spool.permits.all() == []


def test_a_request_that_never_left_is_free_as_soon_as_its_lease_ends(
    services, hands, kim, file_edit
):
    job = file_edit()
    attempt = intended(services, claimed(hands), send_s=3600)
    hands.spool.permits.write(attempt.id)
    assert sweep.sweep(hands) == 0, "its worker may be at it"
    die(services, job)

    assert sweep.sweep(hands) == 1
    detail = detail_of(services, kim, job)
    assert detail.stage is Stage.READY
    assert [it.outcome for it in detail.attempts] == [Outcome.NOT_SENT]
    recovery.recover(hands)
    assert hands.spool.permits.all() == []


def test_a_disk_that_cannot_be_read_holds_up_no_other_job(
    services, hands, kim, file_edit, monkeypatch
):
    """Such a request waits for its time, as one without a permit."""
    stuck, free = file_edit(), file_edit()
    attempt = intended(services, claimed(hands), send_s=3600)
    hands.spool.permits.write(attempt.id)
    claimed(hands)
    for job in (stuck, free):
        die(services, job)
    monkeypatch.setattr(Permits, "_named", failing)

    assert sweep.sweep(hands) == 1
    assert stage_of(services, kim, stuck) is Stage.SUBMITTING
    assert stage_of(services, kim, free) is Stage.READY


def test_a_trace_of_an_answer_counts_for_more(services, hands, kim, file_edit):
    job = file_edit()
    attempt = intended(services, claimed(hands), send_s=-60)
    hands.spool.permits.write(attempt.id)
    hands.spool.body(attempt.id).write_bytes(b'{"data": [')
    die(services, job)

    assert sweep.sweep(hands) == 1
    assert stage_of(services, kim, job) is Stage.UNCERTAIN


def test_a_request_that_kills_its_workers_is_tried_ever_more_rarely(
    services, hands, kim, file_edit, monkeypatch
):
    monkeypatch.setattr(sweep, "backoff_s", lambda lost: 100.0 * lost)
    job = file_edit()
    waited = []
    for _ in range(3):
        attempt = intended(services, claimed(hands))
        hands.spool.permits.write(attempt.id)
        die(services, job)
        sweep.sweep(hands)
        waited.append(wait_s(services, job))

    assert waited == [0, 100, 200]


def test_after_a_restore_nothing_is_concluded_from_what_lay_there(
    services, hands, kim, file_edit, tmp_path
):
    job = file_edit()
    swept_elsewhere(services, hands, job, tmp_path)
    with services.sessions.begin() as session:
        after_restore(session)

    assert recovery.recover(hands) == 0
    detail = detail_of(services, kim, job)
    assert (detail.stage, detail.run.waiting_for) == (Stage.UNCERTAIN, "restored")


def test_what_nobody_knows_is_tidied_after_a_day(hands):
    attempt_id = uuid4()
    hands.spool.permits.write(attempt_id)
    hands.spool.tidy()
    assert hands.spool.permits.all() == [attempt_id]

    for path in hands.spool.permits.paths():
        os.utime(path, (0, 0))
    hands.spool.tidy()
    assert hands.spool.permits.all() == []


@pytest.mark.parametrize("name", ["a.cut", "a.permit", "work/a"])
def test_what_vanishes_while_it_is_looked_at_stops_no_tidying(hands, services, name):
    (services.settings.spool_dir / "work").mkdir(exist_ok=True)
    (services.settings.spool_dir / name).symlink_to("nowhere")
    hands.spool.tidy()


def swept_elsewhere(services, hands, job, tmp_path) -> Attempt:
    """Leave a request that never left to the sweep of a host that cannot know it."""
    attempt = intended(services, claimed(hands), send_s=-60)
    hands.spool.permits.write(attempt.id)
    die(services, job)
    assert sweep.sweep(replace(hands, spool=Spool(tmp_path / "elsewhere"))) == 1
    return attempt


def test_the_host_that_has_it_ends_anothers_doubt(services, hands, kim, file_edit, tmp_path):
    job = file_edit()
    swept_elsewhere(services, hands, job, tmp_path)
    assert stage_of(services, kim, job) is Stage.UNCERTAIN

    assert recovery.recover(hands) == 1
    detail = detail_of(services, kim, job)
    assert detail.stage is Stage.READY
    assert [it.outcome for it in detail.attempts] == [Outcome.NOT_SENT]


def test_a_job_given_up_meanwhile_is_known_to_have_cost_nothing(
    services, hands, kim, file_edit, tmp_path
):
    job = file_edit()
    attempt = swept_elsewhere(services, hands, job, tmp_path)
    with services.sessions.begin() as session:
        decisions.give_up(session, kim, job.id)

    assert recovery.recover(hands) == 1
    assert stage_of(services, kim, job) is Stage.ABANDONED
    with services.sessions() as session:
        assert session.get_one(Attempt, attempt.id).outcome == Outcome.NOT_SENT


def test_an_intent_that_is_just_being_written_keeps_its_permit(hands):
    attempt_id = uuid4()
    hands.spool.permits.write(attempt_id)

    assert recovery.recover(hands) == 0
    assert hands.spool.permits.all() == [attempt_id]
