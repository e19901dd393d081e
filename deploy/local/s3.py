"""The local S3 server: ministack in an environment of its own, verifying what browsers sign.

It keeps whole bodies in memory while they arrive, writes an object before it
answers, and its own notes (CORS and the like) only when it stops in peace: the
bucket is provisioned again after every start.
"""

import os
from pathlib import Path

from core.errors import ConfigError
from deploy.local.answering import answers
from deploy.local.home import ROOT
from deploy.local.processes import Command

REGION = "us-east-1"
BUCKET = "proofsheet"


def python() -> Path:
    """Return the interpreter of its environment. Raises ConfigError when it is not installed."""
    found = ROOT / ".venv-s3" / "bin" / "python"
    if not found.exists():
        raise ConfigError(
            "The local S3 server is not installed (.venv-s3 is missing). Run 'make run', which "
            "installs it, or set S3_ENDPOINT_URL and S3_BUCKET to a store of yours."
        )
    return found


def command(folder: Path, *, host: str, port: int, access_key: str, secret_key: str) -> Command:
    """Return the server's process. Everything it writes stays in `folder`."""
    for name in ("objects", "state", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    env = {
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "BIND_HOST": host,
        "DOCKER_HOST": "unix:///nonexistent",
        "GATEWAY_PORT": str(port),
        "LOG_LEVEL": "WARNING",
        "MINISTACK_HOST": host,
        "PATH": os.defpath,
        "PERSIST_STATE": "1",
        "PYTHONUNBUFFERED": "1",
        "S3_DATA_DIR": str(folder / "objects"),
        "S3_PERSIST": "1",
        "SERVICES": "s3",
        "STATE_DIR": str(folder / "state"),
        "TMPDIR": str(folder / "tmp"),
    }
    return Command(argv=(str(python()), "-m", "ministack"), env=env, cwd=folder)


def ready(host: str, port: int) -> bool:
    """Return whether it answers."""
    return answers(host, port, "/_ministack/health")
