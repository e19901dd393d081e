"""The first picture of an edit with a mask: it goes as PNG, the mask's own format.

A provider wants both alike (providers.md, 1.5). The PNG of a photograph can be too large, so it
is made when the job is filed: whoever clicks is told, and what is shown is what is sent.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from core import assets
from core.intake import preparing
from core.media import prepare_image
from core.models import AssetKind
from core.services import Services
from core.storage.keys import beside

PNG = "image/png"


def make_png(services: Services, inputs: Sequence[assets.Input]) -> None:
    """Make the PNG of the first picture where a mask goes with it and there is none yet.

    Raises:
        MediaRejected: as PNG it is larger than the provider takes.
    """
    first = _first(inputs)
    if first is None or first.png is not None:
        return
    with tempfile.TemporaryDirectory(prefix="proofsheet-") as name:
        path = preparing.recorded(services, first.sent, Path(name))
        made = prepare_image(path, Path(name), as_png=True)
        key = beside(first.sent.key, "prepared.png")
        stored = services.bucket.put_file(
            key, made.path, content_type=made.mime, sha256=made.sha256
        )
    place = assets.Place(user_id=first.original.user_id, source_id=first.original.id)
    with services.sessions.begin() as session:
        assets.add(session, AssetKind.PREPARED, stored, preparing.picture_of(made), place)


def as_sent(inputs: Sequence[assets.Input]) -> Sequence[assets.Input]:
    """Return a job's files as they go: the first picture as PNG where a mask goes with it."""
    first = _first(inputs)
    return [item.as_png() if item is first else item for item in inputs]


def _first(inputs: Sequence[assets.Input]) -> assets.Input | None:
    """Return the picture that a mask belongs to, if there is a mask."""
    if all(item.original.kind != AssetKind.MASK for item in inputs):
        return None
    return next((item for item in inputs if item.original.kind == AssetKind.INPUT), None)
