import dataclasses

import pytest

from core.errors import ConfigError
from core.settings import Settings
from deploy.server.render import names, render

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
        ("RUNNING_PER_USER", "-1", "must be a whole number"),
        ("MINIMAX_POLLS_PER_MINUTE", "0", "must be 1 or more"),
        ("S3_PUBLIC_ENDPOINT_URL", "http://localhost:9", "S3_ENDPOINT_URL is not; set both"),
        ("DATABASE_URL", "postgresql://me@host:port/db", "with a port from 1 to 65535"),
        ("DATABASE_URL", "postgresql://me@host:99999/db", "with a port from 1 to 65535"),
        ("DATABASE_URL", "postgresql://me@host:0/db", "with a port from 1 to 65535"),
        ("DATABASE_URL", "postgresql://me@[::1/db", "with a port from 1 to 65535"),
        ("OPENAI_BASE_URL", "https://host:99999", "must be an http(s) URL"),
        ("OPENAI_BASE_URL", "https://[::1", "must be an http(s) URL"),
        ("MINIMAX_BASE_URL", "https://:443", "must be an http(s) URL"),
        ("PUBLIC_BASE_URL", "https://host/?a=b", "must be an http(s) URL"),
        ("S3_BUCKET", "s3://proofs", "must be a bucket's name"),
        ("S3_REGION", "Seoul, Korea", "must be a region like"),
        ("ALLOWED_HOSTS", "https://bench.example.com", "must be host names without scheme"),
        ("ALLOWED_HOSTS", "bench.example.com:443", "must be host names without scheme and port"),
        ("WEB_PORT", "0", "must be 1 to 65535, not '0'"),
        ("WEB_PORT", "99999", "must be 1 to 65535, not '99999'"),
        ("WEB_PORT", "9" * 5000, "must be a whole number, not '999"),
        ("WORKER_CONCURRENCY", "0", "must be 1 to 100, not '0'"),
        ("WORKER_CONCURRENCY", "1000000", "must be 1 to 100"),
        ("UPLOAD_TTL_S", "0", "must be 60 to 604800, not '0'"),
        ("UPLOAD_TTL_S", "604801", "must be 60 to 604800"),
        ("SESSION_TTL_S", "1", "must be 60 to 34560000"),
        ("QUOTA_BYTES_PER_USER", "0", "must be 1 or more, not '0'"),
        ("MAX_IMAGE_BYTES", "0", "must be 1 to 5368709120"),
        ("MINIMAX_TIMEOUT_S", "1e300", "must be at most 86400 seconds, not '1e300'"),
        ("MINIMAX_TIMEOUT_S", "nan", "must be a number above 0"),
        ("CONNECT_TIMEOUT_S", "60", "must be at most 10 seconds, not '60'"),
        ("POLL_INTERVAL_S", "0.00001", "must be 0.05 to 3600 seconds"),
        ("OPENAI_API_KEY", "sk-abc\u200bdef", "without spaces; its character 7 is U+200B"),
        ("MINIMAX_API_KEY", "two words", "its character 4 is U+0020"),
        ("S3_SECRET_ACCESS_KEY", "비밀", "must be printable ASCII"),
        ("WEB_HOST", "foo bar", "must be an address or a host name"),
        ("WEB_HOST", "127.0.0.1:8501", "must be an address or a host name"),
        ("WEB_HOST", "*", "must be an address or a host name"),
        ("DOWNLOAD_ALLOWED_HOSTS", "cdn.example,http://x", "must be hosts like 'cdn.example.com'"),
        ("DOWNLOAD_ALLOWED_HOSTS", "cdn.example:port", "must be hosts like"),
        ("DOWNLOAD_ALLOWED_HOSTS", "[::1]:0", "must be hosts like"),
        ("SIMULATED_PROVIDERS", "opnai", "must be among openai, minimax, not 'opnai'"),
        ("OPENAI_API_KEY", "CHANGE-ME", "still holds 'CHANGE-ME' from the example"),
        ("AUTH_COOKIE_KEY", "CHANGE-ME" * 4, "still holds 'CHANGE-ME' from the example"),
    ],
    ids=lambda value: value[:40],
)
def test_each_wrong_value_says_what_was_expected(name, value, expected):
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(NEEDED | {name: value})

    assert expected in str(caught.value)


def test_a_wrong_key_is_not_shown():
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(NEEDED | {"OPENAI_API_KEY": "sk-secret\u200b"})

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "::", "::1", "localhost", "bench.local"])
def test_it_listens_at_any_address_or_name(host):
    assert Settings.from_env(NEEDED | {"WEB_HOST": host}).web_host == host


def test_downloads_are_allowed_from_hosts_with_and_without_a_port():
    named = "CDN.example, 127.0.0.1:9000,[::1]:80,[::1]"

    settings = Settings.from_env(NEEDED | {"DOWNLOAD_ALLOWED_HOSTS": named})

    assert settings.download_allowed_hosts == {
        "cdn.example",
        "127.0.0.1:9000",
        "[::1]:80",
        "[::1]",
    }


def test_every_default_would_pass_its_own_check():
    env = {
        setting.name.upper(): str(setting.default)
        for setting in dataclasses.fields(Settings)
        if isinstance(setting.default, int | float | str)
    }

    assert Settings.from_env(env | NEEDED) == Settings.from_env(NEEDED)


def test_the_servers_example_lacks_only_what_it_marks(tmp_path):
    render(tmp_path, names("bench.example.com"))
    lines = (tmp_path / "proofsheet.env").read_text().splitlines()
    env = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    with pytest.raises(ConfigError) as caught:
        Settings.from_env(env)
    marked = [name for name, value in env.items() if "CHANGE-ME" in value]
    assert str(caught.value).count("still holds 'CHANGE-ME'") == len(marked)
    assert str(caught.value).count(";") == len(marked) - 1

    filled = {name: env[name].replace("CHANGE-ME", "filled-in") for name in env}
    assert Settings.from_env(filled).allowed_hosts == {"bench.example.com", "127.0.0.1"}


def test_simulated_providers_are_refused_in_production():
    with pytest.raises(ConfigError, match="SIMULATED_PROVIDERS must be empty"):
        Settings.from_env(NEEDED | {"ENVIRONMENT": "prod", "SIMULATED_PROVIDERS": "openai"})


@pytest.mark.parametrize("environment", ["prod", "PROD", "production", "live"])
def test_no_failpoint_is_armed_but_in_tests(environment):
    with pytest.raises(ConfigError, match="FAILPOINTS must be empty unless ENVIRONMENT is 'dev'"):
        Settings.from_env(NEEDED | {"ENVIRONMENT": environment, "FAILPOINTS": "intended"})

    armed = Settings.from_env(NEEDED | {"ENVIRONMENT": "test", "FAILPOINTS": "intended"})
    assert armed.failpoints == {"intended"}


def test_the_margin_of_a_lease_holds_the_settle_time():
    with pytest.raises(ConfigError, match=r"LEASE_MARGIN_S must be longer than SETTLE_S \(10\)"):
        Settings.from_env(NEEDED | {"LEASE_MARGIN_S": "10"})


def test_secrets_stay_out_of_repr():
    shown = repr(Settings.from_env(NEEDED | {"OPENAI_API_KEY": "sk-secret"}))

    assert "sk-secret" not in shown
    assert "secret-access" not in shown
    assert "k" * 32 not in shown


@pytest.mark.parametrize(
    ("set_to", "spends"),
    [
        ({}, False),
        ({"OPENAI_API_KEY": "sk-1"}, True),
        ({"OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": "http://127.0.0.1:9001/v1"}, False),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:9001/v1", "MINIMAX_API_KEY": "mm-1"}, True),
        ({"MINIMAX_API_KEY": "mm-1", "MINIMAX_BASE_URL": "http://localhost:9002"}, False),
    ],
)
def test_money_is_spent_at_any_provider_that_is_not_on_this_machine(set_to, spends):
    assert Settings.from_env(NEEDED | set_to).spends_money is spends
