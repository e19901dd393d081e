"""How a form shows an input."""

from typing import Any

from sqlalchemy.orm import Session

from core import assets
from core.links import link_of
from core.models import Asset
from core.services import Services


def described(services: Services, session: Session, asset: Asset) -> dict[str, Any]:
    """Return an input for a form: the links are made now and stored nowhere."""
    item = assets.own_inputs(session, asset.user_id, [asset.id])[0]
    small = item.thumbnail
    return {
        "id": str(asset.id),
        "kind": asset.kind,
        "mime": asset.mime,
        "filename": asset.filename,
        "bytes": asset.bytes,
        "sha256": asset.sha256,
        "width": item.sent.width,
        "height": item.sent.height,
        "duration_s": float(asset.duration_s) if asset.duration_s else None,
        "thumbnail_url": _link(services, small) if small else None,
        # What was uploaded is never shown: no copy, no link.
        "prepared_url": _link(services, item.prepared) if item.prepared else None,
    }


def _link(services: Services, asset: Asset) -> str:
    return link_of(services.bucket, kind=asset.kind, key=asset.key)
