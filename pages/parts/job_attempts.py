"""What a job's money went to: each paid request, what became of it, and who agreed."""

from core.details import Detail
from core.models import Attempt
from core.sentences import outcome_label
from pages.parts.formats import moment
from pages.parts.look import look
from pages.parts.words import _, say


def show(detail: Detail) -> None:
    """List a job's paid requests, first to last; a column that says nothing is left out."""
    if not detail.attempts:
        return
    look.label(_("Requests to the provider"))
    columns = [
        (_("No."), [str(attempt.n) for attempt in detail.attempts]),
        (_("When"), [moment(attempt.created_at) for attempt in detail.attempts]),
        (_("What became of it"), [_became(detail, attempt) for attempt in detail.attempts]),
        (_("Consent"), [_consent(detail, attempt) for attempt in detail.attempts]),
        (_("Request id"), [attempt.request_id or "" for attempt in detail.attempts]),
        (_("Task id"), [attempt.provider_task_id or "" for attempt in detail.attempts]),
    ]
    telling = [(name, cells) for name, cells in columns if any(cells)]
    rows = zip(*(cells for _name, cells in telling), strict=True)
    look.table([name for name, _cells in telling], rows)


def _became(detail: Detail, attempt: Attempt) -> str:
    return say(outcome_label(attempt, detail.late))


def _consent(detail: Detail, attempt: Attempt) -> str:
    if attempt.consent_by is None:
        return ""
    who, when = detail.consents[attempt.consent_by], moment(attempt.consent_at)
    return f"{who} · {when}"
