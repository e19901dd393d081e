"""Creating a task: read, check, bill, answer, each with what may go wrong there."""

import json
import threading
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

from deploy.local.simulators.http import Exchange
from deploy.local.simulators.minimax import breakages, broken_creations
from deploy.local.simulators.minimax.broken_creations import Breakage
from deploy.local.simulators.minimax.fates import task_for
from deploy.local.simulators.minimax.images import MIB
from deploy.local.simulators.minimax.refusals import Refused, invalid
from deploy.local.simulators.minimax.register import Crowded
from deploy.local.simulators.minimax.simulator import Api, Simulator
from deploy.local.simulators.minimax.tasks import Input, Task, Wanted

BODY_BYTES = 64 * MIB
LARGE_BODY_BYTES = 4 * MIB
ONE_LARGE_BODY = threading.Lock()  # several at once would need gigabytes


def create(sim: Simulator, api: Api, exchange: Exchange) -> None:
    """Answer a creation. Raises Refused; then nothing was billed."""
    wanted, inputs = _read(sim, api, exchange)
    breakage = _breakage(sim, wanted)
    if breakage is not None and not breakage.billed:
        fake_id = sim.register.new_id(api.dialect)
        broken_creations.play(breakage, api, exchange, task_id=fake_id, previous_id=fake_id)
        return
    task = _accepted(sim, exchange, wanted, inputs)
    hurried = sim.fault("callback_before_reply", task.prompt) is not None
    sim.callbacks.begin(task, at_once=hurried)
    delay = sim.fault("delay", task.prompt)
    if delay is not None:
        exchange.wait(delay.get("seconds", 1))
    if breakage is None:
        exchange.reply_json(200, api.accepted(task_id=task.id))
        return
    previous_id = _previous_id(sim, task)
    broken_creations.play(breakage, api, exchange, task_id=task.id, previous_id=previous_id)


def _previous_id(sim: Simulator, task: Task) -> str:
    """Return the id of the task before this one, or its own if it is the first."""
    others = (each.id for each in sim.register.newest_first(task.dialect) if each.id != task.id)
    return next(others, task.id)


def _read(sim: Simulator, api: Api, exchange: Exchange) -> tuple[Wanted, tuple[Input, ...]]:
    """Return what is asked for, its images stored. Memory: one large body at a time."""
    length = int(exchange.headers.get("Content-Length") or LARGE_BODY_BYTES)
    if length > BODY_BYTES:
        exchange.leave_body()
        raise _too_large(length)
    body = exchange.read_body()
    with ONE_LARGE_BODY if length >= LARGE_BODY_BYTES else nullcontext():
        data = body.read(BODY_BYTES + 1)
        if len(data) > BODY_BYTES:
            raise _too_large(len(data))
        wanted = api.wanted(_parsed(data))
        inputs = tuple(sim.inputs.kept(each) for each in wanted.pictures)
        return replace(wanted, pictures=()), inputs  # do not hold megabytes until it is answered


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise invalid("request body is not valid JSON") from error


def _too_large(length: int) -> Refused:
    message = f"invalid params, request body has {length} bytes, at most {BODY_BYTES} are allowed"
    return Refused(2013, message, status=413)


def _breakage(sim: Simulator, wanted: Wanted) -> Breakage | None:
    taken = sim.faults.take_any([*breakages.CREATION], wanted.prompt)
    if taken is None:
        return None
    name, args = taken
    return Breakage(name=name, args=args, billed=args.get("billed", name in breakages.BILLED))


def _accepted(
    sim: Simulator, exchange: Exchange, wanted: Wanted, inputs: tuple[Input, ...]
) -> Task:
    """Bill and keep the task: from here on it exists, whatever the client gets to hear."""
    if wanted.dialect == "v1":
        sim.limits.admit()
    most = sim.settings["max_concurrent"] if wanted.dialect == "v2" else None
    try:
        return sim.register.admitted(
            wanted.dialect,
            most,
            lambda: task_for(sim, wanted, inputs, arrived_at=exchange.arrived_at),
        )
    except Crowded as crowded:
        raise Refused(1002) from crowded
