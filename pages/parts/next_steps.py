"""What people do next with a result: any of a job's results, not the first alone."""

import streamlit as st

from core.details import Detail
from core.models import Asset, AssetKind, Provider, User
from pages.parts import actions, clicks
from pages.parts.formats import number
from pages.parts.words import _


def which(detail: Detail, *, key: str) -> Asset | None:
    """Return the picture to go on with; ask which, by its number on the strip, if many came."""
    pictures = [
        asset for asset in detail.of_kind(AssetKind.RESULT) if asset.mime.startswith("image/")
    ]
    if len(pictures) < 2:
        return next(iter(pictures), None)
    chosen = st.segmented_control(
        _("Go on with result"),
        range(len(pictures)),
        default=0,
        required=True,
        format_func=lambda index: number(index + 1),
        key=f"{key}-which-{detail.job.id}",
        wrap=True,
    )
    return pictures[chosen]


def buttons(user: User, detail: Detail, result: Asset | None, *, key: str) -> None:
    """Offer to edit a picture further or to animate it."""
    if result is None:
        return
    id = detail.job.id
    use, animate = f"{key}-use-{id}", f"{key}-animate-{id}"
    if clicks.button(_("Use as input"), icon=":material/add_photo_alternate:", key=use):
        actions.use_result(user, result.id, Provider.GPT, parent=id)
    if clicks.button(_("Animate it"), icon=":material/animation:", key=animate):
        actions.use_result(user, result.id, Provider.HAILUO, parent=id)
