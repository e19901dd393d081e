"""The way back for a job in the trash: no list shows it, but its address does."""

from core.details import Detail
from core.models import User
from pages.parts import actions, clicks, pushes
from pages.parts.look import look
from pages.parts.words import _


def show(user: User, detail: Detail) -> None:
    """Say that a job is in the trash, and let its owner take it out."""
    if detail.job.deleted_at is None:
        return
    look.notice("quiet", _("This job is in the trash. The history does not show it."))
    if actions.may_change(user, detail.job.user_id) and clicks.button(
        _("Restore"),
        icon=":material/restore_from_trash:",
        key=f"job-restore-{detail.job.id}",
    ):
        actions.restore(user, detail.job.id)
        pushes.rerun()
