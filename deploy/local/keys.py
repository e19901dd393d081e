"""Random secrets of this stack, made once and kept in a file that only its owner reads."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from deploy.local.home import kept_json, write_private


def kept(path: Path) -> Mapping[str, str]:
    """Return AUTH_COOKIE_KEY and the local S3 server's credentials, the same at every start."""
    known: dict[str, str] = kept_json(path)
    fresh = {
        "AUTH_COOKIE_KEY": secrets.token_hex(32),
        "S3_ACCESS_KEY_ID": "LOCAL" + secrets.token_hex(8).upper(),
        "S3_SECRET_ACCESS_KEY": secrets.token_urlsafe(30),
    }
    keys = {**fresh, **known}
    if keys != known:
        write_private(path, json.dumps(keys, indent=2))
    return keys
