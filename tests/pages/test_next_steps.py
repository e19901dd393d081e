"""Of ten results each can be edited further or animated, not the first alone."""

import json

import pytest

from core import attempts, events
from core.ids import new_id
from core.models import Asset, AssetKind, Attempt
from tests.pages.conftest import masked_job
from tests.pages.emitted import texts
from tests.pages.test_forms import file, newest
from tests.pages.test_words import finished


@pytest.fixture
def results(services, kim, put):
    """A finished job with three results of different pictures; return them in order."""
    job = finished(services, masked_job(services, kim, put))
    with services.sessions.begin() as session:
        (first,) = session.query(Asset).filter_by(job_id=job.id, kind=AssetKind.RESULT)
        columns = {column.name for column in Asset.__table__.columns} - {"id", "created_at"}
        for position in (1, 2):
            values = {name: getattr(first, name) for name in columns}
            session.add(Asset(**(values | {"position": position})))
    with services.sessions() as session:
        found = session.query(Asset).filter_by(job_id=job.id, kind=AssetKind.RESULT)
        return found.order_by(Asset.position).all()


@pytest.mark.parametrize("step", ["use", "animate"])
@pytest.mark.parametrize(
    ("page", "query", "key"), [("job", "id", "job"), ("image_edit", "job", "next")]
)
def test_any_of_several_results_is_taken(open_page, monkeypatch, results, page, query, key, step):
    taken = []
    monkeypatch.setattr(
        "pages.parts.actions.use_result",
        lambda _user, result, provider, *, parent: taken.append((result, str(provider), parent)),
    )
    job_id = results[0].job_id
    at = open_page(page, **{query: str(job_id)})
    at.button_group(key=f"{key}-which-{job_id}").set_value(2).run()
    at.button(key=f"{key}-{step}-{job_id}").click().run()

    provider = "gpt" if step == "use" else "hailuo"
    assert taken == [(results[2].id, provider, job_id)]


def test_one_result_is_not_asked_about(open_page, services, kim, put):
    job = finished(services, masked_job(services, kim, put))
    at = open_page("job", id=str(job.id))

    assert not [group for group in at.button_group if "which" in (group.key or "")]
    at.button(key=f"job-use-{job.id}").click().run()
    assert len(at.session_state["edit-start"]["files"]) == 1


def test_a_job_goes_on_from_another_only_with_its_result(open_page, services, kim, put):
    job = finished(services, masked_job(services, kim, put))
    at = open_page("job", id=str(job.id))
    at.button(key=f"job-use-{job.id}").click().run()
    at.switch_page("image_edit.py").run()
    at.text_area[0].set_value("make the sky blue").run()
    file(at)
    assert newest(services, kim).job.parent_job_id == job.id

    news = {"reset": 1, "items": [put(kim, "input")], "coming": False, "refused": False}
    at.session_state["edit-files"] = {"assets": news}
    file(at.run())
    assert newest(services, kim).job.parent_job_id is None


def test_the_job_that_runs_is_still_shown_after_looking_elsewhere(open_page, services, kim):
    at = open_page("video")
    at.text_area[0].set_value("a paper boat").run()
    at.button(key="go-hailuo").click().run()
    at.switch_page("history.py")
    at.query_params.clear()
    at.run()
    at.switch_page("video.py")
    at.query_params.clear()
    at.run()

    assert any("Cancel" in text for text in texts(at))


def test_a_result_that_has_expired_says_so(open_page, services, kim, put):
    job = finished(services, masked_job(services, kim, put))
    with services.sessions.begin() as session:
        for asset in session.query(Asset):
            asset.expired_at = asset.created_at
    at = open_page("job", id=str(job.id))
    parts = [html.proto.body for html in at.get("html")]
    (strip,) = (part for part in parts if part.startswith('<div class="ps-part ps-filmstrip'))
    assert "Expired" in strip
    assert "href" not in strip
    at.button(key=f"job-use-{job.id}").click().run()

    assert "This file has expired" in at.toast[0].value


def test_a_result_that_arrived_late_is_marked(open_page, services, results):
    late = results[1]
    job_id = late.job_id
    with services.sessions.begin() as session:
        (attempt,) = attempts.of_job(session, job_id)
        values = {c.name: getattr(attempt, c.name) for c in Attempt.__table__.columns}
        consent = {"consent_by": late.user_id, "consent_at": attempt.created_at}
        second = {"id": new_id(), "n": 2, "outcome": "superseded"}
        other = Attempt(**(values | second | consent))
        session.add(other)
        session.flush()
        session.get_one(Asset, late.id).attempt_id = other.id
        events.record(session, job_id, "late_result_kept", by="worker", attempt_id=other.id)
    at = open_page("job", id=str(job_id))

    (view,) = (e for e in at.get("bidi_component") if "job_view" in e.proto.component_name)
    shown = json.loads(view.proto.json)["results"]
    assert [result["late"] for result in shown] == [False, True, False]
