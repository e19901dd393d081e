"""What people do with a job from any page: open it in the form, trash and undo."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import streamlit as st

from core import apologies, decisions, gates, intake, jobs
from core.details import Detail, load
from core.errors import AppError
from core.models import Asset, AssetKind, Provider, User
from core.services import services
from pages.parts import clicks, pushes, toasts
from pages.parts.words import _, say

TRASHED = "trashed"
PLACE = "trashed-at"
FORMS = {Provider.GPT: "image_edit", Provider.HAILUO: "video"}


@contextmanager
def told() -> Iterator[None]:
    """Show an expected error as its sentence, where the person is looking."""
    try:
        yield
    except AppError as error:
        st.toast(say(apologies.sentence(error)), icon=toasts.WRONG, duration="long")


@contextmanager
def told_after() -> Iterator[None]:
    """Show an expected error as its sentence in the run of the page that follows."""
    try:
        yield
    except AppError as error:
        toasts.after(say(apologies.sentence(error)), icon=toasts.WRONG)


def detail(user: User, id: UUID) -> Detail:
    """Return a job as its viewer may see it. Raises NotFound."""
    shared = services().settings.team_visibility == "read"
    with services().sessions() as session:
        return load(session, user, id, team_reads=shared, services=services())


def may_change(user: User, owner_id: UUID) -> bool:
    """Return whether somebody's job is this person's to decide about."""
    return owner_id == user.id or user.role == "admin"


def open_in_form(user: User, id: UUID) -> None:
    """Fill the form with a job's request, to change something."""
    with told():
        shown = detail(user, id)
        draft(
            shown.job.provider,
            prompt=shown.job.prompt,
            model=shown.job.model,
            options=dict(shown.job.options),
            inputs=_adopted(user, shown.of_kind(AssetKind.INPUT)),
            masks=_adopted(user, shown.of_kind(AssetKind.MASK)),
            markups=_adopted(user, shown.of_kind(AssetKind.MARKUP)),
        )


def _adopted(user: User, files: Sequence[Asset]) -> Sequence[Mapping[str, Any]]:
    return [intake.adopt(services(), user, file.id) for file in files]


def use_result(user: User, asset_id: UUID, provider: str, *, parent: UUID) -> None:
    """Start a new request with a result as its input."""
    with told():
        draft(provider, inputs=[intake.adopt(services(), user, asset_id)], parent=str(parent))


def draft(provider: str, **values: object) -> None:
    """Leave values for a form to start with, and go there."""
    st.session_state[f"draft:{provider}"] = values
    pushes.go(FORMS[Provider(provider)])


def trash(user: User, id: UUID) -> None:
    """Put a job in the trash and offer to undo it."""
    with told():
        with services().sessions.begin() as session:
            cancelled = decisions.trash(session, user, id)
        st.session_state[TRASHED] = (str(id), cancelled)
        pushes.rerun()


def restore(user: User, id: UUID) -> None:
    """Take a job out of the trash; the page is to be run anew."""
    with told_after(), services().sessions.begin() as session:
        jobs.restored(session, user, id)


def forget_undo(place: str) -> None:
    """Take back the offer to undo when somebody has gone from one place to another."""
    if st.session_state.get(PLACE) != place:
        st.session_state[PLACE] = place
        st.session_state.pop(TRASHED, None)


def offer_undo(user: User) -> None:
    """Offer to take back the job that was trashed last, where that was done."""
    id, cancelled = st.session_state.get(TRASHED, (None, False))
    if id is None:
        return
    done = _("Cancelled, and moved to the trash.") if cancelled else _("Moved to the trash.")
    with st.container(horizontal=True, vertical_alignment="center", key="undo"):
        st.write(done)
        if clicks.button(_("Undo"), key=f"undo-trash-{id}"):
            restore(user, UUID(id))
            del st.session_state[TRASHED]
            pushes.rerun()


def open_gate(user: User, *, dialect: str, key_id: str, model: str) -> None:
    """Open a provider's gate because an administrator says that the cause is gone."""
    with told(), services().sessions.begin() as session:
        gates.open_again(session, user, dialect=dialect, key_id=key_id, model=model)


def decide(user: User, id: UUID, decision: str) -> None:
    """Apply one of the choices for a job, say what came of it, and run the page anew."""
    moves = {
        "cancel": decisions.cancel,
        "check": decisions.check,
        "again": decisions.send_again,
        "give_up": decisions.give_up,
        "stop_waiting": decisions.stop_waiting,
    }
    with told_after():
        with services().sessions.begin() as session:
            moves[decision](session, user, id)
        toasts.after(_done(decision))
    pushes.rerun()


def _done(decision: str) -> str:
    given_up = _("You gave up on it. If its result still turns up, it is kept here.")
    return {
        "cancel": _("It is being cancelled."),
        "check": _("The provider is being asked."),
        "again": _("It is in the queue once more."),
        "give_up": given_up,
        "stop_waiting": given_up,
    }[decision]
