"""What queries and lists of both dialects share: who may ask, and how an answer may fail."""

import json
from typing import Any

from deploy.local.simulators.http import Exchange
from deploy.local.simulators.minimax.breakages import READS, page
from deploy.local.simulators.minimax.refusals import Refused, gateway_body
from deploy.local.simulators.minimax.simulator import Simulator

BEARER = "Bearer "


def check_key(sim: Simulator, exchange: Exchange) -> None:
    """Raise Refused (1004, 2049) unless the request carries a key that is good here."""
    header = exchange.headers.get("Authorization", "")
    key = header.removeprefix(BEARER).strip() if header.startswith(BEARER) else ""
    if not key:
        raise Refused(1004)
    if key.startswith("bad") if sim.api_key is None else key != sim.api_key:
        raise Refused(2049)


def reply(sim: Simulator, exchange: Exchange, body: dict[str, Any], *, prompt: str = "") -> None:
    """Answer a query with `body`, or in whatever way a fault wants. Raises Refused."""
    taken = sim.faults.take_any([*READS], prompt)
    if taken is None:
        exchange.reply_json(200, body)
        return
    name, args = taken
    match name:
        case "query_error":
            raise Refused(args.get("code", 1000))
        case "query_status":
            _status(exchange, args.get("status", 500), html=args.get("html", False))
        case "query_hang":
            exchange.hang(args.get("seconds", 600))
        case "query_reset":
            exchange.reset()
        case _:
            data = json.dumps(body).encode()
            exchange.cut(200, data, "application/json", sent=len(data) // 2)


def _status(exchange: Exchange, status: int, *, html: bool) -> None:
    if html:
        exchange.reply_bytes(status, page(status), "text/html")
        return
    request_id = exchange.extra_headers["Trace-Id"]
    exchange.reply_json(status, gateway_body(status, "the request failed", request_id))
