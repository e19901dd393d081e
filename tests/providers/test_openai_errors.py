"""Every row of the provider's table of errors, and what is in none."""

from typing import Any

import pytest

from core.errors import NotAccepted, OutcomeUnknown, Refused
from core.providers import openai_errors
from core.providers.observations import NotTaken, never, not_taken, unknown
from core.providers.openai_errors import error_from, verdict, within_answer

USER = "image_generation_user_error"
REQUEST = "invalid_request_error"
RATE = not_taken("rate_limited", "model", wait_s=60)
SLOW = not_taken("slow_down", "model", wait_s=60)
QUOTA = not_taken("quota_exhausted", "key", wait_s=None)
KEY = not_taken("key_invalid", "key", wait_s=None)
INVALID = never("invalid_request")
UNVERIFIED = never("organization_unverified", closes_model=True)
INTERNAL = unknown("provider_internal")
VERIFY = "Your organization must be verified to use the model `gpt-image-2`."


def body(type: str | None, code: str | None, message: str = "words", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "type": type, "param": None, "code": code, **more}}


def moderated(stage: str) -> dict[str, Any]:
    details = {"moderation_stage": stage, "categories": ["sexual"]}
    return body(USER, "moderation_blocked", moderation_details=details)


ROWS = [
    (400, moderated("input"), never("moderation_input")),
    (400, moderated("unknown"), never("moderation_output")),
    (400, moderated("output"), never("moderation_output")),
    (400, body(USER, "moderation_blocked"), never("moderation_output")),
    (400, body(USER, "invalid_value", param="size"), INVALID),
    (400, body(USER, "invalid_value", param="mask"), never("mask_invalid")),
    (400, body(USER, None, "Invalid mask image format - mask size does not match image size"),
     never("mask_invalid")),
    (400, body(REQUEST, None, "Invalid mask image format - mask image missing alpha channel"),
     never("mask_invalid")),
    (400, body(USER, "invalid_image_file"), never("invalid_image")),
    (400, body(USER, "invalid_input_fidelity_model"), INVALID),
    (400, body(USER, "something_new"), INVALID),
    (400, body(REQUEST, "unknown_parameter"), INVALID),
    (400, body(REQUEST, "invalid_value"), INVALID),
    (400, body(REQUEST, "unsupported_file_mimetype"), never("invalid_image")),
    (400, body(REQUEST, None), INVALID),
    (400, body(REQUEST, "billing_hard_limit_reached"), QUOTA),
    (401, body(REQUEST, "invalid_api_key"), KEY),
    (401, body(REQUEST, None), KEY),
    (402, body(None, None), not_taken("balance_empty", "key", wait_s=None)),
    (403, body(REQUEST, None, VERIFY), UNVERIFIED),
    (403, body(REQUEST, "unsupported_model", VERIFY), UNVERIFIED),
    (403, body("request_forbidden", "unsupported_country_region_territory"),
     never("country_not_supported", closes_model=True)),
    (403, body(REQUEST, None), never("key_not_allowed", closes_model=True)),
    (403, None, never("key_not_allowed", closes_model=True)),
    (404, body(REQUEST, "model_not_found"), never("model_not_available", closes_model=True)),
    (404, body(REQUEST, None, "Invalid URL (POST /v1/v1/images/edits)"),
     not_taken("wrong_address", "key", wait_s=None)),
    (405, body(REQUEST, "method_not_supported"), not_taken("wrong_address", "key", wait_s=None)),
    (408, None, INTERNAL),
    (408, body("timeout", None), INTERNAL),
    (409, body(None, None), INTERNAL),
    (413, None, never("too_large")),
    (415, body(REQUEST, None), INVALID),
    (422, body(REQUEST, None), INVALID),
    (429, body("requests", "rate_limit_exceeded"), RATE),
    (429, body("tokens", "rate_limit_exceeded"), RATE),
    (429, body("input-images", "rate_limit_exceeded"), RATE),
    (429, body("input-images", None), RATE),
    (429, body("requests", None), RATE),
    (429, body("tokens", None), RATE),
    (429, body("rate_limit_error", None), RATE),
    (429, body("rate_limit_error", "slow_down"), SLOW),
    (503, body("service_unavailable_error", "slow_down"), SLOW),
    (429, None, RATE),
    *((429, body("insufficient_quota", code), QUOTA) for code in (
        "credit_balance_exhausted", "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded", "organization_usage_limit_exceeded",
        "insufficient_quota", "billing_hard_limit_reached", "a_new_quota", None,
    )),
    (500, body("server_error", None), INTERNAL),
    (503, body("service_unavailable_error", "server_is_overloaded"),
     not_taken("overloaded", "model", wait_s=30)),
    (503, body("service_unavailable_error", None), INTERNAL),
    *((status, None, INTERNAL) for status in (500, 502, 503, 504, 520, 524)),
    *((status, body("surprise", "surprise"), unknown("unexpected_answer"))
      for status in (418, 451, 501, 521, 599)),
    *((status, None, unknown("unexpected_answer"))
      for status in (201, 202, 204, 206, 301, 302, 303, 307, 308, 404, 405)),
]  # fmt: skip


@pytest.mark.parametrize(("status", "document", "expected"), ROWS)
def test_each_answer_means_one_thing(status, document, expected):
    assert verdict(status, document) == expected


def test_every_row_of_the_tables_is_tried():
    tried = {(status, str((doc or {}).get("error", {}).get("code"))) for status, doc, _ in ROWS}
    assert openai_errors.BY_CODE.keys() <= {code for _, code in tried}
    assert openai_errors.BY_STATUS.keys() <= {status for status, doc, _ in ROWS}
    types = {doc["error"]["type"] for _, doc, _ in ROWS if doc and not doc["error"]["code"]}
    assert openai_errors.BY_TYPE.keys() <= types


NOT_TAKEN = [
    *((None, code) for code, row in openai_errors.BY_CODE.items() if isinstance(row, NotTaken)),
    *((type, None) for type, row in openai_errors.BY_TYPE.items() if isinstance(row, NotTaken)),
]


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504, 520, 524])
@pytest.mark.parametrize(("type", "code"), NOT_TAKEN)
def test_words_that_say_not_taken_are_not_believed_beside_such_a_status(status, type, code):
    busy = status == 503 and code in {"slow_down", "server_is_overloaded"}
    expected = openai_errors.BY_CODE[code] if busy else INTERNAL
    assert verdict(status, body(type, code)) == expected


@pytest.mark.parametrize("status", [201, 302, 418, 599])
def test_words_that_say_not_taken_are_not_believed_beside_a_status_nobody_foresaw(status):
    assert verdict(status, body("tokens", "rate_limit_exceeded")) == unknown("unexpected_answer")


@pytest.mark.parametrize("status", [500, 504])
def test_a_refusal_is_believed_beside_any_status(status):
    assert verdict(status, body(USER, "invalid_image_file")) == never("invalid_image")


@pytest.mark.parametrize(
    "document", ["text", [], {"error": "text"}, {"error": None}, {"error": {"code": ["x"]}}, 7]
)
def test_a_body_of_any_shape_is_read_by_its_status(document):
    assert verdict(400, document) == INVALID


STREAM = [
    (body(USER, "moderation_blocked"), never("moderation_output")),
    (body("server_error", None), INTERNAL),
    (body(None, None), INTERNAL),
    (body("requests", "rate_limit_exceeded"), INTERNAL),
    (body("server_error", "server_is_overloaded"), INTERNAL),
    (body("insufficient_quota", None), INTERNAL),
    (body("surprise", "surprise"), INTERNAL),
]


@pytest.mark.parametrize(("document", "expected"), STREAM)
def test_an_error_within_an_answer_never_sends_paid_work_again(document, expected):
    assert within_answer(document["error"]) == expected


class TestErrors:
    def test_it_carries_what_support_needs(self):
        headers = {"x-request-id": "req_7", "retry-after": "3"}
        error = error_from(429, headers, body("requests", None, "Slow"), secrets=())
        assert isinstance(error, NotAccepted)
        assert (error.code, error.scope, error.retry_after_s) == ("rate_limited", "model", 3)
        assert (error.http_status, error.request_id) == (429, "req_7")
        assert str(error) == "OpenAI answered 429: Slow"

    def test_only_a_person_helps_against_an_empty_purse(self):
        headers = {"retry-after": "3"}
        error = error_from(429, headers, body("insufficient_quota", None), secrets=())
        assert isinstance(error, NotAccepted)
        assert (error.scope, error.retry_after_s) == ("key", None)

    def test_a_limit_without_a_time_waits_a_minute(self):
        error = error_from(429, {}, None, secrets=())
        assert isinstance(error, NotAccepted)
        assert error.retry_after_s == 60

    def test_a_model_that_may_not_be_used_closes_its_gate(self):
        error = error_from(404, {}, body(REQUEST, "model_not_found"), secrets=())
        assert isinstance(error, Refused)
        assert error.closes_model

    def test_our_key_is_not_repeated(self):
        words = body(REQUEST, "invalid_api_key", "Incorrect key: weird.key of ours")
        error = error_from(401, {}, words, secrets=("weird.key",))
        assert "weird.key" not in str(error)

    def test_what_nobody_foresaw_is_unknown(self):
        error = error_from(307, {}, None, secrets=())
        assert type(error) is OutcomeUnknown
        assert error.code == "unexpected_answer"
