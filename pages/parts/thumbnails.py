"""The small picture of a card: its result's, or what stands in until there is one."""

from core.history import Card
from core.links import link_of
from core.models import AssetKind
from core.services import services


def of_result(card: Card) -> str | None:
    """Return the link of the result's own."""
    return _link(AssetKind.THUMBNAIL, card.thumbnail_key)


def stand_in(card: Card) -> str | None:
    """Return the link of the newest preview, or of the first input."""
    newest = _link(AssetKind.PREVIEW, card.preview_key)
    return newest or _link(AssetKind.THUMBNAIL, card.input_key)


def _link(kind: AssetKind, key: str | None) -> str | None:
    return link_of(services().bucket, kind=kind, key=key) if key else None
