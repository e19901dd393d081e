"""Whether a request may be sent at all: the last look before money is spent.

`check_*` is for filing a job: it raises the first problem. `*_problems` and
`*_warnings` are for a form, which shows all of them while somebody types.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NotRequired, TypedDict, Unpack

from core.errors import Message, Rejected, msg
from core.providers import edit_checks, video_checks
from core.providers.capabilities import Model
from core.providers.catalog import Catalog
from core.providers.edit_checks import Edit
from core.providers.pictures import InputFacts
from core.providers.video_checks import Video

__all__ = [
    "EditWish",
    "InputFacts",
    "VideoWish",
    "check_edit",
    "check_video",
    "edit_problems",
    "edit_warnings",
    "usable_model",
    "video_problems",
    "video_warnings",
]


class EditWish(TypedDict):
    """An edit as it is asked for. An option that is None counts as not given."""

    model: str
    prompt: str
    options: Mapping[str, Any]
    inputs: Sequence[InputFacts]
    mask: NotRequired[InputFacts | None]
    markup: NotRequired[InputFacts | None]
    on: date


class VideoWish(TypedDict):
    """A video as it is asked for.

    `options['mode']` (text, first_frame, first_last, subject) says what `inputs` are: first
    frame, last frame; or the subject. Without it, the number of inputs decides.
    """

    model: str
    prompt: str
    options: Mapping[str, Any]
    inputs: Sequence[InputFacts]
    on: date


def check_edit(catalog: Catalog, **wish: Unpack[EditWish]) -> dict[str, Any]:
    """Return an edit's options as they will be sent, each one explicit.

    Raises:
        Rejected: the model or its provider would not take this, with what to change.
    """
    edit = _edit(catalog, wish)
    _raise_first(edit_checks.edit_problems(edit))
    return edit_checks.as_sent(edit)


def edit_problems(catalog: Catalog, **wish: Unpack[EditWish]) -> list[Message]:
    """Return everything that `check_edit` would refuse; empty when it may be filed."""
    try:
        return list(edit_checks.edit_problems(_edit(catalog, wish)))
    except Rejected as error:
        return [error.message]


def edit_warnings(catalog: Catalog, **wish: Unpack[EditWish]) -> list[Message]:
    """Return what may disappoint although the provider takes it, a near shut-down first."""
    try:
        edit = _edit(catalog, wish)
    except Rejected:
        return []
    return [*_shutdown(catalog, wish["model"], wish["on"]), *edit_checks.edit_warnings(edit)]


def check_video(catalog: Catalog, **wish: Unpack[VideoWish]) -> dict[str, Any]:
    """Return a video's options as they will be kept and sent, each one explicit.

    Raises:
        Rejected: the model or its provider would not take this, with what to change.
    """
    video = _video(catalog, wish)
    _raise_first(video_checks.video_problems(video))
    return video_checks.as_sent(video)


def video_problems(catalog: Catalog, **wish: Unpack[VideoWish]) -> list[Message]:
    """Return everything that `check_video` would refuse; empty when it may be filed."""
    try:
        return list(video_checks.video_problems(_video(catalog, wish)))
    except Rejected as error:
        return [error.message]


def video_warnings(catalog: Catalog, **wish: Unpack[VideoWish]) -> list[Message]:
    """Return what may disappoint although the provider takes it, a near shut-down first."""
    try:
        video = _video(catalog, wish)
    except Rejected:
        return []
    notes = video_checks.video_warnings(video, camera_commands=catalog.camera_commands())
    return [*_shutdown(catalog, wish["model"], wish["on"]), *notes]


def usable_model(catalog: Catalog, id: str, *, provider: str, on: date) -> Model:
    """Return a model that its provider ('gpt' or 'hailuo') serves on a day.

    Raises:
        Rejected: unknown, of the other provider, not there yet, or shut down.
    """
    model = catalog.model(id)
    if model.provider != provider:
        raise Rejected(
            msg("{model} makes no videos. Choose another model.", model=model.label)
            if provider == "hailuo"
            else msg("{model} makes no image edits. Choose another model.", model=model.label)
        )
    if model.shutdown_date is not None and model.is_shut_down(on):
        raise Rejected(
            msg(
                "{model} was shut down on {date}. Use {replacement} instead.",
                model=model.label,
                date=model.shutdown_date.isoformat(),
                replacement=model.replacement or "?",
            )
        )
    if not model.has_come(on):
        raise Rejected(
            msg(
                "{model} is available from {date} on. Choose another model until then.",
                model=model.label,
                date=model.available_from,
            )
        )
    return model


def _edit(catalog: Catalog, wish: EditWish) -> Edit:
    model = usable_model(catalog, wish["model"], provider="gpt", on=wish["on"])
    assert model.image is not None  # of every gpt model: the catalogue's rules
    return Edit(
        model=model.label,
        image=model.image,
        prompt=wish["prompt"],
        options=wish["options"],
        inputs=wish["inputs"],
        mask=wish.get("mask"),
        markup=wish.get("markup"),
    )


def _video(catalog: Catalog, wish: VideoWish) -> Video:
    model = usable_model(catalog, wish["model"], provider="hailuo", on=wish["on"])
    assert model.video is not None  # of every hailuo model: the catalogue's rules
    return Video(
        model=model.label,
        video=model.video,
        prompt=wish["prompt"],
        options=wish["options"],
        inputs=wish["inputs"],
    )


def _raise_first(problems: Iterator[Message]) -> None:
    for problem in problems:
        raise Rejected(problem)


def _shutdown(catalog: Catalog, model: str, on: date) -> list[Message]:
    warning = catalog.model(model).shutdown_warning(on)
    return [warning] if warning is not None else []
