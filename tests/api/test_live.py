"""Which open pages are told of what."""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.api.live import Hub
from core.events import LIVE_CHANNEL
from core.ids import new_id
from core.models import User

KIM, LEE = (User(id=new_id(), login_id=name) for name in ("kim", "lee"))


def told(
    change: Mapping[str, object], user: User, *, sees_all: bool = False, channel: str = LIVE_CHANNEL
) -> list[object]:
    async def hear() -> list[object]:
        hub = Hub(asyncio.get_running_loop())
        with hub.page(user, sees_all=sees_all) as hints:
            hub.heard(channel, json.dumps(change) if channel else "")
            await asyncio.sleep(0)
            return [json.loads(hints.get_nowait()) for _ in range(hints.qsize())]

    with ThreadPoolExecutor(1) as beside:  # the browser's tests leave a loop in this thread
        return beside.submit(lambda: asyncio.run(hear())).result()


@pytest.mark.parametrize(
    ("user", "sees_all", "hints"), [(KIM, False, 1), (LEE, False, 0), (LEE, True, 1)]
)
def test_a_job_is_told_to_its_person_and_to_whoever_sees_all(user, sees_all, hints):
    change = {"job": "1", "user": str(KIM.id)}
    assert told(change, user, sees_all=sees_all) == [{"job": "1"}] * hints


def test_what_is_nobodys_own_is_told_to_everybody():
    assert told({"news": True}, LEE) == [{"news": True}]


def test_a_job_of_which_every_page_speaks_is_told_as_news_too():
    change = {"job": "1", "user": str(KIM.id), "news": True}
    assert told(change, KIM) == [{"job": "1", "news": True}]
    assert told(change, LEE) == []
    assert told(change, LEE, sees_all=True) == [{"job": "1"}]  # it is no news of hers


def test_after_a_gap_everybody_is_told_to_look_again():
    assert told({}, LEE, channel="") == [{"news": True}]
