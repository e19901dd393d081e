"""How every page looks: one stylesheet, and the small HTML parts that Streamlit has not.

Every text is a parameter and is escaped here; nothing below is shown untranslated.
Call `apply()` first on every run, sign-in included.
"""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import streamlit as st

Kind = Literal["quiet", "busy", "good", "decide", "bad"]
"""The tones of a job's stage: also the kinds of a notice."""
Art = Literal["new", "search", "closed"]

PAGES = {"/": "image_edit.py", "/history": "history.py", "/job": "job.py"}
HERE = Path(__file__).parent
ICON = HERE / "favicon.svg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """A link to one of the pages, `href`, that goes with a text."""

    label: str
    href: str


def apply(*, fonts_url: str = "/api/fonts/fonts.css") -> None:
    """Dress the page. The same bytes on every run, so a rerun sends them as a reference."""
    st.html(_stylesheet(fonts_url))


def brand() -> None:
    """Put the wordmark over the navigation, and into the bar of a phone."""
    st.logo(HERE / "wordmark_on_film.svg", size="large")


@contextmanager
def sign_in_page(name: str, text: str) -> Iterator[None]:
    """Frame the sign-in form: a contact sheet beside it, the name and one sentence above."""
    st.html(
        '<div class="ps-part ps-signin-art" aria-hidden="true">'
        f'<img src="{_picture("contact_sheet.svg")}" alt=""></div>'
        '<div class="ps-part ps-signin-head">'
        f'<img src="{_picture("wordmark.svg")}" alt="{escape(name)}"><h1>{escape(text)}</h1></div>'
    )
    yield


def masthead(title: str, caption: str | None = None) -> None:
    """Open a page: its name and one sentence."""
    _part(
        "masthead",
        f'<div class="ps-masthead-row"><h1>{escape(title)}</h1>',
        f'<p class="ps-caption">{escape(caption)}</p>' if caption else "",
        "</div>",
    )


def label(text: str, note: str | None = None) -> None:
    """Open a part of a page: a small heading that continues as a hairline."""
    _part("label", f"<h2>{escape(text)}</h2>", f"<span>{escape(note)}</span>" if note else "")


def simulated_banner(text: str) -> None:
    """Say in plain sight that no real provider is behind the results."""
    _part("simulated", f'<p role="note">{escape(text)}</p>')


def notice(
    kind: Kind, text: str, *, title: str | None = None, action: Action | None = None
) -> None:
    """Show one message in the flow of the page; `bad` and `decide` are announced."""
    role = "alert" if kind in {"bad", "decide"} else "status"
    with st.container(gap=None) if action else nullcontext():
        _part(
            f"notice ps-{kind}",
            f'<div role="{role}">',
            f"<strong>{escape(title)}</strong>" if title else "",
            f"<p>{escape(text)}</p>",
            "</div>",
        )
        if action:
            _link(action)


def case(title: str, text: str, *, picture: str | None, href: str) -> None:
    """Show what is to be decided about: its picture, what it is, and why."""
    _part(
        "notice ps-decide ps-case",
        f'<img src="{_safe(picture)}" alt="" loading="lazy">' if picture else "",
        f'<div><a href="{_safe(href)}" target="_self">{escape(title)}</a>',
        f"<p>{escape(text)}</p></div>",
    )


def empty_state(title: str, text: str, *, art: Art = "new", action: Action | None = None) -> None:
    """Fill a place where nothing is: `new` yet, found by a `search`, or to be had (`closed`)."""
    frames = "<i></i><i></i><i></i><b></b>"
    with st.container(gap=None, horizontal_alignment="center") if action else nullcontext():
        _part(
            "empty",
            f'<div class="ps-empty-art ps-art-{art}" aria-hidden="true">{frames}</div>',
            f"<h2>{escape(title)}</h2><p>{escape(text)}</p>",
        )
        if action:
            _link(action)


def facts(rows: Iterable[tuple[str, str]], *, words: bool = False) -> None:
    """List names and values as a ledger. `words`: the values are sentences, not figures."""
    body = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
    kind = "ps-facts ps-words" if words else "ps-facts"
    st.html(f'<dl class="ps-part {kind}">{body}</dl>')


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Show a small table. It scrolls inside itself where the page is too narrow."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in headings)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows
    )
    _part("table", f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def filmstrip(frames: Iterable[Mapping[str, str]]) -> None:
    """Show pictures as frames of one film: `url`, `href`, `caption`, `meta` of each.

    One with an empty `href` leads nowhere.
    """
    _part("filmstrip", *(_frame(number, frame) for number, frame in enumerate(frames, start=1)))


def _frame(number: int, frame: Mapping[str, str]) -> str:
    link = f'href="{_safe(frame["href"])}" target="_self"' if frame["href"] else ""
    return (
        f'<a class="ps-frame" {link}>'
        f'<span class="ps-frame-film"><img src="{_safe(frame["url"])}" alt="" loading="lazy">'
        f"<b>{number}</b></span>"
        f"<span>{escape(frame['caption'])}</span><small>{escape(frame['meta'])}</small></a>"
    )


def _part(name: str, *pieces: str) -> None:
    st.html(f'<div class="ps-part ps-{name}">{"".join(pieces)}</div>')


def _link(action: Action) -> None:
    """Lead on within the session: a plain link would load all anew, and forms would be empty."""
    address = urlsplit(action.href)
    page = PAGES.get(address.path)
    if page is not None:
        st.page_link(page, label=action.label, query_params=parse_qs(address.query))


def _safe(url: str) -> str:
    """Return a URL fit for an attribute; what is neither ours nor http(s) leads nowhere."""
    return escape(url) if url.startswith(("/", "?", "#", "https://", "http://")) else "#"


@cache
def _stylesheet(fonts_url: str) -> str:
    """The typefaces come as a sheet of their own: a slow one must not hold the rest back."""
    rules = "\n".join((HERE / name).read_text("utf-8") for name in ("style.css", "parts.css"))
    return f'<style>@import url("{fonts_url}");</style><style>{rules}</style>'


@cache
def _picture(name: str) -> str:
    encoded = base64.b64encode((HERE / name).read_bytes()).decode()
    return f"data:image/svg+xml;base64,{encoded}"
