"""`POST /v2/video_generation`: which fields go together, and what each may be."""

from typing import Any

from deploy.local.simulators.minimax import models, v2_content
from deploy.local.simulators.minimax.models import ADAPTIVE, RATIOS, Mode, V2Model
from deploy.local.simulators.minimax.parameters import Parameters, one_of
from deploy.local.simulators.minimax.refusals import invalid
from deploy.local.simulators.minimax.shapes import WIDE, aspect_of, nearest_ratio
from deploy.local.simulators.minimax.tasks import Wanted
from deploy.local.simulators.minimax.v2_content import Content

EXPANSIONS = ("disabled", "balanced", "quality")


def wanted(body: object) -> Wanted:
    """Check a request. Raises Refused (2013, 1042) naming the field; files come last."""
    given = Parameters(body)
    model = given.required_text("model")
    one_of("model", model, models.V2)
    row = models.V2[model]
    resolution = given.text("resolution") or row.default_resolution
    one_of("resolution", resolution, row.per_second)
    assert resolution is not None
    duration_s = given.whole("duration")
    one_of("duration", duration_s, row.lengths_s)
    assert duration_s is not None
    ratio = given.text("ratio")
    if ratio is not None:
        one_of("ratio", ratio, (ADAPTIVE, *RATIOS))
    options = {**_extra(given, row), "aigc_watermark": given.flag("aigc_watermark", default=False)}
    callback_url = given.callback_url()
    content = v2_content.read(given.array("content"))
    aspect = _aspect(ratio, content)
    return Wanted(
        dialect="v2",
        model=model,
        mode=content.mode,
        prompt=content.prompt,
        resolution=resolution,
        duration_s=duration_s,
        ratio=nearest_ratio(aspect),
        aspect=aspect,
        callback_url=callback_url,
        pictures=content.pictures,
        reference_s=content.video_s,
        sound_s=content.audio_s,
        options=options,
        cost_usd=models.v2_cost_usd(
            model,
            resolution,
            seconds=duration_s + content.video_s,
            images=len(content.pictures),
        ),
    )


def _aspect(ratio: str | None, content: Content) -> float:
    """Return the result's shape: frames decide it, else the ratio, else the first reference."""
    if content.mode is Mode.TEXT and ratio in {None, ADAPTIVE}:
        raise invalid("ratio is required for text to video and must not be adaptive")
    if content.mode is not Mode.IMAGE and ratio not in {None, ADAPTIVE}:
        assert ratio is not None
        return aspect_of(ratio)
    if content.pictures:
        shown = min(content.pictures, key=lambda each: each.role != "first_frame")
        return shown.width / shown.height
    return WIDE


def _extra(given: Parameters, row: V2Model) -> dict[str, Any]:
    """Return the options of `extra`, which only some models know."""
    if "extra" not in given:
        return {"prompt_expansion_mode": "balanced"} if row.expands_prompts else {}
    extra = given.any("extra")
    if not row.expands_prompts:
        raise invalid("extra is not supported by this model")
    if not isinstance(extra, dict) or not extra.keys() <= {"prompt_expansion_mode"}:
        raise invalid("extra may hold prompt_expansion_mode only")
    mode = Parameters(extra, "extra").text("prompt_expansion_mode") or "balanced"
    one_of("extra.prompt_expansion_mode", mode, EXPANSIONS)
    return {"prompt_expansion_mode": mode}
