"""What both forms share: the price before the click, the click, and the job beside the form."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from uuid import UUID

import streamlit as st

from core import submissions
from core.errors import AppError, NotFound, Rejected
from core.models import Job, Provider, User
from core.providers.capabilities import Model
from core.services import services
from core.stages import LIVE
from pages.parts import actions, choices, clicks, job_panel, price, pushes, toasts
from pages.parts.formats import moment, today
from pages.parts.look import look
from pages.parts.viewer import viewer
from pages.parts.words import _, say

FILED = "filed"  # the click that filed last
FRESH = "fresh"  # the job that it filed, until it is shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What a form asks for now, and what keeps that from being all its person sees."""

    form: str
    wish: submissions.Wish
    unsettled: str | None = None


def switched_on(provider: Provider) -> bool:
    """Tell whether a provider has a key; say why not where it has none."""
    settings = services().settings
    name = "OPENAI_API_KEY" if provider is Provider.GPT else "MINIMAX_API_KEY"
    if settings.openai_api_key if provider is Provider.GPT else settings.minimax_api_key:
        return True
    look.empty_state(
        _("This page is switched off"),
        _("The operator has set no key for this provider ({name}).", name=name),
        art="closed",
    )
    return False


def choose_model(provider: Provider, *, key: str, among: Collection[str] | None = None) -> Model:
    """Offer the models a provider takes today, the default first."""
    usable = services().catalog.models(provider, today())
    offered = {model.id: model for model in usable if among is None or model.id in among}
    if st.session_state.get(key) not in offered:
        st.session_state.pop(key, None)
    chosen = st.selectbox(
        _("Model"),
        list(offered),
        format_func=lambda name: offered[name].label,
        key=key,
        persist_state="session",
    )
    model = offered[chosen]
    st.caption(say(model.description))
    return model


def file_button(user: User, filled: Filled, *, label: str) -> None:
    """Show what may disappoint, the price and the button; file the job at a click."""
    wish = filled.wish
    problem, found = _quote(user, wish)
    estimate = found.estimate if found else submissions.expected(services(), user, wish)
    with st.container(key=f"file-{wish.provider}"):
        for warning in submissions.warnings(services(), user, wish):
            look.notice("decide", say(warning))
        if estimate.usd is not None:
            st.caption(price.about(estimate))
        accepted = price.accepted(estimate, key=_consent(wish))
        clicked = clicks.button(
            label,
            type="primary",
            key=f"go-{wish.provider}",
            shortcut="ctrl+enter",
            width="stretch",
        )
        # Below the button: what comes while somebody clicks must not push it away.
        if found is not None and found.twin is not None:
            _offer_twin(found.twin)
    if clicked:
        if (reason := filled.unsettled or problem) is not None:
            look.notice("bad", reason)
        else:
            _file(user, replace(wish, unknown_price_accepted=accepted))


def _consent(wish: submissions.Wish) -> str:
    """Return the key of the consent to an unknown price: for this model, so, and one job."""
    last = st.session_state.get(f"{FILED}:{wish.provider}")
    return f"unknown-{wish.provider}-{hash((wish.model, str(wish.options), last))}"


def _quote(user: User, wish: submissions.Wish) -> tuple[str | None, submissions.Quote | None]:
    try:
        return None, submissions.quote(services(), user, wish)
    except Rejected as error:
        return say(error.message), None


def _offer_twin(twin: Job) -> None:
    look.notice(
        "quiet",
        _("This exact request ran on {when}.", when=moment(twin.created_at)),
        action=look.Action(label=_("Open it"), href=f"/job?id={twin.id}"),
    )


def _file(user: User, wish: submissions.Wish) -> None:
    files = (wish.input_ids, wish.mask_id, wish.markup_id)
    content = (wish.model, wish.prompt, str(wish.options), str(files))
    key = clicks.click_key(str(wish.provider), content)
    filed = f"{FILED}:{wish.provider}"
    if st.session_state.get(filed) == key:
        return  # a double click, whose consent the first one has used
    try:
        job = submissions.submit(services(), user, replace(wish, client_key=key))
    except AppError as error:
        look.notice("bad", say(error.message))
        return
    st.session_state[filed] = key
    st.session_state[f"{FRESH}:{wish.provider}"] = str(job.id)
    toasts.after(_("Filed. You can close this tab; nothing is lost."))
    pushes.rerun()  # the consent to an unknown price, shown above, was for this one job


def watch(provider: Provider) -> None:
    """Show the job that was filed last from this form, live."""
    id = _watched(provider)
    if id is None:
        look.empty_state(
            _("Your result appears here"),
            _("You can close this tab while it works. Everything is kept in the history."),
        )
        pushes.listener(topics={"job": ""})  # the banners' news, which name no job
        return
    name = f"watch-{provider}"

    @st.fragment(key=name)
    def panel() -> None:
        user = viewer()
        pushes.shows(name, unfinished=0)
        try:
            detail = actions.detail(user, id)
        except NotFound as error:
            look.empty_state(_("Nothing here"), say(error.message), art="search")
            return
        pushes.shows(name, unfinished=int(detail.stage in LIVE))
        job_panel.result(detail, key=f"{name}-view")
        choices.show(user, detail)
        if detail.stage not in LIVE:
            job_panel.what_next(user, detail)
        st.page_link("job.py", label=_("Everything about this job"), query_params={"id": str(id)})

    with st.container(key="watch-panel"):  # stays in view while the form scrolls
        panel()
    pushes.listener(name, topics={"job": str(id)})
    st.session_state.pop(f"{FRESH}:{provider}", None)


def _watched(provider: Provider) -> UUID | None:
    """Return the job of the address, or on coming back to the form the one it showed."""
    slot, fresh = f"watched:{provider}", st.session_state.get(f"{FRESH}:{provider}")
    if fresh is not None:
        # A push may cut the run short that files a job, and with it the change of the address.
        st.query_params["job"] = fresh
    elif "job" not in st.query_params and slot in st.session_state:
        st.query_params["job"] = st.session_state[slot]
    try:
        id = UUID(st.query_params["job"])
    except (KeyError, ValueError):
        return None
    st.session_state[slot] = str(id)
    return id
