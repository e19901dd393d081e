"""The simulator's routes: image edits, generations, models, behind the provider's door check."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from deploy.local.simulators.control import Control, Settings
from deploy.local.simulators.faults import Faults
from deploy.local.simulators.http import GONE, Exchange
from deploy.local.simulators.ledger import Ledger
from deploy.local.simulators.openai import breakages, models, work
from deploy.local.simulators.openai.calls import Account, Call
from deploy.local.simulators.openai.limits import Limits
from deploy.local.simulators.openai.refusals import Refused
from deploy.local.simulators.serving import SimulatorServer

EDITS = "/v1/images/edits"
GENERATIONS = "/v1/images/generations"
MODELS = "/v1/models"
KINDS = {EDITS: "edit", GENERATIONS: "generation"}
BEARER = "Bearer "

DEFAULTS = {
    # Seconds by "model:quality", else by model, else "default". Times `speed`.
    "duration_s": {"gpt-image-2.6-flare": 6, "default": 45},
    "tail_share": 0.01,  # so many take at least `tail_s`
    "tail_s": 150,
    "fixed_s": None,  # every call takes exactly this long, whatever `speed`
    "small_images": False,  # results of 64 x 64 pixels, whatever is asked for
    "requests_per_min": None,
    "input_images_per_min": None,
    "window_s": 60,  # how long that minute is
    "models": {},  # facts to change, by model: {"gpt-image-2": {"shutdown_date": "2026-11-01"}}
}


def serve(
    port: int,
    data_dir: Path,
    *,
    host: str = "127.0.0.1",
    api_key: str | None = None,
    speed: float = 1.0,
) -> SimulatorServer:
    """Return a server that listens already, on a free port if `port` is 0.

    The ledger is `data_dir/ledger.jsonl`. Without `api_key` any key will do that does not begin
    with "bad". Every duration is multiplied by `speed`.
    """
    settings = Settings({**DEFAULTS, "speed": speed})
    ledger, faults = Ledger(data_dir / "ledger.jsonl"), Faults(breakages.KNOWN)
    account = Account(ledger=ledger, faults=faults, settings=settings, limits=Limits(settings))
    control = Control("openai", ledger, faults, settings)
    door = Door(account, control, api_key)
    return SimulatorServer(host, port, door.answer, on_close=ledger.close)


class Door:
    """Everything that comes in: control routes aside, each request is one call."""

    def __init__(self, account: Account, control: Control, api_key: str | None) -> None:
        self._account = account
        self._control = control
        self._api_key = api_key

    def answer(self, exchange: Exchange) -> None:
        """Answer one request."""
        if self._control.answers(exchange):
            return
        with ExitStack() as kept:
            kind = KINDS.get(exchange.path, "models")
            call = Call(account=self._account, exchange=exchange, kept=kept, kind=kind)
            call.arrived()
            try:
                self._carry_out(call)
            except GONE:
                exchange.hang_up()
            finally:
                call.finished()

    def _carry_out(self, call: Call) -> None:
        if call.fault("reset_before_read") is not None:
            call.exchange.reset()
            return
        try:
            self._check_key(call.exchange)
            _route(call)(call)
        except Refused as refused:
            call.head()
            call.exchange.reply_json(refused.status, refused.body(), refused.headers)

    def _check_key(self, exchange: Exchange) -> None:
        header = exchange.headers.get("Authorization", "")
        key = header.removeprefix(BEARER).strip() if header.startswith(BEARER) else ""
        if not key:
            raise Refused(
                "You didn't provide an API key. You need to provide your API key in an "
                "Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
                status=401,
            )
        if key.startswith("bad") if self._api_key is None else key != self._api_key:
            raise Refused(
                f"Incorrect API key provided: {key[:3]}***. You can find your API key at "
                "https://platform.openai.com/account/api-keys.",
                status=401,
                code="invalid_api_key",
            )


def _route(call: Call) -> Callable[[Call], None]:
    """Return what answers the call. Raises Refused (404, 405)."""
    exchange = call.exchange
    allowed, route = _routes(exchange.path)
    if route is None:
        raise Refused(f"Invalid URL ({exchange.method} {exchange.path})", status=404)
    if exchange.method != allowed:
        raise Refused(
            f"Not allowed to {exchange.method} on {exchange.path}.",
            status=405,
            code="method_not_supported",
        )
    return route


def _routes(path: str) -> tuple[str, Callable[[Call], None] | None]:
    if path in KINDS:
        return "POST", work.image_call
    if path == MODELS or path.startswith(f"{MODELS}/"):
        return "GET", _models
    return "", None


def _models(call: Call) -> None:
    broken = call.fault("models_unavailable")
    if broken is not None:
        raise Refused("The server had an error.", status=broken.get("status", 503))
    overrides = call.account.settings["models"]
    id = call.exchange.path.removeprefix(MODELS).removeprefix("/")
    body = (
        models.described(id, overrides)
        if id
        else {"object": "list", "data": models.listed(overrides)}
    )
    call.head()
    call.exchange.reply_json(200, body)
