"""v2's routes: create, query, list, cancel or delete. Errors are HTTP statuses."""

import time
from collections.abc import Callable
from typing import Any

from deploy.local.simulators.http import Exchange
from deploy.local.simulators.minimax import v2_answers, v2_requests
from deploy.local.simulators.minimax.creation import create
from deploy.local.simulators.minimax.reading import check_key, reply
from deploy.local.simulators.minimax.refusals import Refused, invalid
from deploy.local.simulators.minimax.simulator import Simulator
from deploy.local.simulators.minimax.tasks import Dialect, Task, Wanted
from deploy.local.simulators.minimax.walk import Phase, standing

CREATE = "/v2/video_generation"
QUERY = "/v2/query/video_generation"
PAGE_SIZES = range(1, 501)
DELETABLE = frozenset({Phase.SUCCESS, Phase.FAIL})


class V2:
    """The newer dialect."""

    dialect: Dialect = "v2"

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim

    def answers(self, exchange: Exchange) -> bool:
        """Answer a request; False if v2 has no such route."""
        route = self._route(exchange.method, exchange.path)
        if route is None:
            return False
        try:
            check_key(self._sim, exchange)
            route(exchange)
        except Refused as refused:
            self.refuse(exchange, refused)
        return True

    def _route(self, method: str, path: str) -> Callable[[Exchange], None] | None:
        if (method, path) == ("POST", CREATE):
            return self._create
        if (method, path) == ("GET", QUERY):
            return self._list
        if method == "GET" and path.startswith(f"{QUERY}/"):
            return self._query
        if method == "DELETE" and path.startswith(f"{CREATE}/"):
            return self._delete
        return None

    def wanted(self, body: object) -> Wanted:
        return v2_requests.wanted(body)

    def accepted(self, **task_id: object) -> dict[str, Any]:
        return {**task_id}

    def refuse(self, exchange: Exchange, refused: Refused) -> None:
        body = refused.gateway_body(exchange.extra_headers["Trace-Id"])
        exchange.reply_json(refused.status, body)

    def _create(self, exchange: Exchange) -> None:
        create(self._sim, self, exchange)

    def _query(self, exchange: Exchange) -> None:
        task = self._known(exchange)
        self._sim.register.asked_for(task)
        body = {"task": self._shown(task, exchange, time.time())}
        reply(self._sim, exchange, body, prompt=task.prompt)

    def _list(self, exchange: Exchange) -> None:
        query, now = exchange.query, time.time()
        number, size = _whole(query, "page_num", 1), _whole(query, "page_size", 20)
        if number < 1 or size not in PAGE_SIZES:
            raise invalid("page_num must be 1 or more and page_size 1 to 500")
        found = [task for task in self._listed(now) if _matches(task, query, now)]
        page = found[(number - 1) * size : number * size]
        items = [self._shown(task, exchange, now) for task in page]
        reply(self._sim, exchange, {"items": items, "total": len(found)})

    def _listed(self, now: float) -> list[Task]:
        """Return the tasks that the list knows, newest first."""
        lag = self._sim.fault("list_lag")
        newest = now if lag is None else now - lag.get("seconds", 30)
        oldest = now - self._sim.settings["v2_window_s"]
        tasks = self._sim.register.newest_first("v2")
        return [task for task in tasks if oldest < task.walk.created_at <= newest]

    def _delete(self, exchange: Exchange) -> None:
        """Cancel a task that waits (free), or delete the record of one that is done."""
        task, now = self._known(exchange), time.time()
        ended = self._sim.register.cancelled(task, now=now)
        if ended is not None:
            self._sim.register.finished(ended, Phase.CANCELLED, at=now)
            self._sim.callbacks.cancelled(ended)
            answer = {"task_id": task.id, "action": "cancelled", "status": "cancelled"}
            exchange.reply_json(200, answer)
            return
        phase = standing(task.walk, now).phase
        if phase not in DELETABLE:
            raise invalid(f"task_id is {v2_answers.STATUSES[phase]} and cannot be deleted")
        self._sim.register.deleted(task, now=now)
        exchange.reply_json(200, {"task_id": task.id, "action": "deleted", "status": "deleted"})

    def _known(self, exchange: Exchange) -> Task:
        """Return the task named by the path. Raises Refused."""
        task = self._sim.register.task(("v2", exchange.path.rpartition("/")[2]))
        oldest = time.time() - self._sim.settings["v2_window_s"]
        if task is not None and task.walk.created_at > oldest:
            return task
        if self._sim.fault("unknown_id_500") is not None:
            raise Refused(1000, "record not found")
        raise invalid("invalid task_id")

    def _shown(self, task: Task, exchange: Exchange, now: float) -> dict[str, Any]:
        now_is = standing(task.walk, now)
        url = self._sim.link(task, exchange) if now_is.phase is Phase.SUCCESS else None
        body = v2_answers.task_body(task, now_is, url)
        odd = self._sim.fault("odd_status", task.prompt)
        return body if odd is None else {**body, "status": odd.get("value", "Unknown")}


def _matches(task: Task, query: dict[str, str], now: float) -> bool:
    """Tell whether a task passes the list's filters; an empty filter lets everything pass."""
    shown = {
        "filter.status": v2_answers.STATUSES[standing(task.walk, now).phase],
        "filter.task_ids": task.id,
        "filter.model": task.model,
        "filter.task_type": "generation",
    }
    return all(
        not query.get(name) or value in query[name].split(",") for name, value in shown.items()
    )


def _whole(query: dict[str, str], name: str, default: int) -> int:
    text = query.get(name) or str(default)
    if not (text.isascii() and text.isdecimal()):
        raise invalid(f"{name} must be an integer")
    return int(text)
