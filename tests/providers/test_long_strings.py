"""JSON with long strings left out gives what a whole parse gives."""

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.providers import long_strings
from core.providers.long_strings import FileSource, Source, Span, Unreadable, characters, parse

LONG, BLOCK = 40, 24
texts = st.one_of(
    st.text(max_size=3),
    st.text('ab"\\/\u00e9\n', max_size=6),
    st.text('aZ+/="\\', min_size=60, max_size=90),
)
documents = st.dictionaries(
    st.text("abc", max_size=5),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), texts),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(st.text("abc", max_size=5), inner, max_size=3),
        ),
        max_leaves=8,
    ),
    max_size=6,
)


def filled(value: Any, source: Source) -> Any:
    """Return the document with its spans read, as far as they stand in objects."""
    if isinstance(value, Span):
        return b"".join(characters(source, value, block=BLOCK)).decode()
    if isinstance(value, dict):
        return {name: filled(inner, source) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, source) for inner in value]
    return value


def without_long_items(value: Any) -> Any:
    """Return a document whose lists hold no long texts: images are members, never list items."""
    if isinstance(value, dict):
        return {name: without_long_items(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_long_items(v) for v in value if not isinstance(v, str) or len(v) < 7]
    return value


@settings(deadline=None)
@given(document=documents, block=st.integers(1, 40), escaped=st.booleans())
def test_nothing_is_lost(document, block, escaped):
    document = without_long_items(document)
    data = json.dumps(document, ensure_ascii=escaped).encode()
    for source in (bytearray(data), FileSource(io.BytesIO(data), block)):
        assert filled(parse(source, 0, len(data), long=LONG), source) == document


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a": "',
        b'{"a": "b\\"}',
        b"<html></html>",
        b'{"a": 1} trailing',
        b"[" * 100_000,
        b'{"a": "' + b"x" * 100_000,
        b'{"a": "\xff\xfe"}',
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_not_one_whole_document_is_unreadable(data):
    with pytest.raises(Unreadable):
        parse(data, 0, len(data))


def test_a_document_of_many_short_strings_is_bounded(monkeypatch):
    monkeypatch.setattr(long_strings, "MOST_REST", 1000)
    data = json.dumps({"a": list(range(1000))}).encode()
    with pytest.raises(Unreadable, match="not images"):
        parse(data, 0, len(data))


@pytest.mark.parametrize("escape", [b"\\/", b"\\u002B", b"\\u002f"])
def test_escapes_across_blocks_are_read(escape):
    data = b'"' + (b"abcde" + escape) * 50 + b'"'
    read = b"".join(characters(data, Span(1, len(data) - 1), block=16))
    assert read.decode() == json.loads(data)


def test_a_file_that_shrinks_under_us_is_unreadable():
    source = FileSource(io.BytesIO(b""))
    with pytest.raises(Unreadable):
        source.find(b'"', 0, 10)
