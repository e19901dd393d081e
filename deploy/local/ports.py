"""Ports: the page's is chosen by people, the others are picked free and remembered."""

import json
import random
import socket
from pathlib import Path

from core.errors import ConfigError
from deploy.local.home import write_private

# Below the ports that systems hand out to outgoing connections (Linux from 32768 on).
LOWEST, HIGHEST = 20_000, 32_000
TRIES = 200


def free(host: str, port: int) -> bool:
    """Return whether something could listen there now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def check_web(host: str, port: int) -> None:
    """Raise ConfigError unless the pages can be served there."""
    if not free(host, port):
        raise ConfigError(
            f"Port {port} on {host} is taken by another program. Stop it, or choose another port: "
            f"WEB_PORT={port + 1} make run"
        )


def remembered(path: Path, host: str, names: tuple[str, ...]) -> dict[str, int]:
    """Return a free port for each name, the same as last time wherever that is free."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    ports: dict[str, int] = {}
    for name in names:
        last = known.get(name)
        taken = {*known.values(), *ports.values()}
        ports[name] = last if last and free(host, last) else _another(host, taken)
    if known != {**known, **ports}:
        write_private(path, json.dumps({**known, **ports}, indent=2))
    return ports


def _another(host: str, taken: set[int]) -> int:
    for port in random.sample(range(LOWEST, HIGHEST), TRIES):
        if port not in taken and free(host, port):
            return port
    raise ConfigError(f"No free port was found on {host} between {LOWEST} and {HIGHEST}.")
