"""Every text of a page comes from the catalogue: nothing is hard-coded, no code word is shown."""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from core import events, runs
from core.media.refusals import sentence
from core.models import Asset, AssetKind, Job
from core.providers.catalog import load
from core.sentences import EVENT_LABELS
from core.stages import Stage
from pages.parts import job_log, job_options, words
from pages.parts.formats import Reader, size, span
from tests.core.conftest import claimed, filed
from tests.pages.conftest import masked_job
from tests.pages.emitted import texts
from tests.pages.scenes import sent

ROOT = Path(__file__).parents[2]
# What may stand there as it is: figures, dates, a person's own words, and names.
DATA = re.compile(
    r"a paper boat|make the sky green|keep it slow|Kim|\bkim\b|한국어|English|w\d|req_\w+|task_\w+"
    r"|(gpt-image|MiniMax)[\w.-]*|\b\w+\.png\b|\d+P\b|\bproofsheet\b"
    r"|\b(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b|\b[AP]M\b|:material/\w+:|\b\w+@\w+\b"
    r"|\d[\d.,]* ?(sec|secs|min|hr|kB|MB|byte)\b|\d+x\d+|№ \w+"
)
NAMES = {"OpenAI", "MiniMax", *(model.label for model in load().by_id.values())}
OTHER = {"expected": "PNG", "found": "JPEG"}


def noted(code: str, **values: str) -> Mapping[str, Any]:
    return asdict(sentence(code, values))


EVENTS: Sequence[tuple[str, str, Mapping[str, Any]]] = [
    ("sending", "w1", {"n": 1}),
    ("provider_answered", "w1", {"code": "rate_limited", "said": "keep it slow"}),
    ("preview_came", "w1", {"index": 0}),
    ("callback_came", "provider", {}),
    ("step_failed", "w1", {"why": "check_failed", "again_in_s": 3.1}),
    ("step_failed", "w1", {"why": "check_failed", "again_in_s": 3.1, "no_more_told": True}),
    ("lease_ended", "w2", {"worker": "w1"}),
    ("task_found", "operator", {"task_id": "task_1"}),
    ("cancel_asked", "kim", {}),
    ("cancel_refused", "w1", {}),
    ("result_deleted", "w1", {}),
    ("late_result_kept", "worker", {}),
    ("late_result_missing", "w1", {"code": "task_expired"}),
    ("late_result_not_fetched", "w1", {"why": "download_cut"}),
    ("result_unusable", "worker", {"count": 2}),
    ("check_asked", "kim", {}),
    ("thumbnail_not_made", "worker", {"position": 0, "note": noted("poster_failed")}),
    ("result_differs", "worker", {"position": 0, "note": noted("result_of_other_type", **OTHER)}),
    ("of_a_later_release", "worker", {"unheard_of": "raw"}),
]


def untranslated(at) -> list[str]:
    """Return what is left of each text when the catalogue's and the data are taken away."""
    left = []
    for text in set(texts(at)) - NAMES:
        bare = text
        while (inner := re.sub(r"⟦[^⟦⟧]*⟧", "", bare)) != bare:
            bare = inner
        if re.search(r"[^\W\d_]", DATA.sub("", bare)):
            left.append(text)
    return left


def eventful(services, job: Job) -> None:
    """Give a job a log with every kind of line."""
    with services.sessions.begin() as session:
        for kind, by, detail in EVENTS:
            events.record(session, job.id, kind, by=by, **detail)


@pytest.mark.parametrize("page", ["image_edit", "video", "history", "job"])
def test_nothing_on_an_empty_page_is_hard_coded(open_page, page):
    assert untranslated(open_page(page, locale="pseudo")) == []


def test_nothing_of_a_waiting_job_is_hard_coded(open_page, services, kim, put):
    job = masked_job(services, kim, put)
    eventful(services, job)

    assert untranslated(open_page("job", locale="pseudo", id=str(job.id))) == []
    assert untranslated(open_page("history", locale="pseudo")) == []
    assert untranslated(open_page("image_edit", locale="pseudo", job=str(job.id))) == []


def test_nothing_of_a_running_video_is_hard_coded(open_page, services, kim):
    options = {"mode": "text", "resolution": "768P", "duration": 6, "prompt_optimizer": True}
    job = filed(services.sessions, kim, provider="hailuo", dialect="minimax_v1", options=options)
    claim, _ = sent(services)
    with services.sessions.begin() as session:
        runs.accepted(session, claim, task_id="task_1", poll_in_s=0)
    for status in ("Processing", "Unheard"):
        with services.sessions.begin() as session:
            looking = claimed(services.sessions, Stage.GENERATING)
            runs.looked(session, looking, provider_status=status, poll_in_s=0)
        assert untranslated(open_page("job", locale="pseudo", id=str(job.id))) == []
        assert untranslated(open_page("video", locale="pseudo", job=str(job.id))) == []


def test_nothing_of_a_job_that_is_done_is_hard_coded(open_page, services, kim, put):
    job = finished(services, masked_job(services, kim, put))

    assert untranslated(open_page("job", locale="pseudo", id=str(job.id))) == []
    assert untranslated(open_page("history", locale="pseudo")) == []
    assert untranslated(open_page("image_edit", locale="pseudo", job=str(job.id))) == []


def finished(services, job: Job) -> Job:
    """Let a job have ended, with its input's picture as the result."""
    claim, attempt = sent(services)
    with services.sessions.begin() as session:
        (input,) = session.query(Asset).filter_by(job_id=job.id, kind=AssetKind.INPUT)
        result = Asset(
            kind=AssetKind.RESULT,
            user_id=job.user_id,
            job_id=job.id,
            attempt_id=attempt.id,
            mime=input.mime,
            bytes=input.bytes,
            bucket=input.bucket,
            key=input.key,
            sha256=input.sha256,
            width=input.width,
            height=input.height,
        )
        session.add(result)
        session.flush()
        claim = runs.answered(session, claim, host="here", lease_s=60)
        done = runs.stored(
            session, claim, cover_asset_id=result.id, cost_usd=None, price_version=None
        )
        done.actual = {"size": "1024x1024", "quality": "low"}
    return done


def test_the_log_of_a_job_speaks_in_sentences(open_page, services, kim):
    job = filed(services.sessions, kim)
    eventful(services, job)
    table = "\n".join(texts(open_page("job", id=str(job.id))))

    assert "OpenAI limits how much we may send." in table
    assert "It said: “keep it slow”" in table
    assert "Next try in 3.1 sec." in table
    assert "Failures for the same reason are not listed from here on." in table
    assert "2 parts." in table
    for raw in ("rate_limited", "again_in_s", "of_a_later_release", "unheard_of", "raw"):
        assert raw not in table


RECORDING = {"events.record", "events.record_failure"}


def recorded() -> list[tuple[str, set[str]]]:
    """Return each kind of event our code writes, with the facts it gives."""
    found = []
    for folder in ("core", "workers"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in RECORDING:
                    kind = ast.literal_eval(node.args[2])
                    names = {str(keyword.arg) for keyword in node.keywords}
                    found.append((kind, names - {"by", "attempt_id"}))
    return found


def test_every_event_and_every_fact_of_one_has_words():
    assert len(recorded()) > 10
    assert {kind for kind, _ in recorded()} <= set(EVENT_LABELS)
    assert set().union(*(names for _, names in recorded())) <= set(job_log.SENTENCES)


@pytest.mark.parametrize(
    ("option", "value", "english"),
    [
        ("mode", "first_last", "First and last frame"),
        ("duration", 6, "6 s"),
        ("quality", "xhigh", "Very high"),
        ("prompt_optimizer", False, "Off"),
        ("width", 1366, "1,366"),
        ("resolution", "768P", "768P"),
        ("ratio", None, "–"),
    ],
)
def test_an_option_is_told_in_the_words_of_the_form(monkeypatch, option, value, english):
    monkeypatch.setattr(words, "locale", lambda: "en")
    assert job_options.told(option, value) == english


@pytest.mark.parametrize(
    ("locale", "seconds", "file"), [("en", "3.2 sec", "1.5 MB"), ("ko", "3.2초", "1.5MB")]
)
def test_units_are_those_of_the_language(monkeypatch, locale, seconds, file):
    monkeypatch.setattr("pages.parts.formats.locale", lambda: locale)
    assert (span(3.2), size(1_572_864)) == (seconds, file)


@pytest.mark.parametrize(
    ("locale", "moment", "minute"),
    [
        ("ko", "2026. 11. 23. 오후 2:58:57", "2026. 11. 23. 오후 2:58"),
        ("en", "Nov 23, 2026, 2:58:57\u202fPM", "Nov 23, 2026, 2:58 PM"),
    ],
)
def test_times_are_those_of_the_language(locale, moment, minute):
    reader = Reader(locale, ZoneInfo("Asia/Seoul"))
    at = datetime(2026, 11, 23, 5, 58, 57, tzinfo=UTC)
    assert (reader.moment(at), reader.minute(at)) == (moment, minute)
