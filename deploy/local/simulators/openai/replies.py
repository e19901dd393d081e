"""The bodies of good answers, and the same with one thing wrong."""

import base64
import time
from collections.abc import Callable
from typing import Any

from deploy.local.simulators.openai import breakages, sizes
from deploy.local.simulators.openai.orders import Order

Body = dict[str, Any]
Args = dict[str, Any]


def result(order: Order, images: tuple[bytes, ...], used: Body) -> Body:
    """Return the body of a finished call."""
    return {
        "created": int(time.time()),
        **_resolved(order),
        **_identifier(order),
        "data": [{"b64_json": _b64(image)} for image in images],
        "usage": used,
    }


def partial(order: Order, image: bytes, index: int) -> Body:
    """Return the event of partial image number `index`, counted from 0."""
    return {
        "type": f"image_{order.kind}.partial_image",
        "b64_json": _b64(image),
        "created_at": int(time.time()),
        **_resolved(order),
        "partial_image_index": index,
    }


def completed(order: Order, image: bytes, used: Body) -> Body:
    """Return the final event; its usage has no details of the output."""
    usage = {name: value for name, value in used.items() if name != "output_tokens_details"}
    return {
        "type": f"image_{order.kind}.completed",
        "b64_json": _b64(image),
        "created_at": int(time.time()),
        **_resolved(order),
        **_identifier(order),
        "usage": usage,
    }


def _resolved(order: Order) -> Body:
    return {
        "background": order.background,
        "output_format": order.output_format,
        "quality": order.quality,
        "size": sizes.text(order.size),
    }


def _identifier(order: Order) -> Body:
    return {"safety_identifier": order.safety_identifier} if order.safety_identifier else {}


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# Wrong ones: each changes a body in place; an event carries its image itself, a result in `data`.


def _empty(body: Body, _: Args) -> None:
    body["data"] = []


def _without_data(body: Body, _: Args) -> None:
    body.pop("data", None)


def _without_usage(body: Body, _: Args) -> None:
    del body["usage"]


def _without_details(body: Body, _: Args) -> None:
    body["usage"] = {k: v for k, v in body["usage"].items() if k != "output_tokens_details"}


def _null(body: Body, _: Args) -> None:
    for image in _images(body):
        image["b64_json"] = None


def _truncated(body: Body, _: Args) -> None:
    for image in _images(body):
        text = image["b64_json"]
        image["b64_json"] = text[: len(text) // 8 * 4]


def _html(body: Body, args: Args) -> None:
    page = breakages.page(502)
    for image in _images(body):
        image["b64_json"] = page.decode() if args.get("raw") else _b64(page)


def _images(body: Body) -> list[Body]:
    images: list[Body] = body.get("data", [body])
    return images


WRONG: dict[str, Callable[[Body, Args], None]] = {
    "b64_null": _null,
    "b64_truncated": _truncated,
    "b64_html": _html,
    "usage_missing": _without_usage,
    "usage_details_missing": _without_details,
    "data_empty": _empty,
    "data_missing": _without_data,
}
