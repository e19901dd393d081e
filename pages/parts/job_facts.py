"""A job's facts beside its picture: prompt, options asked and actual, cost, files, log."""

import streamlit as st

from core.assets import UPLOADED
from core.details import Detail
from core.links import link_of
from core.models import Asset, AssetKind, User
from core.services import services
from core.stages import Stage
from pages.parts import actions, clicks, job_attempts, job_cost, job_log, next_steps, run_again
from pages.parts.formats import moment, size, span
from pages.parts.job_options import told, told_name
from pages.parts.look import look
from pages.parts.words import _


def show(user: User, detail: Detail) -> None:
    """Show everything that is known about a job."""
    _prompt(detail)
    _buttons(user, detail)
    look.facts(_facts(detail))
    job_attempts.show(detail)
    _options(detail)
    _files(detail)
    job_log.show(detail)


def _prompt(detail: Detail) -> None:
    look.label(_("Prompt"))
    st.code(detail.job.prompt, language=None, wrap_lines=True)


def _buttons(user: User, detail: Detail) -> None:
    id = detail.job.id
    result = next_steps.which(detail, key="job")
    with st.container(horizontal=True, key="job-actions"):
        if clicks.button(_("Run again"), icon=":material/replay:", key=f"job-rerun-{id}"):
            run_again.ask(id)
        if clicks.button(_("Open in the form"), icon=":material/edit:", key=f"job-form-{id}"):
            actions.open_in_form(user, id)
        next_steps.buttons(user, detail, result, key="job")
        if detail.job.deleted_at is None and actions.may_change(user, detail.job.user_id):
            waits = detail.stage is Stage.READY
            label = _("Cancel and move to trash") if waits else _("Move to trash")
            if clicks.button(label, icon=":material/delete:", key=f"job-trash-{id}"):
                actions.trash(user, id)


def _facts(detail: Detail) -> list[tuple[str, str]]:
    job = detail.job
    rows = [
        (_("By"), detail.owner),
        (_("Model"), job.model),
        (_("Filed"), moment(job.created_at)),
        (_("Finished"), moment(job.completed_at)),
        (_("Took"), span(_seconds(detail))),
        (_("Cost"), job_cost.told(detail)),
        (_("Request id"), job.request_id or ""),
        (_("Task id"), job.provider_task_id or ""),
        (_("Provider says"), job.error_message or ""),
    ]
    return [(name, value) for name, value in rows if value]


def _seconds(detail: Detail) -> float | None:
    job = detail.job
    if job.completed_at is None:
        return None
    return (job.completed_at - (job.started_at or job.created_at)).total_seconds()


def _options(detail: Detail) -> None:
    asked, actual = detail.job.options, detail.job.actual or {}
    rows = [
        (told_name(name), told(name, asked.get(name)), told(name, actual.get(name)))
        for name in {**asked, **actual}
    ]
    if rows:
        look.table([_("Option"), _("Asked"), _("Actual")], rows)


def _caption(asset: Asset) -> str:
    drawn = {AssetKind.MASK: _("Mask"), AssetKind.MARKUP: _("Markup")}
    return drawn.get(AssetKind(asset.kind), asset.filename or "")


def _files(detail: Detail) -> None:
    inputs = detail.of_kind(*UPLOADED)
    if not inputs:
        return
    look.label(_("Inputs"))
    look.filmstrip(
        [
            {
                "url": _picture(detail, asset),
                "href": "" if asset.expired_at else f"/api/assets/{asset.id}/download",
                "caption": _caption(asset),
                "meta": _("Expired")
                if asset.expired_at
                else f"{asset.width}×{asset.height} · {size(asset.bytes)}",
            }
            for asset in inputs
        ]
    )


def _picture(detail: Detail, asset: Asset) -> str:
    shown = detail.small_of(asset) or detail.sent_of(asset)
    return link_of(services().bucket, kind=shown.kind, key=shown.key)
