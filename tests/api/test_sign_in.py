import pytest

from core.sign_in import COOKIE
from tests.application import PASSWORDS

RIGHT = {"login_id": "kim", "password": PASSWORDS["kim"]}


def test_the_cookie_is_for_the_server_alone(api):
    answer = api.post("/login", json=RIGHT)

    assert answer.json() == {"name": "Kim"}
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie  # over http; see the next test


def test_behind_tls_the_cookie_is_secure(api):
    api.base_url = "https://testserver"

    assert "Secure" in api.post("/login", json=RIGHT).headers["set-cookie"]


def test_a_wrong_password_is_a_sentence_in_the_browsers_language(api):
    wrong = RIGHT | {"password": "wrong"}

    english = api.post("/login", json=wrong, headers={"accept-language": "en"})
    korean = api.post("/login", json=wrong, headers={"accept-language": "ko-KR,ko;q=0.9"})

    assert english.status_code == korean.status_code == 400
    assert english.json() == {"error": "The name or the password is wrong."}
    assert korean.json()["error"] != english.json()["error"]


def test_signing_in_again_ends_the_session_before(api):
    api.post("/login", json=RIGHT)
    first = api.cookies[COOKIE]
    api.post("/login", json=RIGHT)
    assert api.cookies[COOKIE] != first

    api.cookies.clear()
    api.cookies.set(COOKIE, first)
    assert api.get("/assets/00000000-0000-7000-8000-000000000000/download").status_code == 401


def test_a_stolen_cookie_is_worth_nothing_after_sign_out(kim):
    stolen = kim.cookies[COOKIE]
    assert kim.post("/logout").json() == {"signed_out": True}

    kim.cookies.set(COOKIE, stolen)
    assert kim.get("/assets/00000000-0000-7000-8000-000000000000/download").status_code == 401


def test_too_many_tries_say_when_to_come_back(api):
    wrong = RIGHT | {"password": "wrong"}
    answers = [api.post("/login", json=wrong) for _ in range(11)]

    assert [answer.status_code for answer in answers] == [400] * 10 + [429]
    assert answers[-1].headers["retry-after"] == "900"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"login_id": "kim"},
        {"login_id": 1, "password": []},
        RIGHT | {"login_id": ""},
        RIGHT | {"login_id": "kim\0"},
        RIGHT | {"login_id": "kim\n"},
        RIGHT | {"password": "\0"},
        RIGHT | {"password": "x" * 501},
    ],
)
def test_a_malformed_body_names_its_fields(api, body):
    answer = api.post("/login", json=body, headers={"accept-language": "en"})

    assert answer.status_code == 422
    assert "missing or not as expected" in answer.json()["error"]


def test_half_a_surrogate_pair_is_malformed(api):
    answer = api.post("/login", content=b'{"login_id": "\\ud800", "password": "\\ud800"}')

    assert answer.status_code == 422


def test_a_broken_accounts_file_shows_nothing_of_the_server(api, services, caplog):
    path = services.settings.auth_credentials
    path.write_text("{")

    answer = api.post("/login", json=RIGHT, headers={"accept-language": "en"})

    assert answer.status_code == 500
    assert "Something went wrong on our side." in answer.json()["error"]
    assert path.name not in answer.text
