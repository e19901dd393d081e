"""The sign-in form and the sign-out button.

They send to the API themselves, because only an HTTP answer can set a cookie that no
script can read. The form lives in the page itself, not in a shadow root: password
managers find it there.
"""

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from core.translations import COOKIE
from pages.parts.components.sources import labels_for, script, sheet

FOLDER = Path(__file__).parent
LABELS = (
    "title",
    "login_id",
    "password",
    "submit",
    "busy",
    "show",
    "hide",
    "caps_lock",
    "offline",
    "too_many",
)

_form = st.components.v2.component(
    "proofsheet_sign_in",
    css=(FOLDER / "sign_in.css").read_text("utf-8") + "\n",
    js=script(FOLDER, "api.js", "sign_in.js"),
    isolate_styles=False,
)
_button = st.components.v2.component(
    "proofsheet_sign_out",
    css=sheet(FOLDER, "sign_out.css"),
    js=script(FOLDER, "api.js", "sign_out.js"),
)


def sign_in(*, key: str, labels: Mapping[str, str], api_base: str, locale: str) -> None:
    """Show the form. After `POST {api_base}/login` has set the cookie the page loads anew.

    From now on the API answers this browser in the language `locale`.
    """
    data = {
        "labels": labels_for("sign_in", LABELS, labels),
        "api_base": api_base,
        "language": _language(locale),
    }
    _form(key=key, data=data)


def sign_out_button(*, key: str, label: str, api_base: str, locale: str) -> None:
    """Show a button that ends the session with `POST {api_base}/logout` and loads the page anew.

    From now on the API answers this browser in the language `locale`.
    """
    _button(key=key, data={"label": label, "api_base": api_base, "language": _language(locale)})


def _language(locale: str) -> dict[str, str]:
    return {"cookie": COOKIE, "locale": locale}
