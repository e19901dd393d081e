import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import services as composition
from core import sign_in, users
from core.models import User
from core.services import Services
from pages.parts import words
from tests.application import services_for

# AppTest runs a page without a browser's session, and Streamlit says so at every call.
logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").disabled = True

SCRIPT = Path(__file__).parents[2] / "pages/navigation.py"


@pytest.fixture
def services(database_url, bucket, tmp_path, monkeypatch) -> Iterator[Services]:
    made = services_for(database_url, bucket, tmp_path)
    composition.services.cache_clear()
    monkeypatch.setattr(composition, "build", lambda *_, **__: made)
    monkeypatch.setattr(composition, "settings_from_environment", lambda: made.settings)
    yield made
    composition.services.cache_clear()
    made.engine.dispose()
    made.bucket.close()


@pytest.fixture
def kim(services) -> User:
    with services.sessions.begin() as session:
        return users.from_account(session, services.accounts.all()["kim"])


@pytest.fixture
def open_page(services, kim, monkeypatch):
    """Open a page as Kim, in a language; the cookie is real, only its way in is not."""
    with services.sessions.begin() as session:
        token = sign_in.begin(
            session,
            kim,
            client=sign_in.Client(address="127.0.0.1"),
            cookie_key=services.settings.auth_cookie_key,
            ttl_s=600,
        )
    monkeypatch.setattr("pages.parts.viewer.read_cookie", lambda: token)

    def visit(page: str, *, locale: str = "en", **query: str) -> AppTest:
        at = AppTest.from_file(SCRIPT, default_timeout=20)
        at.session_state[words.KEY] = locale
        at.run()
        for name, value in query.items():
            at.query_params[name] = value
        at.switch_page(f"{page}.py").run()
        assert not at.exception, at.exception
        return at

    return visit
