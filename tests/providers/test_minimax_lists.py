"""Lists and cancellations of MiniMax v2."""

import socket
from datetime import UTC, datetime

import pytest

from core.errors import ProviderError
from core.providers import Cancelled, ListedTask, minimax_v2
from tests.providers.minimax_answers import said, task, v2
from tests.providers.raw_server import RawServer, replying, serving


def listed(id: str, at: int, **more: object) -> dict[str, object]:
    facts = {"model": "MiniMax-H3", "resolution": "768P", "duration": 5, "ratio": "16:9"}
    return {"id": id, "status": "queued", "created_at": at, **facts, **more}


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class TestListing:
    def test_every_page_is_read_until_it_is_old_enough(self):
        everything = [listed(f"t{n}", 2000 - n) for n in range(50)]

        def script(server: RawServer, connection: socket.socket) -> None:
            line = server.read_request(connection).split(b" ")[1].decode()
            number = int(line.split("page_num=")[1].split("&")[0])
            page = everything[(number - 1) * 20 : number * 20]
            connection.sendall(said({"items": page, "total": len(everything)}))

        with serving(script) as server:
            found = v2(server).list_tasks(since=moment(1975.4))
            assert server.connections == 2
        assert [task.task_id for task in found] == [f"t{n}" for n in range(26)]
        assert found[0] == ListedTask(
            task_id="t0",
            model="MiniMax-H3",
            resolution="768P",
            duration=5,
            ratio="16:9",
            status="queued",
            created_at=moment(2000),
        )

    def test_a_list_that_never_ends_or_repeats_itself_ends(self):
        with serving(replying(said({"items": [listed("1", 2000)]}))) as server:
            assert len(v2(server).list_tasks(since=moment(0))) == 1
            assert server.connections == 2

    @pytest.mark.parametrize(
        "items",
        [None, "x", ["x"], [None], [{"id": "1"}], [listed("1", 10**20)], [listed("", 1)]],
    )
    def test_a_list_with_holes_proves_nothing(self, items):
        with serving(replying(said({"items": items}))) as server, pytest.raises(ProviderError):
            v2(server).list_tasks(since=moment(0))

    def test_one_task_can_be_described(self):
        with serving(replying(said({"task": listed("7", 2000)}))) as server:
            assert v2(server).describe("7").ratio == "16:9"


class TestCancelling:
    @staticmethod
    def cancelling(
        status: str, deleted: bytes, *, looking_s: float = 0
    ) -> tuple[Cancelled | ProviderError, list[str]]:
        def script(server: RawServer, connection: socket.socket) -> None:
            request = server.read_request(connection)
            server.stopping.wait(looking_s)
            connection.sendall(said(task(status)) if request.startswith(b"GET") else deleted)

        with serving(script) as server:
            try:
                found: Cancelled | ProviderError = v2(server).cancel("7")
            except ProviderError as error:
                found = error
            return found, [server.head(n).split(" ")[0] for n in range(len(server.requests))]

    def test_a_queued_task_is_cancelled(self):
        gone = said({"task_id": "7", "action": "cancelled", "status": "cancelled"})
        assert self.cancelling("queued", gone) == (Cancelled.IN_TIME, ["GET", "DELETE"])

    @pytest.mark.parametrize("status", ["running", "succeeded", "failed", "new"])
    def test_anything_else_is_left_alone(self, status):
        """To delete a finished task would delete its result."""
        assert self.cancelling(status, b"") == (Cancelled.TOO_LATE, ["GET"])

    def test_a_task_that_we_cancelled_before_is_cancelled(self):
        """The reply was lost."""
        assert self.cancelling("cancelled", b"") == (Cancelled.IN_TIME, ["GET"])

    def test_a_task_that_was_seen_queued_long_ago_is_left_alone(self, monkeypatch):
        """It may have finished while this process was paused between its two calls."""
        monkeypatch.setattr(minimax_v2, "DELETED_WITHIN_S", 0.2)
        found, calls = self.cancelling("queued", b"", looking_s=0.3)
        assert isinstance(found, ProviderError)
        assert calls == ["GET"]

    def test_a_task_that_has_just_begun_is_not_cancelled(self):
        begun = said({"error": {"message": "task is running (2013)"}}, "400 Bad Request")
        assert self.cancelling("queued", begun)[0] is Cancelled.TOO_LATE

    def test_a_task_that_has_just_ended_is_not_called_cancelled(self):
        gone = said({"task_id": "7", "action": "deleted", "status": "deleted"})
        assert self.cancelling("queued", gone)[0] is Cancelled.DELETED

    @pytest.mark.parametrize("status", ["429 Too Many", "500 Error", "401 Unauthorized", "402 Pay"])
    def test_a_failed_call_may_be_tried_again(self, status):
        found, _ = self.cancelling("queued", said({}, status))
        assert isinstance(found, ProviderError)
