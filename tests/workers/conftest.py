import functools
import hashlib
import io
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import pytest
import requests
from PIL import Image
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from core import clock, intake, submissions, users
from core.details import Detail, load
from core.models import Attempt, Job, Provider, Run, User
from core.services import Services
from core.stages import Stage
from tests.application import services_for
from workers.dispatch import Dispatcher
from workers.hands import Hands
from workers.rechecks import fetch_late, recheck
from workers.spool import Spool

EDIT = {"size": "1024x1024", "quality": "low"}


@pytest.fixture
def public_base_url() -> str:
    """Where callbacks arrive; empty in most tests."""
    return ""


@pytest.fixture
def services(
    database_url, bucket, tmp_path, openai_simulator, minimax_simulator, public_base_url
) -> Iterator[Services]:
    made = services_for(
        database_url,
        bucket,
        tmp_path,
        openai_base_url=f"{openai_simulator.url}/v1",
        minimax_base_url=minimax_simulator.url,
        public_base_url=public_base_url,
        download_allowed_hosts=frozenset({minimax_simulator.url.removeprefix("http://")}),
    )
    yield made
    made.engine.dispose()
    made.bucket.close()


@pytest.fixture
def quick_videos(minimax_simulator) -> None:
    """Let videos be made in a moment, and be small."""
    requests.patch(
        f"{minimax_simulator.url}/_control/settings",
        json={"fixed_s": 0.2, "small_videos": True},
        timeout=5,
    ).raise_for_status()


@pytest.fixture
def hands(services) -> Hands:
    return Hands(
        services=services, spool=Spool(services.settings.spool_dir), worker=f"test:{uuid4().hex}"
    )


@pytest.fixture
def bench(hands, kim, openai_simulator, minimax_simulator, quick_videos, monkeypatch) -> Any:
    """A `Bench` of `tests.workers.observing`, whose helpers are the ones below."""
    return import_module("tests.workers.observing").Bench(
        hands=hands,
        user=kim,
        openai=openai_simulator,
        minimax=minimax_simulator,
        monkeypatch=monkeypatch,
    )


@pytest.fixture
def kim(services) -> User:
    return person(services)


def person(services: Services) -> User:
    """Return the user `kim` of an application."""
    with services.sessions.begin() as session:
        return users.from_account(session, services.accounts.all()["kim"])


def picture(width: int = 800, height: int = 600) -> bytes:
    """Return a picture like no other, of coarse blocks: fine noise is ten times the work to pack.

    And to unpack, to hash and to send, for the application and for the simulators.
    """
    content = io.BytesIO()
    blocks = Image.effect_noise((16, 12), 30).convert("RGB")
    whole = blocks.resize((width, height), Image.Resampling.NEAREST)
    whole.save(content, "PNG", compress_level=1)
    return content.getvalue()


def mask_for(width: int = 800, height: int = 600) -> bytes:
    image = Image.new("RGBA", (width, height), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (width // 4, height // 4, width // 2, height // 2))
    content = io.BytesIO()
    image.save(content, "PNG", compress_level=1)
    return content.getvalue()


def uploaded(
    services: Services,
    user: User,
    content: bytes,
    *,
    purpose: str = "input",
    mime: str = "image/png",
) -> UUID:
    """Upload a file as the browser does; return its asset's id."""
    permission = intake.announce(
        services,
        user,
        intake.Announcement(
            filename="보트.png",
            content_type=mime,
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            purpose=purpose,
        ),
    )
    if "asset" in permission:
        return UUID(permission["asset"]["id"])
    sent = requests.put(permission["url"], data=content, headers=permission["headers"], timeout=10)
    sent.raise_for_status()
    return UUID(intake.confirm(services, user, UUID(permission["upload_id"]))["id"])


def filed(services: Services, user: User, **values: Any) -> Job:
    """File a job as a form does."""
    wish: dict[str, Any] = {"client_key": uuid4().hex, "unknown_price_accepted": True} | values
    return submissions.submit(services, user, submissions.Wish(**wish))


def edit_filed(
    services: Services, user: User, prompt: str = "a paper boat at night", **changes: Any
) -> Job:
    """File an edit of a picture of its own."""
    values = {
        "provider": Provider.GPT,
        "model": "gpt-image-2",
        "prompt": prompt,
        "options": EDIT,
        "input_ids": changes.pop("input_ids", None) or [uploaded(services, user, picture())],
    }
    return filed(services, user, **(values | changes))


def video_filed(
    services: Services,
    user: User,
    model: str,
    options: dict[str, Any],
    prompt: str = "slow push in",
    **changes: Any,
) -> Job:
    """File a video."""
    return filed(
        services,
        user,
        provider=Provider.HAILUO,
        model=model,
        prompt=prompt,
        options=options,
        **changes,
    )


@pytest.fixture
def upload(services, kim) -> Callable[..., UUID]:
    return functools.partial(uploaded, services, kim)


@pytest.fixture
def file_edit(services, kim) -> Callable[..., Job]:
    return functools.partial(edit_filed, services, kim)


@pytest.fixture
def file_video(services, kim) -> Callable[..., Job]:
    return functools.partial(video_filed, services, kim)


@pytest.fixture
def working(hands) -> Iterator[Dispatcher]:
    """A worker's claim loop, woken by the test instead of by a notification."""
    dispatcher = Dispatcher(hands)
    dispatcher.start()
    yield dispatcher
    dispatcher.stop()


@pytest.fixture
def settle(services, kim, request) -> Callable[..., Detail]:
    """Work until a job rests: final, uncertain, or put back for later.

    The work begins with the first wait: what a test does before, it does alone. Once woken, the
    loop finds by itself what falls due.
    """

    def wait(job: Job, *, within_s: float = 20) -> Detail:
        request.getfixturevalue("working").wake()
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            with services.sessions() as session:
                if rests(session, job.id):
                    return load(session, kim, job.id, team_reads=True)
            time.sleep(0.05)
        raise TimeoutError(f"Job {job.id} does not rest.")

    return wait


def rests(session: Session, job_id: UUID) -> bool:
    asked = select(Run.stage, Run.waiting_for).where(Run.job_id == job_id)
    run = session.execute(asked).one_or_none()  # it goes when the job ends
    if run is None or run.stage == Stage.UNCERTAIN:
        return True
    return run.stage == Stage.READY and bool(run.waiting_for)


def fault(simulator, name: str, **values) -> None:
    answer = requests.post(
        f"{simulator.url}/_control/faults", json={"name": name, **values}, timeout=5
    )
    assert answer.status_code < 300, answer.text


def billed(simulator) -> list[dict]:
    entries = requests.get(f"{simulator.url}/_control/ledger", timeout=5).json()
    entries = entries["entries"] if isinstance(entries, dict) else entries
    return [entry for entry in entries if entry["event"] == "billed"]


def look_now(hands: Hands) -> None:
    """Let every recheck be due, and do it."""
    with hands.services.sessions.begin() as session:
        session.execute(
            update(Attempt)
            .where(Attempt.recheck_at.is_not(None))
            .values(recheck_at=clock.now() - timedelta(seconds=1))
        )
    recheck(hands)
    while fetch_late(hands):
        pass


def waits_for_lock(services: Services) -> bool:
    """Return whether somebody waits for a lock in this test's database."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = "
    with services.sessions() as session:
        here = "(SELECT oid FROM pg_database WHERE datname = current_database())"
        return bool(session.scalar(text(waiting + here)))
