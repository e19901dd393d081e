"""A fragment runs long after its page did, and for nobody who may not see it any more."""

from itertools import repeat

import pytest

from core.models import Job, User
from tests.core.conftest import filed


@pytest.fixture
def signed_out_after(monkeypatch, kim):
    """Have whoever asks who is signed in hear Kim a few times, and then nobody."""

    def asked(times: int) -> None:
        answers: list[User | None] = [kim] * times
        monkeypatch.setattr(
            "pages.parts.viewer.signed_in", lambda: answers.pop() if answers else None
        )

    return asked


@pytest.mark.parametrize(
    ("page", "query", "asked_before"), [("job", "id", 1), ("image_edit", "job", 2)]
)
def test_a_click_in_a_fragment_does_nothing_for_whoever_is_no_longer_signed_in(
    open_page, services, kim, signed_out_after, page, query, asked_before
):
    job = filed(services.sessions, kim)
    at = open_page(page, **{query: str(job.id)})
    signed_out_after(asked_before)
    at.button(key=f"decide-cancel-{job.id}-0").click().run()

    with services.sessions() as session:
        assert session.get_one(Job, job.id).final_stage is None
    assert not at.button


def test_a_cards_menu_does_nothing_either(open_page, services, kim, signed_out_after, monkeypatch):
    job = filed(services.sessions, kim)
    at = open_page("history")
    chosen = repeat({"act": "delete", "id": str(job.id)})
    monkeypatch.setattr("pages.parts.history_grid.grid", lambda **_: next(chosen))
    signed_out_after(1)
    at.run()

    with services.sessions() as session:
        assert session.get_one(Job, job.id).deleted_at is None
