"""Links to files, made when they are shown and stored nowhere.

The same link for a while, so that a rerun loads nothing again: a day for what is small,
minutes for everything that somebody could carry away at full size.
"""

from typing import Final

from core.assets import SMALL
from core.storage.bucket import Bucket

WINDOW_S: Final = 600
RESERVE_S: Final = 300  # no link is handed out with less left


def link_of(bucket: Bucket, *, kind: str, key: str) -> str:
    """Return a link that shows a file of a kind; it lives 15 minutes at most unless it is small."""
    if kind in SMALL:
        return bucket.stable_url(key)
    return bucket.stable_url(key, window_s=WINDOW_S, reserve_s=RESERVE_S)
