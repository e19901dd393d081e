"""Requests that every provider would take, to change one thing in."""

from datetime import date
from typing import Any

from core.errors import Message
from core.providers import checks
from core.providers.catalog import load
from core.providers.checks import InputFacts

TODAY = date(2026, 11, 23)
CATALOG = load()
IMAGES = [model.id for model in CATALOG.models("gpt", TODAY)]
VIDEOS = [model.id for model in CATALOG.models("hailuo", TODAY)]
PICTURE = InputFacts(width=1024, height=1024, bytes=1_000_000, mime="image/png")


def picture(width: int = 1024, height: int = 1024, **facts: Any) -> InputFacts:
    values = {"bytes": 1_000_000, "mime": "image/png", **facts}
    return InputFacts(width=width, height=height, **values)


def edit(model: str = "gpt-image-2", **changed: Any) -> Any:
    """Return the keywords of a sound edit, some of them changed."""
    sound: Any = {"prompt": "a red boat", "options": {}, "inputs": [PICTURE], "mask": None}
    return {"model": model, "on": TODAY, **sound, **changed}


def video(model: str = "MiniMax-Hailuo-2.3", **changed: Any) -> Any:
    """Return the keywords of a sound video, some of them changed."""
    sound: Any = {"prompt": "a red boat", "options": {}, "inputs": []}
    return {"model": model, "on": TODAY, **sound, **changed}


def edit_says(model: str = "gpt-image-2", **changed: Any) -> list[str]:
    """Return the problems of an edit as English sentences."""
    return sentences(checks.edit_problems(CATALOG, **edit(model, **changed)))


def video_says(model: str = "MiniMax-Hailuo-2.3", **changed: Any) -> list[str]:
    """Return the problems of a video as English sentences."""
    return sentences(checks.video_problems(CATALOG, **video(model, **changed)))


def sentences(messages: list[Message]) -> list[str]:
    return [str(message) for message in messages]
