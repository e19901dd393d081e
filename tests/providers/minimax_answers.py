"""Both MiniMax clients, and answers for them."""

import base64
import json
import socket
from collections.abc import Callable
from typing import Any

import pytest

from core.errors import ProviderError
from core.providers.minimax_v1 import MiniMaxV1
from core.providers.minimax_v2 import MiniMaxV2
from tests.providers.conftest import png
from tests.providers.raw_server import RawServer, answer, serving

DATA_URL = "data:image/png;base64," + base64.b64encode(png()).decode()
FINE = {"status_code": 0, "status_msg": "success"}
URL = "https://video-product.cdn.minimax.io/output.mp4?sig=1"


def v1(server: RawServer) -> MiniMaxV1:
    return MiniMaxV1(base_url=server.url, api_key="sk-secret")


def v2(server: RawServer) -> MiniMaxV2:
    return MiniMaxV2(base_url=server.url, api_key="sk-secret")


BOTH = pytest.mark.parametrize("client", [v1, v2])


def said(body: object, status: str = "200 OK", headers: str = "") -> bytes:
    return answer(json.dumps(body).encode(), status, headers)


def by_path(**answers: object) -> Callable[[RawServer, socket.socket], None]:
    """Return a script that answers by the last word of the request's path."""

    def script(server: RawServer, connection: socket.socket) -> None:
        request = server.read_request(connection)
        path = request.split(b" ")[1].split(b"?")[0].decode()
        name = path.rpartition("/")[2]
        connection.sendall(said(answers[name if name in answers else "task"]))

    return script


def look(client: Any, *, task_id: str = "7", **answers: object) -> Any:
    with serving(by_path(**answers)) as server:
        return client(server).progress(task_id)


def looking(client: Any, *, task_id: str = "7", **answers: object) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        look(client, task_id=task_id, **answers)
    assert type(caught.value) is ProviderError
    return caught.value


def task(status: object, **more: object) -> dict[str, object]:
    return {"task": {"id": "7", "model": "MiniMax-H3", "status": status, "usage": {}, **more}}
