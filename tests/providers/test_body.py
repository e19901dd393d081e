"""Bodies as they go over the wire, and how little memory they take."""

import base64
import json
import os
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import NotSent, OutcomeUnknown, Refused
from core.providers.body import Body, DataUrl, Raw, json_body, multipart
from tests.providers.conftest import input_file, png


def whole(body: Body, size: int = 16384) -> bytes:
    with body:
        data = b"".join(iter(lambda: body.read(size), b""))
    assert len(data) == len(body)
    return data


def test_a_form_is_laid_out_as_the_provider_wants_it(picture):
    body = multipart([("prompt", "make it grün"), ("n", "2")], [("image[]", picture)])
    boundary = body.content_type.partition("boundary=")[2].encode()
    assert whole(body) == b"".join(
        [
            b"--" + boundary + b"\r\n",
            b'Content-Disposition: form-data; name="prompt"\r\n\r\n',
            "make it grün\r\n".encode(),
            b"--" + boundary + b"\r\n",
            b'Content-Disposition: form-data; name="n"\r\n\r\n2\r\n',
            b"--" + boundary + b"\r\n",
            b'Content-Disposition: form-data; name="image[]"; filename="a.png"\r\n',
            b"Content-Type: image/png\r\n\r\n" + png() + b"\r\n",
            b"--" + boundary + b"--\r\n",
        ]
    )


def test_a_file_name_cannot_break_out_of_its_quotes(tmp_path):
    evil = input_file(tmp_path, b"x", name='a"\r\nX-Evil: 1.png')
    data = whole(multipart([], [("image[]", evil)]))
    assert b'filename="a%22%0D%0AX-Evil: 1.png"\r\n' in data


def test_json_holds_files_as_data_urls(picture):
    document = {"prompt": 'say "hi" \u2603', "first": picture, "list": [{"image": [picture]}]}
    data = json.loads(whole(json_body(document)))
    url = "data:image/png;base64," + base64.b64encode(png()).decode()
    assert data == {
        "prompt": 'say "hi" \u2603',
        "first": url,
        "list": [{"image": [url]}],
    }


def test_what_is_neither_json_nor_a_file_is_a_bug():
    with pytest.raises(TypeError, match="set is not JSON"):
        json_body({"options": {1, 2}})


@settings(deadline=None)
@given(data=st.binary(max_size=2000), size=st.integers(1, 500))
def test_a_data_url_is_right_for_any_length_of_file_and_of_read(tmp_path_factory, data, size):
    file = input_file(tmp_path_factory.mktemp("files"), data)
    body = Body("text/plain", [b"<", DataUrl(file), b">"])
    expected = b"<data:image/png;base64," + base64.b64encode(data) + b">"
    assert whole(body, size) == expected


def test_the_first_byte_is_noted_when_it_is_pulled():
    body = Body("text/plain", [b"hello"])
    assert not body.started
    body.read(1)
    assert body.started


def test_a_file_that_is_gone_sends_nothing(picture):
    with pytest.raises(NotSent) as caught:
        multipart([], [("image[]", replace(picture, path=picture.path.with_name("gone")))])
    assert caught.value.code == "input_unreadable"


def test_a_file_of_another_length_sends_nothing(picture):
    picture.path.write_bytes(b"changed")
    with pytest.raises(NotSent, match="has 7 bytes"):
        multipart([], [("image[]", picture)])


def test_half_a_surrogate_pair_is_refused_before_anything_is_sent():
    with pytest.raises(Refused) as caught:
        multipart([("prompt", "broken \ud83d")], [])
    assert caught.value.code == "invalid_request"
    with pytest.raises(Refused):
        json_body({"prompt": "broken \ud83d"})


def test_a_body_that_began_in_time_does_not_go_on_too_late():
    body = Body("text/plain", [b"hello"])
    body.read(1)
    body.not_after = 0
    with pytest.raises(OutcomeUnknown):
        body.read(1)


def test_fifty_megabytes_are_never_in_memory(tmp_path):
    file = input_file(tmp_path, b"")
    with file.path.open("wb") as out:
        for _ in range(50):
            out.write(os.urandom(1_000_000))
    file = replace(file, bytes=50_000_000)
    tracemalloc.start()
    for part in (Raw(file), DataUrl(file)):
        body = Body("image/png", [part])
        with body:
            read = sum(len(piece) for piece in iter(lambda: body.read(262144), b""))  # noqa: B023
        assert read == len(body)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
