import pytest

from core.errors import ConfigError
from core.settings import Settings

NEEDED = {
    "DATABASE_URL": "postgresql://proofsheet@localhost/proofsheet",
    "S3_BUCKET": "proofs",
    "S3_ACCESS_KEY_ID": "id",
    "S3_SECRET_ACCESS_KEY": "secret-access",
    "AUTH_CREDENTIALS": "credentials.yaml",
    "AUTH_COOKIE_KEY": "k" * 32,
}


def test_what_is_needed_is_enough():
    settings = Settings.from_env(NEEDED)

    assert settings.database_url == "postgresql+psycopg2://proofsheet@localhost/proofsheet"
    assert settings.team_timezone == "Asia/Seoul"


def test_all_mistakes_are_told_in_one_sentence():
    wrong = NEEDED | {"S3_BUCKET": "", "WEB_PORT": "soon", "STEP_LEASE_S": "-1"}

    with pytest.raises(ConfigError) as caught:
        Settings.from_env(wrong)

    assert str(caught.value) == (
        "Cannot start: S3_BUCKET is not set; WEB_PORT must be a whole number, not 'soon'; "
        "STEP_LEASE_S must be a number above 0, not '-1'."
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DATABASE_URL", "sqlite:///x", "must start with 'postgresql://'"),
        ("OPENAI_BASE_URL", "api.openai.com", "must be an http(s) URL"),
        ("PUBLIC_BASE_URL", "https://me:pw@host", "must be an http(s) URL without user"),
        ("AUTH_COOKIE_KEY", "short", "must have at least 32 bytes"),
        ("TEAM_TIMEZONE", "Mars/Olympus", "must be a time zone"),
        ("TEAM_VISIBILITY", "some", "must be one of read, none"),
        ("ENVIRONMENT", "a/b", "must be up to 20 letters"),
        ("OPENAI_TIMEOUT_S", "inf", "must be a number above 0"),
        ("S3_PUBLIC_ENDPOINT_URL", "http://localhost:9", "S3_ENDPOINT_URL is not; set both"),
    ],
)
def test_each_wrong_value_says_what_was_expected(name, value, expected):
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(NEEDED | {name: value})

    assert expected in str(caught.value)


def test_simulated_providers_are_refused_in_production():
    with pytest.raises(ConfigError, match="SIMULATED_PROVIDERS must be empty"):
        Settings.from_env(NEEDED | {"ENVIRONMENT": "prod", "SIMULATED_PROVIDERS": "openai"})


def test_secrets_stay_out_of_repr():
    shown = repr(Settings.from_env(NEEDED | {"OPENAI_API_KEY": "sk-secret"}))

    assert "sk-secret" not in shown
    assert "secret-access" not in shown
    assert "k" * 32 not in shown
