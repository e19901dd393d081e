"""MP4 files: H.264 at 24 fps, optionally with sound; index first, so that they play while loading.

Cheap on purpose: few distinct pictures, the fastest preset (6 s of 768P take under a second).
"""

import math
import random
from array import array
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from PIL import Image

from deploy.local.simulators.minimax import scenes
from deploy.local.simulators.minimax.shapes import Clip

RATE = 24  # frames per second
SOUND_RATE = 32_000  # samples per second, stereo
SOUND_FRAME = 1024  # samples that AAC takes at once
HELD = {1_200_000: 4, 2_500_000: 8}  # frames that one picture lasts, in clips of so many pixels
HELD_LARGE = 12
ENCODER = {"preset": "ultrafast", "crf": "30", "tune": "zerolatency", "g": "48"}


def encode(
    path: Path,
    clip: Clip,
    *,
    seed: str,
    comment: str,
    first: Image.Image | None = None,
    last: Image.Image | None = None,
) -> None:
    """Write the clip to `path`. `comment` is kept in the file's metadata."""
    pixels = clip.width * clip.height
    held = next((frames for most, frames in HELD.items() if pixels <= most), HELD_LARGE)
    count = math.ceil(clip.duration_s * RATE / held)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata["comment"] = comment
        video = container.add_stream("libx264", rate=RATE, options=ENCODER)
        video.width, video.height, video.pix_fmt = clip.width, clip.height, "yuv420p"
        video.codec_context.thread_count = 1  # the machine has better uses for its other cores
        sound = container.add_stream("aac", rate=SOUND_RATE) if clip.sound else None
        shown = scenes.pictures(clip, seed, first, last, count)
        for frame in _frames(shown, held, clip.duration_s * RATE):
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            for tone in _tone(clip.duration_s * SOUND_RATE, seed):
                container.mux(sound.encode(tone))
            container.mux(sound.encode(None))


def _frames(pictures: Iterator[Image.Image], held: int, count: int) -> Iterator[av.VideoFrame]:
    """Yield `count` frames, each picture `held` times."""
    number = 0
    for picture in pictures:
        frame = _in_yuv(picture)
        for _ in range(min(held, count - number)):
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            yield frame
            number += 1


def _in_yuv(picture: Image.Image) -> av.VideoFrame:
    # PyAV ships no types for this one.
    frame: av.VideoFrame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
    return frame.reformat(format="yuv420p")


def _tone(samples: int, seed: str) -> Iterator[av.AudioFrame]:
    """Yield a quiet hum of so many samples; each seed has its pitch."""
    cycles = random.Random(seed.encode(errors="surrogatepass")).randint(5, 14)  # noqa: S311
    wave = array("h")
    for index in range(SOUND_FRAME):  # whole cycles per frame: every frame is the same
        level = round(2000 * math.sin(2 * math.pi * cycles * index / SOUND_FRAME))
        wave.extend((level, level))
    for start in range(0, samples, SOUND_FRAME):
        length = min(SOUND_FRAME, samples - start)
        frame = av.AudioFrame(format="s16", layout="stereo", samples=length)
        frame.planes[0].update(wave[: 2 * length].tobytes())
        frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
        yield frame
