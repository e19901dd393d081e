from datetime import UTC, datetime, timedelta

from core.ids import floor_id, new_id


def test_ids_are_version_7_and_strictly_increasing():
    ids = [new_id() for _ in range(10_000)]

    assert ids == sorted(set(ids))
    assert {id.version for id in ids} == {7}


def test_a_floor_divides_ids_by_time():
    now = datetime.now(UTC)

    assert floor_id(now - timedelta(seconds=1)) < new_id() < floor_id(now + timedelta(minutes=1))
