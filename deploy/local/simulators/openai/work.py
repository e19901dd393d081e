"""Carrying out a request: check, bill, paint while the clock runs, answer, or fail as told."""

import json
import random
from dataclasses import replace
from typing import Any

from deploy.local.simulators.openai import breakages, forms, orders, replies, streams
from deploy.local.simulators.openai.calls import Call
from deploy.local.simulators.openai.orders import Order

LOSSES = ("reset_after_accept", "hang", "html_200", *breakages.GATEWAY)
SMALL = (64, 64)
CUTS = ("body_cut", "unframed_cut")


def image_call(call: Call) -> None:
    """Answer an edit or a generation. Raises Refused for what is answered with an error."""
    form = forms.read(call.exchange, call.kept, json_only=call.kind == "generation")
    call.received(form.prompt)
    if call.fault("x_should_retry_false") is not None:
        call.exchange.extra_headers["x-should-retry"] = "false"
    order = orders.checked(form, call.kind, call.account.settings["models"])
    call.model = order.model.id
    _fail_as_told(call, order)
    call.account.limits.admit(order.model.id, len(order.images))
    loss = call.any_fault(LOSSES)
    if loss is None:
        _produce(call, order)
    else:
        _lose(call, order, *loss)


def _fail_as_told(call: Call, order: Order) -> None:
    """Raise the error that a fault asks for, billed or not."""
    hit = call.any_fault(breakages.ERRORS)
    if hit is None:
        return
    name, args = hit
    if args.get("billed"):
        call.bill(order, 0)
    raise breakages.refusal(name, args)


def _lose(call: Call, order: Order, name: str, args: dict[str, Any]) -> None:
    """Take the money and give no usable answer."""
    if args.get("billed", True):
        call.bill(order, 0)
    exchange = call.exchange
    exchange.wait(args.get("after_s", 0))
    if name == "reset_after_accept":
        exchange.reset()
    elif name == "hang":
        exchange.hang(args.get("seconds", 600))
    else:
        status = breakages.GATEWAY.get(name, 200)
        call.head()
        exchange.reply_bytes(status, breakages.page(status), "text/html")


def _produce(call: Call, order: Order) -> None:
    """Paint during the waiting time: an answer is late only if painting takes longer."""
    from deploy.local.simulators.openai import pictures  # noqa: PLC0415 - it brings Pillow along

    partials = _partials(call, order)
    used = call.bill(order, partials)
    duration_s = _duration_s(call, order)
    if order.stream:
        streams.begin(call)
        made = pictures.rendered(_painted(call, order), partials)
        streams.play(call, streams.frames(call, order, made, used), duration_s)
        return
    body = replies.result(order, pictures.rendered(_painted(call, order), 0).results, used)
    _spoil(call, body)
    data = json.dumps(body).encode()
    del body
    call.wait_until(duration_s)
    call.head()
    _send(call, data)


def _painted(call: Call, order: Order) -> Order:
    """Return the order as it is painted: tiny, if campaigns of thousands ask for it."""
    return replace(order, size=SMALL) if call.account.settings["small_images"] else order


def _partials(call: Call, order: Order) -> int:
    """Return how many partial images will be sent."""
    if not order.partial_images:
        return 0
    args = call.fault("partials_fewer")
    fewer = order.partial_images - 1
    return order.partial_images if args is None else min(fewer, args.get("count", fewer))


def _duration_s(call: Call, order: Order) -> float:
    """Return how long the work takes, from the arrival of the whole request to the answer."""
    settings = call.account.settings
    delay = call.fault("delay")
    extra_s = 0.0 if delay is None else float(delay.get("seconds", 1))
    if settings["fixed_s"] is not None:
        return float(settings["fixed_s"]) + extra_s
    known = settings["duration_s"]
    exact = f"{order.model.id}:{order.quality}"
    usual_s = known.get(exact, known.get(order.model.id, known["default"]))
    if random.random() < settings["tail_share"]:  # noqa: S311 - decides about waiting only
        usual_s = max(usual_s, settings["tail_s"])
    return float(usual_s * settings["speed"]) + extra_s


def _spoil(call: Call, body: dict[str, Any]) -> None:
    hit = call.any_fault(replies.WRONG)
    if hit is not None:
        replies.WRONG[hit[0]](body, hit[1])


def _send(call: Call, data: bytes) -> None:
    """Send the answer, whole or broken off."""
    kind = "application/json"
    if (args := call.fault("trickle")) is not None:
        call.exchange.trickle(200, data, kind, interval_s=args.get("interval_s", 1))
    elif (hit := call.any_fault(CUTS)) is not None:
        sent = int(len(data) * hit[1].get("share", 0.5))
        call.exchange.cut(200, data, kind, sent=sent, announced=hit[0] == "body_cut")
    else:
        call.exchange.reply_bytes(200, data, kind)
