import ast
from pathlib import Path

import pytest
from sqlalchemy import select
from streamlit.testing.v1 import AppTest

from core import accounts, gates, heartbeats, history, jobs
from core.models import Job, Role
from tests.core.conftest import filed, order, person
from tests.pages.conftest import SCRIPT

PAGES = ["image_edit", "video", "history", "job"]
FILES = sorted((Path(__file__).parents[2] / "pages").glob("*.py"))
NOBODYS = "01900000-0000-7000-8000-000000000000"
NOT_IN_PAGES = {"sqlalchemy", "boto3", "botocore", "requests", "os", "time"}


def shown(at: AppTest) -> str:
    """Return everything a person can read on the page."""
    texts = [element.proto for element in at.main] + [element.proto for element in at.sidebar]
    return "\n".join(str(text) for text in texts)


def test_nobody_sees_a_page_without_signing_in(services, monkeypatch):
    monkeypatch.setattr("pages.parts.viewer.read_cookie", lambda: None)
    at = AppTest.from_file(SCRIPT, default_timeout=20).run()

    assert not at.exception
    assert not at.button


@pytest.mark.parametrize("locale", ["ko", "en"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_empty_in_both_languages(open_page, page, locale):
    open_page(page, locale=locale)


def test_a_foreign_job_and_a_missing_one_look_the_same(open_page, services):
    lee = person(services.sessions, "lee")
    job = filed(services.sessions, lee)
    object.__setattr__(services.settings, "team_visibility", "none")

    foreign = shown(open_page("job", id=str(job.id))).replace(str(job.id), "ID")
    missing = shown(open_page("job", id=NOBODYS)).replace(NOBODYS, "ID")

    assert foreign == missing


def test_a_queued_job_can_be_cancelled(open_page, services, kim):
    job = filed(services.sessions, kim)
    at = open_page("job", id=str(job.id))
    at.button(key=f"decide-cancel-{job.id}-0").click().run()

    with services.sessions() as session:
        assert session.get_one(Job, job.id).final_stage == "cancelled"


def test_a_prompt_alone_is_told_what_it_lacks_and_nothing_is_filed(open_page, services):
    at = open_page("image_edit")
    at.text_area[0].set_value("make the sky green").run()
    at.button(key="go-gpt").click().run()

    assert not at.exception
    with services.sessions() as session:
        assert history.page(session, history.Filter()).total == 0


def test_a_video_from_text_is_filed_by_one_click(open_page, services, kim):
    at = open_page("video")
    at.text_area[0].set_value("a paper boat in the rain").run()
    at.button(key="go-hailuo").click().run()

    assert not at.exception
    with services.sessions() as session:
        job = session.scalars(select(Job)).one()
    assert (job.provider, job.prompt, job.user_id) == ("hailuo", "a paper boat in the rain", kim.id)
    assert job.options["mode"] == "text"


def close_gate(services, **changes) -> None:
    wanted = {"model": "", "code": "balance_empty", "for_s": None} | changes
    with services.sessions.begin() as session:
        gates.close(session, dialect="openai", key_id=services.key_id("openai"), **wanted)


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_a_closed_gate_is_told_on_every_page_and_by_whom_it_opens(open_page, services, locale):
    close_gate(services)
    close_gate(services, model="gpt-image-2", code="rate_limited", for_s=600)
    texts = shown(open_page("history", locale=locale))

    assert (
        "OpenAI 잔액이 없습니다" if locale == "ko" else "Our balance at OpenAI is empty"
    ) in texts
    assert ("자동으로 다시 열립니다" if locale == "ko" else "It opens by itself at") in texts


def test_only_an_administrator_opens_a_gate(open_page, services, kim):
    close_gate(services)
    assert not [b for b in open_page("history").button if "gate" in (b.key or "")]

    accounts.save(
        services.settings.auth_credentials,
        kim.login_id,
        password_hash=services.accounts.all()[kim.login_id].password_hash,
        role=Role.ADMIN,
    )
    open_page("history").button(key="open-gate-openai-").click().run()

    with services.sessions() as session:
        assert gates.closed(session, services.keys()) == []


def test_a_waiting_job_says_why_and_how_many_are_ahead(open_page, services, kim):
    first, second = (filed(services.sessions, kim) for _ in range(2))
    assert "No worker is running" in shown(open_page("job", id=str(first.id)))

    with services.sessions.begin() as session:
        heartbeats.beat(session, "w1", host="here", spool="here", in_hand=0)
    assert "It is next" in shown(open_page("job", id=str(first.id)))
    assert "others come first" in shown(open_page("job", id=str(second.id)))


def test_filters_stay_in_the_address(open_page, services, kim):
    with services.sessions.begin() as session:
        jobs.queue(session, kim, order())
    at = open_page("history", status="done")

    assert at.session_state["status"] == ["done"]


def test_everyones_jobs_are_offered_only_to_those_who_may_see_them(open_page, services):
    def groups():
        return [group.key for group in open_page("history", whose="all").button_group]

    assert "whose" in groups()
    object.__setattr__(services.settings, "team_visibility", "none")
    assert "whose" not in groups()


def test_what_leads_on_stays_in_the_session_where_a_form_may_be_half_filled(open_page):
    for at in (open_page("history"), open_page("job", id="nonsense")):
        (link,) = at.get("page_link")
        assert link.proto.page_script_hash
        assert "<a " not in "".join(html.proto.body for html in at.get("html"))


def test_going_back_in_the_browser_brings_the_filters_of_that_address(open_page):
    at = open_page("history")
    at.button_group(key="status").set_value(["done"]).run()
    at.button_group(key="kind").set_value(["video"]).run()
    at.query_params.clear()
    at.query_params["status"] = "done"
    at.run()

    assert at.session_state["status"] == ["done"]
    assert at.session_state["kind"] == []
    at.run()
    assert at.session_state["status"] == ["done"]


@pytest.mark.parametrize("page", FILES, ids=lambda path: path.name)
def test_a_page_stays_thin(page):
    source = page.read_text()
    imported = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module.split(".")[0])

    assert imported.isdisjoint(NOT_IN_PAGES)
    assert len(source.splitlines()) <= 80
