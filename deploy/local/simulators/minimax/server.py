"""The simulator's door: control, both dialects and the content server on one port."""

import time
from pathlib import Path
from uuid import uuid4

from deploy.local.simulators.control import Control
from deploy.local.simulators.http import GONE, Exchange
from deploy.local.simulators.minimax import downloads, simulator
from deploy.local.simulators.minimax.links import PREFIX
from deploy.local.simulators.minimax.simulator import Simulator
from deploy.local.simulators.minimax.v1 import V1
from deploy.local.simulators.minimax.v2 import V2
from deploy.local.simulators.serving import SimulatorServer


def serve(
    port: int,
    data_dir: Path,
    *,
    host: str = "127.0.0.1",
    api_key: str | None = None,
    speed: float = 1.0,
) -> SimulatorServer:
    """Return a server that listens already, on a free port if `port` is 0.

    The ledger is `data_dir/ledger.jsonl`; every task in it goes on from where it stood. Without
    `api_key` any key will do that does not begin with "bad". Drawn durations are multiplied by
    `speed`.
    """
    sim = simulator.opened(data_dir, api_key=api_key, speed=speed)
    try:
        server = SimulatorServer(host, port, Door(sim).answer, on_close=sim.close)
    except OSError:
        sim.close()
        raise
    sim.links.base_url = server.url
    sim.callbacks.resume()
    return server


class Door:
    """Everything that comes in."""

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._control = Control(
            "minimax",
            sim.ledger,
            sim.faults,
            sim.settings,
            questions=lambda _: sim.register.questions(),
        )
        self._apis = (V1(sim), V2(sim))

    def answer(self, exchange: Exchange) -> None:
        """Answer one request."""
        if self._control.answers(exchange):
            return
        exchange.extra_headers["Trace-Id"] = uuid4().hex
        try:
            self._answer(exchange)
        except GONE:
            exchange.hang_up()

    def _answer(self, exchange: Exchange) -> None:
        if exchange.method == "POST" and self._arrived(exchange):
            exchange.reset()
        elif exchange.path.startswith(PREFIX) and exchange.method in {"GET", "HEAD"}:
            downloads.answer(self._sim, exchange)
        elif not any(api.answers(exchange) for api in self._apis):
            exchange.reply_bytes(404, b"404 page not found", "text/plain")

    def _arrived(self, exchange: Exchange) -> bool:
        """Note a creation in the ledger before its body is read. True: go no further."""
        self._sim.ledger.note(
            {
                "at": time.time(),
                "event": "arrived",
                "provider": "minimax",
                "method": exchange.method,
                "path": exchange.path,
                "trace_id": exchange.extra_headers["Trace-Id"],
                "arrived_at": exchange.arrived_at,
            }
        )
        return self._sim.fault("reset_before_read") is not None
