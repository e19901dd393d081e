"""Numbers, money, times and sizes as people of this tab's language read them."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from babel.dates import format_datetime, format_time, format_timedelta
from babel.numbers import format_currency, format_decimal
from babel.units import format_unit

from core.errors import Message
from core.services import services
from core.translations import translate
from pages.parts.words import locale

STEP: Final = 1024  # a limit of 50 MB is 50 x 2^20 bytes, and reads so
# What babel writes for Korean is half English: "AM 2:58:57".
MOMENT: Final[Mapping[str, str]] = {"ko_KR": "y. M. d. aaaa h:mm:ss"}
MINUTE: Final[Mapping[str, str]] = {"ko_KR": "y. M. d. aaaa h:mm", "en_US": "MMM d, y, h:mm a"}
TIME: Final[Mapping[str, str]] = {"ko_KR": "aaaa h:mm"}


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: a language and a time zone. Asked once where many things are written."""

    locale: str
    zone: ZoneInfo

    @property
    def babel(self) -> str:
        """The language as babel names it."""
        return "ko_KR" if self.locale == "ko" else "en_US"

    def say(self, message: Message) -> str:
        """Return a message of the core."""
        return translate(message, self.locale)

    def moment(self, at: datetime | None) -> str:
        """Return a date and time in the browser's zone."""
        return _moment(at, self.zone, self.babel) if at is not None else "–"

    def minute(self, at: datetime) -> str:
        """Return a date and time without seconds, for where many stand side by side."""
        return _minute(at, self.zone, self.babel)

    def span(self, seconds: float | None) -> str:
        """Return a length of time, like '12 s' or '3 min'."""
        if seconds is None:
            return "–"
        if seconds < 10:
            return _unit(round(seconds, 1), "duration-second", self.babel)
        return format_timedelta(
            timedelta(seconds=seconds), threshold=1.5, format="short", locale=self.babel
        )

    def usd(self, amount: Decimal | None) -> str:
        """Return an amount of dollars with as many places as it takes to see it."""
        return _usd(amount, self.babel) if amount is not None else "–"


# A grid of 48 cards is written again at every change that is pushed, mostly the same.
@functools.lru_cache(maxsize=4096)
def _moment(at: datetime, zone: ZoneInfo, babel: str) -> str:
    return format_datetime(at.astimezone(zone), MOMENT.get(babel, "medium"), locale=babel)


@functools.lru_cache(maxsize=4096)
def _minute(at: datetime, zone: ZoneInfo, babel: str) -> str:
    return format_datetime(at.astimezone(zone), MINUTE[babel], locale=babel)


@functools.lru_cache(maxsize=4096)
def _usd(amount: Decimal, babel: str) -> str:
    pattern = "¤#,##0.00" if amount >= 1 or amount == 0 else "¤0.00##"
    return format_currency(amount, "USD", pattern, locale=babel, currency_digits=False)


def reader() -> Reader:
    """Return who reads this tab."""
    return Reader(locale(), zone())


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
    return reader().moment(at)


def time_of_day(at: datetime) -> str:
    """Return the time alone, or with its day if that is another one, in the browser's zone."""
    here = at.astimezone(zone())
    if here.date() != datetime.now(zone()).date():
        return moment(at)
    return format_time(here, TIME.get(reader().babel, "short"), locale=reader().babel)


def span(seconds: float | None) -> str:
    """Return a length of time, like '12 s' or '3 min'."""
    return reader().span(seconds)


def usd(amount: Decimal | None) -> str:
    """Return an amount of dollars with as many places as it takes to see it."""
    return reader().usd(amount)


def size(bytes: int) -> str:
    """Return a file's size, in the steps in which its limits are set."""
    value = float(bytes)
    for unit in ("byte", "kilobyte", "megabyte"):
        if value < STEP:
            return _unit(round(value, 1), f"digital-{unit}", reader().babel)
        value /= STEP
    return _unit(round(value, 1), "digital-gigabyte", reader().babel)


def number(value: float) -> str:
    """Return a number."""
    return format_decimal(value, locale=reader().babel)


def _unit(value: float, unit: str, babel: str) -> str:
    return format_unit(value, unit, "short", locale=babel)
