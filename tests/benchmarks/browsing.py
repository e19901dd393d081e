"""What a browser sees: results pushed into an open page, large uploads, cached thumbnails."""

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import psutil
from PIL import Image
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from core import events
from core.models import Job
from core.services import Services
from tests.benchmarks import edits
from tests.benchmarks.figures import Figures, percentile
from tests.benchmarks.idle import MIB, cpu_s, rss_mib
from tests.browser import chromium
from tests.stack import Stack

PUSHES = 15
RERUNS = 20
UPLOAD_BYTES = 300 * MIB
# Resolves with the time at which the light box shows a result; gives up after 30 s.
SEEN = """
() => new Promise((done, fail) => {
  const inside = (node) => [...node.querySelectorAll('*')].some(
    (e) => (e.shadowRoot && inside(e.shadowRoot)) || e.dataset?.state === 'result');
  const until = Date.now() + 30000;
  const look = () => inside(document) ? done(Date.now() / 1000)
    : Date.now() > until ? fail(new Error('no result in 30 s')) : setTimeout(look, 20);
  look();
})
"""


def measure(figures: Figures, stack: Stack) -> None:
    """Print what an open page and its cache do."""
    services = stack.services()
    try:
        with chromium() as browser:
            _pushes(figures, stack, services, browser)
            _upload(figures, stack, browser)
            _second_view(figures, stack, browser)
            _reruns(figures, stack, services, browser)
    finally:
        services.engine.dispose()
        services.bucket.close()


def _signed_in(browser: Browser, stack: Stack) -> Page:
    page = browser.new_context(locale="en-US", viewport={"width": 1440, "height": 900}).new_page()
    page.goto(stack.url)
    page.locator("input[name=login_id]").fill("tester")
    page.locator("input[name=password]").fill(stack.password("tester"))
    page.locator("form button[type=submit]").click()
    page.get_by_role("heading", name="Image edit", exact=True).wait_for(timeout=60_000)
    return page


def _pushes(figures: Figures, stack: Stack, services: Services, browser: Browser) -> None:
    """From the provider's answer to the result on the screen of a page that is open."""
    stack.control("openai", "settings", method="PATCH", body={"fixed_s": 3, "tail_share": 0})
    user = edits.tester(services)
    image = edits.uploaded(services, user, edits.noise(800))
    page = _signed_in(browser, stack)
    delays = []
    for number in range(PUSHES):
        prompt = f"push {number} {uuid4()}"
        job = edits.filed(services, user, image, prompt)
        page.goto(f"{stack.url}/job?id={job.id}")
        shown_at = page.evaluate(SEEN)
        delays.append(shown_at - _answered_at(stack, prompt))
    figures.told("answer_to_visible.p50", percentile(delays, 0.5), "s")
    figures.measured("answer_to_visible.p95", percentile(delays, 0.95), "s", goal=1.5)
    page.context.close()


def _answered_at(stack: Stack, prompt: str) -> float:
    entries = stack.ledger("openai")
    request = next(
        entry["request_id"]
        for entry in entries
        if entry["event"] == "billed" and entry["prompt"] == prompt
    )
    return float(
        next(
            entry["at"]
            for entry in entries
            if entry["event"] == "finished" and entry["request_id"] == request
        )
    )


def _upload(figures: Figures, stack: Stack, browser: Browser) -> None:
    """300 MB through the page: the web process must not hold them."""
    page = _signed_in(browser, stack)
    with tempfile.TemporaryDirectory() as name:
        film = _film(Path(name) / "film.mp4")
        web = stack.child("web")
        before, highest, done = rss_mib(web), [0.0], threading.Event()

        def watch() -> None:
            while not done.wait(0.05):
                highest[0] = max(highest[0], web.memory_info().rss / MIB)

        watching = threading.Thread(target=watch)
        watching.start()
        started = time.monotonic()
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name="Choose files").click()
        chooser.value.set_files(film)
        page.get_by_text("film.mp4").wait_for(timeout=30_000)
        page.get_by_text("640 × 360 ·").wait_for(timeout=300_000)  # said by the server at the end
        took = time.monotonic() - started
        done.set()
        watching.join()
    figures.told("upload.300mb.wall", took, "s")
    figures.measured("upload.300mb.web_growth", highest[0] - before, "MiB", goal=10)
    page.context.close()


def _film(path: Path) -> Path:
    """Write a playable MP4 of 300 MB: a short clip and a free box that players skip."""
    import av  # noqa: PLC0415  (only this figure needs it)

    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(24):
            image = Image.new("RGB", (640, 360), (number * 10, 80, 120))
            for packet in stream.encode(av.VideoFrame.from_image(image)):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    padding = UPLOAD_BYTES - path.stat().st_size
    with path.open("ab") as file:
        file.write(padding.to_bytes(4) + b"free")
        file.truncate(UPLOAD_BYTES)
    return path


def _second_view(figures: Figures, stack: Stack, browser: Browser) -> None:
    """Open the history twice in one browser and count the thumbnails' bytes of the second."""
    page = _signed_in(browser, stack)
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    moved = {"bytes": 0, "count": 0}
    urls: dict[str, str] = {}
    session.on(
        "Network.requestWillBeSent",
        lambda event: urls.update({event["requestId"]: event["request"]["url"]}),
    )

    def finished(event: dict[str, object]) -> None:
        if "/thumbs/" in urls.get(str(event["requestId"]), ""):
            moved["bytes"] += int(str(event["encodedDataLength"]).split(".")[0])
            moved["count"] += 1

    session.on("Network.loadingFinished", finished)
    views = []
    for _ in range(2):
        moved.update(bytes=0, count=0)
        page.goto(f"{stack.url}/history")
        page.get_by_role("heading", name="History").wait_for(timeout=30_000)
        page.wait_for_timeout(3000)
        views.append(moved["bytes"])
    if not views[0]:
        figures.failed("history.second_view", "bytes", goal=0, why="no thumbnail was loaded at all")
    figures.told("history.first_view.thumbnails", views[0], "bytes")
    figures.measured("history.second_view.thumbnails", views[1], "bytes", goal=0)
    page.context.close()


def _reruns(figures: Figures, stack: Stack, services: Services, browser: Browser) -> None:
    """CPU for each rerun of an open history's grid: of the script, as of every page, and in all.

    Script runs have threads of their own; the process's first one takes and sends messages.
    """
    page = _signed_in(browser, stack)
    page.goto(f"{stack.url}/history")
    page.get_by_role("heading", name="History", exact=True).wait_for(timeout=30_000)
    page.wait_for_timeout(5000)
    web = stack.child("web")
    resting = _cpu_over(web, lambda: page.wait_for_timeout(RERUNS * 600))
    with services.sessions() as session:
        job = session.scalars(select(Job).order_by(Job.id.desc()).limit(1)).one()

    def change() -> None:
        for _ in range(RERUNS):
            with services.sessions.begin() as session:
                events.show_change(session, job_id=job.id, user_id=job.user_id)
            page.wait_for_timeout(600)  # two triggers a second is what a page takes

    busy = _cpu_over(web, change)
    scripts, whole = (
        1000 * (during - before) / RERUNS for during, before in zip(busy, resting, strict=True)
    )
    figures.measured("history.rerun.script.cpu", scripts, "ms", goal=15)
    figures.told("history.rerun.process.cpu", whole, "ms")
    page.context.close()


def _cpu_over(process: psutil.Process, action: Callable[[], None]) -> tuple[float, float]:
    """Return the seconds that all threads but the first spent meanwhile, and the whole process."""
    before = _spent(process)
    action()
    after = _spent(process)
    return after[0] - before[0], after[1] - before[1]


def _spent(process: psutil.Process) -> tuple[float, float]:
    whole = cpu_s(process)
    (first,) = (thread for thread in process.threads() if thread.id == process.pid)
    return whole - first.user_time - first.system_time, whole
