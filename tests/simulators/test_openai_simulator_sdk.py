"""The provider's own SDK works against the simulator, unchanged."""

import base64
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import openai
import pytest
from openai.types import ImageEditCompletedEvent, ImagesResponse
from PIL import Image

from tests.simulators.conftest import MODEL, Simulator, image_part, mask, picture


@pytest.fixture
def client(simulator: Simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{simulator.url}/v1", api_key="sk-test", max_retries=0, timeout=20
    ) as client:
        yield client


def decoded(text: str | None) -> Image.Image:
    assert text is not None
    image = Image.open(BytesIO(base64.b64decode(text)))
    image.load()
    return image


def test_an_edit_of_one_image(client: Any, simulator: Simulator) -> None:
    result = client.images.edit(
        model=MODEL,
        prompt="make the sky green",
        image=image_part(),
        extra_headers={"X-Client-Request-Id": "job-1"},
        safety_identifier="u_3f2a",
    )
    assert decoded(result.data[0].b64_json).size == (1024, 1024)
    assert (result.size, result.quality, result.background) == ("1024x1024", "medium", "opaque")
    assert result.usage.total_tokens == result.usage.input_tokens + result.usage.output_tokens
    assert result.safety_identifier == "u_3f2a"
    [billed] = simulator.entries("billed")
    assert billed["request_id"] == result._request_id
    assert billed["client_request_id"] == "job-1"
    assert billed["cost_usd"] > 0


def test_an_edit_of_several_images_with_a_mask(client: Any, simulator: Simulator) -> None:
    images = [image_part(picture(96 + 16 * n)) for n in range(3)]
    result = client.images.edit(
        model=MODEL, prompt="x", image=images, mask=image_part(mask()), size="1536x1024", n=2
    )
    assert [decoded(image.b64_json).size for image in result.data] == [(1536, 1024)] * 2
    assert result.data[0].b64_json != result.data[1].b64_json
    [billed] = simulator.entries("billed")
    assert (len(billed["input_sha256"]), billed["n"]) == (3, 2)
    assert billed["mask_sha256"] is not None


def test_the_json_form_with_data_urls(client: Any) -> None:
    url = "data:image/png;base64," + base64.b64encode(picture()).decode()
    result = client.post(
        "/images/edits",
        cast_to=ImagesResponse,
        body={
            "model": MODEL,
            "prompt": "x",
            "images": [{"image_url": url}],
            "moderation": "low",
            "n": 2,
        },
    )
    assert len(result.data) == 2


def test_a_stream_gets_sharper_and_ends_with_the_image(client: Any) -> None:
    with client.images.edit(
        model=MODEL, prompt="x", image=image_part(), stream=True, partial_images=3
    ) as stream:
        assert stream.response.headers["x-request-id"].startswith("req_")
        events = list(stream)
    assert [event.type for event in events] == ["image_edit.partial_image"] * 3 + [
        "image_edit.completed"
    ]
    assert [event.partial_image_index for event in events[:3]] == [0, 1, 2]
    sizes = [len(event.b64_json) for event in events]
    assert sizes == sorted(sizes)
    final = events[-1]
    assert isinstance(final, ImageEditCompletedEvent)
    assert final.usage.input_tokens_details.image_tokens > 0
    assert decoded(final.b64_json).size == (1024, 1024)


def test_a_stream_without_partials_is_one_event(client: Any) -> None:
    with client.images.edit(model=MODEL, prompt="x", image=image_part(), stream=True) as stream:
        assert [event.type for event in stream] == ["image_edit.completed"]


def test_generations_need_no_image(client: Any, simulator: Simulator) -> None:
    result = client.images.generate(model=MODEL, prompt="hills", size="1024x1536", quality="low")
    assert decoded(result.data[0].b64_json).size == (1024, 1536)
    assert simulator.entries("billed")[0]["kind"] == "generation"
    with client.images.generate(model=MODEL, prompt="hills", stream=True) as stream:
        assert [event.type for event in stream] == ["image_generation.completed"]


def test_models_carry_their_last_day(client: Any) -> None:
    listed = {model.id: model for model in client.models.list()}
    assert MODEL in listed
    assert "gpt-image-1" not in listed
    assert client.models.retrieve("gpt-image-1.5").shutdown_date == "2026-12-01"
    with pytest.raises(openai.NotFoundError, match="deprecated"):
        client.models.retrieve("dall-e-3")


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("error:moderation_blocked", openai.BadRequestError, "moderation_blocked"),
        ("error:invalid_api_key", openai.AuthenticationError, "invalid_api_key"),
        ("error:organization_not_verified", openai.PermissionDeniedError, None),
        ("error:model_not_found", openai.NotFoundError, "model_not_found"),
        ("error:conflict", openai.ConflictError, None),
        ("error:unprocessable_entity", openai.UnprocessableEntityError, None),
        ("error:rate_limit_exceeded", openai.RateLimitError, "rate_limit_exceeded"),
        ("error:server_error", openai.InternalServerError, None),
        ("html_502", openai.InternalServerError, None),
    ],
)
def test_errors_become_the_sdks_exceptions(
    client: Any,
    simulator: Simulator,
    fault: str,
    error: type[openai.APIStatusError],
    code: str | None,
) -> None:
    simulator.fault(fault)
    with pytest.raises(error) as caught:
        client.images.edit(model=MODEL, prompt="x", image=image_part())
    assert caught.value.code == code
    assert str(caught.value.request_id).startswith("req_")


def test_a_refusal_names_its_parameter(client: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.edit(model=MODEL, prompt="x", image=image_part(), size="4096x4096")
    assert (caught.value.param, caught.value.code) == ("size", "invalid_value")
    assert caught.value.type == "image_generation_user_error"


def test_bare_bytes_are_refused_as_octet_stream(client: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.edit(model=MODEL, prompt="x", image=[picture()])
    assert caught.value.code == "unsupported_file_mimetype"
    assert "Invalid file 'image[0]'" in str(caught.value)


def test_moderation_details_arrive(client: Any, simulator: Simulator) -> None:
    simulator.fault("error:moderation_blocked", stage="output", categories=["violence"])
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.edit(model=MODEL, prompt="x", image=image_part())
    body: Any = caught.value.body
    assert body["moderation_details"] == {
        "moderation_stage": "output",
        "categories": ["violence"],
    }


def test_a_lost_answer_is_a_connection_error_and_a_slow_one_a_timeout(
    client: Any, simulator: Simulator
) -> None:
    simulator.fault("reset_after_accept", times=1)
    with pytest.raises(openai.APIConnectionError):
        client.images.edit(model=MODEL, prompt="x", image=image_part())
    simulator.fault("hang")
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.2).images.edit(model=MODEL, prompt="x", image=image_part())
    assert len(simulator.entries("billed")) == 2


def test_an_error_event_raises_an_error_without_status(client: Any, simulator: Simulator) -> None:
    simulator.fault("stream_error_event", message="broken inside")
    with (
        client.images.edit(model=MODEL, prompt="x", image=image_part(), stream=True) as stream,
        pytest.raises(openai.APIError, match="broken inside"),
    ):
        list(stream)


@pytest.mark.parametrize(("seconds", "tries"), [(0.01, 2), (121, 1)])
def test_the_sdks_own_retries_obey_retry_after(
    client: Any, simulator: Simulator, seconds: float, tries: int
) -> None:
    simulator.fault("error:rate_limit_exceeded", retry_after=seconds)
    with pytest.raises(openai.RateLimitError):
        client.with_options(max_retries=1).images.edit(model=MODEL, prompt="x", image=image_part())
    assert len(simulator.entries("arrived")) == tries


def test_x_should_retry_false_stops_the_sdk(client: Any, simulator: Simulator) -> None:
    simulator.fault("x_should_retry_false")
    simulator.fault("error:server_error")
    with pytest.raises(openai.InternalServerError):
        client.with_options(max_retries=2).images.edit(model=MODEL, prompt="x", image=image_part())
    assert len(simulator.entries("arrived")) == 1
