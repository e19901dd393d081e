"""The size of an edit's result: how it is written, and which ones a model makes."""

import re
from collections.abc import Iterator
from typing import Final

from core.errors import Message, msg
from core.providers.capabilities import ImageCapabilities, SizeRules
from core.providers.quoting import listed, shown

Size = tuple[int, int]  # width, height in pixels

AUTO: Final = "auto"
WRITTEN: Final = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")


def read_size(text: str) -> Size | None:
    """Return '1536x1024' as pixels, or None for anything that is not written like this."""
    match = WRITTEN.fullmatch(text)
    return (int(match[1]), int(match[2])) if match else None


def size_problems(image: ImageCapabilities, model: str, size: object) -> Iterator[Message]:
    """Yield what is wrong with the size that is asked of a model."""
    if size in image.sizes:
        return
    if image.custom_size is None:
        yield msg(
            "{model} does not make the size {size}. Choose one of: {choices}.",
            model=model,
            size=shown(size),
            choices=listed(image.sizes),
        )
        return
    pixels = read_size(size) if isinstance(size, str) else None
    if pixels is None:
        yield msg(
            "The size {size} cannot be read. Write width and height like 1536x1024, or auto.",
            size=shown(size),
        )
        return
    problem = size_problem(image.custom_size, pixels)
    if problem is not None:
        yield problem


def size_problem(rules: SizeRules, size: Size) -> Message | None:
    """Return the first rule that a free size breaks, or None."""
    longer, shorter, pixels = max(size), min(size), size[0] * size[1]
    values = {"size": f"{size[0]}x{size[1]}"}
    if size[0] % rules.multiple or size[1] % rules.multiple:
        return msg(
            "The size {size} does not fit: width and height must be multiples of {multiple}. "
            "The nearest is {nearest}.",
            multiple=rules.multiple,
            nearest=_nearest(rules, size),
            **values,
        )
    if longer > rules.max_edge:
        return msg(
            "The size {size} is too long: the longer edge may have {limit} pixels. "
            "Make it shorter.",
            limit=f"{rules.max_edge:,}",
            **values,
        )
    if longer > rules.max_aspect * shorter:
        return msg(
            "The size {size} is too narrow: one edge may be {limit} times the other. "
            "Make it squarer.",
            limit=rules.max_aspect,
            **values,
        )
    return _pixel_problem(rules, pixels, values)


def _pixel_problem(rules: SizeRules, pixels: int, values: dict[str, str]) -> Message | None:
    if pixels < rules.min_pixels:
        return msg(
            "The size {size} is too small: it has {pixels} pixels and {limit} are needed. "
            "Make it larger.",
            pixels=f"{pixels:,}",
            limit=f"{rules.min_pixels:,}",
            **values,
        )
    if pixels > rules.max_pixels:
        return msg(
            "The size {size} is too large: it has {pixels} pixels and {limit} are allowed. "
            "Make it smaller.",
            pixels=f"{pixels:,}",
            limit=f"{rules.max_pixels:,}",
            **values,
        )
    return None


def size_warning(image: ImageCapabilities, size: object) -> Message | None:
    """Return a note for a size that the vendor calls experimental."""
    pixels = read_size(size) if isinstance(size, str) else None
    if image.custom_size is None or pixels is None:
        return None
    if pixels[0] * pixels[1] <= image.custom_size.experimental_above_pixels:
        return None
    return msg(
        "Sizes above 2560x1440 are experimental at the provider; {size} may come out worse.",
        size=size,
    )


def _nearest(rules: SizeRules, size: Size) -> str:
    def rounded(edge: int) -> int:
        return max(rules.multiple, round(edge / rules.multiple) * rules.multiple)

    return f"{rounded(size[0])}x{rounded(size[1])}"
