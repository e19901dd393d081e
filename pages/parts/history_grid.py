"""The history's grid: one component, pages by keyset, alive by push."""

from collections.abc import Sequence
from uuid import UUID

import streamlit as st

from core import jobs
from core.cards import Card, cards
from core.models import Job, User
from core.sentences import LABELS, tone_of
from core.services import services
from core.stages import LIVE
from pages.parts import actions, history_filter, pushes, run_again
from pages.parts.components.grid import grid
from pages.parts.formats import moment, number, span, usd
from pages.parts.look import look
from pages.parts.words import _, _n, say


def show(user: User) -> None:
    """Show a page of jobs and keep it up to date."""
    _page(user)
    pushes.listener("history-grid")


@st.fragment(key="history-grid")
def _page(user: User) -> None:
    actions.offer_undo(user)
    shared = services().settings.team_visibility == "read"
    filter = history_filter.chosen(user, team_reads=shared)
    before, after = history_filter.cursor()
    with services().sessions() as session:
        found = jobs.page(session, filter, before=before, after=after)
        newest = before is None and after is None
        has_newer = not newest and bool(
            found and jobs.page(session, filter, after=found[0].id, limit=1)
        )
        has_older = bool(found and jobs.page(session, filter, before=found[-1].id, limit=1))
        total = jobs.count_up_to(session, filter)
        shown = cards(session, services(), found)
    pushes.shows("history-grid", unfinished=sum(card.stage in LIVE for card in shown))
    if not found:
        _nothing(filter)
        return
    st.caption(_count(total))
    action = grid(key="history", labels=_labels(), cards=[_card(card, user) for card in shown])
    _pager(found, has_newer=has_newer, has_older=has_older)
    if action:
        _act(user, str(action["act"]), UUID(str(action["id"])))


def _count(total: int) -> str:
    if total > 1000:
        return _("More than {count} jobs", count=number(1000))
    return _n("{count} job", "{count} jobs", total, count=number(total))


def _nothing(filter: jobs.Filter) -> None:
    if filter == jobs.Filter(user_id=filter.user_id):
        look.empty_state(
            _("Nothing here yet"),
            _("Your edits and videos appear here, newest first. Nothing you make is ever lost."),
        )
        st.page_link("image_edit.py", label=_("Make the first edit"))
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


def _card(card: Card, user: User) -> dict[str, object]:
    job = card.job
    facts = [moment(job.created_at), job.model]
    if job.user_id != user.id:
        facts.insert(1, card.owner)
    if job.cost_usd is not None:
        facts.append(usd(job.cost_usd))
    return {
        "id": str(job.id),
        "href": f"/job?id={job.id}",
        "thumb_url": card.thumbnail_url,
        "preview_url": card.preview_url,
        "kind": card.kind,
        "status": job.status,
        "stage_label": say(LABELS[card.stage]),
        "tone": tone_of(card.stage),
        "title": job.prompt[:200],
        "meta": facts,
        "duration": span(card.duration_s) if card.duration_s else None,
        "results": card.results,
        "own": job.user_id == user.id,
        "download_url": f"/api/assets/{job.cover_asset_id}/download"
        if job.cover_asset_id
        else None,
    }


def _pager(found: Sequence[Job], *, has_newer: bool, has_older: bool) -> None:
    with st.container(horizontal=True, horizontal_alignment="center", key="history-pager"):
        st.button(
            _("Newer"),
            icon=":material/arrow_back:",
            disabled=not has_newer,
            on_click=history_filter.turn_to,
            args=("after", str(found[0].id)),
        )
        st.button(
            _("Older"),
            icon=":material/arrow_forward:",
            icon_position="right",
            disabled=not has_older,
            on_click=history_filter.turn_to,
            args=("before", str(found[-1].id)),
        )


def _act(user: User, act: str, id: UUID) -> None:
    """Do what a card's menu says. The id comes from the browser: rights are checked again."""
    match act:
        case "open":
            st.switch_page("job.py", query_params={"id": str(id)})
        case "form":
            actions.open_in_form(user, id)
        case "rerun":
            run_again.ask(id, stay=True)
        case "delete":
            actions.trash(user, id)
