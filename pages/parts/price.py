"""What a click costs, said before it; an unknown price has to be accepted."""

import streamlit as st

from core.providers.prices import Estimate
from pages.parts.formats import usd
from pages.parts.look import look
from pages.parts.words import _


def about(estimate: Estimate) -> str:
    """Return what a request costs, as far as it is known."""
    if estimate.usd is None:
        return _("not known yet")
    amount = usd(estimate.usd)
    return (
        _("At most {amount}", amount=amount)
        if estimate.at_most
        else _("About {amount}", amount=amount)
    )


def accepted(estimate: Estimate, *, key: str) -> bool:
    """Return whether a request may be filed at its price; ask where that is not known."""
    if estimate.usd is not None:
        return True
    look.notice("decide", _("What this costs is not known before its first run."))
    return st.checkbox(_("Run it anyway"), key=key)
