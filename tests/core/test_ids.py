from datetime import UTC, datetime, timedelta

from core.ids import floor_id, made_at, new_id


def test_ids_are_version_7_and_strictly_increasing():
    ids = [new_id() for _ in range(10_000)]

    assert ids == sorted(set(ids))
    assert {id.version for id in ids} == {7}


def test_a_floor_divides_ids_by_time():
    now = datetime.now(UTC)

    assert floor_id(now - timedelta(seconds=1)) < new_id() < floor_id(now + timedelta(minutes=1))


def test_an_id_tells_when_it_was_made():
    before = datetime.now(UTC) - timedelta(milliseconds=1)

    assert before < made_at(new_id()) < before + timedelta(minutes=1)
