"""The variables that the application gets, read back by the application's own settings."""

import pytest

from core.errors import ConfigError
from core.settings import Settings
from deploy.local.environment import Own, application, only_here, plain, web_url, with_file
from deploy.local.home import Home

PORTS = {"s3": 20001, "openai": 20002, "minimax": 20003}
EVERY_ADDRESS = "0.0.0.0"  # noqa: S104  (nothing is bound)
KEYS = {
    "AUTH_COOKIE_KEY": "k" * 64,
    "S3_ACCESS_KEY_ID": "LOCALKEY",
    "S3_SECRET_ACCESS_KEY": "local-secret",
}
DSN = "postgresql+psycopg2://app@/app?host=/x&port=5432&sslmode=disable"


def made(tmp_path, **env: str) -> dict[str, str]:
    return application(
        env,
        home=Home(path=tmp_path),
        own=Own.of(env),
        ports=PORTS,
        keys=KEYS,
        database_url=DSN,
    )


def test_the_applications_settings_accept_what_a_bare_machine_gets(tmp_path):
    settings = Settings.from_env(made(tmp_path))

    assert settings.database_url == DSN
    assert settings.s3_public_endpoint_url == "http://127.0.0.1:20001"
    assert settings.openai_base_url == "http://127.0.0.1:20002/v1"
    assert settings.public_base_url == "http://127.0.0.1:8501"
    assert settings.simulated_providers == {"openai", "minimax"}
    assert settings.download_allowed_hosts == {"127.0.0.1:20003"}
    assert settings.spool_dir == tmp_path / "spool"
    assert settings.environment == "dev"


def test_a_provider_with_a_key_is_not_simulated_and_keeps_its_own_address(tmp_path):
    env = made(tmp_path, MINIMAX_API_KEY="mm-real", DOWNLOAD_ALLOWED_HOSTS="cdn.example")
    settings = Settings.from_env(env)

    assert settings.simulated_providers == {"openai"}
    assert settings.minimax_api_key == "mm-real"
    assert settings.minimax_base_url == "https://api.minimax.io"
    assert settings.download_allowed_hosts == {"cdn.example"}
    assert settings.public_base_url == ""  # MiniMax itself could not call this machine back


def test_what_a_user_has_set_for_other_servers_does_not_reach_ours(tmp_path):
    env = made(tmp_path, PGSERVICE="prod", PGOPTIONS="-c x=1", AWS_PROFILE="work", OTHER="kept")

    assert not [name for name in env if name.startswith(("PG", "AWS_"))]
    assert env["OTHER"] == "kept"


def test_with_a_database_and_a_store_of_ones_own_their_variables_stay(tmp_path):
    mine = {"DATABASE_URL": "postgresql://u@h/d", "PGPASSFILE": "/p", "S3_BUCKET": "b"}
    env = made(tmp_path, **mine, AWS_PROFILE="work")

    assert {name: env[name] for name in (*mine, "AWS_PROFILE")} == {**mine, "AWS_PROFILE": "work"}
    assert "S3_ENDPOINT_URL" not in env


def test_a_proxy_is_kept_out_of_what_stays_on_this_machine(tmp_path):
    env = made(tmp_path, HTTP_PROXY="http://proxy:3128", NO_PROXY="intra.example")

    assert env["NO_PROXY"] == env["no_proxy"] == "intra.example,127.0.0.1,localhost"


def test_simulators_see_no_secret():
    assert "OPENAI_API_KEY" not in plain({"OPENAI_API_KEY": "sk-real", "PATH": "/bin"})


def test_the_file_lies_beneath_the_real_environment(tmp_path):
    file = tmp_path / ".env"
    file.write_text(
        "# ours\n\nexport WEB_PORT=9000\nTEAM_TIMEZONE = 'Asia/Seoul' \nA=b=c # why\nB=\"x # y\"\n"
    )

    assert with_file({"WEB_PORT": "9001"}, file) == {
        "WEB_PORT": "9001",
        "TEAM_TIMEZONE": "Asia/Seoul",
        "A": "b=c",
        "B": "x # y",
    }


def test_a_line_of_the_file_that_says_nothing_is_named_without_its_content(tmp_path):
    file = tmp_path / ".env"
    file.write_text("A=1\nsk-secret\n")

    with pytest.raises(ConfigError, match=r"Line 2 of '.*\.env' is not KEY=VALUE") as refused:
        with_file({}, file)
    assert "sk-secret" not in str(refused.value)


def test_a_mark_before_the_first_letter_is_no_part_of_it(tmp_path):
    file = tmp_path / ".env"
    file.write_bytes("\ufeffWEB_PORT=9000\n".encode())

    assert with_file({}, file) == {"WEB_PORT": "9000"}


def test_a_file_in_another_encoding_is_one_sentence(tmp_path):
    file = tmp_path / ".env"
    file.write_bytes("# 우리 것\nWEB_PORT=9000\n".encode("cp949"))

    with pytest.raises(ConfigError, match=r"is not in UTF-8 .perhaps in CP949."):
        with_file({}, file)


def test_an_address_of_ipv6_stands_in_brackets(tmp_path):
    env = made(tmp_path, WEB_HOST="::1")
    settings = Settings.from_env(env)

    assert web_url(env) == settings.public_base_url == "http://[::1]:8501"
    assert settings.s3_public_endpoint_url == "http://[::1]:20001"


def test_listening_everywhere_says_what_other_machines_miss():
    assert "signed for 127.0.0.1" in only_here({"WEB_HOST": EVERY_ADDRESS})
    assert "signed for ::1" in only_here({"WEB_HOST": "::"})


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"WEB_HOST": "192.0.2.7"},
        {"WEB_HOST": "::", "S3_PUBLIC_ENDPOINT_URL": "http://192.0.2.7:9000"},
        {"WEB_HOST": "::", "S3_BUCKET": "elsewhere"},
    ],
)
def test_where_nothing_is_missed_nothing_is_said(env):
    assert only_here(env) == ""


def test_from_another_machine_the_pages_and_the_pictures_have_the_same_host(tmp_path):
    env = made(tmp_path, WEB_HOST="192.0.2.7")

    assert env["S3_PUBLIC_ENDPOINT_URL"] == "http://192.0.2.7:20001"
    assert env["WEB_HOST"] == "192.0.2.7"
