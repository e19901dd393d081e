"""Films, decoded in the limited process."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from core.media.child import decoder
from core.media.facts import Finished, VideoFacts
from core.media.images import rendition
from core.media.refusals import sentence

# A file may claim anything; what is beyond these is no fact, and no column has room for it.
LONGEST_S = 24 * 3600
FASTEST_FPS = 1000


def finish_video(path: Path, out_dir: Path) -> Finished:
    """Prove that an MP4 plays, and make a poster (640 px WebP) from its first frame.

    Where a sound file gets no poster, `small` is None and `note` says why.

    Raises:
        MediaRejected: it is no MP4 whose first frame decodes, or it is cut short.
        DecoderFailed: this machine is at fault; the same call may work later.
    """
    small = out_dir / f"poster-{uuid4().hex[:12]}"
    done = decoder.finish("finish_video", path=str(path.absolute()), small=str(small.absolute()))
    return Finished(
        facts=_video_facts(done["facts"]),
        small=rendition(small, done["small"]) if "small" in done else None,
        note=sentence(*done["note"]) if "note" in done else None,
    )


def _video_facts(facts: Mapping[str, Any]) -> VideoFacts:
    return VideoFacts(
        mime=str(facts["mime"]),
        width=int(facts["width"]),
        height=int(facts["height"]),
        duration_s=_number(facts["duration_s"], most=LONGEST_S),
        fps=_number(facts["fps"], most=FASTEST_FPS),
        has_audio=bool(facts["has_audio"]),
        codec=str(facts["codec"]),
    )


def _number(value: float | None, *, most: float) -> float | None:
    """Return a figure that can be true, None for everything else (NaN too)."""
    return float(value) if value is not None and 0 < value <= most else None
