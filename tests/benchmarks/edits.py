"""Edits through the running worker, timed against the simulator's own clock."""

import hashlib
import io
import os
import threading
import time
from typing import Any
from uuid import UUID, uuid4

import requests
from PIL import Image

from core import intake, submissions, users
from core.models import Job, Provider, User
from core.services import Services
from core.stages import Status
from tests.benchmarks.blocking import Script
from tests.benchmarks.figures import Figures, percentile
from tests.benchmarks.idle import rss_mib
from tests.stack import Stack

MODEL = "gpt-image-2"
OPTIONS = {"size": "1024x1024", "quality": "low"}
MIB = 2**20


def measure(figures: Figures, stack: Stack) -> None:
    """Print click → request, total against a blocking script, and the worker's peak."""
    services = stack.services()
    user = tester(services)
    try:
        _click_to_request(figures, stack, services, user)
        _total(figures, stack, services, user)
        _peak(figures, stack, services, user)
    finally:
        services.engine.dispose()
        services.bucket.close()


def tester(services: Services) -> User:
    account = services.accounts.all()["tester"]
    with services.sessions.begin() as session:
        return users.from_account(session, account)


def uploaded(services: Services, user: User, content: bytes, mime: str = "image/png") -> UUID:
    """Upload a picture as a browser does; return its id."""
    permission = intake.announce(
        services,
        user,
        intake.Announcement(
            filename="bench.png",
            content_type=mime,
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            purpose="input",
        ),
    )
    if "asset" in permission:
        return UUID(permission["asset"]["id"])
    answer = requests.put(
        permission["url"], data=content, headers=permission["headers"], timeout=60
    )
    answer.raise_for_status()
    return UUID(intake.confirm(services, user, UUID(permission["upload_id"]))["id"])


def noise(side: int) -> bytes:
    """Return a PNG that hardly compresses: about `side`² bytes and more."""
    content = io.BytesIO()
    Image.effect_noise((side, side), 80).save(content, "PNG")
    return content.getvalue()


def filed(services: Services, user: User, image: UUID, prompt: str) -> Job:
    """File one edit, as the form's button does."""
    return submissions.submit(
        services,
        user,
        submissions.Wish(
            provider=Provider.GPT,
            model=MODEL,
            prompt=prompt,
            options=OPTIONS,
            input_ids=[image],
            client_key=uuid4().hex,
            unknown_price_accepted=True,
        ),
    )


def finished(services: Services, job_id: UUID, *, within_s: float = 60) -> Job:
    """Wait until a job is final and return it."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with services.sessions() as session:
            job = session.get_one(Job, job_id)
        if job.status in {Status.DONE, Status.ERROR}:
            return job
        time.sleep(0.01)
    raise TimeoutError(f"Job {job_id} did not end in {within_s} s.")


def _click_to_request(
    figures: Figures, stack: Stack, services: Services, user: User, count: int = 200
) -> None:
    stack.control("openai", "settings", method="PATCH", body={"fixed_s": 0.05, "tail_share": 0})
    image = uploaded(services, user, noise(900))
    clicked: dict[str, float] = {}
    jobs = []
    for number in range(count):
        prompt = f"click {number} {uuid4()}"
        clicked[prompt] = time.time()
        jobs.append(filed(services, user, image, prompt))
        time.sleep(0.7)
    for job in jobs:
        finished(services, job.id)
    arrived = {
        entry["prompt"]: entry["arrived_at"]
        for entry in stack.ledger("openai")
        if entry["event"] == "billed"
    }
    delays = [1000 * (arrived[prompt] - at) for prompt, at in clicked.items()]
    figures.told("click_to_request.p50", percentile(delays, 0.5), "ms")
    figures.measured("click_to_request.p95", percentile(delays, 0.95), "ms", goal=100)


def _total(figures: Figures, stack: Stack, services: Services, user: User) -> None:
    ours, theirs = totals(stack, services, user, rounds=8)
    ratio = percentile(ours, 0.5) / percentile(theirs, 0.5)
    figures.told("edit.total", percentile(ours, 0.5), "s")
    figures.told("edit.blocking_script", percentile(theirs, 0.5), "s")
    figures.measured("edit.total_vs_script", ratio, "ratio", goal=1.10)


def totals(
    stack: Stack, services: Services, user: User, *, rounds: int
) -> tuple[list[float], list[float]]:
    """Return the seconds of edits that take the provider 5 s: ours, and the blocking script's.

    From the click until the result is stored; in turn, because the machine's speed drifts.
    """
    stack.control("openai", "settings", method="PATCH", body={"fixed_s": 5, "tail_share": 0})
    content = noise(1000)
    image = uploaded(services, user, content)
    script = Script(str(stack.environment()["OPENAI_BASE_URL"]), services.bucket)
    options = {"model": MODEL, **OPTIONS}
    script.edit(content, "warm up", options)
    finished(services, filed(services, user, image, f"warm up {uuid4()}").id)
    ours, theirs = [], []
    for number in range(rounds):
        theirs.append(script.edit(content, f"script {number}", options))
        started = time.monotonic()
        job = filed(services, user, image, f"ours {number} {uuid4()}")
        finished(services, job.id)
        ours.append(time.monotonic() - started)
    return ours, theirs


def _large() -> bytes:
    """Return a PNG of nearly 50 MB that stays as large when it is prepared."""
    content = io.BytesIO()
    Image.frombytes("RGB", (4000, 4000), os.urandom(48_000_000)).save(content, "PNG")
    return content.getvalue()


def _peak(figures: Figures, stack: Stack, services: Services, user: User) -> None:
    """Watch the worker's memory while it sends a picture of nearly 50 MB."""
    stack.control("openai", "settings", method="PATCH", body={"fixed_s": 2})
    content = _large()
    figures.told("edit.large_input", len(content) / MIB, "MiB")
    image = uploaded(services, user, content)
    worker = stack.child("worker")
    before, highest, watching = rss_mib(worker), [0.0], threading.Event()

    def watch() -> None:
        while not watching.wait(0.02):
            highest[0] = max(highest[0], rss_mib(worker))

    thread = threading.Thread(target=watch)
    thread.start()
    job: Any = finished(services, filed(services, user, image, "large").id, within_s=120)
    watching.set()
    thread.join()
    if job.status != Status.DONE:
        figures.failed("worker.edit_50mb.peak", "MiB", goal=150, why=str(job.error_code))
        return
    figures.measured("worker.edit_50mb.peak", highest[0] - before, "MiB", goal=150)
