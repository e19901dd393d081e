"""A page of the history that was emptied leads back to the first one."""

from core import decisions
from tests.core.conftest import filed
from tests.pages.scenes import said


def test_a_page_whose_jobs_are_all_gone_is_not_called_empty(open_page, services, kim):
    older, newer = (filed(services.sessions, kim) for _ in range(2))
    with services.sessions.begin() as session:
        decisions.trash(session, kim, older.id)
    at = open_page("history", before=str(newer.id))

    assert "Nothing here yet" not in said(at)
    (grid,) = (e for e in at.get("bidi_component") if "grid" in e.proto.component_name)
    assert str(newer.id) in grid.proto.json
    assert "before" not in at.query_params
