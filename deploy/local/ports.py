"""Ports: the page's is chosen by people, the others are picked free and remembered."""

import errno
import json
import random
import socket
from pathlib import Path

from core.errors import ConfigError
from deploy.local.home import kept_json, write_private

# Below the ports that systems hand out to outgoing connections (Linux from 32768 on).
LOWEST, HIGHEST = 20_000, 32_000
HIGHEST_OF_ALL = 65_535
TRIES = 200


def free(host: str, port: int) -> bool:
    """Return whether something could listen there now."""
    return _refusal(host, port) is None


def _refusal(host: str, port: int) -> OSError | None:
    """Return why nothing could listen there now, or None."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        return error
    return None


def check_web(host: str, port: int) -> None:
    """Raise ConfigError unless the pages can be served there."""
    error = _refusal(host, port)
    if error is None:
        return
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        raise ConfigError(
            f"WEB_HOST is {host!r}, which is no name or address of this machine. Leave it out for "
            "127.0.0.1, or name one that the machine has."
        )
    if error.errno == errno.EACCES:
        raise ConfigError(
            f"Port {port} on {host} is reserved for the system's administrator. Choose one from "
            "1024 on: WEB_PORT=8501 make run"
        )
    if error.errno == errno.EADDRINUSE:
        another = port + 1 if port < HIGHEST_OF_ALL else port - 1
        raise ConfigError(
            f"Port {port} on {host} is taken by another program. Stop it, or choose another port: "
            f"WEB_PORT={another} make run"
        )
    raise ConfigError(
        f"Nothing can listen on port {port} of {host}: {error.strerror or error}. "
        "Choose another WEB_HOST or WEB_PORT."
    )


def remembered(path: Path, host: str, names: tuple[str, ...]) -> dict[str, int]:
    """Return a free port for each name, the same as last time wherever that is free."""
    known = {name: port for name, port in kept_json(path).items() if _is_port(port)}
    ports: dict[str, int] = {}
    for name in names:
        last = known.get(name)
        taken = {*known.values(), *ports.values()}
        ports[name] = last if last and free(host, last) else _another(host, taken)
    if known != {**known, **ports}:
        write_private(path, json.dumps({**known, **ports}, indent=2))
    return ports


def _is_port(value: object) -> bool:
    return isinstance(value, int) and 0 < value <= HIGHEST_OF_ALL


def _another(host: str, taken: set[int]) -> int:
    for port in random.sample(range(LOWEST, HIGHEST), TRIES):
        if port not in taken and free(host, port):
            return port
    raise ConfigError(f"No free port was found on {host} between {LOWEST} and {HIGHEST}.")
