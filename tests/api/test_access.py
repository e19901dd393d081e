import pytest
from sqlalchemy import select

from core import heartbeats, jobs
from core.api import create_api
from core.models import User
from tests.core.conftest import order

POSTS = ["/login", "/logout", "/storage/presign-put", "/storage/confirm"]
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"X-Proofsheet": ""},
]


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_post_that_another_site_may_have_caused_is_refused(kim, path, headers):
    assert kim.post(path, json={}, headers=headers).status_code == 403


def test_a_form_of_another_site_is_refused(kim):
    answer = kim.post(
        "/storage/confirm",
        content="upload_id=1",
        headers={"content-type": "application/x-www-form-urlencoded", "X-Proofsheet": ""},
    )

    assert answer.status_code == 403


def test_every_writing_route_is_in_the_list_above(services):
    paths = create_api(services).openapi()["paths"]

    # The callback is left out of the description: it comes from the provider.
    assert {path for path, methods in paths.items() if "post" in methods} == set(POSTS)


def test_an_unknown_address_is_json(api):
    answer = api.get("/typo", headers={"accept-language": "en"})

    assert answer.status_code == 404
    assert answer.json() == {"error": "There is nothing here. Look at the address."}


def test_a_body_that_nobody_can_read_is_not_blamed_on_the_address(api):
    answer = api.post(
        "/login",
        content=b'{"login_id": "\xb1\xe8"}',  # CP949
        headers={
            "content-type": "application/json",
            "X-Proofsheet": "1",
            "accept-language": "en",
        },
    )

    assert answer.status_code == 400
    assert answer.json() == {"error": "The request cannot be read. Send JSON in UTF-8."}


def test_who_followed_a_link_gets_a_page_in_words_and_a_way_back(api):
    answer = api.get(
        "/typo", headers={"accept-language": "ko-KR", "accept": "text/html,application/xhtml+xml"}
    )

    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert '<html lang="ko">' in answer.text
    assert "여기에는" in answer.text
    assert 'href="/"' in answer.text


@pytest.mark.parametrize(
    ("chosen", "browser", "words"),
    [
        ("ko", "en", "여기에는"),
        ("en", "ko-KR", "There is nothing here."),
        ("", "ko-KR", "여기에는"),
        ("xx", "ko-KR", "여기에는"),
    ],
)
def test_an_error_speaks_the_language_that_was_chosen(api, chosen, browser, words):
    cookie = {"cookie": f"proofsheet_locale={chosen}"} if chosen else {}
    answer = api.get("/typo", headers={"accept-language": browser, **cookie})

    assert answer.json()["error"].startswith(words)


def test_health_says_what_is_up(api):
    found = {"ok": True, "database": True, "workers": 0, "unattended": 0}

    assert api.get("/health").json() == found


def test_a_job_that_nobody_works_on_is_told_to_a_probe_and_to_no_load_balancer(api, services, kim):
    with services.sessions.begin() as session:
        jobs.queue(session, session.scalars(select(User)).one(), order())

    answer = api.get("/health")
    assert answer.status_code == 200  # a web process without workers serves all the same
    assert answer.json() == {"ok": False, "database": True, "workers": 0, "unattended": 1}

    with services.sessions.begin() as session:
        heartbeats.beat(session, "w1", host="here", spool="here", in_hand=0)
    assert api.get("/health").json()["ok"]
