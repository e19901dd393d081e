"""A request that was paid, and that the database has forgotten, is not sent again."""

import pytest

from core import attempts, runs
from core.models import AssetKind
from core.restore import after_restore
from core.spending import Charge
from core.stages import Outcome, Stage
from tests.workers.conftest import billed, look_now
from tests.workers.left_behind import (
    V1,
    claimed,
    detail_of,
    forget,
    given_up,
    intended,
    limits,
    sent_again,
    spooled_answer,
    video_request,
)
from tests.workers.processes import until
from workers import recovery

pytestmark = pytest.mark.usefixtures("quick_videos")


@pytest.fixture(params=["edit", "video"])
def forgotten(request, services, hands, file_edit, file_video):
    """A job that was sent and paid, and its attempt, of which only the disk knows any more."""
    job = file_edit() if request.param == "edit" else file_video(*V1)
    attempt = intended(services, claimed(hands))
    if request.param == "edit":
        spooled_answer(services, hands, attempt, job)
    else:
        taken = services.videos["minimax_v1"].submit(video_request(services, job), limits=limits())
        hands.spool.note_task(attempt.id, job.id, taken)
    forget(services, attempt)
    return job, attempt


@pytest.fixture
def all_billed(openai_simulator, minimax_simulator):
    return lambda: len(billed(openai_simulator)) + len(billed(minimax_simulator))


@pytest.mark.parametrize("told", [False, True], ids=["unaware", "after-restore"])
def test_what_the_database_has_forgotten_is_not_sent_again(
    services, hands, kim, forgotten, settle, all_billed, told
):
    job, attempt = forgotten
    if told:
        with services.sessions.begin() as session:
            assert after_restore(session) == 1

    assert recovery.recover(hands) == 1
    detail = settle(job)

    assert detail.stage is Stage.STORED
    assert [(it.id, it.n, it.outcome) for it in detail.attempts] == [(attempt.id, 1, "accepted")]
    assert all_billed() == 1
    assert [*hands.spool.answered(), *hands.spool.noted()] == []
    assert not (services.settings.spool_dir / "strangers").exists()


def test_it_is_not_sent_again_either_by_whoever_claims_it_first(
    services, kim, forgotten, settle, all_billed
):
    """A database that fails over while its workers live: they claim at once."""
    job, attempt = forgotten
    until(lambda: settle(job).stage is Stage.STORED)

    assert [it.id for it in detail_of(services, kim, job).attempts] == [attempt.id]
    assert all_billed() == 1


def test_what_was_forgotten_and_sent_again_is_kept_beside_it(
    services, hands, kim, forgotten, settle, all_billed
):
    """On another host, say, which cannot see this disk."""
    job, attempt = forgotten
    elsewhere = services.settings.spool_dir.with_name("elsewhere")
    services.settings.spool_dir.rename(elsewhere)
    services.settings.spool_dir.mkdir()
    assert settle(job).stage is Stage.STORED
    for path in elsewhere.glob(f"{attempt.id}.*"):
        path.rename(services.settings.spool_dir / path.name)

    recovery.recover(hands)
    recovery.keep_late(hands)
    until(lambda: looked_and_kept(services, hands, kim, job, 2))

    detail = detail_of(services, kim, job)
    assert detail.stage is Stage.STORED
    outcomes = [(it.id == attempt.id, it.outcome) for it in detail.attempts]
    assert outcomes == [(False, "accepted"), (True, "superseded")]
    assert detail.charges == [Charge.COUNTED, Charge.COUNTED]
    assert [*hands.spool.answered(), *hands.spool.noted()] == []


def looked_and_kept(services, hands, kim, job, count) -> bool:
    look_now(hands)
    return len(detail_of(services, kim, job).of_kind(AssetKind.RESULT)) == count


def test_while_another_request_is_under_way_what_was_forgotten_waits(
    services, hands, kim, forgotten, settle, all_billed
):
    job, _ = forgotten
    another = intended(services, claimed(hands))
    assert recovery.recover(hands) == 0

    with services.sessions.begin() as session:  # it turns out that nobody took it
        attempts.settled(session, another.id, Outcome.NOT_SENT)
        runs.freed(session, runs.locked(session, job.id), by="dead")
    until(lambda: settle(job).stage is Stage.STORED)
    assert all_billed() == 1


def test_what_turns_up_after_a_person_has_given_up_is_kept(services, hands, kim, forgotten):
    job, attempt = forgotten
    with services.sessions.begin() as session:
        after_restore(session)
    given_up(services, kim, job)

    recovery.recover(hands)
    recovery.keep_late(hands)
    until(lambda: looked_and_kept(services, hands, kim, job, 1))

    assert [it.id for it in detail_of(services, kim, job).attempts] == [attempt.id]


@pytest.mark.parametrize("noticed_by", ["the sweep", "the sender"])
def test_what_turns_up_before_it_is_sent_again_takes_the_place_of_that(
    services, hands, kim, forgotten, settle, all_billed, noticed_by
):
    job, attempt = forgotten
    with services.sessions.begin() as session:
        after_restore(session)
    sent_again(services, kim, job)

    if noticed_by == "the sweep":
        recovery.recover(hands)
    until(lambda: settle(job).stage is Stage.STORED)

    detail = detail_of(services, kim, job)
    assert [(it.id, it.outcome) for it in detail.attempts] == [(attempt.id, Outcome.ACCEPTED)]
    assert all_billed() == 1
