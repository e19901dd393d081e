"""The OpenAI adapter against the simulator: each fault, one request, and what the ledger says."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from core.errors import (
    BadResult,
    NotAccepted,
    NotSent,
    OutcomeUnknown,
    ProviderError,
    Refused,
)
from core.providers import EditAnswer, EditRequest, EditResult, SendLimits
from core.providers.answer_file import read_answer
from core.providers.openai import OpenAI
from deploy.local.simulators.openai import breakages
from tests.providers.conftest import input_file
from tests.providers.control import Control

MODEL = "gpt-image-2.6-flare"
FINE = (
    "delay",
    "usage_missing",
    "usage_details_missing",
    "x_should_retry_false",
    "models_unavailable",
    "partials_fewer",
    "stream_cut",
    "stream_reset",
    "stream_error_event",
    "b64_truncated",
    "b64_html",
)
MONEY = {f"error:{code}": (NotAccepted, "quota_exhausted", 0) for code in breakages.MONEY}
PAGES = dict.fromkeys(breakages.GATEWAY, (OutcomeUnknown, "provider_internal", 1))
OUTCOMES: dict[str, tuple[type[ProviderError], str, int]] = {
    **MONEY,
    **PAGES,
    "error:moderation_blocked": (Refused, "moderation_input", 0),
    "error:invalid_value": (Refused, "invalid_request", 0),
    "error:invalid_image_file": (Refused, "invalid_image", 0),
    "error:invalid_input_fidelity_model": (Refused, "invalid_request", 0),
    "error:unknown_parameter": (Refused, "invalid_request", 0),
    "error:unsupported_file_mimetype": (Refused, "invalid_image", 0),
    "error:bad_request": (Refused, "invalid_request", 0),
    "error:invalid_api_key": (NotAccepted, "key_invalid", 0),
    "error:ip_not_authorized": (NotAccepted, "key_invalid", 0),
    "error:organization_not_verified": (Refused, "organization_unverified", 0),
    "error:unsupported_model": (Refused, "organization_unverified", 0),
    "error:unsupported_country": (Refused, "country_not_supported", 0),
    "error:model_not_found": (Refused, "model_not_available", 0),
    "error:request_timeout": (OutcomeUnknown, "provider_internal", 0),
    "error:conflict": (OutcomeUnknown, "provider_internal", 0),
    "error:body_too_large": (Refused, "too_large", 0),
    "error:unsupported_media_type": (Refused, "invalid_request", 0),
    "error:unprocessable_entity": (Refused, "invalid_request", 0),
    "error:rate_limit_exceeded": (NotAccepted, "rate_limited", 0),
    "error:slow_down": (NotAccepted, "slow_down", 0),
    "error:server_error": (OutcomeUnknown, "provider_internal", 0),
    "error:server_is_overloaded": (NotAccepted, "overloaded", 0),
    "error:service_unavailable": (OutcomeUnknown, "provider_internal", 0),
    "reset_before_read": (OutcomeUnknown, "no_answer", 0),
    "reset_after_accept": (OutcomeUnknown, "no_answer", 1),
    "hang": (OutcomeUnknown, "no_answer", 1),
    "body_cut": (OutcomeUnknown, "answer_cut", 1),
    "unframed_cut": (OutcomeUnknown, "answer_unreadable", 1),
    "trickle": (OutcomeUnknown, "answer_cut", 1),
    "html_200": (OutcomeUnknown, "answer_unreadable", 1),
    "data_empty": (BadResult, "empty_result", 1),
    "data_missing": (BadResult, "empty_result", 1),
    "b64_null": (BadResult, "empty_result", 1),
}


@pytest.fixture
def control(openai_simulator: Any) -> Control:
    made = Control(openai_simulator.url)
    made.set(fixed_s=0)
    return made


@pytest.fixture
def picture(tmp_path: Path) -> Any:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((96, 96)).convert("RGB").save(file, "PNG")
    return input_file(tmp_path, file.getvalue())


@pytest.fixture
def edit(control: Control, picture: Any, tmp_path: Path) -> Any:
    def run(**options: Any) -> EditAnswer:
        on_partial = options.pop("on_partial", lambda index, image: None)
        limits = SendLimits(connect_s=5, total_s=options.pop("total_s", 10))
        request = EditRequest(
            model=MODEL,
            prompt="make it blue",
            images=[picture],
            mask=options.pop("mask", None),
            options={"size": "1024x1024", "quality": "low", **options},
            client_request_id="attempt-1",
        )
        client = OpenAI(base_url=f"{control.url}/v1", api_key="sk-test")
        return client.edit(request, limits=limits, spool=tmp_path / "a.body", on_partial=on_partial)

    return run


def opened(result: EditResult) -> list[Image.Image]:
    images: list[Image.Image] = []
    for path in result.images:
        with Image.open(path) as image:
            image.load()
            images.append(image)
    return images


class TestGood:
    def test_an_edit_brings_its_image(self, edit, control, tmp_path, picture):
        answer = edit()
        result = read_answer(tmp_path / "a.body", answer)
        assert [image.size for image in opened(result)] == [(1024, 1024)]
        assert (result.actual["size"], result.actual["quality"]) == ("1024x1024", "low")
        assert result.usage["total_tokens"] > 0
        assert answer.rate_limits["x-ratelimit-limit-requests"]
        (billed,) = control.entries("billed")
        assert billed["client_request_id"] == "attempt-1"
        assert billed["request_id"] == answer.request_id
        assert billed["input_sha256"] == [picture.sha256]

    def test_several_images_in_another_format(self, edit, tmp_path):
        result = read_answer(tmp_path / "a.body", edit(n=3, output_format="webp"))
        assert [path.suffix for path in result.images] == [".webp"] * 3
        assert len(opened(result)) == 3

    def test_a_mask_arrives_as_it_was(self, edit, control, tmp_path):
        file = io.BytesIO()
        Image.new("RGBA", (96, 96), (0, 0, 0, 0)).save(file, "PNG")
        mask = input_file(tmp_path, file.getvalue(), name="m.png")
        edit(mask=mask)
        assert control.entries("billed")[0]["mask_sha256"] == mask.sha256

    def test_a_stream_brings_previews_and_the_image(self, edit, tmp_path):
        shown: list[int] = []
        answer = edit(
            stream=True, partial_images=2, on_partial=lambda index, image: shown.append(index)
        )
        assert shown == [0, 1]
        assert answer.streamed
        assert len(opened(read_answer(tmp_path / "a.body", answer))) == 1


@pytest.mark.parametrize(("name", "expected"), OUTCOMES.items(), ids=OUTCOMES.keys())
def test_each_fault_costs_one_request_and_means_one_thing(name, expected, edit, control):
    kind, code, billed = expected
    control.fault(name, **({"interval_s": 0.05} if billed else {}))
    with pytest.raises(ProviderError) as caught:
        edit(total_s={"hang": 1.5, "trickle": 3}.get(name, 10))
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert (control.posts(), control.billed()) == (1, billed)


@pytest.mark.parametrize("fault", ["usage_missing", "usage_details_missing", "delay"])
def test_a_small_oddity_is_no_failure(fault, edit, control, tmp_path):
    control.fault(fault, seconds=0.01)
    assert read_answer(tmp_path / "a.body", edit()).images


@pytest.mark.parametrize("args", [{}, {"raw": True}])
def test_a_page_in_place_of_an_image_is_a_bad_result(args, edit, control, tmp_path):
    control.fault("b64_html", **args)
    answer = edit()
    with pytest.raises(BadResult) as caught:
        read_answer(tmp_path / "a.body", answer)
    assert caught.value.code == "not_an_image"
    assert (tmp_path / "a.body").exists()


def test_half_an_image_is_left_to_the_decoder(edit, control, tmp_path):
    control.fault("b64_truncated")
    result = read_answer(tmp_path / "a.body", edit())
    with pytest.raises(OSError, match="truncated"):
        opened(result)


STREAM_FAULTS = [
    ("stream_cut", {}, OutcomeUnknown),
    ("stream_reset", {}, OutcomeUnknown),
    ("body_cut", {}, OutcomeUnknown),
    ("reset_after_accept", {}, OutcomeUnknown),
    ("stream_error_event", {}, OutcomeUnknown),
    ("stream_error_event", {"type": "requests", "code": "rate_limit_exceeded"}, OutcomeUnknown),
    ("stream_error_event", {"code": "moderation_blocked"}, Refused),
    ("b64_null", {}, BadResult),
    ("error:server_is_overloaded", {}, NotAccepted),
]


@pytest.mark.parametrize(("name", "args", "kind"), STREAM_FAULTS)
def test_each_fault_of_a_stream(name, args, kind, edit, control):
    control.fault(name, **args)
    with pytest.raises(ProviderError) as caught:
        edit(stream=True, partial_images=2)
    assert type(caught.value) is kind
    assert control.posts() == 1


def test_fewer_previews_are_no_failure(edit, control):
    control.fault("partials_fewer")
    shown: list[int] = []
    edit(stream=True, partial_images=2, on_partial=lambda index, image: shown.append(index))
    assert shown == [0]


def test_a_limit_of_the_account_says_how_long_to_wait(edit, control):
    control.set(input_images_per_min=1, window_s=30)
    edit()
    with pytest.raises(NotAccepted) as caught:
        edit()
    assert caught.value.retry_after_s == pytest.approx(30, abs=3)
    assert control.billed() == 1


def test_nobody_listens(openai_simulator, edit, control):
    openai_simulator.stop()
    with pytest.raises(NotSent):
        edit()


def test_a_wrong_address_is_named(control, picture, tmp_path):
    client = OpenAI(base_url=f"{control.url}/v1/v1", api_key="sk-test")
    request = EditRequest(model=MODEL, prompt="x", images=[picture], client_request_id="a")
    with pytest.raises(NotAccepted) as caught:
        client.edit(
            request,
            limits=SendLimits(connect_s=2, total_s=3),
            spool=tmp_path / "a.body",
            on_partial=lambda index, image: None,
        )
    assert (caught.value.code, caught.value.scope) == ("wrong_address", "key")


def test_every_fault_of_the_simulator_is_tried_here():
    assert {*OUTCOMES, *FINE} == set(breakages.KNOWN)


class TestCheck:
    def test_a_free_question_tells_whether_the_key_is_taken(self, control):
        OpenAI(base_url=f"{control.url}/v1", api_key="sk-test").check()

        with pytest.raises(ProviderError) as refused:
            OpenAI(base_url=f"{control.url}/v1", api_key="bad").check()
        assert refused.value.code == "key_invalid"
        assert control.posts() == 0

    def test_a_key_that_may_not_list_models_is_taken_all_the_same(self, control):
        control.fault("models_unavailable", status=403)

        OpenAI(base_url=f"{control.url}/v1", api_key="sk-test").check()

    def test_a_provider_that_is_down_says_nothing(self, control):
        control.fault("models_unavailable")

        with pytest.raises(ProviderError):
            OpenAI(base_url=f"{control.url}/v1", api_key="sk-test").check()


def test_a_refusal_brings_its_rate_limits(edit, control):
    control.set(input_images_per_min=0)

    with pytest.raises(NotAccepted) as refused:
        edit()
    assert refused.value.rate_limits["x-ratelimit-limit-input-images"] == "0"
