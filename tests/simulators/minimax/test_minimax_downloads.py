"""Links die, ranges work, and every broken download is broken as announced."""

import io
import re

import av
import pytest
import requests

from deploy.local.simulators.minimax.breakages import DOWNLOADS
from tests.simulators.minimax.client import Client, watched

BROKEN_OFF = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


@pytest.fixture(params=["v1", "v2"])
def link(request, minimax: Client) -> str:
    return minimax.link(request.param, minimax.created(request.param))


@pytest.fixture
def v1_link(minimax: Client) -> str:
    return minimax.link("v1", minimax.created("v1"))


def get(url: str, **headers: str) -> requests.Response:
    return requests.get(url, headers=headers, timeout=5, allow_redirects=False)


def test_a_link_needs_no_key_and_tells_the_truth(link):
    reply = get(link)

    assert reply.status_code == 200
    assert reply.headers["Content-Type"] == "video/mp4"
    assert int(reply.headers["Content-Length"]) == len(reply.content)
    assert watched(reply.content).seconds == 1
    assert re.search(r"/inference_output/video/\d{4}-\d\d-\d\d/.*/output\.mp4\?", link)


def test_a_head_has_the_length_and_no_body(link):
    reply = requests.head(link, timeout=5)

    assert int(reply.headers["Content-Length"]) == len(get(link).content)


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-99", slice(0, 100)),
        ("bytes=100-", slice(100, None)),
        ("bytes=-50", slice(-50, None)),
        ("bytes=10-999999999", slice(10, None)),
    ],
)
def test_a_range_is_a_part(link, wanted, part):
    whole, reply = get(link).content, get(link, Range=wanted)

    assert (reply.status_code, reply.content) == (206, whole[part])
    start = len(whole[: part.start]) if part.start >= 0 else len(whole) - 50
    end = start + len(reply.content) - 1
    assert reply.headers["Content-Range"] == f"bytes {start}-{end}/{len(whole)}"


def test_a_range_outside_is_not_satisfiable(link):
    reply = get(link, Range="bytes=99999999-")

    assert reply.status_code == 416
    assert reply.headers["Content-Range"].startswith("bytes */")


@pytest.mark.parametrize("wanted", ["bytes=-", "pages=1-2", "bytes=1-2,5-6", "x"])
def test_a_range_that_makes_no_sense_is_ignored(link, wanted):
    assert get(link, Range=wanted).status_code == 200


@pytest.mark.parametrize(
    ("old", "new"), [("sig=", "sig=0"), ("expires=", "expires=9"), ("sig=", "six=")]
)
def test_a_forged_link_is_refused(link, old, new):
    assert get(link.replace(old, new)).status_code == 403


def test_a_link_dies_and_a_fresh_one_lives(minimax):
    minimax.set(url_ttl_s=0)
    id = minimax.created("v1")
    reply = get(minimax.link("v1", id))

    assert reply.status_code == 403
    assert reply.headers["Content-Type"] == "application/xml"
    assert "<Message>Request has expired.</Message>" in reply.text
    minimax.set(url_ttl_s=60)
    assert get(minimax.link("v1", id)).status_code == 200


def status(url: str) -> None:
    assert (get(url).status_code, get(url).text[:5]) == (403, "<?xml")


def truncated(url: str) -> None:
    with pytest.raises(BROKEN_OFF):
        get(url)


def too_long(url: str) -> None:
    reply = get(url)
    with pytest.raises(av.FFmpegError):
        watched(reply.content)


def huge_length(url: str) -> None:
    with requests.get(url, stream=True, timeout=5) as reply:
        assert reply.headers["Content-Length"] == "50000000000"
        assert next(reply.iter_content(1000))


def endless(url: str) -> None:
    with requests.get(url, stream=True, timeout=5) as reply:
        assert "Content-Length" not in reply.headers
        seen = 0
        for piece in reply.iter_content(1 << 20):
            seen += len(piece)
            if seen > 20 << 20:
                return


def trickle(url: str) -> None:
    with requests.get(url, stream=True, timeout=5) as reply:
        assert len(reply.raw.read1(1000)) < 10


def redirect(url: str) -> None:
    reply = get(url)
    assert (reply.status_code, reply.headers["Location"]) == (302, "http://10.0.0.1/")


def html(url: str) -> None:
    assert get(url).headers["Content-Type"] == "video/mp4"
    assert get(url).content.startswith(b"<html>")


def moov_cut(url: str) -> None:
    reply = get(url)
    assert reply.content[4:8] == b"ftyp"
    with av.open(io.BytesIO(reply.content), "r", format="mp4") as container:
        assert not container.streams


def cut_file(url: str) -> None:
    reply = get(url)
    assert len(reply.content) == int(reply.headers["Content-Length"])
    with pytest.raises(av.FFmpegError):
        watched(reply.content)


def huge_frame(url: str) -> None:
    data = get(url).content
    assert len(data) < 300_000
    with av.open(io.BytesIO(data), "r", format="mp4") as container:
        video = container.streams.video[0]
        assert (video.codec_context.width, video.codec_context.height) == (8192, 8192)


def playlist(url: str) -> None:
    reply = get(url)
    assert reply.text.startswith("#EXTM3U")
    assert "\nhttp://10.0.0.1/\n" in reply.text


EFFECTS = {
    "download_status": status,
    "download_truncated": truncated,
    "download_too_long": too_long,
    "download_huge_length": huge_length,
    "download_endless": endless,
    "download_trickle": trickle,
    "download_reset": truncated,
    "download_redirect": redirect,
    "download_html": html,
    "download_moov_cut": moov_cut,
    "download_cut_file": cut_file,
    "download_huge_frame": huge_frame,
    "download_playlist": playlist,
}


def test_every_fault_of_a_download_has_a_test():
    assert EFFECTS.keys() == DOWNLOADS.keys()


@pytest.mark.parametrize("name", EFFECTS)
def test_a_broken_download_is_broken_as_announced(minimax, v1_link, name):
    minimax.fault(name, match="paper boat", url="http://10.0.0.1/")

    EFFECTS[name](v1_link)

    minimax.control("DELETE", "faults")
    assert watched(get(v1_link).content).seconds == 1


def test_a_smaller_huge_frame_really_decodes(minimax, v1_link):
    minimax.fault("download_huge_frame", side=1024)

    with av.open(io.BytesIO(get(v1_link).content), "r", format="mp4") as container:
        [frame] = list(container.decode(video=0))
    assert (frame.width, frame.height) == (1024, 1024)
