"""The catalogue of models: what may be asked of whom, until when, at what price.

Its data is `catalog.toml` beside this file. It is read once, and strictly: a
process with a wrong catalogue must not start, because forms, checks and costs
all believe it.
"""

import functools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar

from core.errors import ConfigError, Rejected, msg
from core.providers.capabilities import PICTURES_BY_MODE, RESOLUTIONS, Model, RateLimits
from core.providers.catalog_rules import refuse_contradictions
from core.providers.price_lists import PriceList
from core.providers.quoting import shown
from core.providers.strict_tables import added, laid_over, read

T = TypeVar("T")
FILE = Path(__file__).with_name("catalog.toml")
SECTIONS: Final[Mapping[str, type]] = {
    "dialects": dict,
    "families": dict,
    "models": dict,
    "retired": dict,
    "unconfirmed": list,
    "price_lists": list,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """A model that is gone and whose capabilities nobody needs any more."""

    shutdown_date: date
    replacement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconfirmed:
    """A fact without proof. `offered` switches on what it `adds` to families and models."""

    fact: str
    offered: bool
    to: Sequence[str]
    adds: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """Every model and price. Safe to share; nothing in it changes."""

    by_id: Mapping[str, Model]  # in the order of the forms
    retired: Mapping[str, Retired]
    price_lists: Sequence[PriceList]

    @property
    def mask_max_bytes(self) -> int:
        """The most that some model takes: which one it is for shows when a job is filed."""
        return max(each.image.mask_max_bytes for each in self.by_id.values() if each.image)

    def model(self, id: str) -> Model:
        """Return a model, usable or shut down.

        Raises:
            Rejected: there is none of this name, or it has been gone for long.
        """
        found = self.by_id.get(id)
        if found is not None:
            return found
        gone = self.retired.get(id)
        if gone is not None:
            raise Rejected(
                msg(
                    "{model} was shut down on {date}. Use {replacement} instead.",
                    model=id,
                    date=gone.shutdown_date.isoformat(),
                    replacement=gone.replacement,
                )
            )
        raise Rejected(msg("There is no model {model}. Choose one from the list.", model=shown(id)))

    def models(self, provider: str, on: date) -> Sequence[Model]:
        """Return what a provider ('gpt' or 'hailuo') takes on a day; the default comes first."""
        return [
            model
            for model in self.by_id.values()
            if model.provider == provider and model.usable(on)
        ]

    def rates(self, dialect: str) -> RateLimits:
        """Return what one key may do behind a dialect: the strictest figures of its models."""
        known = [model.rates for model in self.by_id.values() if model.dialect == dialect]
        return RateLimits(
            **{
                name: min(filter(None, (getattr(rates, name) for rates in known)), default=None)
                for name in ("requests_per_minute", "input_images_per_minute", "in_flight")
            }
        )

    def prices(self, provider: str, on: date) -> PriceList | None:
        """Return the list that holds on a day, or None before the first one."""
        begun = [
            prices
            for prices in self.price_lists
            if prices.provider == provider and prices.valid_from <= on
        ]
        return max(begun, key=lambda prices: prices.valid_from, default=None)

    def camera_commands(self) -> frozenset[str]:
        """Return every camera command that any model knows."""
        videos = [model.video for model in self.by_id.values() if model.video]
        return frozenset(command for video in videos for command in video.camera_commands)

    def texts(self) -> Iterator[str]:
        """Yield each sentence of the catalogue that people see, for its translation."""
        yield from dict.fromkeys(model.description.text for model in self.by_id.values())


@functools.cache
def load(file: Path = FILE) -> Catalog:
    """Return the catalogue, read once per process.

    Raises:
        ConfigError: names the entry, and what was expected of it.
    """
    with file.open("rb") as stream:
        try:
            return parse(tomllib.load(stream, parse_float=Decimal))
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"{file.name} is no TOML: {error}") from error
        except ConfigError as error:
            raise ConfigError(f"{file.name}: {error.message}") from error


def parse(tables: Mapping[str, Any]) -> Catalog:
    """Return the catalogue that TOML tables describe. Raises ConfigError."""
    _refuse_wrong_sections(tables)
    facts = [
        read(Unconfirmed, entry, f"unconfirmed[{n}]")
        for n, entry in enumerate(tables["unconfirmed"])
    ]
    _refuse_unknown_targets(tables, facts)
    # Once with every switch on: whoever flips one must not find a typo behind it.
    _checked(tables, [replace(fact, offered=True) for fact in facts])
    return _checked(tables, facts)


def _refuse_wrong_sections(tables: Mapping[str, Any]) -> None:
    if tables.keys() != SECTIONS.keys():
        raise ConfigError(f"The sections must be {', '.join(SECTIONS)}.")
    for name, kind in SECTIONS.items():
        if not isinstance(tables[name], kind):
            raise ConfigError(f"[{name}] must be a {'table' if kind is dict else 'list'}.")


def _checked(tables: Mapping[str, Any], facts: Sequence[Unconfirmed]) -> Catalog:
    retired, lists = tables["retired"], tables["price_lists"]
    catalog = Catalog(
        by_id={id: _model(id, tables, facts) for id in tables["models"]},
        retired={id: read(Retired, entry, f"retired.{id}") for id, entry in retired.items()},
        price_lists=[read(PriceList, entry, f"price_lists[{n}]") for n, entry in enumerate(lists)],
    )
    refuse_contradictions(catalog.by_id, catalog.retired, catalog.price_lists)
    return catalog


def _model(id: str, tables: Mapping[str, Any], facts: Sequence[Unconfirmed]) -> Model:
    own = dict(_named(tables, "models", id, "[models]"))
    family_name = own.pop("family", None)
    family = dict(_named(tables, "families", family_name, f"models.{id}"))
    dialect_name = family.get("dialect")
    dialect = _named(tables, "dialects", dialect_name, f"families.{family_name}")
    table = laid_over(laid_over(dialect, family), own)
    for fact in facts:
        if fact.offered and {id, family_name}.intersection(fact.to):
            table = added(table, fact.adds)
    return _in_order(read(Model, {"id": id, **table}, f"models.{id}"))


def _in_order(model: Model) -> Model:
    """Return the model with modes and resolutions in the order that people expect."""
    if model.video is None:
        return model
    modes = {
        name: replace(mode, durations=_sorted(mode.durations, RESOLUTIONS))
        for name, mode in _sorted(model.video.modes, tuple(PICTURES_BY_MODE)).items()
    }
    return replace(model, video=replace(model.video, modes=modes))


def _sorted(table: Mapping[str, T], order: Sequence[str]) -> dict[str, T]:
    """Return a table's entries by `order`; unknown ones stay, last, to be refused by the rules."""
    return dict(sorted(table.items(), key=lambda item: (*order, item[0]).index(item[0])))


def _named(tables: Mapping[str, Any], section: str, name: object, where: str) -> Mapping[str, Any]:
    entry = tables[section].get(name) if isinstance(name, str) else None
    if not isinstance(entry, Mapping):
        raise ConfigError(f"{where} names {name!r}, which is no table in [{section}].")
    return entry


def _refuse_unknown_targets(tables: Mapping[str, Any], facts: Sequence[Unconfirmed]) -> None:
    known = {*tables["families"], *tables["models"]}
    for fact in facts:
        for target in fact.to:
            if target not in known:
                raise ConfigError(f"unconfirmed {fact.fact!r} names {target!r}: no such model.")
