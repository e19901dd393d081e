"""Pictures and masks as a request sends them, against what a model takes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.errors import Message, msg
from core.providers.capabilities import ImageCapabilities, PictureLimits
from core.providers.quoting import listed, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFacts:
    """A verified picture as it will be sent: sides in pixels after orientation."""

    width: int
    height: int
    bytes: int
    mime: str

    @property
    def size(self) -> str:
        """Return the sides as people write them."""
        return f"{self.width}x{self.height}"


def picture_problems(
    pictures: Sequence[InputFacts], limits: PictureLimits, *, model: str
) -> Iterator[Message]:
    """Yield what is wrong with each picture, numbered from 1."""
    for number, picture in enumerate(pictures, 1):
        yield from _file_problems(picture, limits, number=number, model=model)
        yield from _side_problems(picture, limits, number=number)
        yield from _aspect_problems(picture, limits, number=number)


def _file_problems(
    picture: InputFacts, limits: PictureLimits, *, number: int, model: str
) -> Iterator[Message]:
    if picture.mime not in limits.mimes:
        yield msg(
            "Picture {number} is {type}; {model} takes {types}. Convert it.",
            number=number,
            type=shown(picture.mime),
            model=model,
            types=listed(limits.mimes),
        )
    if not 0 < picture.bytes <= limits.max_bytes:
        yield msg(
            "Picture {number} has {bytes} bytes; {model} takes 1 to {limit}. Make it smaller.",
            number=number,
            bytes=f"{picture.bytes:,}",
            model=model,
            limit=f"{limits.max_bytes:,}",
        )


def _side_problems(picture: InputFacts, limits: PictureLimits, *, number: int) -> Iterator[Message]:
    if min(picture.width, picture.height) < limits.min_side:
        yield msg(
            "Picture {number} is {size}; its shorter side needs at least {limit} pixels. "
            "Use a larger one.",
            number=number,
            size=picture.size,
            limit=limits.min_side,
        )
    if limits.max_side is not None and max(picture.width, picture.height) > limits.max_side:
        yield msg(
            "Picture {number} is {size}; its longer side may have {limit} pixels. "
            "Use a smaller one.",
            number=number,
            size=picture.size,
            limit=f"{limits.max_side:,}",
        )


def _aspect_problems(
    picture: InputFacts, limits: PictureLimits, *, number: int
) -> Iterator[Message]:
    width = Decimal(picture.width)
    too_tall = limits.min_aspect is not None and width < limits.min_aspect * picture.height
    too_wide = limits.max_aspect is not None and width > limits.max_aspect * picture.height
    if too_tall or too_wide:
        yield msg(
            "Picture {number} is {size}, too long and narrow: its width must be {least} to {most} "
            "times its height. Crop it.",
            number=number,
            size=picture.size,
            least=limits.min_aspect,
            most=limits.max_aspect,
        )


def mask_problems(
    mask: InputFacts, image: ImageCapabilities, inputs: Sequence[InputFacts], *, model: str
) -> Iterator[Message]:
    """Yield what is wrong with a mask; its alpha channel is verified when it is uploaded."""
    if not image.mask:
        yield msg("{model} does not take a mask. Remove it.", model=model)
        return
    if mask.mime != "image/png":
        yield msg(
            "The mask is {type}; it must be a PNG file with transparency.", type=shown(mask.mime)
        )
    if not 0 < mask.bytes <= image.mask_max_bytes:
        yield msg(
            "The mask has {bytes} bytes; 1 to {limit} are allowed. Make it smaller.",
            bytes=f"{mask.bytes:,}",
            limit=f"{image.mask_max_bytes:,}",
        )
    if not inputs:
        yield msg("A mask needs its picture. Add the picture that the mask was drawn on.")
    elif mask.size != inputs[0].size:
        yield msg(
            "The mask is {mask} and the first picture is {picture}; both must have the same size. "
            "Draw the mask on this picture.",
            mask=mask.size,
            picture=inputs[0].size,
        )


def markup_problems(
    markup: InputFacts, image: ImageCapabilities, inputs: Sequence[InputFacts], *, model: str
) -> Iterator[Message]:
    """Yield what is wrong with a markup; what it shows is verified when it is uploaded."""
    if not image.markup:
        yield msg(
            "{model} takes no markup. Remove it, or choose a newer model.",
            model=model,
        )
        return
    if markup.mime != "image/png" or not 0 < markup.bytes <= image.mask_max_bytes:
        yield msg(
            "The markup is {type} of {bytes} bytes; it must be a PNG file of 1 to {limit}.",
            type=shown(markup.mime),
            bytes=f"{markup.bytes:,}",
            limit=f"{image.mask_max_bytes:,}",
        )
    if inputs and markup.size != inputs[0].size:
        yield msg(
            "The markup is {markup} and the first picture is {picture}; both must have the same "
            "size. Draw the markup on this picture.",
            markup=markup.size,
            picture=inputs[0].size,
        )
