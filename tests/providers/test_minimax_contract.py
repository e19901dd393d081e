"""Both MiniMax adapters against the simulator: every fault, one request, and the ledger's word."""

import io
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image

from core.errors import (
    LinkExpired,
    NotAccepted,
    NotSent,
    OutcomeUnknown,
    ProviderError,
    Refused,
)
from core.providers import Broken, InputFile, Pending, Progress, Ready, SendLimits, VideoRequest
from core.providers.fetch import Fetched, fetch
from core.providers.minimax_errors import BY_NUMBER
from core.providers.minimax_v1 import MiniMaxV1
from core.providers.minimax_v2 import MiniMaxV2
from core.providers.verdicts import Never, NotTaken
from deploy.local.simulators.minimax import breakages
from tests.providers.conftest import input_file
from tests.providers.control import Control

DIALECTS: dict[str, Any] = {"v1": MiniMaxV1, "v2": MiniMaxV2}
REQUESTS = {
    "v1": VideoRequest(
        model="MiniMax-Hailuo-2.3",
        prompt="a paper boat",
        options={"duration": 6, "resolution": "768P", "prompt_optimizer": False},
    ),
    "v2": VideoRequest(
        model="MiniMax-H3",
        prompt="a paper boat",
        options={"duration": 4, "resolution": "768P", "ratio": "16:9"},
    ),
}


@pytest.fixture
def control(minimax_simulator: Any) -> Control:
    made = Control(minimax_simulator.url)
    made.set(fixed_s=0.05, small_videos=True, shared_clip=True)
    return made


@pytest.fixture
def picture(tmp_path: Path) -> InputFile:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((640, 480)).convert("RGB").save(file, "PNG")
    return input_file(tmp_path, file.getvalue())


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(control: Control, dialect: str) -> Any:
    return DIALECTS[dialect](base_url=control.url, api_key="sk-test")


def submit(client: Any, dialect: str, total_s: float = 10) -> str:
    limits = SendLimits(connect_s=5, total_s=total_s)
    task_id: str = client.submit(REQUESTS[dialect], limits=limits).task_id
    return task_id


def settled(client: Any, task_id: str) -> Progress:
    """Return how a task ends."""
    deadline = time.monotonic() + 15
    while isinstance(found := client.progress(task_id), Pending):
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)
    return found


def download(url: str, path: Path, **more: Any) -> Fetched:
    """Fetch from the simulator, as the setting DOWNLOAD_ALLOWED_HOSTS allows it."""
    limits: dict[str, Any] = {"max_bytes": 5_000_000, "total_s": 10, **more}
    return fetch(url, path, allowed_hosts={limits.pop("host", urlsplit(url).netloc)}, **limits)


def test_a_video_comes_from_first_to_last(client, dialect, control, tmp_path):
    task_id = submit(client, dialect)
    found = settled(client, task_id)
    assert isinstance(found, Ready)
    got = download(found.download_url, tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes()[4:8] == b"ftyp"
    assert got.content_type == "video/mp4"
    (billed,) = control.entries("billed")
    assert (billed["dialect"], billed["task_id"]) == (dialect, task_id)
    if dialect == "v1":
        assert found.actual.keys() == {"width", "height"}
    else:
        assert found.usage["output_seconds"] == 4


@pytest.mark.parametrize(
    ("dialect", "request_"),
    [
        ("v1", VideoRequest(model="MiniMax-Hailuo-2.3-Fast", prompt="", options={})),
        ("v1", VideoRequest(model="MiniMax-Hailuo-02", prompt="x", options={"duration": 6})),
        ("v2", VideoRequest(model="MiniMax-H3", prompt="x", options=REQUESTS["v2"].options)),
    ],
)
@pytest.mark.parametrize("both", [False, True])
def test_frames_arrive_as_they_were(client, control, picture, request_, both):
    last = picture if both and "Fast" not in request_.model else None
    wanted = VideoRequest(
        model=request_.model,
        prompt=request_.prompt,
        options=request_.options,
        first_frame=picture,
        last_frame=last,
    )
    client.submit(wanted, limits=SendLimits(connect_s=5, total_s=10))
    (billed,) = control.entries("billed")
    sent = [picture.sha256] * (2 if last else 1)
    assert [each["sha256"] for each in billed["inputs"]] == sent


def _expected(name: str) -> tuple[type[ProviderError], str | None, int]:
    """Return the class, the code and the bill of a fault at creation."""
    if name.startswith("error:"):
        verdict = BY_NUMBER[int(name.removeprefix("error:"))]
        kinds = {NotTaken: NotAccepted, Never: Refused}
        return kinds.get(type(verdict), OutcomeUnknown), verdict.code, 0
    if name.startswith("status:"):
        return STATUSES[int(name.removeprefix("status:"))]
    if name in breakages.PAGES:
        return OutcomeUnknown, "provider_internal", 1
    if name in breakages.IDS:
        return OutcomeUnknown, "no_task_id", 1
    return BROKEN[name]


STATUSES: dict[int, tuple[type[ProviderError], str, int]] = {
    401: (NotAccepted, "key_invalid", 0),
    402: (NotAccepted, "balance_empty", 0),
    403: (Refused, "key_not_allowed", 0),
    404: (NotAccepted, "wrong_address", 0),
    408: (OutcomeUnknown, "provider_internal", 0),
    409: (OutcomeUnknown, "provider_internal", 0),
    413: (Refused, "too_large", 0),
    422: (Refused, "moderation_input", 0),
    429: (NotAccepted, "rate_limited", 0),
    500: (OutcomeUnknown, "provider_internal", 0),
    503: (OutcomeUnknown, "provider_internal", 0),
    529: (NotAccepted, "overloaded", 0),
}
BROKEN: dict[str, tuple[type[ProviderError], str | None, int]] = {
    "html_200": (OutcomeUnknown, "answer_unreadable", 1),
    "reset_after_accept": (OutcomeUnknown, "no_answer", 1),
    "hang": (OutcomeUnknown, "no_answer", 1),
    "body_cut": (OutcomeUnknown, "answer_cut", 1),
    "unframed_cut": (OutcomeUnknown, "answer_unreadable", 1),
    "trickle": (OutcomeUnknown, "answer_cut", 1),
    "reset_before_read": (OutcomeUnknown, "no_answer", 0),
}
CREATION = [*breakages.CREATION, *breakages.BEFORE_READING]
LONG = {"task_id_long": "answer_unreadable"}  # too long to be read at all


@pytest.mark.parametrize("name", [name for name in CREATION if name != "task_id_duplicate"])
def test_each_fault_at_creation_is_one_request_and_means_one_thing(name, client, dialect, control):
    kind, code, billed = _expected(name)
    control.fault(name)
    with pytest.raises(ProviderError) as caught:
        submit(client, dialect, total_s=1 if name in {"hang", "trickle"} else 10)
    assert (type(caught.value), caught.value.code) == (kind, LONG.get(name, code))
    assert (control.posts(), control.billed()) == (1, billed)


def test_a_key_of_the_wrong_kind_is_named_inside_a_200_and_as_a_status(control, dialect):
    bad = DIALECTS[dialect](base_url=control.url, api_key="bad-key")
    for gateway in (False, True):
        control.set(v1_gateway_auth=gateway)
        with pytest.raises(NotAccepted) as caught:
            submit(bad, dialect)
        assert (caught.value.code, caught.value.scope) == ("key_invalid", "key")


def test_a_task_id_may_come_twice_and_the_database_must_see_it(client, dialect, control):
    first = submit(client, dialect)
    control.fault("task_id_duplicate")
    assert submit(client, dialect) == first


def test_a_slow_answer_is_waited_for(client, dialect, control):
    control.fault("delay", seconds=0.3)
    assert submit(client, dialect)


class TestEnds:
    @pytest.mark.parametrize(
        ("fault", "args", "code"),
        [
            ("output_sensitive", {}, "moderation_output"),
            ("fails", {}, "generation_failed"),
            ("fails", {"code": 1033}, "generation_failed"),
        ],
    )
    def test_a_failure_says_why(self, fault, args, code, client, dialect, control):
        control.fault(fault, **args)
        control.fault("failed_spelling")
        found = settled(client, submit(client, dialect))
        assert isinstance(found, Broken)
        assert found.code == code

    def test_a_stuck_task_stays_pending(self, client, dialect, control):
        control.fault("stuck")
        task_id = submit(client, dialect)
        threading.Event().wait(0.2)
        assert isinstance(client.progress(task_id), Pending)

    @pytest.mark.parametrize("value", ["Unknown", "something new", "x" * 1000])
    def test_an_unknown_word_is_pending(self, value, client, dialect, control):
        task_id = submit(client, dialect)
        control.fault("odd_status", value=value)
        found = client.progress(task_id)
        assert isinstance(found, Pending)
        assert len(found.provider_status) <= 64


class TestQuestions:
    @pytest.mark.parametrize("name", [*breakages.READS, "no_download_url"])
    @pytest.mark.parametrize("args", [{}, {"code": 1002}, {"status": 502, "html": True}])
    def test_a_failed_question_is_answered_the_next_time(
        self, name, args, client, dialect, control
    ):
        task_id = submit(client, dialect)
        settled(client, task_id)
        control.fault(name, **{"seconds": 0.2, **args})
        with pytest.raises(ProviderError) as caught:
            client.progress(task_id)
        assert type(caught.value) is ProviderError
        control.no_faults()
        assert isinstance(client.progress(task_id), Ready)
        assert control.posts() == 1

    @pytest.mark.parametrize("name", ["success_without_file_id", "retrieve_error"])
    def test_a_missing_file_is_asked_for_again(self, name, control):
        client = MiniMaxV1(base_url=control.url, api_key="sk-test")
        task_id = submit(client, "v1")
        settled(client, task_id)
        control.fault(name)
        with pytest.raises(ProviderError):
            client.progress(task_id)
        control.no_faults()
        assert isinstance(client.progress(task_id), Ready)

    @pytest.mark.parametrize("fault", [None, "unknown_id_500"])
    def test_a_task_nobody_knows(self, fault, client, control):
        if fault:
            control.fault(fault)
        with pytest.raises(ProviderError) as caught:
            client.progress("999")
        assert caught.value.code == "task_not_found"


class TestListing:
    @pytest.fixture
    def client(self, control: Control) -> MiniMaxV2:
        return MiniMaxV2(base_url=control.url, api_key="sk-test")

    def test_a_lost_answer_s_task_is_found_in_the_list(self, client, control):
        began = datetime.now(UTC)
        control.fault("reset_after_accept")
        with pytest.raises(OutcomeUnknown):
            submit(client, "v2")
        (task,) = client.list_tasks(since=began, model="MiniMax-H3")
        assert task.task_id == control.entries("billed")[0]["task_id"]
        assert (task.resolution, task.duration, task.ratio) == ("768P", 4, "16:9")
        assert client.describe(task.task_id).created_at == task.created_at

    def test_a_list_over_several_pages_is_whole(self, client):
        began = datetime.now(UTC)
        ids = [submit(client, "v2") for _ in range(25)]
        found = client.list_tasks(since=began)
        assert [task.task_id for task in found] == ids[::-1]
        assert client.list_tasks(since=began + timedelta(hours=1)) == []

    def test_a_list_that_lags_behind_is_empty_for_now(self, client, control):
        began = datetime.now(UTC)
        submit(client, "v2")
        control.fault("list_lag")
        assert client.list_tasks(since=began) == []

    def test_a_queued_task_can_be_cancelled_once(self, client, control):
        control.set(fixed_s=60)
        task_id = submit(client, "v2")
        assert client.cancel(task_id)
        assert isinstance(settled(client, task_id), Broken)
        assert not client.cancel(task_id)

    def test_a_finished_task_is_never_deleted(self, client):
        task_id = submit(client, "v2")
        settled(client, task_id)
        assert not client.cancel(task_id)
        assert isinstance(client.progress(task_id), Ready)


class TestDownloads:
    @pytest.fixture
    def url(self, control: Control) -> str:
        client = MiniMaxV2(base_url=control.url, api_key="sk-test")
        found = settled(client, submit(client, "v2"))
        assert isinstance(found, Ready)
        return found.download_url

    @pytest.mark.parametrize(
        ("name", "args", "code"),
        [
            ("download_status", {}, "link_expired"),
            ("download_status", {"status": 404}, "link_expired"),
            ("download_status", {"status": 500}, "download_failed"),
            ("download_truncated", {}, "download_cut"),
            ("download_reset", {}, "download_cut"),
            ("download_huge_length", {}, "download_too_large"),
            ("download_endless", {}, "download_too_large"),
            ("download_redirect", {}, "link_not_allowed"),
            ("download_trickle", {"interval_s": 0.05}, "download_cut"),
        ],
    )
    def test_a_bad_download_leaves_nothing(self, name, args, code, url, control, tmp_path):
        control.fault(name, **args)
        total_s = 0.5 if name == "download_trickle" else 10
        with pytest.raises(ProviderError) as caught:
            download(url, tmp_path / "videos.mp4", total_s=total_s)
        assert caught.value.code == code
        assert isinstance(caught.value, LinkExpired) == (code == "link_expired")
        assert list(tmp_path.glob("videos*")) == []
        control.no_faults()
        assert download(url, tmp_path / "videos.mp4").bytes > 0

    @pytest.mark.parametrize(
        "name",
        [
            "download_html",
            "download_moov_cut",
            "download_cut_file",
            "download_playlist",
            "download_huge_frame",
            "download_too_long",
        ],
    )
    def test_what_is_no_video_is_left_to_the_decoder(self, name, url, control, tmp_path):
        control.fault(name)
        assert download(url, tmp_path / "a.mp4").bytes > 0

    def test_a_dead_link_is_replaced_by_a_fresh_one(self, control, tmp_path):
        client = MiniMaxV1(base_url=control.url, api_key="sk-test")
        task_id = submit(client, "v1")
        settled(client, task_id)
        control.fault("url_expired", times=1)
        for number, expected in enumerate([LinkExpired, None]):
            found = client.progress(task_id)
            assert isinstance(found, Ready)
            path = tmp_path / f"{number}.mp4"
            if expected is None:
                assert download(found.download_url, path).bytes
            else:
                with pytest.raises(expected):
                    download(found.download_url, path)
        assert control.posts() == 1

    def test_an_evil_link_is_not_followed(self, client, dialect, control, tmp_path):
        task_id = submit(client, dialect)
        settled(client, task_id)
        control.fault("evil_url")
        found = client.progress(task_id)
        with pytest.raises(ProviderError) as caught:
            download(found.download_url, tmp_path / "a.mp4", host="127.0.0.1:1")
        assert caught.value.code == "link_not_allowed"


def test_nobody_listens(minimax_simulator, client, dialect):
    minimax_simulator.stop()
    with pytest.raises(NotSent):
        submit(client, dialect)


def test_every_fault_of_the_simulator_is_tried_here():
    """Callbacks are the web process's; everything else is an adapter's."""
    source = Path(__file__).read_text(encoding="utf-8")
    tried = {*CREATION, *breakages.READS}
    tried |= {name for name in breakages.KNOWN if f'"{name}"' in source}
    missing = set(breakages.KNOWN) - tried
    assert {name for name in missing if not name.startswith("callback_")} == set()
