"""Lines of any length, out of chunks of any size, in linear time and no memory."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.providers.sse import LineSpans


def lines(data: bytes, size: int) -> list[bytes]:
    found = LineSpans()
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    return [data[span.start : span.end] for chunk in chunks for span in found.feed(chunk)]


@settings(deadline=None)
@given(texts=st.lists(st.text("ab:{} ", max_size=40), max_size=20), size=st.integers(1, 50))
def test_lines_are_found_whatever_the_chunks_were(texts, size):
    data = "".join(text + "\n" for text in texts).encode()
    assert lines(data + b"unfinished", size) == [text.encode() for text in texts]


@pytest.mark.parametrize("size", [4096, 65536, 12_000_000])
def test_twelve_megabytes_take_a_moment(size):
    data = b"data: " + b"x" * 12_000_000 + b"\n"
    began = time.process_time()
    (line,) = lines(data, size)
    assert time.process_time() - began < 0.3  # measured: 0.01; joining at every chunk: over 1
    assert len(line) == 12_000_006
