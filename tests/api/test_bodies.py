"""Nobody makes this process hold a large body, least of all somebody who is not signed in."""

from collections.abc import Iterator

import pytest

from core.api.bodies import MAX_BYTES
from tests.api.conftest import signed_in

ROUTES = ["/login", "/storage/presign-put", "/storage/confirm", "/hailuo/callback/" + "t" * 43]


def pieces(size_bytes: int) -> Iterator[bytes]:
    """Yield a body that is sent without its length."""
    for _ in range(0, size_bytes, 1024):
        yield b"x" * 1024


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("has_length", [True, False], ids=["a length", "no length"])
def test_a_large_body_is_refused_whoever_sends_it(api, route, has_length):
    size = 10 * MAX_BYTES
    content = b"x" * size if has_length else pieces(size)

    answer = api.post(route, content=content, headers={"Content-Type": "application/json"})

    assert answer.status_code == 413
    assert "64 kB" in answer.json()["error"]


def test_a_length_of_a_thousand_digits_is_too_much(api):
    answer = api.post("/login", content=b"{}", headers={"Content-Length": "9" * 1000})

    assert answer.status_code == 413


def test_the_longest_name_that_a_file_may_have_still_fits(api):
    kim = signed_in(api, "kim")
    file = {"filename": "가" * 8192, "content_type": "image/png", "size_bytes": 10}

    answer = kim.post("/storage/presign-put", json={**file, "sha256": "0" * 64})

    assert answer.status_code == 200
