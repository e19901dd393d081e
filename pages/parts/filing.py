"""What both forms share: the price before the click, the click, and the job beside the form."""

from collections.abc import Collection
from dataclasses import replace
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

FILED = "filed"


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


def file_button(user: User, wish: submissions.Wish, *, label: str) -> None:
    """Show what may disappoint, the price and the button; file the job at a click."""
    problem, found = _quote(user, wish)
    accepted = False
    with st.container(key=f"file-{wish.provider}"):
        for warning in submissions.warnings(services(), user, wish):
            look.notice("decide", say(warning))
        if found is not None:
            if found.estimate.usd is not None:
                st.caption(price.about(found.estimate))
            accepted = price.accepted(found.estimate, key=f"unknown-{wish.provider}")
            if found.twin is not None:
                _offer_twin(found.twin)
        clicked = clicks.button(
            label,
            type="primary",
            key=f"go-{wish.provider}",
            shortcut="ctrl+enter",
            width="stretch",
        )
    if clicked:
        if problem is not None:
            look.notice("bad", problem)
        else:
            _file(user, replace(wish, unknown_price_accepted=accepted))


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
    content = (wish.model, wish.prompt, str(wish.options), str(wish.input_ids), str(wish.mask_id))
    key = clicks.click_key(str(wish.provider), content)
    try:
        job = submissions.submit(services(), user, replace(wish, client_key=key))
    except AppError as error:
        look.notice("bad", say(error.message))
        return
    st.session_state[f"{FILED}:{wish.provider}"] = str(job.id)
    toasts.after(_("Filed. You can close this tab; nothing is lost."))


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
    st.session_state.pop(f"{FILED}:{provider}", None)


def _watched(provider: Provider) -> UUID | None:
    # A push may cut the run short that files a job, and with it the change of the address.
    just_filed = st.session_state.get(f"{FILED}:{provider}")
    if just_filed is not None:
        st.query_params["job"] = just_filed
    try:
        return UUID(st.query_params["job"])
    except (KeyError, ValueError):
        return None
