"""Input images are fetched, decoded and measured."""

import base64
import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from deploy.local.simulators.minimax.images import MIB, V1_LIMITS, V2_LIMITS, read_picture
from deploy.local.simulators.minimax.refusals import Refused
from tests.simulators.minimax.client import data_url, image_bytes

PNG = image_bytes()


def read(url: object, limits=V1_LIMITS):
    return read_picture(url, "first_frame_image", "first_frame", limits)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_the_three_formats_are_read_whatever_type_they_claim(format):
    found = read(data_url(image_bytes(640, 360, format), "image/jpeg"))

    assert (found.width, found.height) == (640, 360)


def cut_jpeg() -> bytes:
    whole = image_bytes(640, 360, "JPEG")
    return whole[: len(whole) // 2]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (cut_jpeg(), "not a readable"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a readable"),
        (image_bytes(format="GIF"), "not a readable"),
        (image_bytes(format="TIFF"), "not a readable"),
        (PNG[:60], "not a readable"),
        (PNG + bytes(20 * MIB), "too large"),
    ],
)
def test_an_image_that_the_provider_would_not_take_is_refused(data, says):
    is_refused(data, says)


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ((300, 400), "short side"),
        ((301, 753), "aspect ratio"),
        ((753, 301), "aspect ratio"),
        ((8000, 8000), "too many pixels"),
    ],
)
def test_an_image_of_a_size_that_it_would_not_take_is_refused(size, says):
    is_refused(image_bytes(*size), says)  # made here: collecting the tests would take a second


def is_refused(data: bytes, says: str) -> None:
    with pytest.raises(Refused, match=says) as caught:
        read(data_url(data))

    assert "first_frame_image" in str(caught.value)
    assert caught.value.code == 2013


@pytest.mark.parametrize(("width", "height"), [(301, 301), (301, 752), (752, 301)])
def test_the_limits_themselves_are_allowed(width, height):
    assert read(data_url(image_bytes(width, height))).width == width


@pytest.mark.parametrize(
    ("size", "fits"), [((256, 256), True), ((255, 300), False), ((5760, 2400), True)]
)
def test_v2_has_limits_of_its_own(size, fits):
    file = io.BytesIO()
    Image.new("L", size).save(file, "PNG")
    url = data_url(file.getvalue())

    if fits:
        assert read(url, V2_LIMITS).width == size[0]
    else:
        with pytest.raises(Refused):
            read(url, V2_LIMITS)


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        7,
        "file:///etc/passwd",
        "mm_file://17",
        "http://",
        "http://[",
        "data:image/png,plain",
        "data:text/html;base64,PGh0bWw+",
        "data:image/png;base64,%%%",
        "data:image/png;base64," + base64.b64encode(PNG).decode()[:-3] + "!!!",
        "http://127.0.0.1:1/nobody.png",
    ],
)
def test_a_url_that_gives_no_image_is_refused(url):
    with pytest.raises(Refused, match="first_frame_image"):
        read(url)


def test_an_image_on_the_web_is_fetched():
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/a.png" else 404)
            self.end_headers()
            self.wfile.write(PNG)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as web:
        threading.Thread(target=web.serve_forever, args=(0.02,)).start()
        here = f"http://127.0.0.1:{web.server_port}"
        assert read(f"{here}/a.png").data == PNG
        with pytest.raises(Refused, match="could not be downloaded"):
            read(f"{here}/b.png")
        web.shutdown()
