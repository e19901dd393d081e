import pytest

from core.errors import ConfigError
from core.origins import origins
from core.settings import Settings
from tests.core.test_settings import NEEDED

LOCAL = ["http://127.0.0.1:8501", "http://localhost:8501"]
EVERYWHERE = "0.0.0.0"  # noqa: S104
SERVER = {"ENVIRONMENT": "prod"}


def found(**env):
    return origins(Settings.from_env(NEEDED | env))


def test_on_a_laptop_the_pages_are_local():
    assert found() == LOCAL
    assert found(WEB_HOST=EVERYWHERE) == LOCAL


def test_a_laptop_that_others_reach_names_its_address():
    assert found(WEB_HOST="192.168.0.7") == ["http://192.168.0.7:8501", *LOCAL]
    assert found(WEB_HOST="fd00::7")[0] == "http://[fd00::7]:8501"


def test_the_host_name_is_enough_on_a_server_without_callbacks():
    allowed = "bench.example.com,127.0.0.1"

    assert found(**SERVER, ALLOWED_HOSTS=allowed) == ["https://bench.example.com", *LOCAL]


def test_several_names_count_and_a_callbacks_address_is_one_of_them():
    env = {"ALLOWED_HOSTS": "b.example,a.example", "PUBLIC_BASE_URL": "https://a.example/bench"}

    assert found(**SERVER, **env) == ["https://a.example", "https://b.example", *LOCAL]


def test_a_server_without_a_proxy_is_reached_over_http():
    env = {"WEB_HOST": EVERYWHERE, "WEB_PORT": "80", "ALLOWED_HOSTS": "bench.example.com"}

    assert "http://bench.example.com" in found(**SERVER, **env)


@pytest.mark.parametrize("env", [{}, {"ALLOWED_HOSTS": "localhost,127.0.0.1"}])
def test_a_server_whose_address_nobody_names_is_refused(env):
    with pytest.raises(ConfigError, match="Neither ALLOWED_HOSTS nor PUBLIC_BASE_URL names"):
        found(**SERVER, **env)
