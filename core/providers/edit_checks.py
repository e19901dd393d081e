"""An image edit against one model: what its provider would refuse, and what will be sent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.errors import Message, msg
from core.providers.capabilities import IMAGE_CHOICES, ImageCapabilities
from core.providers.options import (
    choice_problem,
    flag_problem,
    given,
    not_taken,
    unknown_problems,
    whole_problem,
)
from core.providers.pictures import (
    InputFacts,
    markup_problems,
    mask_problems,
    picture_problems,
)
from core.providers.prompts import prompt_problems
from core.providers.quoting import listed
from core.providers.sizes import size_problems, size_warning

KNOWN: Final = frozenset(
    {*IMAGE_CHOICES, "size", "n", "output_compression", "stream", "partial_images"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """An edit that somebody asks of a model. `options` are as given; see `as_sent`."""

    model: str  # its label, for the sentences
    image: ImageCapabilities
    prompt: str
    options: Mapping[str, Any]
    inputs: Sequence[InputFacts]
    mask: InputFacts | None
    markup: InputFacts | None


def as_sent(edit: Edit) -> dict[str, Any]:
    """Return the options to send, every one explicit; only sound when there is no problem."""
    options, image = given(edit.options), edit.image
    sent = {"size": options.get("size", image.defaults["size"])}
    for name in IMAGE_CHOICES:
        if image.choices(name):
            sent[name] = options.get(name, image.defaults[name])
    sent["n"] = options.get("n", 1)
    if sent["output_format"] in image.compressed_formats:
        sent["output_compression"] = options.get("output_compression", 100)
    sent["stream"] = options.get("stream", False)
    if sent["stream"]:
        sent["partial_images"] = options.get("partial_images", 0)
    return sent


def edit_problems(edit: Edit) -> Iterator[Message]:
    """Yield everything the provider would refuse, in the order of the form."""
    yield from _input_problems(edit)
    if edit.mask is not None:
        yield from mask_problems(edit.mask, edit.image, edit.inputs, model=edit.model)
    if edit.markup is not None:
        yield from markup_problems(edit.markup, edit.image, edit.inputs, model=edit.model)
        if edit.mask is not None:
            yield msg("A mask and a markup cannot go together. Remove one of them.")
    yield from prompt_problems(edit.prompt, max_chars=edit.image.prompt_max_chars, required=True)
    options = given(edit.options)
    yield from unknown_problems(options, KNOWN)
    if "size" in options:
        yield from size_problems(edit.image, edit.model, options["size"])
    yield from filter(None, _value_problems(edit, options))
    yield from _together_problems(edit, options)


def edit_warnings(edit: Edit) -> Iterator[Message]:
    """Yield what may disappoint although the provider takes it."""
    note = size_warning(edit.image, edit.options.get("size"))
    if note is not None:
        yield note


def _input_problems(edit: Edit) -> Iterator[Message]:
    limit = edit.image.inputs_max
    if not edit.inputs:
        yield msg("An edit needs at least one picture. Add one.")
    elif len(edit.inputs) > limit:
        yield msg(
            "There are {count} pictures; {model} takes at most {limit}. Remove some.",
            count=len(edit.inputs),
            model=edit.model,
            limit=limit,
        )
    yield from picture_problems(edit.inputs, edit.image.pictures, model=edit.model)


def _value_problems(edit: Edit, options: Mapping[str, Any]) -> Iterator[Message | None]:
    image = edit.image
    for name in IMAGE_CHOICES:
        if name in options:
            yield choice_problem(name, options[name], image.choices(name), model=edit.model)
    if "n" in options:
        yield whole_problem("n", options["n"], least=1, most=image.n_max)
    if "output_compression" in options:
        yield whole_problem("output_compression", options["output_compression"], least=0, most=100)
    yield from _stream_problems(edit, options)


def _stream_problems(edit: Edit, options: Mapping[str, Any]) -> Iterator[Message | None]:
    if "stream" in options:
        yield flag_problem("stream", options["stream"])
        if options["stream"] is True and not edit.image.partials_max:
            yield not_taken("stream", model=edit.model)
    if "partial_images" in options:
        most = edit.image.partials_max
        yield whole_problem("partial_images", options["partial_images"], least=0, most=most)


def _together_problems(edit: Edit, options: Mapping[str, Any]) -> Iterator[Message]:
    """Yield what is wrong only with two options together."""
    defaults, compressed = edit.image.defaults, edit.image.compressed_formats
    format = options.get("output_format", defaults["output_format"])
    background = options.get("background", defaults["background"])
    if background == "transparent" and format == "jpeg":
        yield msg(
            "JPEG has no transparency. Choose PNG or WebP as the file format, or another "
            "background."
        )
    if "output_compression" in options and format not in compressed:
        yield msg(
            "{format} files are not compressed. Leave the compression out, or choose one of: "
            "{choices}.",
            format=str(format).upper()[:10],
            choices=listed(compressed),
        )
    yield from _preview_problems(options)


def _preview_problems(options: Mapping[str, Any]) -> Iterator[Message]:
    stream = options.get("stream", False)
    if stream and options.get("n", 1) != 1:
        yield msg(
            "Live previews work with one result only. Ask for one result, or switch them off."
        )
    if not stream and options.get("partial_images"):
        yield msg("Previews need the live connection. Switch it on, or ask for no previews.")
