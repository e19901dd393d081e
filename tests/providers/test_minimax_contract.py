"""Creations at the simulator: every fault, one request, and the ledger's word."""

import pytest

from core.errors import (
    NotAccepted,
    NotSent,
    OutcomeUnknown,
    ProviderError,
    Refused,
)
from core.providers import Ready, SendLimits, VideoRequest
from core.providers.minimax_errors import BY_NUMBER
from core.providers.observations import Never, NotTaken
from deploy.local.simulators.minimax import breakages
from tests.providers.minimax_runs import DIALECTS, REQUESTS, download, settled, submit


def test_a_video_comes_from_first_to_last(client, dialect, minimax, tmp_path):
    task_id = submit(client, dialect)
    found = settled(client, task_id)
    assert isinstance(found, Ready)
    got = download(found.download_url, tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes()[4:8] == b"ftyp"
    assert got.content_type == "video/mp4"
    (billed,) = minimax.entries("billed")
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
def test_frames_arrive_as_they_were(client, minimax, frame, request_, both):
    last = frame if both and "Fast" not in request_.model else None
    wanted = VideoRequest(
        model=request_.model,
        prompt=request_.prompt,
        options=request_.options,
        first_frame=frame,
        last_frame=last,
    )
    client.submit(wanted, limits=SendLimits(connect_s=5, total_s=10))
    (billed,) = minimax.entries("billed")
    sent = [frame.sha256] * (2 if last else 1)
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
    504: (OutcomeUnknown, "provider_internal", 0),
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
OTHER_CODES = {
    "task_id_long": "answer_unreadable",  # too long to be read at all
    "task_id_beside_error": "unexpected_answer",
}


NAMES_A_TASK = {"task_id_duplicate", "task_id_number"}


@pytest.mark.parametrize("name", [name for name in CREATION if name not in NAMES_A_TASK])
def test_each_fault_at_creation_is_one_request_and_means_one_thing(name, client, dialect, minimax):
    kind, code, billed = _expected(name)
    minimax.fault(name)
    with pytest.raises(ProviderError) as caught:
        submit(client, dialect, total_s={"hang": 1, "trickle": 3}.get(name, 10))
    assert (type(caught.value), caught.value.code) == (kind, OTHER_CODES.get(name, code))
    assert (minimax.posts(), minimax.billed()) == (1, billed)


def test_a_key_of_the_wrong_kind_is_named_inside_a_200_and_as_a_status(minimax, dialect):
    bad = DIALECTS[dialect](base_url=minimax.url, api_key="bad-key")
    for gateway in (False, True):
        minimax.set(v1_gateway_auth=gateway)
        with pytest.raises(NotAccepted) as caught:
            submit(bad, dialect)
        assert (caught.value.code, caught.value.scope) == ("key_invalid", "key")


def test_a_task_id_may_come_twice_and_the_database_must_see_it(client, dialect, minimax):
    first = submit(client, dialect)
    minimax.fault("task_id_duplicate")
    assert submit(client, dialect) == first


def test_a_task_id_may_be_a_number(client, dialect, minimax):
    minimax.fault("task_id_number", times=1)
    task_id = submit(client, dialect)
    assert [each["task_id"] for each in minimax.entries("billed")] == [task_id]


def test_a_slow_answer_is_waited_for(client, dialect, minimax):
    minimax.fault("delay", seconds=0.3)
    assert submit(client, dialect)


def test_nobody_listens(minimax_simulator, client, dialect):
    minimax_simulator.stop()
    with pytest.raises(NotSent):
        submit(client, dialect)


def test_a_free_question_tells_whether_the_key_is_taken(client, dialect, minimax):
    client.check()
    submit(client, dialect)
    client.check()

    with pytest.raises(ProviderError) as refused:
        DIALECTS[dialect](base_url=minimax.url, api_key="bad").check()
    assert refused.value.code == "check_refused"
    assert minimax.billed() == 1
