"""Files to send, and a certificate to trust."""

import hashlib
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from core.providers import InputFile, SendLimits
from tests.providers.control import Control
from tests.providers.minimax_runs import DIALECTS
from tests.providers.raw_server import Certificate, certificate

LIMITS = SendLimits(connect_s=2, total_s=5)


def png(width: int = 8, height: int = 8, color: tuple[int, int, int] = (200, 30, 30)) -> bytes:
    """Return a small real PNG."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = (b"\0" + bytes(color) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    )


def input_file(
    folder: Path, data: bytes, name: str = "a.png", mime: str = "image/png"
) -> InputFile:
    path = folder / f"{hashlib.sha256(data).hexdigest()[:8]}-{len(data)}"
    path.write_bytes(data)
    return InputFile(
        path=path,
        filename=name,
        mime=mime,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )


@pytest.fixture
def picture(tmp_path: Path) -> InputFile:
    return input_file(tmp_path, png())


@pytest.fixture(scope="session")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def frame(tmp_path: Path) -> InputFile:
    """A picture that is large enough for a video."""
    return input_file(tmp_path, png(640, 480))


@pytest.fixture
def minimax(minimax_simulator: Any) -> Control:
    """The control routes of a MiniMax simulator whose tasks end at once."""
    made = Control(minimax_simulator.url)
    made.set(fixed_s=0.05, small_videos=True, shared_clip=True)
    return made


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def client(minimax: Control, dialect: str) -> Any:
    """A client of the simulator, of each dialect in turn."""
    return DIALECTS[dialect](base_url=minimax.url, api_key="sk-test")
