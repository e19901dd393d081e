from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from core.fair_order import NO_LIMIT, Room, Rooms, Waiting, chosen

KEY = ("openai", "key")
START = datetime(2026, 11, 23, tzinfo=UTC)
ANN, BEN, CAT = (UUID(int=n) for n in (1, 2, 3))


def waiting(*jobs: tuple[UUID, int], model: str = "m") -> list[Waiting]:
    """Return jobs, oldest first, of (person, input images)."""
    return [
        Waiting(
            job_id=UUID(int=1000 + n),
            key=KEY,
            model=model,
            user_id=who,
            images=images,
            due_at=START + timedelta(seconds=n),
        )
        for n, (who, images) in enumerate(jobs)
    ]


def rooms(room: Room | None = None, *, models=None, running=None, per_user=NO_LIMIT) -> Rooms:
    return Rooms(
        keys={KEY: room or Room()},
        models={(KEY, name): own for name, own in (models or {}).items()},
        running={(KEY, who): count for who, count in (running or {}).items()},
        per_user={KEY: per_user},
    )


def people(taken) -> list[UUID]:
    return [job.user_id for job in taken]


def test_people_take_turns_however_many_one_of_them_has():
    jobs = waiting(*[(ANN, 1)] * 10, (BEN, 1), (CAT, 1))

    assert people(chosen(jobs, rooms(), limit=4)) == [ANN, BEN, CAT, ANN]


def test_who_has_least_under_way_comes_first():
    jobs = waiting((ANN, 1), (BEN, 1))

    assert people(chosen(jobs, rooms(running={ANN: 2}), limit=2)) == [BEN, ANN]


def test_nobody_has_more_under_way_than_one_person_may():
    jobs = waiting(*[(ANN, 1)] * 5)

    assert len(chosen(jobs, rooms(running={ANN: 1}, per_user=3), limit=5)) == 2


def test_a_person_at_the_limit_holds_up_nobody():
    jobs = waiting((ANN, 1), (BEN, 1))

    assert people(chosen(jobs, rooms(running={ANN: 1}, per_user=1), limit=2)) == [BEN]


def test_nobody_overtakes_the_one_who_does_not_fit_yet():
    jobs = waiting((ANN, 3), (BEN, 1))

    assert chosen(jobs, rooms(Room(images=2, window=5)), limit=2) == []


def test_an_edit_larger_than_the_window_goes_alone():
    jobs = waiting((ANN, 6), (BEN, 1))

    assert people(chosen(jobs, rooms(Room(images=5, window=5)), limit=2)) == [ANN]


def test_a_full_model_holds_up_no_other_model():
    full = {"full": Room(requests=0, per_minute=5)}
    jobs = waiting((ANN, 1), model="full")[:1] + waiting((BEN, 1), (BEN, 1))[1:]

    assert people(chosen(jobs, rooms(models=full), limit=2)) == [BEN]


@given(
    jobs=st.lists(st.tuples(st.sampled_from([ANN, BEN, CAT]), st.integers(0, 9)), max_size=30),
    requests=st.integers(-2, 9),
    window=st.integers(1, 9),
    used=st.integers(0, 12),
    tasks=st.integers(-2, 9),
    running=st.dictionaries(st.sampled_from([ANN, BEN, CAT]), st.integers(0, 5)),
    per_user=st.integers(1, 5),
    limit=st.integers(1, 20),
)
def test_no_limit_is_ever_passed_and_nothing_that_fits_is_left(
    jobs, requests, window, used, tasks, running, per_user, limit
):
    room = Room(requests=requests, per_minute=9, images=window - used, window=window, tasks=tasks)
    all_jobs = waiting(*jobs)
    taken = chosen(all_jobs, rooms(room, running=running, per_user=per_user), limit=limit)

    started = Counter(people(taken))
    images = sum(job.images for job in taken)
    assert len(taken) <= min(limit, max(0, requests), max(0, tasks))
    assert all(running.get(who, 0) + count <= per_user for who, count in started.items() if count)
    assert images <= max(0, window - used) or (used == 0 and taken[0].images == images)
    fair = [job for job in all_jobs if running.get(job.user_id, 0) < per_user]
    if fair and min(requests, tasks) > 0 and used == 0:
        assert taken
