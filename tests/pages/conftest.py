import functools
import hashlib
import io
import logging
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
import requests
from PIL import Image
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from core import decisions, intake, sign_in, submissions, users
from core import services as composition
from core.models import Attempt, Job, Provider, User
from core.services import Services
from pages.parts import words
from tests.application import services_for
from tests.core.conftest import filed
from tests.pages.scenes import sent, unsure

# AppTest runs a page without a browser's session, and Streamlit says so at every call.
logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").disabled = True

SCRIPT = Path(__file__).parents[2] / "pages/navigation.py"


@pytest.fixture(scope="session", autouse=True)
def installed_components() -> Iterator[None]:
    """Look for components once, as a server does: each AppTest would read every package's facts."""
    with pytest.MonkeyPatch.context() as patch:
        found = functools.cache(manifest_scanner.scan_component_manifests)
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


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


def png(mode: str) -> bytes:
    """Return a picture; one with transparency has a hole in the middle."""
    content = io.BytesIO()
    picture = Image.effect_noise((320, 240), 40).convert(mode)
    if mode == "RGBA":
        picture.paste((0, 0, 0, 0), (80, 60, 240, 180))
    picture.save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def put(services):
    """Upload a picture or mask as a person's browser does; return it as its form shows it."""

    def upload(user, purpose: str) -> dict:
        content = png("RGB" if purpose == "input" else "RGBA")
        file = intake.Announcement(
            filename=f"{purpose}.png",
            content_type="image/png",
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            purpose=purpose,
        )
        permission = intake.announce(services, user, file)
        sent = requests.put(
            permission["url"], data=content, headers=permission["headers"], timeout=10
        )
        assert sent.status_code == 200, sent.text
        return intake.confirm(services, user, UUID(permission["upload_id"]))

    return upload


def masked_job(services, user, put, *, model: str = "gpt-image-2") -> Job:
    """File an edit of a picture with a mask."""
    wish = submissions.Wish(
        provider=Provider.GPT,
        model=model,
        prompt="make the sky green",
        options={"quality": "low"},
        input_ids=[UUID(put(user, "input")["id"])],
        mask_id=UUID(put(user, "mask")["id"]),
        client_key="one click",
        unknown_price_accepted=True,
    )
    return submissions.submit(services, user, wish)


@pytest.fixture
def sent_again(services, kim) -> tuple[Job, Attempt]:
    """A job in the queue once more, and its first request, of which nobody knows."""
    job = filed(services.sessions, kim, estimate_usd=Decimal("0.28"))
    claim, attempt = sent(services)
    unsure(services, claim, attempt)
    with services.sessions.begin() as session:
        decisions.send_again(session, kim, job.id)
    return job, attempt
