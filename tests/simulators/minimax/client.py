"""A MiniMax simulator as a client sees it, pictures to send, and a receiver of callbacks."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any

import av
import requests
from PIL import Image

FAULT_FIELDS = {"times", "rate", "seed", "match"}
V1_MODEL = "MiniMax-Hailuo-2.3"
V2_MODEL = "MiniMax-H3"


@dataclass(kw_only=True)
class Client:
    """A client of one simulator, with its control routes at hand."""

    url: str
    http: requests.Session = field(default_factory=requests.Session)
    key: str | None = "sk-test"

    def fault(self, name: str, **more: Any) -> None:
        """Switch one fault on."""
        args = {key: more.pop(key) for key in [*more] if key not in FAULT_FIELDS}
        self.control("POST", "faults", {"name": name, "args": args, **more})

    def set(self, **settings: Any) -> None:
        """Change settings."""
        self.control("PATCH", "settings", settings)

    def control(self, method: str, name: str, body: object = None) -> Any:
        """Call a control route that must succeed."""
        reply = self.http.request(method, f"{self.url}/_control/{name}", json=body, timeout=5)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def entries(self, event: str | None = None) -> list[dict[str, Any]]:
        """Return the ledger, or its entries of one event."""
        found = self.control("GET", "ledger")["entries"]
        return [entry for entry in found if event in {None, entry["event"]}]

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        """Send one request with the key."""
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        more = {"timeout": 20, "allow_redirects": False, **more}
        return self.http.request(method, self.url + path, headers=headers, **more)

    def create(self, dialect: str, **fields: Any) -> requests.Response:
        """Ask for a video, text to video unless told otherwise."""
        body = v1_body(**fields) if dialect == "v1" else v2_body(**fields)
        return self.call("POST", f"/{dialect}/video_generation", json=body)

    def created(self, dialect: str, **fields: Any) -> str:
        """Ask for a video and return the task's id."""
        id = self.create(dialect, **fields).json()["task_id"]
        assert isinstance(id, str)
        assert id.isdecimal()
        return id

    def query(self, dialect: str, id: str) -> Any:
        """Return how a task stands."""
        if dialect == "v1":
            return self.call("GET", f"/v1/query/video_generation?task_id={id}").json()
        return self.call("GET", f"/v2/query/video_generation/{id}").json()["task"]

    def link(self, dialect: str, id: str) -> str:
        """Return a finished task's download link."""
        shown = self.query(dialect, id)
        if dialect == "v2":
            return str(shown["content"]["url"])
        reply = self.call("GET", f"/v1/files/retrieve?file_id={shown['file_id']}")
        return str(reply.json()["file"]["download_url"])


def v1_body(**fields: Any) -> dict[str, Any]:
    body = {"model": V1_MODEL, "prompt": "a paper boat", **fields}
    return {name: value for name, value in body.items() if value is not None}


def v2_body(*, prompt: str = "a paper boat", files: Any = (), **fields: Any) -> dict[str, Any]:
    body = {
        "model": V2_MODEL,
        "content": [{"type": "text", "text": prompt}, *files],
        "resolution": "768P",
        "duration": 4,
        "ratio": None if files else "16:9",
        **fields,
    }
    return {name: value for name, value in body.items() if value is not None}


def image_bytes(width: int = 640, height: int = 360, format: str = "PNG") -> bytes:
    """Return an image file: red on the left, blue on the right."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    image.paste((30, 30, 200), (width // 2, 0, width, height))
    file = BytesIO()
    image.save(file, format)
    return file.getvalue()


def data_url(data: bytes | None = None, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data or image_bytes()).decode()}"


def image_item(role: str | None = "first_frame", data: bytes | None = None) -> dict[str, Any]:
    """Return an image among v2's content."""
    item = {"type": "image_url", "image_url": {"url": data_url(data)}, "role": role}
    return {name: value for name, value in item.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Watched:
    """What a player finds in a file."""

    width: int
    height: int
    frames: int
    rate: float
    seconds: float
    codec: str
    pixel_format: str
    sound: tuple[str, int, int] | None  # codec, samples per second, channels
    comment: str


def watched(data: bytes) -> Watched:
    """Decode a whole video."""
    with av.open(BytesIO(data), "r", format="mp4") as container:
        video = container.streams.video[0]
        sound = next(iter(container.streams.audio), None)
        frames = 0
        for _ in container.decode(video):
            frames += 1
        context = video.codec_context
        return Watched(
            width=context.width,
            height=context.height,
            frames=frames,
            rate=float(video.average_rate or 0),
            seconds=(container.duration or 0) / av.time_base,
            codec=context.name,
            pixel_format=str(context.pix_fmt),
            sound=None if sound is None else (sound.codec_context.name, sound.rate, sound.channels),
            comment=container.metadata["comment"],
        )


def still(data: bytes, number: int) -> Image.Image:
    """Return one frame of a video."""
    with av.open(BytesIO(data), "r", format="mp4") as container:
        for index, frame in enumerate(container.decode(video=0)):
            if index == number:
                image: Image.Image = frame.to_image()
                return image
    raise AssertionError(f"There is no frame {number}.")


def colour(data: bytes, number: int, at: tuple[int, int]) -> tuple[int, int, int]:
    """Return the colour of one pixel of one frame."""
    red, green, blue = still(data, number).crop((*at, at[0] + 1, at[1] + 1)).tobytes()
    return red, green, blue


def eventually(truth: Callable[[], Any], *, seconds: float = 5) -> Any:
    """Return the first true value, or fail."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = truth()
        if value:
            return value
        threading.Event().wait(0.02)
    raise AssertionError("It did not become true in time.")


@dataclass(kw_only=True)
class Receiver:
    """Where callbacks arrive. `echo` makes the answer to a challenge."""

    url: str = ""
    echo: Callable[[str], object] = lambda challenge: {"challenge": challenge}
    pause_s: float = 0.0
    bodies: list[dict[str, Any]] = field(default_factory=list)

    @property
    def pushed(self) -> list[dict[str, Any]]:
        """Return all but the challenges."""
        return [body for body in self.bodies if "challenge" not in body]

    def words(self) -> list[str]:
        """Return the statuses that were pushed, in order."""
        return [(body.get("task") or body)["status"] for body in self.pushed]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver of callbacks."""
    receiver = Receiver()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            receiver.bodies.append(body)
            threading.Event().wait(receiver.pause_s)
            answer = receiver.echo(body["challenge"]) if "challenge" in body else {}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        receiver.url = f"http://127.0.0.1:{server.server_port}/api/hailuo/callback/token"
        yield receiver
        server.shutdown()
        thread.join()
