"""The history's grid: one component, pages by keyset, alive by push."""

from uuid import UUID

import streamlit as st

from core import history
from core.history import COUNTED, Card, Filter, Page
from core.models import User
from core.sentences import LABELS, tone_of
from core.services import services
from core.stages import LIVE
from pages.parts import actions, decision_list, history_filter, pushes, run_again, thumbnails
from pages.parts.components.grid import GridAction, grid
from pages.parts.formats import Reader, number, reader
from pages.parts.look import look
from pages.parts.viewer import viewer
from pages.parts.words import _, _n


def show() -> None:
    """Show a page of jobs and keep it up to date."""
    _page()
    pushes.listener("history-grid")


@st.fragment(key="history-grid")
def _page() -> None:
    user = viewer()
    _jobs(user)
    actions.offer_undo(user)  # after the grid: it then sticks to the bottom of what is seen


def _jobs(user: User) -> None:
    shared = services().settings.team_visibility == "read"
    filter = history_filter.chosen(user, team_reads=shared)
    before, after = history_filter.cursor()
    limit = decision_list.AT_ONCE if filter.needs_decision else history.PAGE_SIZE
    with services().sessions() as session:
        page = history.page(session, filter, before=before, after=after, limit=limit)
        if not page.cards and (before or after):
            _turn_back()
            page = history.page(session, filter, limit=limit)
    pushes.shows("history-grid", unfinished=sum(card.stage in LIVE for card in page.cards))
    if not page.cards:
        _nothing(filter)
        return
    st.caption(_count(page.total))
    if filter.needs_decision:
        decision_list.show(user, page.cards)
        _pager(page)
        return
    action = _grid(user, page)
    _pager(page)
    if action:
        _act(user, str(action["act"]), UUID(str(action["id"])))


def _grid(user: User, page: Page) -> GridAction | None:
    reading = reader()
    cards = [_card(card, user, reading) for card in page.cards]
    return grid(key="history", labels=_labels(), cards=cards)


def _turn_back() -> None:
    """Go to the first page: the one in the address holds nothing any more."""
    for name in ("before", "after"):
        st.query_params.pop(name, None)


def _count(total: int) -> str:
    if total > COUNTED:
        return _("More than {count} jobs", count=number(COUNTED))
    return _n("{count} job", "{count} jobs", total, count=number(total))


def _nothing(filter: Filter) -> None:
    if filter == Filter(user_id=filter.user_id):
        look.empty_state(
            _("Nothing here yet"),
            _("Your edits and videos appear here, newest first. Nothing you make is ever lost."),
            action=look.Action(label=_("Make the first edit"), href="/"),
        )
        return
    look.empty_state(_("No job fits these filters"), _("Take one away to see more."))


def _labels() -> dict[str, str]:
    return {
        "open": _("Open"),
        "rerun": _("Run again"),
        "form": _("Open in the form"),
        "download": _("Download"),
        "delete": _("Move to trash"),
        "menu": _("Actions"),
        "video": _("Video"),
        "grid": _("Jobs"),
    }


def _card(card: Card, user: User, reading: Reader) -> dict[str, object]:
    own = card.user_id == user.id
    facts = [reading.minute(card.created_at), *([] if own else [card.owner]), card.model]
    if card.cost_usd is not None:
        facts.append(reading.usd(card.cost_usd))
    return {
        "id": str(card.id),
        "href": f"/job?id={card.id}",
        "thumb_url": thumbnails.of_result(card),
        "preview_url": None if card.thumbnail_key else thumbnails.stand_in(card),
        "kind": card.kind,
        "status": card.status,
        "stage_label": reading.say(LABELS[card.stage]),
        "tone": tone_of(card.stage),
        "title": card.title,
        "meta": facts,
        "duration": reading.span(card.duration_s) if card.duration_s else None,
        "results": card.results,
        "own": own,
        "download_url": f"/api/assets/{card.cover_id}/download" if card.cover_id else None,
    }


def _pager(page: Page) -> None:
    with st.container(horizontal=True, horizontal_alignment="center", key="history-pager"):
        st.button(
            _("Newer"),
            icon=":material/arrow_back:",
            disabled=not page.has_newer,
            on_click=history_filter.turn_to,
            args=("after", str(page.cards[0].id)),
        )
        st.button(
            _("Older"),
            icon=":material/arrow_forward:",
            icon_position="right",
            disabled=not page.has_older,
            on_click=history_filter.turn_to,
            args=("before", str(page.cards[-1].id)),
        )


def _act(user: User, act: str, id: UUID) -> None:
    """Do what a card's menu says. The id comes from the browser: rights are checked again."""
    match act:
        case "open":
            pushes.go("job", id=str(id))
        case "form":
            actions.open_in_form(user, id)
        case "rerun":
            run_again.ask(id, stay=True)
        case "delete":
            actions.trash(user, id)
