import dataclasses
import threading
from datetime import timedelta

from sqlalchemy import func, select, text

from core import heartbeats
from core.models import LoginAttempt, Tick
from workers import housekeeping


def tries(services) -> int:
    with services.sessions() as session:
        return session.scalar(select(func.count()).select_from(LoginAttempt))


def an_old_try(services) -> None:
    with services.sessions.begin() as session:
        when = func.now() - timedelta(days=2)
        session.add(LoginAttempt(login_id="kim", address="127.0.0.1", at=when, succeeded=False))


def test_one_worker_tidies_for_all_and_again_in_the_next_period(services, hands):
    other = dataclasses.replace(hands, worker="another")
    an_old_try(services)
    housekeeping.tidy(hands)
    assert tries(services) == 0

    an_old_try(services)
    housekeeping.tidy(other)
    housekeeping.tidy(hands)
    assert tries(services) == 1  # somebody has tidied in this period

    with services.sessions.begin() as session:
        session.execute(text("UPDATE ticks SET tick = tick - interval '10 minutes'"))
    housekeeping.tidy(other)
    assert tries(services) == 0


def test_of_many_workers_at_once_exactly_one_is_first(services):
    firsts, start = [], threading.Barrier(8)

    def ask(name: str) -> None:
        start.wait()
        with services.sessions.begin() as session:
            if heartbeats.first_to(session, "task", every_s=3600, worker=name):
                firsts.append(name)

    asking = [threading.Thread(target=ask, args=(f"w{n}",)) for n in range(8)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()

    with services.sessions() as session:
        (tick,) = session.scalars(select(Tick)).all()
    assert firsts == [tick.worker]
    assert tick.tick.minute == tick.tick.second == tick.tick.microsecond == 0
