"""The `content` list of v2: one text, then frames or references, never both."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deploy.local.simulators.minimax.images import V2_LIMITS, Picture, read_picture
from deploy.local.simulators.minimax.models import Mode
from deploy.local.simulators.minimax.parameters import Parameters, one_of, readable
from deploy.local.simulators.minimax.recordings import audio_length_s, video_length_s
from deploy.local.simulators.minimax.refusals import invalid

PROMPT_CHARACTERS = 7000
FILES = 12
SECONDS_IN_ALL = 15.05
ROLES = {  # by type of item; the first is meant when none is given
    "image_url": ("first_frame", "last_frame", "reference_image"),
    "video_url": ("reference_video",),
    "audio_url": ("reference_audio",),
}
AT_MOST = {
    "first_frame": 1,
    "last_frame": 1,
    "reference_image": 9,
    "reference_video": 3,
    "reference_audio": 3,
}
FRAMES = frozenset({"first_frame", "last_frame"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file among the content, not looked into yet."""

    kind: str
    role: str
    url: Any
    field: str  # how an error names it


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What the list holds, decoded. Lengths in seconds, summed up and rounded up."""

    mode: Mode
    prompt: str
    pictures: tuple[Picture, ...]
    video_s: int
    audio_s: int


def read(items: list[Any]) -> Content:
    """Check the list, cheap rules first. Raises Refused (2013, 1042) naming the item."""
    parameters = [Parameters(item, f"content[{index}]") for index, item in enumerate(items)]
    for item in parameters:
        one_of("content type", item.text("type"), ["text", *ROLES])
    prompt = _prompt(parameters)
    parts = list(_parts(parameters))
    mode = _mode(Counter(part.role for part in parts))
    return Content(
        mode=mode,
        prompt=prompt,
        pictures=_pictures(parts),
        video_s=_total_s("content video_url", [_video_s(each) for each in parts]),
        audio_s=_total_s("content audio_url", [_audio_s(each) for each in parts]),
    )


def _prompt(items: list[Parameters]) -> str:
    texts = [item.text("text") or "" for item in items if item.text("type") == "text"]
    if len(texts) != 1 or not texts[0].strip():
        raise invalid("content must include a non-empty text item (prompt is required)")
    return readable(texts[0], at_most=PROMPT_CHARACTERS)


def _parts(items: list[Parameters]) -> Iterator[Part]:
    for index, item in enumerate(items):
        kind = item.text("type") or ""
        if kind != "text":
            field = f"content[{index}].{kind}"
            role = item.text("role") or ROLES[kind][0]
            one_of(f"content[{index}].role", role, ROLES[kind])
            url = Parameters(item.any(kind), field).any("url")
            yield Part(kind=kind, role=role, url=url, field=field)


def _mode(roles: Counter[str]) -> Mode:
    for role, count in roles.items():
        if count > AT_MOST[role]:
            raise invalid(f"content has {count} items of role {role}, at most {AT_MOST[role]}")
    if roles.total() > FILES:
        raise invalid(f"content has {roles.total()} files, at most {FILES} are allowed")
    if not roles:
        return Mode.TEXT
    if not FRAMES.intersection(roles):
        if roles.keys() == {"reference_audio"}:
            raise invalid("content with reference_audio needs a reference image or video too")
        return Mode.REFERENCE
    if not FRAMES.issuperset(roles):
        raise invalid("content must not mix first_frame or last_frame with references")
    return Mode.IMAGE


def _pictures(parts: list[Part]) -> tuple[Picture, ...]:
    return tuple(
        read_picture(part.url, part.field, part.role, V2_LIMITS)
        for part in parts
        if part.kind == "image_url"
    )


def _video_s(part: Part) -> float:
    return video_length_s(part.url, part.field) if part.kind == "video_url" else 0.0


def _audio_s(part: Part) -> float:
    return audio_length_s(part.url, part.field) if part.kind == "audio_url" else 0.0


def _total_s(name: str, lengths_s: list[float]) -> int:
    total = sum(lengths_s)
    if total > SECONDS_IN_ALL:
        raise invalid(f"{name} is {total:.1f} s in total, at most 15 s are allowed")
    return math.ceil(total - 0.05)
