import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import jwt
import pytest
import streamlit_authenticator
import yaml
from sqlalchemy import func, select, update

from core import accounts, forgetting, sign_in, users
from core.errors import NotSignedIn, Rejected, TooMany
from core.models import Audit, LoginAttempt, Role
from core.models import Session as SessionRow
from tests.core.conftest import person

KEY = "k" * 32
CLIENT = sign_in.Client(address="203.0.113.7")
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("accounts") / "credentials.yaml"
    hashed = accounts.hash_password(PASSWORD).encode()
    accounts.save(path, "kim", password_hash=hashed, display_name="김하나")
    return path


@pytest.fixture
def held(file, tmp_path):
    """The accounts, in a file that the test may change."""
    path = tmp_path / "credentials.yaml"
    path.write_bytes(file.read_bytes())
    return accounts.Accounts(path)


@pytest.fixture
def enter(sessions, held):
    def try_it(login_id="kim", password=PASSWORD, client=CLIENT):
        return sign_in.sign_in(
            sessions,
            held,
            login_id=login_id,
            password=password,
            client=client,
            cookie_key=KEY,
            ttl_s=3600,
        )

    return try_it


@pytest.fixture
def current(sessions, held):
    def find(token):
        with sessions() as session:
            return sign_in.current_user(session, held, token, cookie_key=KEY)

    return find


def actions(sessions):
    with sessions() as session:
        return session.scalars(select(Audit.action).order_by(Audit.id)).all()


def test_the_cookie_names_the_person(sessions, enter, current):
    user, token = enter()

    assert current(token).login_id == "kim"
    assert (user.display_name, user.role) == ("김하나", Role.TESTER)
    assert actions(sessions) == ["signed_in"]


def test_the_name_may_be_written_in_capitals(sessions, enter, current):
    assert current(enter(login_id=" KIM ")[1]).login_id == "kim"


@pytest.mark.parametrize(
    ("login_id", "password"), [("kim", "wrong"), ("nobody", PASSWORD), ("kim", "x" * 400)]
)
def test_a_wrong_name_and_a_wrong_password_get_the_same_words(sessions, enter, login_id, password):
    with pytest.raises(Rejected, match=r"^The name or the password is wrong\.$"):
        enter(login_id=login_id, password=password)

    assert actions(sessions) == ["sign_in_failed"]


def test_unknown_names_take_as_long_as_known_ones(file):
    held = accounts.Accounts(file)
    held.check("kim", "warm-up")

    def seconds(login_id):
        started = time.process_time()
        held.check(login_id, "wrong-password")
        return time.process_time() - started

    known = sorted(seconds("kim") for _ in range(3))[1]
    unknown = sorted(seconds("nobody") for _ in range(3))[1]
    assert 0.5 < known / unknown < 2


def test_signing_out_revokes(sessions, enter, current):
    _, token = enter()
    with sessions.begin() as session:
        sign_in.sign_out(session, token, cookie_key=KEY, client=CLIENT)

    with pytest.raises(NotSignedIn):
        current(token)
    assert actions(sessions) == ["signed_in", "signed_out"]


@pytest.mark.parametrize("token", [None, "", "nonsense", "a.b.c"])
def test_nonsense_signs_nobody_in(sessions, token, current):
    with pytest.raises(NotSignedIn):
        current(token)


def test_a_forged_or_ended_token_signs_nobody_in(sessions, enter, current):
    _, token = enter()
    claims = jwt.decode(token, KEY, algorithms=["HS256"])
    forged = jwt.encode(claims, "x" * 32, algorithm="HS256")
    ended = jwt.encode(claims | {"exp_date": time.time() - 1}, KEY, algorithm="HS256")
    unknown = jwt.encode(claims | {"jti": "guess"}, KEY, algorithm="HS256")

    for wrong in (forged, ended, unknown):
        with pytest.raises(NotSignedIn):
            current(wrong)


def test_a_disabled_person_is_out_at_the_next_run(sessions, enter, current):
    _, token = enter()
    with sessions.begin() as session:
        users.disabled(users.named(session, "kim"))

    with pytest.raises(NotSignedIn):
        current(token)
    with pytest.raises(Rejected):
        enter()


class TestTheFileIsTheAuthority:
    """What an operator changes counts from the next page run on, for open sessions too."""

    def test_a_removed_account_is_out(self, enter, current, held):
        _, token = enter()
        held._path.write_text("credentials: {usernames: {}}")

        with pytest.raises(NotSignedIn):
            current(token)

    def test_a_role_is_the_files_both_up_and_down(self, sessions, enter, current, held):
        _, token = enter()
        same = {"password_hash": held.all()["kim"].password_hash}
        for role in (Role.ADMIN, Role.TESTER):
            accounts.save(held._path, "kim", role=role, **same)
            assert current(token).role == role

    def test_a_file_that_breaks_keeps_nobody_out(self, enter, current, held):
        _, token = enter()
        held._path.write_text("{")
        assert current(token).login_id == "kim"

        held._path.unlink()
        assert current(token).login_id == "kim"

    def test_a_person_whose_account_is_gone_can_still_sign_out(self, sessions, enter, held):
        _, token = enter()
        held._path.write_text("credentials: {usernames: {}}")
        with sessions.begin() as session:
            sign_in.sign_out(session, token, cookie_key=KEY, client=CLIENT)

        assert actions(sessions) == ["signed_in", "signed_out"]

    def test_revoking_ends_the_sessions_of_one_person(self, sessions, enter, current):
        user, token = enter()
        with sessions.begin() as session:
            sign_in.revoke(session, person(sessions, "lee").id)
        assert current(token)
        with sessions.begin() as session:
            sign_in.revoke(session, user.id)

        with pytest.raises(NotSignedIn):
            current(token)


class TestLockOut:
    def fail(self, sessions, count, *, login_id="kim", address=CLIENT.address):
        with sessions.begin() as session:
            session.add_all(
                LoginAttempt(login_id=login_id, address=address, succeeded=False)
                for _ in range(count)
            )

    def test_ten_failures_lock_an_account_from_every_address(self, sessions, enter):
        self.fail(sessions, sign_in.MAX_FAILURES_PER_ACCOUNT, address="198.51.100.1")

        with pytest.raises(TooMany, match="Wait 15 minutes"):
            enter()

    def locks(self, sessions):
        with sessions() as session:
            lines = select(Audit.object_type, Audit.object_id, Audit.address)
            return session.execute(lines.where(Audit.action == "sign_in_locked")).all()

    def test_the_failure_that_locks_leaves_one_trace(self, sessions, enter):
        self.fail(sessions, sign_in.MAX_FAILURES_PER_ACCOUNT - 1, address="198.51.100.1")
        assert self.locks(sessions) == []

        with pytest.raises(Rejected):
            enter(password="wrong")
        for _ in range(3):
            with pytest.raises(TooMany):
                enter(password="wrong")

        assert self.locks(sessions) == [("account", "kim", CLIENT.address)]

    def test_within_one_window_a_second_lock_adds_no_trace(self, sessions, enter):
        self.fail(sessions, sign_in.MAX_FAILURES_PER_ACCOUNT - 1)
        for _ in range(2):  # one failure leaves the window, and one more comes
            with pytest.raises(Rejected):
                enter(password="wrong")
            with sessions.begin() as session:
                newest = select(func.max(LoginAttempt.id)).scalar_subquery()
                session.execute(
                    update(LoginAttempt).where(LoginAttempt.id == newest).values(succeeded=True)
                )

        assert len(self.locks(sessions)) == 1

    def test_an_address_is_locked_with_a_trace_of_its_own(self, sessions, enter):
        for number in range(sign_in.MAX_FAILURES_PER_ADDRESS - 1):
            self.fail(sessions, 1, login_id=f"name-{number}")

        with pytest.raises(Rejected):
            enter(password="wrong")

        assert self.locks(sessions) == [("address", CLIENT.address, CLIENT.address)]

    def test_the_lock_ends_with_its_window(self, sessions, enter):
        self.fail(sessions, sign_in.MAX_FAILURES_PER_ACCOUNT)
        with sessions.begin() as session:
            session.execute(
                update(LoginAttempt).values(at=func.now() - timedelta(seconds=sign_in.WINDOW_S))
            )

        assert enter()

    def test_an_unknown_name_locks_alike(self, sessions, enter):
        self.fail(sessions, sign_in.MAX_FAILURES_PER_ACCOUNT, login_id="nobody")

        with pytest.raises(TooMany):
            enter(login_id="nobody")

    def test_many_names_from_one_address_lock_the_address(self, sessions, enter):
        for number in range(sign_in.MAX_FAILURES_PER_ADDRESS):
            self.fail(sessions, 1, login_id=f"name-{number}")

        with pytest.raises(TooMany):
            enter()


class TestManyTriesAtOnce:
    """What is let through to the password, by what became of it: wrong, or too many."""

    def at_once(self, count, try_it):
        ready = threading.Barrier(count)

        def outcome(number):
            ready.wait()
            with pytest.raises((Rejected, TooMany)) as caught:
                try_it(number)
            return caught.type

        with ThreadPoolExecutor(count) as pool:
            return Counter(pool.map(outcome, range(count)))

    def test_on_one_account_from_fifty_addresses_ten_are_checked(self, enter):
        outcomes = self.at_once(
            50,
            lambda number: enter(
                password="wrong", client=sign_in.Client(address=f"198.51.100.{number}")
            ),
        )

        assert outcomes == {Rejected: sign_in.MAX_FAILURES_PER_ACCOUNT, TooMany: 40}

    def test_with_many_names_from_one_address_no_more_than_its_share(self, sessions, enter):
        with sessions.begin() as session:
            session.add_all(
                LoginAttempt(login_id=f"name-{n}", address=CLIENT.address, succeeded=False)
                for n in range(sign_in.MAX_FAILURES_PER_ADDRESS - 5)
            )

        outcomes = self.at_once(20, lambda number: enter(login_id=f"other-{number}"))

        assert outcomes == {Rejected: 5, TooMany: 15}


def test_streamlit_authenticator_reads_our_file_and_our_cookie(file, enter):
    _, token = enter()
    held = yaml.safe_load(file.read_text())["credentials"]

    assert streamlit_authenticator.Hasher.check_pw(PASSWORD, held["usernames"]["kim"]["password"])
    claims = jwt.decode(token, KEY, algorithms=["HS256"])
    assert claims["username"] == "kim"
    assert isinstance(claims["exp_date"], float)
    assert "exp" not in claims  # the package would raise on it once it has passed


def test_old_rows_are_swept(sessions, enter):
    enter()
    with sessions.begin() as session:
        session.execute(update(LoginAttempt).values(at=func.now() - timedelta(days=2)))
        session.execute(update(SessionRow).values(expires_at=func.now() - timedelta(days=31)))
    with sessions.begin() as session:
        forgetting.forget_old(session)

    with sessions() as session:
        assert session.scalars(select(LoginAttempt)).all() == []
        assert session.scalars(select(SessionRow)).all() == []
