"""Lines of any length, out of chunks of any size, in linear time."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.providers.sse import LineSplitter, LineTooLong


def split(data: bytes, size: int) -> list[bytes]:
    splitter = LineSplitter()
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    return [bytes(line) for chunk in chunks for line in splitter.feed(chunk)]


@settings(deadline=None)
@given(
    lines=st.lists(st.text("ab:{} ", max_size=40), max_size=20),
    size=st.integers(1, 50),
    end=st.sampled_from([b"\n", b"\r\n"]),
)
def test_lines_come_out_whatever_the_chunks_were(lines, size, end):
    data = b"".join(line.encode() + end for line in lines)
    assert split(data + b"unfinished", size) == [line.encode() for line in lines]


@pytest.mark.parametrize("size", [4096, 65536, 12_000_000])
def test_twelve_megabytes_take_a_moment(size):
    data = b"data: " + b"x" * 12_000_000 + b"\n"
    began = time.process_time()
    (line,) = split(data, size)
    assert time.process_time() - began < 0.3  # measured: 0.02; joining at every chunk: over 1
    assert len(line) == 12_000_006


def test_a_line_without_end_is_given_up():
    splitter = LineSplitter(longest=100)
    assert list(splitter.feed(b"x" * 100)) == []
    with pytest.raises(LineTooLong):
        list(splitter.feed(b"x"))
