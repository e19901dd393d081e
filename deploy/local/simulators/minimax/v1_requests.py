"""`POST /v1/video_generation`: which fields go together, and what each may be."""

from typing import Any

from deploy.local.simulators.minimax import models
from deploy.local.simulators.minimax.images import V1_LIMITS, Picture, read_picture
from deploy.local.simulators.minimax.models import Mode
from deploy.local.simulators.minimax.parameters import Parameters, one_of, readable
from deploy.local.simulators.minimax.refusals import invalid
from deploy.local.simulators.minimax.shapes import WIDE, nearest_ratio
from deploy.local.simulators.minimax.tasks import Wanted

PROMPT_CHARACTERS = 2000
FRAMES = ("first_frame_image", "last_frame_image")
FLAGS = {"prompt_optimizer": True, "fast_pretreatment": False, "aigc_watermark": False}
NEEDS = {  # the field that makes the mode
    Mode.IMAGE: "first_frame_image",
    Mode.FIRST_LAST: "last_frame_image",
    Mode.SUBJECT: "subject_reference",
}


def wanted(body: object) -> Wanted:
    """Check a request. Raises Refused (2013, 1042) naming the field; images come last."""
    given = Parameters(body)
    model = given.required_text("model")
    one_of("model", model, models.V1)
    mode = _mode(given, model)
    prompt = given.required_text("prompt") if mode is Mode.TEXT else given.text("prompt") or ""
    readable(prompt, at_most=PROMPT_CHARACTERS)
    resolution, duration_s = _length(given, models.V1[model][mode])
    flags = {name: given.flag(name, default=default) for name, default in FLAGS.items()}
    callback_url = given.callback_url()
    pictures = _pictures(given, mode)
    aspect = pictures[0].width / pictures[0].height if pictures else WIDE
    return Wanted(
        dialect="v1",
        model=model,
        mode=mode,
        prompt=prompt,
        resolution=resolution,
        duration_s=duration_s,
        ratio=nearest_ratio(aspect),
        aspect=WIDE if mode is Mode.SUBJECT else aspect,
        callback_url=callback_url,
        pictures=pictures,
        options=flags,
        cost_usd=models.v1_cost_usd(model, resolution, duration_s),
    )


def _mode(given: Parameters, model: str) -> Mode:
    """Return the mode that the given fields select, if this model has it."""
    mode = _selected(given)
    offered = models.V1[model]
    if mode in offered:
        return mode
    if mode in NEEDS:
        raise invalid(f"{NEEDS[mode]} is not supported by model {model}")
    needed = next(NEEDS[each] for each in offered if each in NEEDS)
    raise invalid(f"{needed} is required by model {model}")


def _selected(given: Parameters) -> Mode:
    if "subject_reference" in given:
        return Mode.SUBJECT
    if "last_frame_image" in given:
        return Mode.FIRST_LAST
    return Mode.IMAGE if "first_frame_image" in given else Mode.TEXT


def _length(given: Parameters, offered: models.Lengths) -> tuple[str, int]:
    resolution = given.text("resolution") or models.v1_default_resolution(offered)
    one_of("resolution", resolution, offered)
    duration_s = given.whole("duration")
    if duration_s is None:
        duration_s = models.V1_DEFAULT_LENGTH_S
    one_of(f"duration at resolution {resolution}", duration_s, offered[resolution])
    return resolution, duration_s


def _pictures(given: Parameters, mode: Mode) -> tuple[Picture, ...]:
    if mode is Mode.SUBJECT:
        url = _subject_image(given.array("subject_reference"))
        return (read_picture(url, "subject_reference.image", "subject", V1_LIMITS),)
    return tuple(
        read_picture(given.any(field), field, field.removesuffix("_image"), V1_LIMITS)
        for field in FRAMES
        if field in given
    )


def _subject_image(subjects: list[Any]) -> object:
    """Return the one image of the one subject."""
    if len(subjects) != 1:
        raise invalid("subject_reference must hold exactly one subject")
    subject = Parameters(subjects[0], "subject_reference item")
    one_of("subject_reference.type", subject.text("type"), ["character"])
    images = subject.array("image")
    if len(images) != 1:
        raise invalid("subject_reference.image must hold exactly one image")
    return images[0]
