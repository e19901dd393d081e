"""The content server: videos by signed link, in whole or in part, and how that goes wrong."""

import re
import time
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any

from deploy.local.simulators.http import Exchange
from deploy.local.simulators.minimax import spoiled
from deploy.local.simulators.minimax.breakages import DOWNLOADS, INSIDE_URL, page
from deploy.local.simulators.minimax.links import DeadLink
from deploy.local.simulators.minimax.simulator import Simulator
from deploy.local.simulators.minimax.tasks import Task
from deploy.local.simulators.minimax.walk import Phase, standing

VIDEO = "video/mp4"
PIECE = 64 * 1024
RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


def answer(sim: Simulator, exchange: Exchange) -> None:
    """Answer a request for a link. No key is asked for: the signature is the permission."""
    now = time.time()
    try:
        key = sim.links.opened(exchange.path, exchange.query, now=now)
    except DeadLink as dead:
        _xml(exchange, 403, "AccessDenied", str(dead))
        return
    task = sim.register.task(key)
    if task is None or standing(task.walk, now).phase is not Phase.SUCCESS:
        _xml(exchange, 404, "NoSuchKey", "The specified key does not exist.")
        return
    send(sim, exchange, task)


def send(sim: Simulator, exchange: Exchange, task: Task) -> None:
    """Send a task's video, or what a fault makes of it."""
    taken = sim.faults.take_any([*DOWNLOADS], task.prompt)
    if taken is None:
        _file(exchange, sim.clips.path(task))
    elif taken[0] in SPOILED:
        data = _spoiled(sim, task, *taken)
        exchange.reply_bytes(200, data, VIDEO, {"Accept-Ranges": "bytes"})
    else:
        _broken(exchange, sim.clips.path(task).read_bytes(), *taken)


def _file(exchange: Exchange, path: Path) -> None:
    data = path.read_bytes()
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": f'"{path.stem}"',
        "Last-Modified": formatdate(path.stat().st_mtime, usegmt=True),
    }
    wanted = exchange.headers.get("Range")
    part = None if wanted is None else RANGE.fullmatch(wanted.strip())
    if part is None or not any(part.groups()):
        exchange.reply_bytes(200, data, VIDEO, headers)
        return
    start, end = _bounds(part[1], part[2], len(data))
    if start >= end:
        none = {"Content-Range": f"bytes */{len(data)}"}
        exchange.reply_bytes(416, b"", VIDEO, none)
        return
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
    exchange.reply_bytes(206, data[start:end], VIDEO, headers)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """Return start and end of a range; it is empty if nothing of it exists."""
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


SPOILED = frozenset(
    {
        "download_html",
        "download_moov_cut",
        "download_cut_file",
        "download_huge_frame",
        "download_playlist",
    }
)


def _spoiled(sim: Simulator, task: Task, name: str, args: Mapping[str, Any]) -> bytes:
    """Return a body that arrives whole and is not the video it claims to be."""
    match name:
        case "download_html":
            return page(200)
        case "download_moov_cut":
            return spoiled.without_index_end(sim.clips.path(task).read_bytes())
        case "download_cut_file":
            whole = sim.clips.path(task).read_bytes()
            return whole[: int(len(whole) * args.get("share", 0.5))]
        case "download_huge_frame":
            path = sim.clips.path(task).with_suffix(".huge.mp4")
            spoiled.huge_frame(path, args.get("side", 8192))
            return path.read_bytes()
        case _:
            return spoiled.playlist(args.get("url", INSIDE_URL))


def _broken(exchange: Exchange, data: bytes, name: str, args: Mapping[str, Any]) -> None:
    """Send the video in a way that is wrong."""
    match name:
        case "download_status":
            _xml(exchange, args.get("status", 403), "AccessDenied", "Request has expired.")
        case "download_truncated":
            exchange.cut(200, data, VIDEO, sent=int(len(data) * args.get("share", 0.5)))
        case "download_too_long":
            exchange.reply_bytes(200, data, VIDEO, {"Content-Length": str(len(data) // 2)})
            exchange.hang_up()
        case "download_huge_length":
            length = args.get("bytes", 50_000_000_000)
            exchange.reply_bytes(200, data, VIDEO, {"Content-Length": str(length)})
            exchange.hang(args.get("seconds", 600))
        case "download_endless":
            _endless(exchange)
        case "download_trickle":
            exchange.trickle(200, data, VIDEO, interval_s=args.get("interval_s", 1))
        case "download_reset":
            exchange.begin_stream(200, VIDEO)
            exchange.send_chunk(data[: len(data) // 2])
            exchange.reset()
        case _:
            exchange.reply_bytes(302, b"", VIDEO, {"Location": args.get("url", INSIDE_URL)})


def _endless(exchange: Exchange) -> None:
    """Send until the client has had enough or the simulator stops."""
    exchange.begin_stream(200, VIDEO)
    piece = bytes(PIECE)
    while exchange.wait(0):
        exchange.send_chunk(piece)


def _xml(exchange: Exchange, status: int, code: str, message: str) -> None:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message>"
        f"<RequestId>{exchange.extra_headers['Trace-Id']}</RequestId></Error>"
    )
    exchange.reply_bytes(status, body.encode(), "application/xml")
