"""From a request to an order that will be carried out and billed, or to a refusal that is free."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.local.simulators.openai import inputs, models, sizes
from deploy.local.simulators.openai.forms import Form, Upload
from deploy.local.simulators.openai.models import Model
from deploy.local.simulators.openai.refusals import (
    Refused,
    malformed,
    unusable,
)
from deploy.local.simulators.openai.sizes import Size
from deploy.local.simulators.openai.values import Values, missing

PROMPT_LIMIT = 32_000
IMAGES_LIMIT = 16
RASTER = ("png", "webp", "jpeg")
FORMATS = (*RASTER, "gif", "svg")
COMMON = frozenset(
    {
        "prompt",
        "model",
        "n",
        "size",
        "quality",
        "complexity",
        "background",
        "output_format",
        "output_compression",
        "moderation",
        "stream",
        "partial_images",
        "frame_count",
        "frame_duration_ms",
        "svg",
        "safety_identifier",
        "user",
    }
)
PARAMETERS = {"edit": COMMON | {"input_fidelity"}, "generation": COMMON}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One accepted request; `auto` has become what it will be."""

    kind: str  # edit | generation
    model: Model
    prompt: str
    images: tuple[Upload, ...]
    input_sizes: tuple[Size, ...]  # as seen, after orientation
    mask: Upload | None
    markup: Upload | None
    n: int
    size: Size
    quality: str
    background: str
    output_format: str
    output_compression: int
    stream: bool
    partial_images: int
    safety_identifier: str | None


def checked(form: Form, kind: str, overrides: Mapping[str, Any]) -> Order:
    """Return the order a request makes. `overrides` is the setting `models`. Raises Refused."""
    values = Values(form.values, typed=form.typed)
    values.refuse_others(PARAMETERS[kind])
    prompt = values.required("prompt", longest=PROMPT_LIMIT)
    model = models.wanted(values.required("model", longest=200), overrides)
    _check_for_model(values, model)
    n = values.integer("n", 1, 10) or 1
    wanted_size = sizes.parsed(values.text("size", longest=32) or "auto", free=model.free_size)
    output_format = values.choice("output_format", FORMATS, "png")
    background = _background(values, model, output_format)
    values.choice("moderation", ("low", "auto"), "auto")
    values.text("user", longest=512)
    partials = _partials(values, n)
    compression = _compression(values, output_format)
    _check_special(values, output_format, form, n)
    input_sizes = _check_files(form, kind, model)
    return Order(
        kind=kind,
        model=model,
        prompt=prompt,
        images=tuple(form.images),
        input_sizes=input_sizes,
        mask=form.mask,
        markup=form.markup,
        n=n,
        size=wanted_size or sizes.nearest(input_sizes[0] if input_sizes else None),
        quality=_quality(values, model),
        background=background,
        output_format=output_format,
        output_compression=compression,
        stream=values.flag("stream"),
        partial_images=partials,
        safety_identifier=values.text("safety_identifier", longest=128),
    )


def _check_for_model(values: Values, model: Model) -> None:
    if values.has("input_fidelity"):
        if not model.fidelities:
            raise unusable(
                f"The model '{model.id}' does not support the 'input_fidelity' parameter.",
                param="input_fidelity",
                code="invalid_input_fidelity_model",
            )
        values.choice("input_fidelity", model.fidelities, "low")
    if values.has("complexity") and not model.complexity:
        raise unusable(
            f"The model '{model.id}' does not support the 'complexity' parameter.",
            param="complexity",
        )
    values.choice("complexity", ("low", "medium", "high"), "high")


def _quality(values: Values, model: Model) -> str:
    wanted = values.choice("quality", model.qualities, "auto")
    if wanted != "auto":
        return wanted
    return "medium" if "flare" in model.id or "mini" in model.id else "high"


def _background(values: Values, model: Model, output_format: str) -> str:
    background = values.choice("background", ("transparent", "opaque", "auto"), "auto")
    if background != "transparent":
        return "opaque"
    if output_format == "jpeg":
        raise malformed(
            "Transparent background is not supported for output format 'jpeg'.",
            param="background",
            code="invalid_value",
        )
    if not model.transparent:
        raise unusable(
            f"Transparent background is not supported for the model '{model.id}'.",
            param="background",
        )
    return background


def _partials(values: Values, n: int) -> int:
    partials = values.integer("partial_images", 0, 3)
    streamed = values.flag("stream")
    if partials and not streamed:
        raise _only("partial_images", "when 'stream' is true")
    if streamed and n > 1:
        raise _only("stream", "with n=1")
    return partials or 0


def _compression(values: Values, output_format: str) -> int:
    compression = values.integer("output_compression", 0, 100)
    if compression is None:
        return 100
    if output_format == "png" and compression < 100:
        raise unusable(
            "Compression less than 100 is not supported for PNG output format.",
            param="output_compression",
            code="invalid_png_output_compression",
        )
    return compression


def _check_special(values: Values, output_format: str, form: Form, n: int) -> None:
    """Refuse what gif and svg exclude, then both of them: this key has no access to previews."""
    values.integer("frame_count", 2, 16)
    values.integer("frame_duration_ms", 1, 655_350)
    for name in ("frame_count", "frame_duration_ms"):
        if values.has(name) and output_format != "gif":
            raise _only(name, "for output format 'gif'")
    if output_format in RASTER:
        return
    excluded = [
        name for name in ("stream", "partial_images", "output_compression") if values.has(name)
    ]
    if output_format == "gif" and form.mask is not None:
        excluded.append("mask")
    if output_format == "svg" and n > 1:
        excluded.append("n")
    if excluded:
        raise malformed(
            f"'{excluded[0]}' is not supported for output format '{output_format}'.",
            param=excluded[0],
            code="invalid_value",
        )
    raise Refused(
        f"Your project does not have access to the output format '{output_format}'.",
        status=403,
        param="output_format",
    )


def _check_files(form: Form, kind: str, model: Model) -> tuple[Size, ...]:
    """Return the sizes of the input images. Raises Refused for what cannot be edited."""
    if kind == "generation":
        return _no_files(form)
    name = "images" if form.typed else "image"
    if not form.images:
        raise missing(name)
    if len(form.images) > IMAGES_LIMIT:
        raise malformed(
            f"Invalid '{name}': array too long. Expected an array with maximum length "
            f"{IMAGES_LIMIT}, but got an array with length {len(form.images)} instead.",
            param=name,
            code="array_above_max_length",
        )
    if form.mask and form.markup:
        raise unusable("'markup' cannot be combined with 'mask'.", param="markup")
    if form.markup and not model.markup:
        raise unusable(f"The model '{model.id}' does not support 'markup'.", param="markup")
    return inputs.checked(form)


def _no_files(form: Form) -> tuple[Size, ...]:
    if form.images or form.mask or form.markup:
        name = "images" if form.images else "mask" if form.mask else "markup"
        raise malformed(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    return ()


def _only(name: str, when: str) -> Refused:
    return malformed(f"'{name}' is only supported {when}.", param=name, code="invalid_value")
