"""From what a form or script asks for to a filed job: checked, priced, and once per click."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from core import assets, clock, jobs
from core.errors import Message, Rejected, msg
from core.intake import under_masks
from core.models import Asset, AssetKind, Job, Provider, User
from core.providers.checks import (
    EditWish,
    InputFacts,
    VideoWish,
    check_edit,
    check_video,
    edit_warnings,
    video_warnings,
)
from core.providers.prices import Estimate, Medians, estimate
from core.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants made. `client_key` is the click's: one click, one job."""

    provider: Provider
    model: str
    prompt: str
    options: Mapping[str, Any] = field(default_factory=dict)
    input_ids: Sequence[UUID] = ()
    mask_id: UUID | None = None
    markup_id: UUID | None = None
    client_key: str
    parent_job_id: UUID | None = None
    unknown_price_accepted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a wish would become: the order, what it costs about, and its finished twin."""

    order: jobs.Order
    estimate: Estimate
    twin: Job | None = None


def quote(services: Services, user: User, wish: Wish) -> Quote:
    """Return what a wish would become, filing nothing.

    Raises:
        Rejected: the request is not one its provider would take, with the reason.
    """
    with services.sessions() as session:
        inputs = assets.own_inputs(session, user.id, _ids(wish))
        found = _quoted(services, session, wish, inputs)
        shared = services.settings.team_visibility == "read"
        twin = jobs.twin(session, found.order.fingerprint(), viewer=user, team_reads=shared)
        return replace(found, twin=twin)


def expected(services: Services, user: User, wish: Wish) -> Estimate:
    """Return what an unfinished wish will cost about, by its model, options and files so far."""
    with services.sessions() as session:
        inputs = _inputs_left(session, user, wish)
        return _price(services, session, wish, wish.options, inputs)


def warnings(services: Services, user: User, wish: Wish) -> Sequence[Message]:
    """Return what may disappoint although the provider takes it, also of an unfinished wish."""
    with services.sessions() as session:
        today = _today(services, session)
        inputs = _inputs_left(session, user, wish)
    if wish.provider is Provider.GPT:
        return edit_warnings(services.catalog, **_edit(wish, inputs, today))
    return video_warnings(services.catalog, **_video(wish, inputs, today))


def submit(services: Services, user: User, wish: Wish) -> Job:
    """File a job; the same click twice is the same job.

    Raises:
        Rejected: the request is not one its provider would take, with the reason.
    """
    if wish.mask_id is not None:
        under_masks.make_png(services, quote(services, user, wish).order.inputs)
    with services.sessions.begin() as session:
        inputs = assets.own_inputs(session, user.id, _ids(wish))
        return _filed(services, session, user, wish, inputs)


def quote_again(services: Services, job: Job) -> Quote:
    """Return what running a job's request once more would become, filing nothing.

    Raises:
        Rejected: a file has expired, or the provider no longer takes such a request.
    """
    with services.sessions() as session:
        inputs = assets.inputs_of_job(session, job.id)
        return _quoted(services, session, _same_wish(job), inputs)


def rerun(
    services: Services, user: User, job: Job, *, client_key: str, unknown_price_accepted: bool
) -> Job:
    """File a job's request once more as a new job of `user`, with the same files.

    Raises:
        Rejected: a file has expired, the provider no longer takes such a request, or its
            price is unknown and not accepted.
    """
    wish = replace(
        _same_wish(job), client_key=client_key, unknown_price_accepted=unknown_price_accepted
    )
    with services.sessions.begin() as session:
        inputs = assets.inputs_of_job(session, job.id)
        return _filed(services, session, user, wish, inputs)


def _same_wish(job: Job) -> Wish:
    return Wish(
        provider=Provider(job.provider),
        model=job.model,
        prompt=job.prompt,
        options=job.options,
        client_key="",
        parent_job_id=job.id,
    )


def _inputs_left(session: Session, user: User, wish: Wish) -> Sequence[assets.Input]:
    """Return a wish's files, or none when one of them is gone, which the quote tells."""
    try:
        return assets.own_inputs(session, user.id, _ids(wish))
    except Rejected:
        return []


def _ids(wish: Wish) -> Sequence[UUID]:
    return [*wish.input_ids, *filter(None, (wish.mask_id, wish.markup_id))]


def _filed(
    services: Services,
    session: Session,
    user: User,
    wish: Wish,
    inputs: Sequence[assets.Input],
) -> Job:
    found = _quoted(services, session, wish, inputs)
    if found.estimate.usd is None and not wish.unknown_price_accepted:
        raise Rejected(msg("What this costs is not known yet. Confirm it to go on."))
    return jobs.queue(session, user, found.order)


def _quoted(
    services: Services, session: Session, wish: Wish, inputs: Sequence[assets.Input]
) -> Quote:
    inputs = under_masks.as_sent(inputs)
    _check_configured(services, wish.provider)
    options = _checked(services, wish, inputs, _today(services, session))
    price = _price(services, session, wish, options, inputs)
    order = jobs.Order(
        provider=wish.provider,
        dialect=services.catalog.model(wish.model).dialect,
        model=wish.model,
        prompt=wish.prompt,
        options=options,
        inputs=inputs,
        client_key=wish.client_key,
        estimate_usd=price.usd,
        parent_job_id=wish.parent_job_id,
    )
    return Quote(order=order, estimate=price)


def _price(
    services: Services,
    session: Session,
    wish: Wish,
    options: Mapping[str, Any],
    inputs: Sequence[assets.Input],
) -> Estimate:
    return estimate(
        services.catalog,
        model=wish.model,
        options=options,
        inputs=_pictures(inputs, AssetKind.INPUT),
        history=_medians(session, wish.model, options),
        on=_today(services, session),
        prompt=wish.prompt,
    )


def _check_configured(services: Services, provider: Provider) -> None:
    settings = services.settings
    key = settings.openai_api_key if provider is Provider.GPT else settings.minimax_api_key
    if not key:
        raise Rejected(msg("This provider is switched off: the operator has set no key for it."))


def _today(services: Services, session: Session) -> date:
    return clock.read(session).astimezone(ZoneInfo(services.settings.team_timezone)).date()


def _checked(
    services: Services, wish: Wish, inputs: Sequence[assets.Input], today: date
) -> Mapping[str, Any]:
    if wish.provider is Provider.GPT:
        return check_edit(services.catalog, **_edit(wish, inputs, today))
    return check_video(services.catalog, **_video(wish, inputs, today))


def _edit(wish: Wish, inputs: Sequence[assets.Input], today: date) -> EditWish:
    return EditWish(
        model=wish.model,
        prompt=wish.prompt,
        options=wish.options,
        inputs=_pictures(inputs, AssetKind.INPUT),
        mask=next(iter(_pictures(inputs, AssetKind.MASK)), None),
        markup=next(iter(_pictures(inputs, AssetKind.MARKUP)), None),
        on=today,
    )


def _video(wish: Wish, inputs: Sequence[assets.Input], today: date) -> VideoWish:
    return VideoWish(
        model=wish.model,
        prompt=wish.prompt,
        options=wish.options,
        inputs=_pictures(inputs, AssetKind.INPUT),
        on=today,
    )


def _pictures(inputs: Sequence[assets.Input], kind: AssetKind) -> Sequence[InputFacts]:
    return [_facts(item.sent) for item in inputs if item.original.kind == kind]


def _facts(asset: Asset) -> InputFacts:
    return InputFacts(
        width=asset.width or 0, height=asset.height or 0, bytes=asset.bytes, mime=asset.mime
    )


def _medians(session: Session, model: str, options: Mapping[str, Any]) -> Medians:
    return Medians(
        usd=jobs.typical_cost(
            session, model=model, quality=options.get("quality"), size=options.get("size")
        )
    )
