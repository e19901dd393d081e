"""Reference videos and sounds of v2: probed for kind and length."""

import io

import av

from deploy.local.simulators.minimax.images import MIB, read_url
from deploy.local.simulators.minimax.refusals import invalid

LENGTHS_S = (2.0, 15.0)
FRAME_RATES = (23.97, 60.01)  # 23.976 to 60
VIDEO_BYTES = 50 * MIB
AUDIO_BYTES = 15 * MIB


def video_length_s(url: object, field: str) -> float:
    """Return the length of an H.264/H.265 MP4 or MOV. Raises Refused naming `field`."""
    data = read_url(url, field, kinds=("video",), max_bytes=VIDEO_BYTES)
    try:
        with av.open(io.BytesIO(data), "r", format="mp4") as container:
            stream = container.streams.video[0]
            codec = stream.codec_context.name
            rate = float(stream.average_rate or 0)
            length_s = (container.duration or 0) / av.time_base
    except (av.FFmpegError, IndexError) as error:
        raise invalid(f"{field} is not a readable MP4 or MOV video") from error
    if codec not in {"h264", "hevc"} or not FRAME_RATES[0] <= rate <= FRAME_RATES[1]:
        raise invalid(f"{field} is {codec} at {rate:.2f} fps, expected H.264/H.265 at 23.976-60")
    return _in_range(length_s, field)


def audio_length_s(url: object, field: str) -> float:
    """Return the length of a WAV or MP3. Raises Refused naming `field`."""
    data = read_url(url, field, kinds=("audio",), max_bytes=AUDIO_BYTES)
    form = "wav" if data.startswith(b"RIFF") else "mp3"
    try:
        with av.open(io.BytesIO(data), "r", format=form) as container:
            rate = container.streams.audio[0].rate
            samples = 0
            for frame in container.decode(audio=0):
                samples += frame.samples
    except (av.FFmpegError, IndexError) as error:
        raise invalid(f"{field} is not a readable WAV or MP3 sound") from error
    return _in_range(samples / rate, field)


def _in_range(length_s: float, field: str) -> float:
    if not LENGTHS_S[0] <= length_s <= LENGTHS_S[1] + 0.05:
        raise invalid(f"{field} is {length_s:.1f} s long, expected 2 to 15 s")
    return length_s
