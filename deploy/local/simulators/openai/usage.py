"""What an order costs: tokens in and out, and dollars by the provider's price list.

The provider publishes no table for its newest models; the numbers are plausible, not exact.
"""

import math
from typing import Any

from deploy.local.simulators.openai.orders import Order
from deploy.local.simulators.openai.sizes import SQUARE, Size

TOKENS_PER_PARTIAL = 100
READ_EDGE = 2048  # an input is read at no more than this
BEYOND_HIGH = {"xhigh": 1.5, "max": 2.2}  # times the tokens of high


def usage(order: Order, partials: int) -> dict[str, Any]:
    """Return the `usage` object of one call: n results and that many partial images."""
    text = 7 + math.ceil(len(order.prompt.encode(errors="replace")) / 4)
    image = sum(_tokens_read(size) for size in order.input_sizes)
    made = order.n * _tokens_made(order) + TOKENS_PER_PARTIAL * partials
    return {
        "total_tokens": text + image + made,
        "input_tokens": text + image,
        "output_tokens": made,
        "input_tokens_details": {"text_tokens": text, "image_tokens": image},
        "output_tokens_details": {"text_tokens": 0, "image_tokens": made},
    }


def cost_usd(order: Order, used: dict[str, Any]) -> float:
    """Return what `used` costs with the order's model."""
    prices, read = order.model.prices, used["input_tokens_details"]
    total = (
        read["text_tokens"] * prices.text_in
        + read["image_tokens"] * prices.image_in
        + used["output_tokens"] * prices.image_out
    )
    return round(float(total) / 1e6, 6)


def _tokens_read(size: Size) -> int:
    shrunk = min(1.0, READ_EDGE / max(size))
    return 76 + math.ceil(size[0] * size[1] * shrunk**2 / 1024)


def _tokens_made(order: Order) -> int:
    low, medium, high = order.model.tokens
    square = {
        "low": low * order.model.draft_factor,
        "medium": medium * order.model.draft_factor,
        "high": high,
    }.get(order.quality) or high * BEYOND_HIGH[order.quality]
    area = order.size[0] * order.size[1] / (SQUARE[0] * SQUARE[1])
    return round(square * area)
