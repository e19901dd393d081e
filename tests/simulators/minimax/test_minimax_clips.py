"""The videos themselves: what is seen in them, and what they cost to make."""

import io
import time

import pytest
from PIL import Image, ImageChops, ImageStat

from deploy.local.simulators.minimax import encoding
from deploy.local.simulators.minimax.shapes import Clip
from tests.simulators.minimax.client import (
    colour,
    data_url,
    image_bytes,
    image_item,
    still,
    watched,
)

CLIP = Clip(width=320, height=180, duration_s=2, sound=False)


def encoded(path, clip=CLIP, seed="a", **frames):
    encoding.encode(path / "clip.mp4", clip, seed=seed, comment="a test", **frames)
    return (path / "clip.mp4").read_bytes()


def distance(one, other):
    """Return the mean difference of two pictures, 0 to 255."""
    size = other.size
    difference = ImageChops.difference(one.convert("RGB").resize(size), other.convert("RGB"))
    return sum(ImageStat.Stat(difference).mean) / 3


@pytest.mark.parametrize(
    ("width", "height", "seconds", "sound"),
    [(320, 180, 6, False), (180, 320, 4, True), (130, 130, 5, True), (2, 2, 1, False)],
)
def test_a_clip_has_exactly_the_size_and_length_asked_for(tmp_path, width, height, seconds, sound):
    clip = Clip(width=width, height=height, duration_s=seconds, sound=sound)
    found = watched(encoded(tmp_path, clip))

    assert (found.width, found.height, found.frames) == (width, height, 24 * seconds)
    assert found.seconds == seconds
    assert (found.sound is not None) is sound


def test_it_goes_from_the_first_frame_to_the_last(tmp_path):
    first = Image.open(io.BytesIO(image_bytes(320, 180)))
    last = Image.linear_gradient("L").convert("RGB").resize((320, 180))
    data = encoded(tmp_path, first=first, last=last)

    assert distance(still(data, 0), first) < 4
    assert distance(still(data, 47), last) < 4
    assert distance(still(data, 24), first) > 4


def test_a_first_frame_alone_moves(tmp_path):
    first = Image.radial_gradient("L").convert("RGB").resize((320, 180))
    data = encoded(tmp_path, first=first)

    assert distance(still(data, 0), first) < 4
    assert 1 < distance(still(data, 47), first) < 40


def test_each_text_has_its_colours(tmp_path):
    one, other = still(encoded(tmp_path, seed="a"), 0), still(encoded(tmp_path, seed="b"), 0)

    assert distance(one, other) > 10


def test_the_same_seed_makes_the_same_file(tmp_path):
    assert encoded(tmp_path) == encoded(tmp_path)


def test_six_seconds_of_768p_cost_little(tmp_path):
    began = time.process_time()
    encoded(tmp_path, Clip(width=1366, height=768, duration_s=6, sound=False))

    assert time.process_time() - began < 3  # 0.9 s measured; a busy machine may take longer


def test_a_clip_is_made_once(minimax):
    link = minimax.link("v1", minimax.created("v1"))
    first, again = minimax.http.get(link), minimax.http.get(link)

    assert first.content == again.content
    assert first.headers["Last-Modified"] == again.headers["Last-Modified"]


def test_small_videos_keep_the_shape(minimax):
    id = minimax.created("v2", files=[image_item(data=image_bytes(400, 800))])
    found = watched(minimax.http.get(minimax.link("v2", id)).content)

    assert (found.width, found.height, found.frames) == (256, 512, 24)
    assert found.sound is not None


def test_a_shared_clip_is_the_same_for_all_tasks_of_a_shape(minimax):
    minimax.set(shared_clip=True)
    ids = [minimax.created("v1", prompt=prompt) for prompt in ("a", "b")]
    ids.append(minimax.created("v1", first_frame_image=data_url(image_bytes(400, 400))))

    one, two, square = (minimax.http.get(minimax.link("v1", id)).content for id in ids)
    assert one == two
    assert watched(square).height == 256


def test_two_tasks_have_different_files(minimax):
    one, two = (
        minimax.http.get(minimax.link("v1", minimax.created("v1"))).content for _ in range(2)
    )

    assert one != two


def test_the_last_frame_reaches_the_video(minimax):
    white = io.BytesIO()
    Image.new("RGB", (640, 360), "white").save(white, "PNG")
    id = minimax.created(
        "v1",
        model="MiniMax-Hailuo-02",
        first_frame_image=data_url(),
        last_frame_image=data_url(white.getvalue()),
    )
    data = minimax.http.get(minimax.link("v1", id)).content

    assert min(colour(data, 23, (128, 72))) > 240
