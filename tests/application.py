"""The application's services over real stores and simulators, for tests of every shell."""

import dataclasses
from pathlib import Path
from typing import Any

from core import accounts
from core.models import Role
from core.services import Services, build
from core.settings import Settings

PASSWORDS = {"kim": "correct horse battery", "boss": "staple correct horse"}
_HASHES: dict[str, bytes] = {}


def settings_for(database_url: str, bucket: Any, folder: Path, **changes: Any) -> Settings:
    """Return settings for one test. `bucket` is the fixture's: endpoint, keys and name."""
    credentials = folder / "credentials.yaml"
    if not credentials.exists():
        write_accounts(credentials)
    settings = Settings(
        database_url=database_url,
        s3_endpoint_url=bucket.endpoint_url,
        s3_region=bucket.region,
        s3_bucket=bucket.name,
        s3_access_key_id=bucket.access_key,
        s3_secret_access_key=bucket.secret_key,
        auth_credentials=credentials,
        auth_cookie_key="k" * 32,
        spool_dir=folder / "spool",
        openai_api_key="sk-test",
        minimax_api_key="mm-test",
        poll_interval_s=0.2,
        video_poll_s=0.3,
        minimax_polls_per_minute=6000,
        openai_timeout_s=10,
        minimax_timeout_s=10,
        step_lease_s=10,
        lease_margin_s=6,  # with the settle time in it, five seconds for a busy machine to begin
        settle_s=1,
    )
    return dataclasses.replace(settings, **changes)


def write_accounts(path: Path) -> None:
    """Write a tester `kim` and an administrator `boss`."""
    for login, role in (("kim", Role.TESTER), ("boss", Role.ADMIN)):
        if login not in _HASHES:
            _HASHES[login] = accounts.hash_password(PASSWORDS[login]).encode()
        accounts.save(
            path,
            login,
            password_hash=_HASHES[login],
            display_name=login.title(),
            role=role,
        )


def services_for(database_url: str, bucket: Any, folder: Path, **changes: Any) -> Services:
    """Return the services for one test; the caller disposes of `engine` and closes `bucket`."""
    return build(settings_for(database_url, bucket, folder, **changes), application="test")
