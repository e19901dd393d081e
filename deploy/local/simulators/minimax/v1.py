"""v1's routes: create, query, retrieve. Errors come inside HTTP 200."""

import time
from typing import Any

from deploy.local.simulators.http import Exchange
from deploy.local.simulators.minimax import downloads, v1_answers, v1_requests
from deploy.local.simulators.minimax.creation import create
from deploy.local.simulators.minimax.reading import check_key, reply
from deploy.local.simulators.minimax.refusals import Refused, base_resp, invalid
from deploy.local.simulators.minimax.simulator import Simulator
from deploy.local.simulators.minimax.tasks import Dialect, Task, Wanted
from deploy.local.simulators.minimax.walk import Phase, standing

CREATE = "/v1/video_generation"
QUERY = "/v1/query/video_generation"
RETRIEVE = "/v1/files/retrieve"
CONTENT = "/v1/files/retrieve_content"
FILES = "/v1/files/list"
CREDENTIALS = frozenset({1004, 2049})


class V1:
    """The older dialect."""

    dialect: Dialect = "v1"

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._routes = {
            ("POST", CREATE): self._create,
            ("GET", QUERY): self._query,
            ("GET", RETRIEVE): self._retrieve,
            ("GET", CONTENT): self._content,
            ("GET", FILES): self._files,
        }

    def answers(self, exchange: Exchange) -> bool:
        """Answer a request; False if v1 has no such route."""
        route = self._routes.get((exchange.method, exchange.path))
        if route is None:
            return False
        try:
            check_key(self._sim, exchange)
            route(exchange)
        except Refused as refused:
            self.refuse(exchange, refused)
        return True

    def wanted(self, body: object) -> Wanted:
        return v1_requests.wanted(body)

    def accepted(self, **task_id: object) -> dict[str, Any]:
        return {**task_id, "base_resp": base_resp()}

    def refuse(self, exchange: Exchange, refused: Refused) -> None:
        request_id = exchange.extra_headers["Trace-Id"]
        if refused.code in CREDENTIALS and self._sim.settings["v1_gateway_auth"]:
            exchange.reply_json(refused.status, refused.gateway_body(request_id))
            return
        empty = {"task_id": ""} if exchange.path == CREATE else {}
        exchange.reply_json(200, {**empty, "base_resp": refused.base_resp()})

    def _create(self, exchange: Exchange) -> None:
        create(self._sim, self, exchange)

    def _query(self, exchange: Exchange) -> None:
        id = exchange.query.get("task_id", "")
        if not id:
            raise invalid("task_id is required")
        task = self._sim.register.task(("v1", id))
        if task is None:
            raise invalid("task_id does not exist")
        self._sim.register.asked_for(task)
        body = v1_answers.query_body(task, standing(task.walk, time.time()))
        reply(self._sim, exchange, self._odd(task, body), prompt=task.prompt)

    def _odd(self, task: Task, body: dict[str, Any]) -> dict[str, Any]:
        """Return a query's answer with what the faults do to it."""
        status, fault = body["status"], self._sim.fault
        if status == Phase.FAIL and fault("failed_spelling", task.prompt) is not None:
            return {**body, "status": "Failed"}
        if status == Phase.SUCCESS and fault("success_without_file_id", task.prompt) is not None:
            return {name: value for name, value in body.items() if name != "file_id"}
        odd = fault("odd_status", task.prompt)
        return body if odd is None else {**body, "status": odd.get("value", "Unknown")}

    def _retrieve(self, exchange: Exchange) -> None:
        task = self._finished(exchange)
        exchange.reply_json(200, v1_answers.file_body(task, self._sim.link(task, exchange)))

    def _content(self, exchange: Exchange) -> None:
        downloads.send(self._sim, exchange, self._finished(exchange))

    def _files(self, exchange: Exchange) -> None:
        now = time.time()
        made = [
            v1_answers.file_body(task, None)["file"]
            for task in self._sim.register.newest_first("v1")
            if standing(task.walk, now).phase is Phase.SUCCESS
        ]
        exchange.reply_json(200, {"files": made, "base_resp": base_resp()})

    def _finished(self, exchange: Exchange) -> Task:
        """Return the task whose file is asked for. Raises Refused."""
        id = exchange.query.get("file_id", "")
        if not (id.isascii() and id.isdecimal()):
            raise invalid("file_id must be an integer")
        task = self._sim.register.by_file(id)
        if task is None or standing(task.walk, time.time()).phase is not Phase.SUCCESS:
            raise invalid("file_id does not exist")
        self._sim.register.asked_for(task)
        error = self._sim.fault("retrieve_error", task.prompt)
        if error is not None:
            raise Refused(error.get("code", 1000))
        return task
