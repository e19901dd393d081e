"""Requests are checked as the provider checks them, and what is refused is never billed."""

import base64
from typing import Any

import pytest
import requests

from tests.simulators.conftest import MODEL, Simulator, image_part, mask, picture

MB = 1024 * 1024
OLD = "gpt-image-1.5"
USER = "image_generation_user_error"
REQUEST = "invalid_request_error"


def refused(reply: requests.Response, simulator: Simulator) -> dict[str, Any]:
    """Return the error of a refusal, which has every header and cost nothing."""
    assert simulator.entries("billed") == []
    assert reply.headers["x-request-id"].startswith("req_")
    assert {"openai-processing-ms", "x-ratelimit-remaining-requests"} <= reply.headers.keys()
    error: dict[str, Any] = reply.json()["error"]
    assert error.keys() >= {"message", "type", "param", "code"}
    return error


@pytest.mark.parametrize(
    ("fields", "param", "code", "message"),
    [
        ({"prompt": None}, "prompt", "missing_required_parameter", "Missing required"),
        ({"prompt": ""}, "prompt", "string_below_min_length", "too short"),
        ({"prompt": "x" * 32001}, "prompt", "string_above_max_length", "length 32001 instead"),
        ({"model": None}, "model", "missing_required_parameter", "Missing required"),
        ({"model": "text-embedding-3-small"}, "model", "invalid_value", "image model"),
        ({"n": "0"}, "n", "integer_below_min_value", ">= 1"),
        ({"n": "11"}, "n", "integer_above_max_value", "<= 10"),
        ({"n": "two"}, "n", "invalid_type", "expected an integer"),
        ({"size": "4096x4096"}, "size", "invalid_value", "longest edge must be less"),
        ({"size": "576x1024"}, "size", "invalid_value", "below the current minimum pixel budget"),
        ({"size": "3840x2176"}, "size", "invalid_value", "exceeds the current maximum"),
        ({"size": "1000x1000"}, "size", "invalid_value", "multiples of 16"),
        ({"size": "3104x1024"}, "size", "invalid_value", "between 1:3 and 3:1"),
        ({"size": "big"}, "size", "invalid_value", "Invalid size 'big'"),
        ({"size": "1024x1024 "}, "size", "invalid_value", "Invalid size"),
        ({"size": "2048x2048", "model": OLD}, "size", "invalid_value", "and 'auto'"),
        ({"quality": "hd"}, "quality", "invalid_value", "Supported values are: 'low'"),
        ({"quality": "max", "model": "gpt-image-2"}, "quality", "invalid_value", "'high' and"),
        ({"complexity": "low", "model": "gpt-image-2"}, "complexity", "invalid_value", "support"),
        ({"background": "none"}, "background", "invalid_value", "Supported"),
        (
            {"background": "transparent", "output_format": "jpeg"},
            "background",
            "invalid_value",
            "Transparent",
        ),
        (
            {"background": "transparent", "model": "gpt-image-2"},
            "background",
            "invalid_value",
            "Transparent",
        ),
        ({"output_format": "bmp"}, "output_format", "invalid_value", "Supported"),
        (
            {"output_compression": "50"},
            "output_compression",
            "invalid_png_output_compression",
            "PNG",
        ),
        (
            {"output_compression": "101", "output_format": "webp"},
            "output_compression",
            "integer_above_max_value",
            "<= 100",
        ),
        (
            {"input_fidelity": "high"},
            "input_fidelity",
            "invalid_input_fidelity_model",
            "does not support the 'input_fidelity' parameter",
        ),
        (
            {"input_fidelity": "high", "model": "gpt-image-1-mini"},
            "input_fidelity",
            "invalid_value",
            "'low'",
        ),
        ({"response_format": "b64_json"}, "response_format", "unknown_parameter", "Unknown"),
        ({"style": "vivid"}, "style", "unknown_parameter", "Unknown parameter: 'style'."),
        ({"stream": "yes"}, "stream", "invalid_type", "boolean"),
        ({"partial_images": "4", "stream": "true"}, "partial_images", None, "<= 3"),
        ({"partial_images": "1"}, "partial_images", "invalid_value", "'stream' is true"),
        ({"moderation": "off"}, "moderation", "invalid_value", "'low' and 'auto'"),
        ({"safety_identifier": "x" * 129}, "safety_identifier", None, "maximum length 128"),
        ({"frame_count": "4"}, "frame_count", "invalid_value", "'gif'"),
        ({"output_format": "gif", "stream": "true"}, "stream", "invalid_value", "'gif'"),
        ({"output_format": "svg", "n": "2"}, "n", "invalid_value", "'svg'"),
    ],
)
def test_a_wrong_value_is_a_400_that_names_it(
    simulator: Simulator, fields: dict[str, Any], param: str, code: str | None, message: str
) -> None:
    reply = simulator.edit(**fields)
    assert reply.status_code == 400, reply.text
    error = refused(reply, simulator)
    assert error["param"] == param
    assert code in {None, error["code"]}
    assert message in error["message"]
    assert error["type"] in {USER, REQUEST}


@pytest.mark.parametrize("output_format", ["gif", "svg"])
def test_previews_need_an_access_this_key_does_not_have(
    simulator: Simulator, output_format: str
) -> None:
    reply = simulator.edit(output_format=output_format)
    assert reply.status_code == 403
    assert "access" in refused(reply, simulator)["message"]


@pytest.mark.parametrize("model", ["gpt-image-1", "dall-e-2", "dall-e-3", "gpt-image-9"])
def test_a_model_that_is_gone_or_never_was_is_a_404(simulator: Simulator, model: str) -> None:
    reply = simulator.edit(model=model)
    assert reply.status_code == 404
    assert refused(reply, simulator)["code"] == "model_not_found"


def test_a_model_can_be_shut_down_by_a_setting(simulator: Simulator) -> None:
    assert simulator.edit(model="gpt-image-2").status_code == 200
    simulator.set(models={"gpt-image-2": {"shutdown_date": "2026-01-01"}})
    assert simulator.edit(model="gpt-image-2").status_code == 404


@pytest.mark.parametrize(
    ("header", "code"),
    [(None, None), ("Basic x", None), ("Bearer ", None), ("Bearer bad-key", "invalid_api_key")],
)
def test_without_a_good_key_everything_is_a_401(
    simulator: Simulator, header: str | None, code: str | None
) -> None:
    for path in ("/v1/models", "/v1/images/edits"):
        method = "GET" if path == "/v1/models" else "POST"
        headers = {"Authorization": header} if header else {}
        reply = simulator.http.request(method, simulator.url + path, headers=headers)
        assert reply.status_code == 401
        assert refused(reply, simulator)["code"] == code


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/v1/images/edits", 405), ("POST", "/v1/models", 405), ("POST", "/v1/files", 404)],
)
def test_other_routes_are_refused(
    simulator: Simulator, method: str, path: str, status: int
) -> None:
    headers = {"Authorization": "Bearer sk"}
    reply = simulator.http.request(method, simulator.url + path, headers=headers)
    assert reply.status_code == status
    refused(reply, simulator)


def damaged(data: bytes) -> bytes:
    return data[: len(data) // 2]


INPUTS: list[tuple[str, bytes, str, str]] = [
    ("octet-stream", picture(), "application/octet-stream", "unsupported_file_mimetype"),
    ("a gif", picture(format="GIF"), "image/gif", "unsupported_file_mimetype"),
    ("an svg called png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/png", ""),
    ("a gif called png", picture(format="GIF"), "image/png", ""),
    ("nothing", b"", "image/png", ""),
    ("half a png", damaged(picture()), "image/png", ""),
    ("half a jpeg", damaged(picture(format="JPEG")), "image/jpeg", ""),
    ("cmyk", picture(mode="CMYK", format="JPEG"), "image/jpeg", ""),
    ("palette", picture(mode="P"), "image/png", ""),
    ("one bit", picture(mode="1"), "image/png", ""),
    ("16 bit", picture(mode="I;16"), "image/png", ""),
]


@pytest.mark.parametrize(
    ("data", "content_type", "code"),
    [row[1:] for row in INPUTS],
    ids=[row[0] for row in INPUTS],
)
def test_a_file_that_is_no_editable_image_is_refused(
    simulator: Simulator, data: bytes, content_type: str, code: str
) -> None:
    parts = [("image[]", image_part()), ("image[]", image_part(data, content_type))]
    error = refused(simulator.edit(parts), simulator)
    assert error["code"] == (code or "invalid_image_file")
    if not code:
        assert error["message"].startswith("Invalid image file or mode for image 2")


def test_a_16_bit_colour_png_is_refused_too(simulator: Simulator) -> None:
    data = bytearray(picture())
    data[24] = 16
    error = refused(simulator.edit([("image", image_part(bytes(data)))]), simulator)
    assert error["code"] == "invalid_image_file"


def test_a_huge_image_is_refused_before_it_is_decoded(simulator: Simulator) -> None:
    data = bytearray(picture())
    data[16:24] = (20_000).to_bytes(4, "big") * 2
    error = refused(simulator.edit([("image", image_part(bytes(data)))]), simulator)
    assert error["code"] == "invalid_image_file"


@pytest.mark.parametrize(("count", "status"), [(0, 400), (1, 200), (16, 200), (17, 400)])
def test_one_to_sixteen_images(simulator: Simulator, count: int, status: int) -> None:
    small = image_part(picture(16, 16))
    parts: list[Any] = [("image[]", small)] * count or [("ignored", (None, "x"))]
    fields = {} if count else {"prompt": "x"}
    assert simulator.edit(parts, **fields).status_code == status


def test_the_same_name_twice_is_a_duplicate(simulator: Simulator) -> None:
    for twice in (
        [("image", image_part())] * 2,
        [("image", image_part()), *[("mask", image_part(mask()))] * 2],
        [("image", image_part()), *[("size", (None, "auto"))] * 2],
    ):
        error = refused(simulator.edit(twice), simulator)
        assert error["code"] == "duplicate_parameter"


def test_an_image_of_50_mb_is_too_large(simulator: Simulator) -> None:
    too_large = image_part(picture() + b"\0" * (50 * MB))
    error = refused(simulator.edit([("image", too_large)]), simulator)
    assert "smaller than 50 MB" in error["message"]


MASKS: list[tuple[str, bytes, str]] = [
    ("another size", mask(95), "mask size does not match image size"),
    ("greyscale", picture(mode="L"), "mask size does not match image size"),
    ("without alpha", picture(), "mask image missing alpha channel"),
    ("a jpeg", picture(format="JPEG"), "must be a PNG"),
    ("4 MB", mask() + b"\0" * 4 * MB, "smaller than 4 MB"),
    ("half", mask()[:60], "Invalid mask image file"),
]


@pytest.mark.parametrize(
    ("data", "message"), [row[1:] for row in MASKS], ids=[row[0] for row in MASKS]
)
def test_a_mask_that_does_not_fit_is_refused(
    simulator: Simulator, data: bytes, message: str
) -> None:
    parts = [("image", image_part()), ("mask", image_part(data))]
    error = refused(simulator.edit(parts), simulator)
    assert (error["param"], error["type"]) == ("mask", USER)
    assert message in error["message"]


def test_a_mask_needs_a_png_as_its_image(simulator: Simulator) -> None:
    jpeg = image_part(picture(format="JPEG"), "image/jpeg")
    error = refused(simulator.edit([("image", jpeg), ("mask", image_part(mask()))]), simulator)
    assert "same format" in error["message"]


class TestMarkup:
    def test_it_is_accepted_by_the_newer_models_only(self, simulator: Simulator) -> None:
        parts = [("image", image_part()), ("markup", image_part(mask()))]
        error = refused(simulator.edit(parts, model="gpt-image-2"), simulator)
        assert error["param"] == "markup"
        assert simulator.edit(parts).status_code == 200

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (mask(95), "size does not match"),
            (picture(mode="RGBA"), "transparent pixels"),
            (picture(), "transparent pixels"),
        ],
    )
    def test_it_must_fit_the_image(self, simulator: Simulator, data: bytes, message: str) -> None:
        parts = [("image", image_part()), ("markup", image_part(data))]
        assert message in refused(simulator.edit(parts), simulator)["message"]

    def test_it_excludes_a_mask(self, simulator: Simulator) -> None:
        parts = [("image", image_part()), *[(n, image_part(mask())) for n in ("mask", "markup")]]
        assert "combined" in refused(simulator.edit(parts), simulator)["message"]


class TestBodies:
    def post(self, simulator: Simulator, data: bytes, content_type: str) -> requests.Response:
        return simulator.http.post(
            f"{simulator.url}/v1/images/edits",
            data=data,
            headers={"Authorization": "Bearer sk", "Content-Type": content_type},
        )

    @pytest.mark.parametrize(
        ("data", "content_type"),
        [
            (b"x", "text/plain"),
            (b"prompt=x", "application/x-www-form-urlencoded"),
            (b"{", "application/json"),
            (b"[]", "application/json"),
            (b"[" * 100_000, "application/json"),
            (b"x", "multipart/form-data"),
            (b"rubbish", "multipart/form-data; boundary=B"),
            (
                b'--B\r\nContent-Disposition: form-data; name="p"\r\n\r\nx',
                "multipart/form-data; boundary=B",
            ),
            (
                b'--B\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n\xff\r\n--B--\r\n',
                "multipart/form-data; boundary=B",
            ),
        ],
    )
    def test_what_cannot_be_parsed_is_a_400(
        self, simulator: Simulator, data: bytes, content_type: str
    ) -> None:
        reply = self.post(simulator, data, content_type)
        assert reply.status_code == 400
        refused(reply, simulator)

    def test_an_endless_number_of_parts_is_refused(self, simulator: Simulator) -> None:
        parts = [(f"x{n}", (None, "y")) for n in range(200)]
        assert "parts" in refused(simulator.edit(parts), simulator)["message"]

    def test_a_body_that_announces_too_much_is_a_413(self, simulator: Simulator) -> None:
        request = requests.Request("POST", f"{simulator.url}/v1/images/edits").prepare()
        request.headers.update({"Authorization": "Bearer sk", "Content-Length": "2000000000"})
        assert simulator.http.send(request, timeout=5).status_code == 413


class TestJson:
    def post(self, simulator: Simulator, **body: Any) -> requests.Response:
        return simulator.http.post(
            f"{simulator.url}/v1/images/edits",
            json={"model": MODEL, "prompt": "x", "images": [url_of(picture())]} | body,
            headers={"Authorization": "Bearer sk"},
        )

    def test_images_may_be_data_urls(self, simulator: Simulator) -> None:
        reply = self.post(simulator, mask=url_of(mask()), n=2, stream=False, size=None)
        assert len(reply.json()["data"]) == 2

    @pytest.mark.parametrize(
        ("body", "param"),
        [
            ({"image": []}, "image"),
            ({"images": []}, "images"),
            ({"images": "x"}, "images"),
            ({"images": ["x"]}, "images[0]"),
            ({"images": [{"file_id": "file-abc"}]}, "images[0].file_id"),
            ({"images": [{"file_id": "f", "image_url": "x"}]}, "images[0]"),
            ({"images": [{"image_url": "https://example.com/a.png"}]}, "images[0].image_url"),
            ({"images": [{"image_url": "data:image/png;base64,*"}]}, "images[0].image_url"),
            ({"images": [{"image_url": "x" * 20_971_521}]}, "images[0].image_url"),
            ({"images": [{"url": "x"}]}, "images[0].url"),
            ({"n": "2"}, "n"),
            ({"n": True}, "n"),
            ({"stream": "true"}, "stream"),
            ({"prompt": 7}, "prompt"),
            ({"quality": 7}, "quality"),
            ({"unheard_of": 1}, "unheard_of"),
        ],
    )
    def test_wrong_ones_are_refused(
        self, simulator: Simulator, body: dict[str, Any], param: str
    ) -> None:
        reply = self.post(simulator, **body)
        assert reply.status_code == 400
        assert refused(reply, simulator)["param"] == param


class TestGenerations:
    def post(self, simulator: Simulator, **body: Any) -> requests.Response:
        return simulator.http.post(
            f"{simulator.url}/v1/images/generations",
            json={"model": MODEL, "prompt": "x"} | body,
            headers={"Authorization": "Bearer sk"},
        )

    @pytest.mark.parametrize(
        "body",
        [{"input_fidelity": "low"}, {"style": "vivid"}, {"images": [{"image_url": "x"}]}, {"n": 0}],
    )
    def test_what_belongs_to_edits_is_unknown(
        self, simulator: Simulator, body: dict[str, Any]
    ) -> None:
        assert self.post(simulator, **body).status_code == 400

    def test_a_form_is_refused(self, simulator: Simulator) -> None:
        reply = simulator.http.post(
            f"{simulator.url}/v1/images/generations",
            files={"prompt": (None, "x")},
            headers={"Authorization": "Bearer sk"},
        )
        assert refused(reply, simulator)["code"] == "unsupported_content_type"


def url_of(data: bytes) -> dict[str, str]:
    return {"image_url": "data:image/png;base64," + base64.b64encode(data).decode()}
