"""Every number and status of MiniMax, in every form it comes in, and what is in no table."""

from typing import Any

import pytest

from core.errors import NotAccepted, OutcomeUnknown, ProviderError, Refused
from core.providers.minimax_errors import (
    BY_NUMBER,
    BY_STATUS,
    broken_code,
    creation_error,
    number_of,
    reading_error,
    verdict,
)
from core.providers.observations import NotTaken, never, not_taken, unknown

RATE = not_taken("rate_limited", "model", wait_s=60)
QUOTA = not_taken("quota_exhausted", "key", wait_s=None)
BALANCE = not_taken("balance_empty", "key", wait_s=None)
KEY = not_taken("key_invalid", "key", wait_s=None)
INTERNAL = unknown("provider_internal")
INVALID = never("invalid_request")
UNFORESEEN = unknown("unexpected_answer")

NUMBERS = {
    1000: INTERNAL,
    1001: INTERNAL,
    1002: RATE,
    1004: KEY,
    1008: BALANCE,
    1013: INTERNAL,
    1024: INTERNAL,
    1026: never("moderation_input"),
    1027: never("moderation_output"),
    1028: QUOTA,
    1030: QUOTA,
    1033: INTERNAL,
    1039: RATE,
    1041: not_taken("overloaded", "model", wait_s=30),
    1042: never("invisible_characters"),
    2013: INVALID,
    2038: not_taken("account_unverified", "key", wait_s=None),
    2045: not_taken("slow_down", "model", wait_s=60),
    2049: KEY,
    2056: not_taken("usage_window_full", "key", wait_s=1800),
    2061: never("plan_lacks_model", closes_model=True),
}
STATUSES = {
    400: INVALID,
    401: KEY,
    402: BALANCE,
    403: never("key_not_allowed", closes_model=True),
    408: INTERNAL,
    409: INTERNAL,
    413: never("too_large"),
    415: INVALID,
    422: INVALID,
    429: RATE,
    500: INTERNAL,
    502: INTERNAL,
    503: INTERNAL,
    504: INTERNAL,
    520: INTERNAL,
    524: INTERNAL,
    529: not_taken("overloaded", "model", wait_s=30),
}


def v1(number: object, message: str = "words") -> dict[str, Any]:
    return {"task_id": "", "base_resp": {"status_code": number, "status_msg": message}}


def v2(message: str, status: int = 400) -> dict[str, Any]:
    error = {"type": "some_error", "message": message, "http_code": str(status)}
    return {"type": "error", "error": error, "request_id": "0217"}


def test_the_tables_have_these_rows_and_no_others():
    assert BY_NUMBER == NUMBERS
    assert BY_STATUS == STATUSES


@pytest.mark.parametrize(("number", "expected"), NUMBERS.items())
class TestNumbers:
    def test_inside_a_200(self, number, expected):
        assert verdict(200, v1(number)) == expected

    def test_as_text(self, number, expected):
        assert verdict(200, v1(str(number))) == expected

    @pytest.mark.parametrize("status", [200, 400, 401, 429, 529])
    def test_at_the_end_of_a_message(self, number, expected, status):
        assert verdict(status, v2(f"words ({number})", status)) == expected

    @pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504, 520, 524])
    @pytest.mark.parametrize("form", [v1, lambda number: v2(f"upstream timeout ({number})")])
    def test_not_taken_is_not_believed_beside_a_status_that_leaves_it_open(
        self, number, expected, status, form
    ):
        busy = status == 503 and expected.code in {"slow_down", "overloaded"}
        believed = busy or not isinstance(expected, NotTaken)
        assert verdict(status, form(number)) == (expected if believed else INTERNAL)

    @pytest.mark.parametrize("status", [201, 302, 418, 599])
    def test_nor_beside_one_that_nobody_foresaw(self, number, expected, status):
        believed = not isinstance(expected, NotTaken)
        assert verdict(status, v1(number)) == (expected if believed else UNFORESEEN)


@pytest.mark.parametrize(("status", "expected"), STATUSES.items())
@pytest.mark.parametrize("document", [None, v2("no number here"), v2("a new one (9999)")])
def test_without_a_known_number_the_status_counts(status, expected, document):
    assert verdict(status, document) == expected


@pytest.mark.parametrize("status", [404, 405])
def test_an_address_that_is_not_there(status):
    expected = not_taken("wrong_address", "key", wait_s=None)
    assert verdict(status, v2("the request failed", status)) == expected
    assert verdict(status, None) == UNFORESEEN


@pytest.mark.parametrize(
    ("status", "document"),
    [
        *((200, v1(number)) for number in (1, 999, 1025, 1043, 2064, 9999, -1)),
        (200, v2("surprise")),
        *((status, None) for status in (201, 204, 301, 302, 307, 308, 418, 501, 599)),
    ],
)
def test_what_nobody_foresaw_is_unknown(status, document):
    found = verdict(status, document)
    if document is not None and document.get("base_resp", {}).get("status_code") == -1:
        assert found is None  # no number at all: then there is a task id, or it is unknown
    else:
        assert found == UNFORESEEN


@pytest.mark.parametrize("document", [{"task_id": "1"}, v1(0), {"base_resp": None}, [], None])
def test_success_has_no_verdict(document):
    assert verdict(200, document) is None


@pytest.mark.parametrize(
    ("document", "number"),
    [
        (v1(True), None),
        (v1(None), None),
        (v1("12x"), None),
        (v1(10**12), None),
        (v2("(1026)"), 1026),
        (v2("see (2013) above"), None),
        ({"error": {"code": "1027", "message": "x"}}, 1027),
        ({"error": "text"}, None),
        ("text", None),
    ],
)
def test_numbers_are_found_and_nothing_is_taken_for_one(document, number):
    assert number_of(document) == number


class TestErrors:
    def test_a_creation_error_carries_what_support_needs(self):
        error = creation_error(200, {"trace-id": "t1"}, v1(1002), secrets=())
        assert isinstance(error, NotAccepted)
        assert (error.retry_after_s, error.request_id, error.http_status) == (60, "t1", 200)
        assert str(error) == "MiniMax answered 200: words (code 1002)"

    def test_the_request_id_may_be_in_the_body(self):
        error = creation_error(422, {}, v2("sensitive (1026)"), secrets=())
        assert isinstance(error, Refused)
        assert error.request_id == "0217"

    def test_a_callback_s_token_is_not_repeated(self):
        words = "invalid params, callback_url https://h/api/hailuo/callback/TOKEN-x failed"
        error = creation_error(200, {}, v1(2013, words), secrets=())
        assert "TOKEN" not in str(error)

    @pytest.mark.parametrize("number", NUMBERS)
    def test_a_question_never_ends_a_job(self, number):
        error = reading_error(200, {}, v1(number), secrets=())
        assert type(error) is ProviderError
        assert not isinstance(error, OutcomeUnknown)

    @pytest.mark.parametrize(
        ("status", "document", "code"),
        [
            (400, v2("invalid params, invalid task_id (2013)"), "task_not_found"),
            (500, v2("record not found (1000)"), "task_not_found"),
            (200, v1(2013, "invalid params, task_id does not exist"), "task_not_found"),
            (200, v1(1000), "check_failed"),
            (502, None, "check_failed"),
            (200, None, "check_failed"),
            (200, [], "check_failed"),
            (429, v2("slow (1002)"), "check_limited"),
            (401, v2("invalid api key (2049)"), "check_refused"),
            (402, v2("insufficient balance (1008)"), "check_refused"),
        ],
    )
    def test_each_has_its_code(self, status, document, code):
        error = reading_error(status, {}, document, secrets=())
        assert error is not None
        assert error.code == code

    @pytest.mark.parametrize(
        ("number", "code"),
        [
            (1026, "moderation_input"),
            (1027, "moderation_output"),
            (1000, "generation_failed"),
            (1008, "generation_failed"),
            (0, "generation_failed"),
            (None, "generation_failed"),
            (9999, "generation_failed"),
        ],
    )
    def test_a_broken_task_has_a_code_of_ours(self, number, code):
        assert broken_code(number) == code
