from datetime import UTC, datetime, timedelta
from uuid import uuid4

from core import assets, history, runs
from core.models import Asset, AssetKind, Job
from core.stages import Stage, Status
from core.storage import Stored
from tests.core.conftest import claimed, filed, person


def ids(found):
    return [card.id for card in found.cards]


class TestPage:
    def test_pages_join_without_gap_or_repeat(self, sessions, kim):
        made = [filed(sessions, kim).id for _ in range(7)]

        with sessions() as session:
            first = ids(history.page(session, history.Filter(), limit=3))
            second = ids(history.page(session, history.Filter(), before=first[-1], limit=3))
            third = ids(history.page(session, history.Filter(), before=second[-1], limit=3))
            back = ids(history.page(session, history.Filter(), after=third[0], limit=3))
        assert first + second + third == list(reversed(made))
        assert back == second

    def test_filters_narrow(self, sessions, kim):
        lee = person(sessions, "lee")
        image = filed(sessions, kim)
        video = filed(sessions, lee, provider="hailuo", dialect="minimax_v1")

        with sessions() as session:

            def found(**filter):
                return ids(history.page(session, history.Filter(**filter)))

            assert found(providers=["hailuo"]) == [video.id]
            assert found(user_id=kim.id) == [image.id]
            assert found(statuses=[Status.DONE]) == []
            now = datetime.now(UTC)
            assert found(since=now - timedelta(hours=1)) == [video.id, image.id]
            assert found(until=now - timedelta(hours=1)) == []

    def test_what_needs_a_decision_is_found(self, sessions, kim):
        job, _ = filed(sessions, kim), filed(sessions, kim)
        claim = claimed(sessions)
        with sessions.begin() as session:
            runs.unsure(session, claim, why="no_answer")

        with sessions() as session:
            assert ids(history.page(session, history.Filter(needs_decision=True))) == [job.id]

    def test_a_count_goes_no_further_than_asked(self, sessions, kim):
        for _ in range(5):
            filed(sessions, kim)

        with sessions() as session:
            assert history.page(session, history.Filter(), counted=3).total == 4

    def test_filters_add_up_and_each_asks_for_its_own_values(self, sessions, kim):
        """Statements are made once: the values of one question must not stay in the next."""
        lee = person(sessions, "lee")
        made = {
            (user.login_id, provider): filed(sessions, user, provider=provider, dialect=dialect).id
            for user in (kim, lee)
            for provider, dialect in (("gpt", "openai"), ("hailuo", "minimax_v1"))
        }

        with sessions() as session:
            for user in (kim, lee):
                for provider in ("gpt", "hailuo"):
                    filter = history.Filter(
                        user_id=user.id, providers=[provider], statuses=["queued", "done"]
                    )
                    found = history.page(session, filter)
                    assert (ids(found), found.total) == ([made[user.login_id, provider]], 1)

    def test_the_total_is_of_all_pages_whichever_is_shown(self, sessions, kim):
        made = [filed(sessions, kim).id for _ in range(5)]

        with sessions() as session:

            def total(**place):
                return history.page(session, history.Filter(), limit=2, **place).total

            assert total() == total(before=made[2]) == total(after=made[0]) == 5

    def test_each_end_knows_whether_there_is_more(self, sessions, kim):
        made = [filed(sessions, kim).id for _ in range(4)]

        with sessions() as session:

            def ends(**where):
                found = history.page(session, history.Filter(), limit=2, **where)
                return (found.has_newer, found.has_older)

            assert ends() == (False, True)
            assert ends(before=made[2]) == (True, False)
            assert ends(after=made[1]) == (False, True)
            assert ends(after=made[0]) == (True, True)
            assert ends(before=made[0]) == (False, False)


class TestCard:
    def test_it_shows_the_cover_and_counts_the_results(self, sessions, kim):
        job = filed(sessions, kim, options={"duration": 6})
        with sessions.begin() as session:
            first, second = (file(session, job, AssetKind.RESULT, n) for n in range(2))
            file(session, job, AssetKind.THUMBNAIL, 0, source=first)
            small = file(session, job, AssetKind.THUMBNAIL, 1, source=second)
            session.get_one(Job, job.id).cover_asset_id = second.id

        card = only(sessions)
        assert (card.thumbnail_key, card.results) == (small.key, 2)
        assert (card.owner, card.kind, card.stage) == ("Kim", "image", Stage.READY)
        assert card.duration_s == 6
        assert card.cost_usd is None

    def test_before_its_cover_it_shows_the_newest_preview_or_else_the_first_input(
        self, sessions, kim
    ):
        job = filed(sessions, kim)
        assert only(sessions).preview_key is None
        with sessions.begin() as session:
            inputs = [file(session, job, AssetKind.INPUT, n) for n in range(2)]
            small = [file(session, job, AssetKind.THUMBNAIL, n, source=inputs[n]) for n in (1, 0)]
        assert only(sessions).input_key == small[1].key

        with sessions.begin() as session:
            previews = [file(session, job, AssetKind.PREVIEW, n) for n in range(3)]
        card = only(sessions)
        assert (card.thumbnail_key, card.preview_key) == (None, previews[2].key)

    def test_a_long_prompt_is_cut(self, sessions, kim):
        filed(sessions, kim, prompt="가" * 1000)

        assert only(sessions).title == "가" * 200


def only(sessions) -> history.Card:
    with sessions() as session:
        (card,) = history.page(session, history.Filter()).cards
    return card


def file(session, job, kind, position, *, source=None) -> Asset:
    stored = Stored(
        bucket="b",
        key=uuid4().hex,
        size_bytes=1,
        content_type="image/png",
        etag="e",
        sha256=None,
    )
    return assets.add(
        session,
        kind,
        stored,
        assets.Picture(mime="image/png", sha256="0" * 64),
        assets.Place(
            user_id=job.user_id,
            job_id=job.id,
            position=position,
            source_id=source.id if source else None,
        ),
    )
