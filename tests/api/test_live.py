"""Which open pages are told of what."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.api.live import Hub
from core.events import LIVE_CHANNEL
from core.ids import new_id
from core.models import User

KIM, LEE = (User(id=new_id(), login_id=name) for name in ("kim", "lee"))


def told(change: dict[str, str], user: User, *, sees_all: bool = False) -> int:
    async def hear() -> int:
        hub = Hub(asyncio.get_running_loop())
        with hub.page(user, sees_all=sees_all) as hints:
            hub.heard(LIVE_CHANNEL, json.dumps(change))
            await asyncio.sleep(0)
            return hints.qsize()

    with ThreadPoolExecutor(1) as beside:  # the browser's tests leave a loop in this thread
        return beside.submit(lambda: asyncio.run(hear())).result()


@pytest.mark.parametrize(
    ("user", "sees_all", "hints"), [(KIM, False, 1), (LEE, False, 0), (LEE, True, 1)]
)
def test_a_job_is_told_to_its_person_and_to_whoever_sees_all(user, sees_all, hints):
    assert told({"job": "1", "user": str(KIM.id)}, user, sees_all=sees_all) == hints


def test_what_is_nobodys_own_is_told_to_everybody():
    assert told({}, LEE) == 1
