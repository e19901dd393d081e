"""What a form starts with: a job to change, and what it held before its page was left."""

import hashlib
import io
from uuid import UUID

import pytest
import requests
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import intake, jobs, submissions
from core.details import Detail, load
from core.models import AssetKind, Job, Provider
from tests.core.conftest import person


def png(mode: str) -> bytes:
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
        content = png("RGBA" if purpose == "mask" else "RGB")
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


def masked_job(services, user, put) -> Job:
    wish = submissions.Wish(
        provider=Provider.GPT,
        model="gpt-image-2",
        prompt="make the sky green",
        options={"quality": "low"},
        input_ids=[UUID(put(user, "input")["id"])],
        mask_id=UUID(put(user, "mask")["id"]),
        client_key="one click",
        unknown_price_accepted=True,
    )
    return submissions.submit(services, user, wish)


def newest(services, user) -> Detail:
    with services.sessions() as session:
        (job,) = jobs.page(session, jobs.Filter(), limit=1)
        return load(session, user, job.id, team_reads=True)


def filed_with(services, user) -> list[str]:
    files = newest(services, user).files
    return [file.kind for file in files if file.kind in {AssetKind.INPUT, AssetKind.MASK}]


def file(at: AppTest) -> None:
    """Click the form's button, accepting a price that is not known."""
    for box in at.checkbox:
        box.check().run()
    at.button(key="go-gpt").click().run()


def test_open_in_the_form_brings_the_mask(open_page, services, kim, put):
    first = masked_job(services, kim, put)
    at = open_page("job", id=str(first.id))
    at.button(key="job-form").click().run()
    file(at.switch_page("image_edit.py").run())

    assert newest(services, kim).job.id != first.id
    assert filed_with(services, kim) == ["input", "mask"]


def test_a_colleagues_mask_becomes_ones_own_and_stays_a_mask(open_page, services, kim, put):
    first = masked_job(services, person(services.sessions, "lee"), put)
    at = open_page("job", id=str(first.id))
    at.button(key="job-form").click().run()
    file(at.switch_page("image_edit.py").run())

    assert newest(services, kim).job.user_id == kim.id
    assert filed_with(services, kim) == ["input", "mask"]


def test_coming_back_to_the_form_finds_pictures_and_mask_again(open_page, services, kim, put):
    at = open_page("history")
    at.session_state["edit-kept"] = [put(kim, "input")]
    at.session_state["edit-mask-kept"] = [put(kim, "mask")]
    at.switch_page("image_edit.py").run()
    at.text_area[0].set_value("make the sky green").run()
    file(at)

    assert filed_with(services, kim) == ["input", "mask"]


def test_what_was_taken_out_of_the_form_does_not_come_back(open_page, services, kim, put):
    at = open_page("history")
    at.session_state["edit-start"] = {"files": [put(kim, "input")], "reset": 1}
    at.session_state["edit-kept"] = []
    at.switch_page("image_edit.py").run()

    assert at.session_state["edit-start"]["files"] == []
