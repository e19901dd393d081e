"""What a prompt may hold, and the camera commands inside it."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from core.errors import Message, msg
from core.providers.capabilities import VideoCapabilities
from core.providers.quoting import listed

# C0 and C1 without tab, line feed and carriage return; no text field types them.
CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
LONE_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
BRACKETS: Final = re.compile(r"\[([^\[\]]*)\]")
INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs"})
# Letters by category that show nothing: Hangul fillers and the empty Braille pattern.
BLANK: Final = "\u115f\u1160\u3164\uffa0\u2800"
LINE_BREAKS: Final = "\n\r\t"


def prompt_problems(prompt: str, *, max_chars: int, required: bool) -> Iterator[Message]:
    """Yield what is wrong with a prompt. Characters are counted as Unicode code points."""
    if len(prompt) > max_chars:
        yield msg(
            "The prompt has {count} characters; at most {limit} are allowed. Shorten it.",
            count=f"{len(prompt):,}",
            limit=f"{max_chars:,}",
        )
    elif required and not _says_something(prompt):
        yield msg("The prompt is empty. Write what the result should show.")
    control = CONTROL.search(prompt)
    if control is not None:
        yield msg(
            "The prompt has a control character (U+{code}) at position {position}. Delete it.",
            code=f"{ord(control[0]):04X}",
            position=control.start() + 1,
        )
    broken = LONE_SURROGATE.search(prompt)
    if broken is not None:
        yield msg(
            "The prompt has a broken character at position {position}. Type it again.",
            position=broken.start() + 1,
        )


def _says_something(prompt: str) -> bool:
    return any(
        not each.isspace() and each not in BLANK and unicodedata.category(each) not in INVISIBLE
        for each in prompt
    )


def video_prompt_warnings(
    prompt: str, video: VideoCapabilities, *, model: str, known: frozenset[str]
) -> Iterator[Message]:
    """Yield what a prompt may do that its author does not expect.

    `known` are the camera commands of all models, to tell when this one does not take them.
    """
    prompt = prompt[: video.prompt_max_chars]  # what is beyond is refused anyway
    for group in _camera_groups(prompt, known):
        if not video.camera_commands:
            yield msg(
                "{model} does not know camera commands: it reads {commands} as plain text.",
                model=model,
                commands=f"[{listed(group)}]",
            )
        elif len(group) > video.camera_commands_together:
            yield msg(
                "{count} camera commands stand in one bracket; more than {limit} at a time rarely "
                "work. Spread them over several brackets.",
                count=len(group),
                limit=video.camera_commands_together,
            )
    if _too_invisible(prompt, video):
        yield msg(
            "Much of the prompt is invisible characters, and the provider may refuse it. "
            "Type it again instead of pasting it."
        )


def _camera_groups(prompt: str, known: frozenset[str]) -> Iterator[list[str]]:
    """Yield the known commands of each bracket that holds any."""
    names = {name.casefold() for name in known}
    for bracket in BRACKETS.finditer(prompt):
        parts = [part.strip() for part in bracket[1].split(",")]
        commands = [part for part in parts if part.casefold() in names]
        if commands:
            yield commands


def _too_invisible(prompt: str, video: VideoCapabilities) -> bool:
    if video.invisible_share is None:
        return False
    invisible = sum(
        unicodedata.category(each) in INVISIBLE and each not in LINE_BREAKS for each in prompt
    )
    return invisible > video.invisible_share * len(prompt)
