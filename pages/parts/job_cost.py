"""What a job has cost, as far as anybody knows, in a few words."""

from decimal import Decimal

from core.details import Detail
from core.spending import Charge
from pages.parts.formats import usd
from pages.parts.words import _


def told(detail: Detail) -> str:
    """Return a job's cost: its amount, nothing, or what it may come to."""
    charges, each = detail.charges, _each(detail)
    doubtful = charges.count(Charge.PERHAPS)
    is_sure = doubtful + charges.count(Charge.NOTHING) < len(charges)
    if not is_sure and not doubtful:
        return usd(Decimal(0))
    if each is None:
        return _("unknown") if is_sure else _("unknown; it may have cost something")
    more = usd(each * doubtful)
    if not is_sure:
        return _("may have cost about {amount}", amount=more)
    amount = _sure(detail, each)
    if not doubtful:
        return amount
    return _("{amount}; other requests may have cost about {more}", amount=amount, more=more)


def _each(detail: Detail) -> Decimal | None:
    """Return what one request costs, about: as it was estimated, or as those were that came."""
    job, counted = detail.job, detail.charges.count(Charge.COUNTED)
    if job.estimate_usd is not None or job.cost_usd is None:
        return job.estimate_usd
    return job.cost_usd / max(counted, 1)


def _sure(detail: Detail, each: Decimal) -> str:
    """Return what is charged for certain; what has no price yet counts as one request does."""
    known, unpriced = detail.job.cost_usd, detail.charges.count(Charge.ITS_PRICE)
    if known is None:
        unpriced += detail.charges.count(Charge.COUNTED)
    elif not unpriced:
        return usd(known)
    return _("about {amount}", amount=usd((known or 0) + each * unpriced))
