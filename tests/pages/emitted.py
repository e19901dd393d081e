"""Every text that a page emits: widgets, HTML parts and what the components are given."""

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from streamlit.testing.v1 import AppTest

# What of a component's data is no text for people: identities, addresses, code words of ours.
NO_TEXT = {
    "id", "key", "kind", "stage", "status", "tone", "mime", "href", "url", "thumb_url", "own",
    "preview_url", "input_url", "input_download_url", "download_url", "api_base", "accept",
    "max_bytes", "pixels", "purpose", "files", "reset", "language", "topics", "selected",
    "draft", "slot", "field",
}  # fmt: skip
WIDGET_TEXTS = ("label", "help", "placeholder", "body")


def texts(at: AppTest) -> Iterator[str]:
    """Yield everything a person can read on a page."""
    for place in (at.main, at.sidebar):
        for node in _walk(place):
            yield from _of(node)


def _walk(node: Any) -> Iterator[Any]:
    yield node
    for child in getattr(node, "children", {}).values():
        yield from _walk(child)


def _of(node: Any) -> Iterator[str]:
    proto: Any = getattr(node, "proto", None)
    if node.type == "html":
        yield from _Readable().found(proto.body)
    elif node.type == "bidi_component":
        yield from _strings(json.loads(proto.json or "{}"))
    elif node.type == "flex_container" or proto is None:
        return
    else:
        for name in WIDGET_TEXTS:
            yield getattr(proto, name, "")
        for option in getattr(proto, "options", ()):
            yield option if isinstance(option, str) else option.content
        if node.type == "expandable":
            yield proto.expandable.label


def _strings(data: Any, name: str = "") -> Iterator[str]:
    if name in NO_TEXT:
        return
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from _strings(value, key)
    elif isinstance(data, list):
        for value in data:
            yield from _strings(value, name)


class _Readable(HTMLParser):
    """Collects text nodes and the attributes that are read out, outside style sheets."""

    def __init__(self) -> None:
        super().__init__()
        self._texts: list[str] = []
        self._in_style = False

    def found(self, html: str) -> list[str]:
        self.feed(html)
        return self._texts

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_style = tag == "style"
        self._texts += [value or "" for name, value in attrs if name in {"alt", "title"}]

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self._texts.append(data)
