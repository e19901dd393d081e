"""What the operator's doctor finds, line by line; the bucket's own promises have their tests."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.doctor import examined
from core.services import build
from core.settings import Settings
from tests.application import write_accounts
from tests.core.test_settings import NEEDED


@pytest.fixture
def settings(database_url, bucket, openai_simulator, tmp_path):
    write_accounts(tmp_path / "credentials.yaml")
    return replace(
        Settings.from_env(NEEDED),
        database_url=database_url,
        s3_bucket=bucket.name,
        s3_endpoint_url=bucket.endpoint_url,
        s3_region=bucket.region,
        s3_access_key_id=bucket.access_key,
        s3_secret_access_key=bucket.secret_key,
        auth_credentials=tmp_path / "credentials.yaml",
        spool_dir=tmp_path / "not-made-yet" / "spool",
        openai_api_key="sk-test",
        openai_base_url=f"{openai_simulator.url}/v1",
    )


def said(settings) -> dict[str, tuple[bool, str]]:
    services = build(settings, application="test")
    try:
        return {check.name: (check.ok, check.detail) for check in examined(services)}
    finally:
        services.engine.dispose()


def test_a_sound_installation_has_no_problem(settings):
    found = said(settings)

    assert [name for name, (ok, _) in found.items() if not ok] == []
    assert found["OPENAI_API_KEY"] == (True, "the provider takes it")
    assert "switched off" in found["MINIMAX_API_KEY (minimax_v1)"][1]


def test_each_problem_says_what_to_do_and_hides_no_other(settings, empty_database_url, tmp_path):
    (tmp_path / "credentials.yaml").unlink()
    found = said(
        replace(
            settings,
            database_url=empty_database_url,
            spool_dir=tmp_path / "a" / "b",
            openai_api_key="bad-key",
            public_base_url="http://127.0.0.1:8501",
            environment="prod",
        )
    )

    wrong = {name: detail for name, (ok, detail) in found.items() if not ok}
    assert "migrate" in wrong["database, schema and Korean search"]
    assert "AUTH_CREDENTIALS" in wrong["accounts file"]
    assert "OPENAI_API_KEY" in wrong
    assert "Leave it empty" in wrong["PUBLIC_BASE_URL"]


def test_a_spool_that_cannot_be_written_is_named(settings):
    ok, detail = said(replace(settings, spool_dir=Path("/proc/spool")))["spool"]

    assert not ok
    assert "SPOOL_DIR '/proc/spool' cannot be written" in detail
