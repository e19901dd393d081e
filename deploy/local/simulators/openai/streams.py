"""Server-sent events: partial images one after the other, then the completed one, or not."""

import json
from typing import TYPE_CHECKING, Any

from deploy.local.simulators.openai import replies
from deploy.local.simulators.openai.calls import Call
from deploy.local.simulators.openai.orders import Order

if TYPE_CHECKING:
    from deploy.local.simulators.openai.pictures import Rendered

WRONG = ("b64_null", "b64_truncated", "b64_html", "usage_missing")  # what an event can suffer


def begin(call: Call) -> None:
    """Send the headers: the client learns at once that its request was accepted."""
    call.head()
    call.exchange.begin_stream(200)


def frames(call: Call, order: Order, made: "Rendered", used: dict[str, Any]) -> list[bytes]:
    """Return every event as it goes over the wire, the final one last."""
    final = replies.completed(order, made.results[0], used)
    hit = call.any_fault(WRONG)
    if hit is not None:
        replies.WRONG[hit[0]](final, hit[1])
    partials = (replies.partial(order, image, n) for n, image in enumerate(made.partials))
    return [_frame(body) for body in (*partials, final)]


def play(call: Call, frames: list[bytes], duration_s: float) -> None:
    """Send the frames evenly over the duration, and end as well or as badly as told."""
    *partials, final = frames
    lost = call.fault("stream_reset")
    if lost is not None:
        partials = partials[: lost.get("after", 1)]
    for number, frame in enumerate(partials, 1):
        call.wait_until(duration_s * number / len(frames))
        call.exchange.send_chunk(frame)
    call.wait_until(duration_s)
    if lost is not None:
        call.exchange.reset()
    else:
        _end(call, final)


def _end(call: Call, final: bytes) -> None:
    exchange = call.exchange
    if (args := call.fault("body_cut")) is not None:
        exchange.cut_chunk(final, sent=int(len(final) * args.get("share", 0.5)))
        return
    if (args := call.fault("trickle")) is not None:
        _trickle(call, final, args.get("interval_s", 1))
    elif (args := call.fault("stream_error_event")) is not None:
        exchange.send_chunk(_error(args))
    elif call.fault("stream_cut") is None:
        exchange.send_chunk(final)
    exchange.end_stream()


def _trickle(call: Call, frame: bytes, interval_s: float) -> None:
    for index in range(len(frame)):
        call.exchange.send_chunk(frame[index : index + 1])
        call.pause(interval_s)


def _error(args: dict[str, Any]) -> bytes:
    error = {
        "message": args.get("message", "The server had an error while processing your request."),
        "type": args.get("type", "server_error"),
        "param": None,
        "code": args.get("code"),
    }
    return _frame({"type": "error", "error": error})


def _frame(body: dict[str, Any]) -> bytes:
    return f"event: {body['type']}\ndata: {json.dumps(body)}\n\n".encode()
