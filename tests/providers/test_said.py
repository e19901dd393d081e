"""What providers say reaches people without secrets, and their waiting times are understood."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from core.providers.long_strings import Span
from core.providers.said import DEEPEST, LONGEST, request_id, said, storable, wait_s


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abc_DEF-123.",
        "Header 'Authorization: Bearer SECRET.token/=' is wrong",
        "bearer SECRET",
        "token eyJhbGciOiJSUzI1.eyJHcm91cE5hbWUi.SECRET-signature_1 expired",
        "callback_url https://host/api/hailuo/callback/SECRET-token_1 cannot be reached",
        "our own SECRET, wherever it stands",
    ],
)
def test_secrets_are_hidden(text):
    cleaned = said(text, secrets=("SECRET",))
    assert "SECRET" not in cleaned
    assert "sk-proj" not in cleaned
    assert "[hidden]" in cleaned


def test_ordinary_words_stay():
    text = "Invalid size '4096x4096'. The longest edge must be less than or equal to 3840."
    assert said(text, secrets=("",)) == text


def test_what_is_long_is_trimmed():
    assert len(said("x" * 10_000_000)) == LONGEST
    assert said("a\0b") == "ab"


@pytest.mark.parametrize(
    ("headers", "message", "expected"),
    [
        ({}, "", None),
        ({"retry-after": "1"}, "", 1),
        ({"retry-after": "121"}, "", 121),
        ({"retry-after": "1", "retry-after-ms": "534"}, "", 1),
        ({"retry-after-ms": "1534"}, "", 1.534),
        ({"retry-after": "1"}, "Please try again in 12s. Visit https://x.", 12),
        ({}, "Please try again in 6m0s.", 360),
        ({}, "Please try again in 534ms.", 0.534),
        ({}, "try again in 1h2m3.5s", 3600),
        ({"retry-after": "0"}, "", None),
        ({"retry-after": "-5"}, "", None),
        ({"retry-after": "soon"}, "", None),
        ({"retry-after": "nan"}, "", None),
        ({"retry-after": "1e400"}, "", None),
        ({"retry-after": "1e9"}, "", 3600),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, "", None),
        ({"retry-after": "Mon, 99 Foo"}, "", None),
    ],
)
def test_the_time_to_wait_is_the_longest_that_is_named(headers, message, expected):
    assert wait_s(headers, message) == pytest.approx(expected)


def test_a_date_to_come_back_is_understood():
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert wait_s({"retry-after": later}) == pytest.approx(90, abs=2)


def test_what_postgres_does_not_take_is_not_kept():
    odd = {"a\0": "b\0", "half": "\ud800", "deep": [float("nan"), float("inf"), 1.5, True, None]}
    assert storable(odd) == {"a": "b", "half": "?", "deep": [None, None, 1.5, True, None]}


def test_what_lies_too_deep_is_not_kept():
    value: object = 1
    for _ in range(2000):
        value = [value]

    kept = storable(value)
    for _ in range(DEEPEST):
        (kept,) = kept
    assert kept is None


def test_the_name_of_a_request_is_fit_to_be_stored():
    assert request_id({"x-request-id": "req\0_1" + "x" * 500}) == "req_1" + "x" * 195
    assert request_id({}) is None


def test_the_place_of_a_long_string_is_no_value():
    assert storable({"size": Span(3, 90)}) == {"size": None}


def test_half_a_surrogate_pair_is_no_reason_to_forget_the_rest():
    assert said("a \ud83d boat") == "a ? boat"
