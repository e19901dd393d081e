"""What a job has cost, as far as anybody knows, in a few words."""

from decimal import Decimal

from core.details import Detail
from core.spending import Spent, in_doubt, spent
from pages.parts.formats import usd
from pages.parts.words import _


def told(detail: Detail) -> str:
    """Return a job's cost: its amount, nothing, or what it may come to."""
    if detail.job.cost_usd is not None:
        return _known(detail, detail.job.cost_usd)
    estimate = detail.job.estimate_usd
    match spent(detail.stage, detail.attempts):
        case Spent.NOTHING:
            return usd(Decimal(0))
        case Spent.PERHAPS if estimate is not None:
            return _("may have cost about {amount}", amount=usd(_times(detail, estimate)))
        case Spent.PERHAPS:
            return _("unknown; it may have cost something")
    return _("about {amount}", amount=usd(estimate)) if estimate is not None else _("unknown")


def _known(detail: Detail, amount: Decimal) -> str:
    """A request that was sent again may have cost beside the one whose result came."""
    estimate = detail.job.estimate_usd
    if not _doubtful(detail) or estimate is None:
        return usd(amount)
    more = usd(_times(detail, estimate))
    return _("{amount}; earlier requests may have cost about {more}", amount=usd(amount), more=more)


def _times(detail: Detail, estimate: Decimal) -> Decimal:
    return estimate * max(_doubtful(detail), 1)


def _doubtful(detail: Detail) -> int:
    return sum(in_doubt(attempt) for attempt in detail.attempts)
