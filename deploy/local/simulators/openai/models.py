"""Which image models there are, what each accepts, what it costs. Facts of November 2026.

Prices are USD per million tokens. `tokens` are image output tokens of a square 1024x1024 result.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from deploy.local.simulators.openai.refusals import Refused, malformed

BASIC = ("low", "medium", "high", "auto")
FINE = ("low", "medium", "high", "xhigh", "max", "auto")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a million tokens cost."""

    text_in: float
    image_in: float
    image_out: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model. `shutdown_date` (YYYY-MM-DD) is its last day but one: on it, it is gone."""

    id: str
    created: int
    shutdown_date: str | None = None
    qualities: tuple[str, ...] = FINE
    fidelities: tuple[str, ...] = ()  # empty: `input_fidelity` is an error
    complexity: bool = False
    markup: bool = True
    transparent: bool = True
    free_size: bool = True
    prices: Prices = Prices(text_in=5.0, image_in=8.0, image_out=30.0)
    tokens: tuple[int, int, int] = (196, 1767, 7033)  # low, medium, high
    draft_factor: float = 1.0  # low and medium cost so many times the tokens

    def listed(self) -> dict[str, Any]:
        """Return its entry of `GET /v1/models`."""
        return {
            "id": self.id,
            "object": "model",
            "created": self.created,
            "owned_by": "system",
            "shutdown_date": self.shutdown_date,
        }


def _family(*ids: str, **facts: Any) -> list[Model]:
    return [Model(id=id, **facts) for id in ids]


OLD_TOKENS = (272, 1056, 4160)
MODELS: Mapping[str, Model] = {
    model.id: model
    for model in [
        *_family(
            "gpt-image-2.6-sunburst",
            "gpt-image-2.6-flare",
            created=1793750400,
            complexity=True,
            draft_factor=3.5,
        ),
        *_family(
            "gpt-image-2.5-sunburst",
            "gpt-image-2.5-sunburst-2026-09-08",
            "gpt-image-2.5-flare",
            "gpt-image-2.5-flare-2026-09-08",
            created=1788825600,
        ),
        *_family(
            "gpt-image-2",
            "gpt-image-2-2026-04-21",
            created=1776729600,
            qualities=BASIC,
            markup=False,
            transparent=False,
        ),
        *_family(
            "gpt-image-1.5",
            "gpt-image-1.5-2025-12-16",
            "chatgpt-image-latest",
            created=1765843200,
            shutdown_date="2026-12-01",
            qualities=BASIC,
            fidelities=("high", "low"),
            markup=False,
            free_size=False,
            prices=Prices(text_in=5.0, image_in=8.0, image_out=32.0),
            tokens=OLD_TOKENS,
        ),
        *_family(
            "gpt-image-1-mini",
            created=1759190400,
            shutdown_date="2026-12-01",
            qualities=BASIC,
            fidelities=("low",),
            markup=False,
            free_size=False,
            prices=Prices(text_in=2.0, image_in=2.5, image_out=8.0),
            tokens=OLD_TOKENS,
        ),
        *_family("gpt-image-1", created=1745517030, shutdown_date="2026-10-23"),
        *_family("dall-e-2", "dall-e-3", created=1698785189, shutdown_date="2026-05-12"),
    ]
}

TEXT_MODEL = Model(id="text-embedding-3-small", created=1705948997)  # a list has others too


def listed(overrides: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what `GET /v1/models` lists: everything that still runs."""
    current = (_current(id, overrides) for id in MODELS)
    return [model.listed() for model in (TEXT_MODEL, *current) if not _is_off(model)]


def wanted(id: str, overrides: Mapping[str, Any]) -> Model:
    """Return the image model called `id`, changed as the setting `models` says.

    Raises:
        Refused: 404 if it does not exist or was shut down, 400 if it makes no images.
    """
    if id == TEXT_MODEL.id:
        raise malformed(
            f"Invalid value: '{id}'. Value must be an image model.",
            param="model",
            code="invalid_value",
        )
    model = _known(id, overrides)
    if _is_off(model):
        raise _missing(
            f"The model `{id}` has been deprecated, learn more here: "
            "https://platform.openai.com/docs/deprecations"
        )
    return model


def described(id: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `GET /v1/models/{id}` says. Raises Refused (404)."""
    return TEXT_MODEL.listed() if id == TEXT_MODEL.id else wanted(id, overrides).listed()


def _known(id: str, overrides: Mapping[str, Any]) -> Model:
    if id not in MODELS:
        raise _missing(f"The model '{id}' does not exist or you do not have access to it.")
    return _current(id, overrides)


def _current(id: str, overrides: Mapping[str, Any]) -> Model:
    return replace(MODELS[id], **overrides.get(id, {}))


def _missing(message: str) -> Refused:
    return Refused(message, status=404, code="model_not_found")


def _is_off(model: Model) -> bool:
    today = datetime.now(UTC).date().isoformat()
    return model.shutdown_date is not None and model.shutdown_date <= today
