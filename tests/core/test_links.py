"""Private files live for minutes behind a link; only what is small may be cached for a day."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from core.links import link_of
from core.models import AssetKind
from core.storage.bucket import Bucket

SMALL = {AssetKind.THUMBNAIL, AssetKind.POSTER}
ROOT = Path(__file__).parents[2]


@pytest.fixture
def signer() -> Bucket:
    return Bucket(
        endpoint_url="http://127.0.0.1:9",
        public_endpoint_url="",
        region="us-east-1",
        bucket="b",
        access_key="key",
        secret_key="secret",
    )


def lives_s(url: str) -> int:
    return int(parse_qs(urlsplit(url).query)["X-Amz-Expires"][0])


@pytest.mark.parametrize("kind", sorted(set(AssetKind) - SMALL))
def test_a_private_file_is_signed_for_a_quarter_of_an_hour_at_most(signer, kind):
    assert lives_s(link_of(signer, kind=kind, key="k")) <= 900


@pytest.mark.parametrize("kind", sorted(SMALL))
def test_a_thumbnail_is_signed_for_a_day_so_that_browsers_keep_it(signer, kind):
    assert lives_s(link_of(signer, kind=kind, key="k")) > 24 * 3600


def test_nothing_else_makes_links_that_last():
    sources = [
        path for folder in ("core", "pages", "workers") for path in (ROOT / folder).rglob("*.py")
    ]
    signing = {path.name for path in sources if re.search(r"\.stable_url\(", path.read_text())}

    assert signing == {"links.py"}
