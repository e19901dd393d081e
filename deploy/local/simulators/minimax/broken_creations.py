"""Answers to a creation as they should not be."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.local.simulators.http import Exchange
from deploy.local.simulators.minimax.breakages import PAGES, page
from deploy.local.simulators.minimax.refusals import Refused, base_resp, gateway_body
from deploy.local.simulators.minimax.simulator import Api

MESSAGES: Mapping[int, str] = {
    401: "invalid api key (2049)",
    402: "insufficient balance (1008)",
    422: "video description contains sensitive content (1026)",
    429: "rate limit, please retry later (1002)",
    500: "internal error (1000)",
    529: "the service is overloaded, please retry later",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakage:
    """A fault that hits a creation. `billed`: the task exists although the answer is broken."""

    name: str
    args: Mapping[str, Any]
    billed: bool


def play(
    breakage: Breakage, api: Api, exchange: Exchange, *, task_id: str, previous_id: str
) -> None:
    """Answer in the broken way. Raises Refused for the provider's own errors."""
    name, args = breakage.name, breakage.args
    if name.startswith("error:"):
        raise Refused(int(name.removeprefix("error:")), args.get("message"))
    if name.startswith("status:"):
        _status(int(name.removeprefix("status:")), args, exchange)
    elif name.startswith("task_id_"):
        odd = _odd_id(name, args, task_id, previous_id)
        exchange.reply_json(200, {**api.accepted(), **odd})
    elif name in PAGES or name == "html_200":
        status = PAGES.get(name, 200)
        exchange.reply_bytes(status, page(status), "text/html")
    else:
        _BREAK[name](exchange, args, json.dumps(api.accepted(task_id=task_id)).encode())


def _status(status: int, args: Mapping[str, Any], exchange: Exchange) -> None:
    message = args.get("message", MESSAGES.get(status, "the request failed"))
    request_id = exchange.extra_headers["Trace-Id"]
    headers = {"Retry-After": str(args["retry_after"])} if "retry_after" in args else None
    exchange.reply_json(status, gateway_body(status, message, request_id), headers)


def _odd_id(
    name: str, args: Mapping[str, Any], task_id: str, previous_id: str
) -> dict[str, object]:
    """Return `{"task_id": ...}` as the fault wants it, with an error beside it if need be."""
    if name == "task_id_missing":
        return {}
    if name == "task_id_beside_error":
        named = int(task_id) if args.get("number") else task_id
        return {"task_id": named, "base_resp": base_resp(1002)}
    odd = {
        "task_id_empty": "",
        "task_id_null": None,
        "task_id_number": int(task_id),
        "task_id_zero": 0,
        "task_id_duplicate": previous_id,
    }
    if name in odd:
        return {"task_id": odd[name]}
    length = args.get("length", 1024 * 1024)
    return {"task_id": (task_id * (length // len(task_id) + 1))[:length]}


def _reset(exchange: Exchange, args: Mapping[str, Any], _: bytes) -> None:
    exchange.wait(args.get("after_s", 0))
    exchange.reset()


def _hang(exchange: Exchange, args: Mapping[str, Any], _: bytes) -> None:
    exchange.hang(args.get("seconds", 600))


def _cut(exchange: Exchange, args: Mapping[str, Any], data: bytes) -> None:
    exchange.cut(200, data, "application/json", sent=int(len(data) * args.get("share", 0.5)))


def _unframed_cut(exchange: Exchange, args: Mapping[str, Any], data: bytes) -> None:
    sent = int(len(data) * args.get("share", 0.5))
    exchange.cut(200, data, "application/json", sent=sent, announced=False)


def _trickle(exchange: Exchange, args: Mapping[str, Any], data: bytes) -> None:
    exchange.trickle(200, data, "application/json", interval_s=args.get("interval_s", 1))


_BREAK: Mapping[str, Callable[[Exchange, Mapping[str, Any], bytes], None]] = {
    "reset_after_accept": _reset,
    "hang": _hang,
    "body_cut": _cut,
    "unframed_cut": _unframed_cut,
    "trickle": _trickle,
}
