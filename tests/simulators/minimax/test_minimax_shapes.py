"""How large a video becomes."""

import pytest

from deploy.local.simulators.minimax.shapes import Clip, frame_size, nearest_ratio, small


@pytest.mark.parametrize(
    ("resolution", "aspect", "size"),
    [
        ("768P", 16 / 9, (1366, 768)),
        ("1080P", 16 / 9, (1920, 1080)),
        ("512P", 16 / 9, (910, 512)),
        ("720P", 16 / 9, (1280, 720)),
        ("480P", 16 / 9, (854, 480)),
        ("2K", 16 / 9, (2560, 1440)),
        ("2K", 21 / 9, (3360, 1440)),
        ("768P", 1.0, (768, 768)),
        ("768P", 9 / 16, (768, 1366)),
        ("768P", 0.4, (768, 1920)),
        ("768P", 1.001, (768, 768)),
        ("512P", 641 / 360, (912, 512)),
    ],
)
def test_the_short_side_is_the_resolution_and_both_are_even(resolution, aspect, size):
    assert frame_size(resolution, aspect) == size


@pytest.mark.parametrize(
    ("aspect", "ratio"), [(1.7, "16:9"), (1.05, "1:1"), (0.4, "9:16"), (2.5, "21:9"), (0.8, "3:4")]
)
def test_a_shape_is_reported_as_the_nearest_named_ratio(aspect, ratio):
    assert nearest_ratio(aspect) == ratio


def test_a_small_clip_keeps_shape_and_sound():
    clip = Clip(width=768, height=1366, duration_s=15, sound=True, shared=True)

    assert small(clip) == Clip(width=256, height=456, duration_s=1, sound=True, shared=True)
