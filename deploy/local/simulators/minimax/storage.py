"""The data folder's files: input images as they were sent, clips made when first asked for."""

import io
import threading
from pathlib import Path

from PIL import Image

from deploy.local.simulators.minimax import encoding
from deploy.local.simulators.minimax.images import Picture
from deploy.local.simulators.minimax.tasks import Input, Task

FIRST_ROLES = ("first_frame", "subject", "reference_image")  # what the scene begins with


class Inputs:
    """Input images, each once, named by its hash. They survive a kill, like the ledger."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def kept(self, picture: Picture) -> Input:
        """Store an image and return what a task remembers of it."""
        digest = picture.sha256
        path = self._folder / digest
        if not path.exists():
            partial = path.with_name(f"{digest}.{threading.get_ident()}.part")
            partial.write_bytes(picture.data)
            partial.replace(path)
        return Input(role=picture.role, sha256=digest, width=picture.width, height=picture.height)

    def image(self, task: Task, *roles: str) -> Image.Image | None:
        """Return the task's first image of one of these roles, decoded."""
        for role in roles:
            for each in task.inputs:
                if each.role == role:
                    return _decoded(self._folder / each.sha256)
        return None


def _decoded(path: Path) -> Image.Image:
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        image.load()
        return image.convert("RGB")


class Clips:
    """Finished videos. One is made at a time: encoding is the only heavy work here."""

    def __init__(self, folder: Path, inputs: Inputs) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._inputs = inputs
        self._encoding = threading.Lock()

    def path(self, task: Task) -> Path:
        """Return the file of a task's video, made now if this is the first time."""
        path = self._folder / f"{_name(task)}.mp4"
        if not path.exists():
            with self._encoding:
                if not path.exists():
                    self._encode(task, path)
        return path

    def _encode(self, task: Task, path: Path) -> None:
        partial = path.with_suffix(".part")
        shared = task.clip.shared
        encoding.encode(
            partial,
            task.clip,
            seed=path.stem if shared else f"{task.prompt}|{task.id}",
            comment="simulated" if shared else f"simulated {task.dialect} {task.id}",
            first=None if shared else self._inputs.image(task, *FIRST_ROLES),
            last=None if shared else self._inputs.image(task, "last_frame"),
        )
        partial.replace(path)


def _name(task: Task) -> str:
    clip = task.clip
    if not clip.shared:
        return f"{task.dialect}-{task.id}"
    return f"shared-{clip.width}x{clip.height}-{clip.duration_s}s{'-sound' if clip.sound else ''}"
