"""Numbers, money, times and sizes as people of this tab's language read them."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from babel.dates import format_datetime, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal
from babel.units import format_unit

from core.services import services
from pages.parts.words import locale


def _babel() -> str:
    return "ko_KR" if locale() == "ko" else "en_US"


def today() -> date:
    """Return the team's day: models and prices change with it."""
    return datetime.now(ZoneInfo(services().settings.team_timezone)).date()


def zone() -> ZoneInfo:
    """Return the browser's time zone, or UTC where it is unknown."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def moment(at: datetime | None) -> str:
    """Return a date and time in the browser's zone."""
    if at is None:
        return "–"
    return format_datetime(at.astimezone(zone()), "medium", locale=_babel())


def time_of_day(at: datetime) -> str:
    """Return the time alone, or with its day if that is another one, in the browser's zone."""
    here = at.astimezone(zone())
    if here.date() != datetime.now(zone()).date():
        return moment(at)
    return format_time(here, "short", locale=_babel())


def span(seconds: float | None) -> str:
    """Return a length of time, like '12 s' or '3 min'."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return _unit(round(seconds, 1), "duration-second")
    return format_timedelta(
        timedelta(seconds=seconds), threshold=1.5, format="short", locale=_babel()
    )


def usd(amount: Decimal | None) -> str:
    """Return an amount of dollars with as many places as it takes to see it."""
    if amount is None:
        return "–"
    pattern = "¤#,##0.00" if amount >= 1 or amount == 0 else "¤0.00##"
    return format_currency(amount, "USD", pattern, locale=_babel(), currency_digits=False)


def size(bytes: int) -> str:
    """Return a file's size."""
    value = float(bytes)
    for unit in ("byte", "kilobyte", "megabyte"):
        if value < 1000:
            return _unit(round(value, 1), f"digital-{unit}")
        value /= 1000
    return _unit(round(value, 1), "digital-gigabyte")


def number(value: float) -> str:
    """Return a number."""
    return format_decimal(value, locale=_babel())


def _unit(value: float, unit: str) -> str:
    return format_unit(value, unit, "short", locale=_babel())
