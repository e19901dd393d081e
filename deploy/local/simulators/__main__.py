"""Start one simulator: `python -m deploy.local.simulators openai --port 9000 --data DIR`."""

import argparse
import signal
import sys
from importlib import import_module
from pathlib import Path

from deploy.local.simulators.serving import SimulatorServer

NEVER_S = 3600.0  # signals end the wait by raising; nothing needs to be looked at meanwhile


def main() -> None:
    """Serve until SIGTERM or Ctrl-C, and say in one line where."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = _server(options)
    print(f"{options.provider} simulator ready at {server.url}", flush=True)
    try:
        server.serve_forever(NEVER_S)
    except KeyboardInterrupt:
        return
    finally:
        server.server_close()


def _server(options: argparse.Namespace) -> SimulatorServer:
    """Import only the one provider's code: each process stays small."""
    module = import_module(f"deploy.local.simulators.{options.provider}.server")
    server: SimulatorServer = module.serve(
        options.port,
        options.data,
        host=options.host,
        api_key=options.api_key,
        speed=options.speed,
    )
    return server


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.simulators", description=__doc__)
    parser.add_argument("provider", choices=("openai", "minimax"))
    parser.add_argument("--port", type=int, required=True, help="0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="folder of the ledger")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--api-key", help='the only key accepted; without it any that is not "bad…"'
    )
    parser.add_argument(
        "--speed", type=float, default=1.0, help="factor on every duration: 1 realistic, 0.02 tests"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
