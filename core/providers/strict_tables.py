"""TOML tables into frozen dataclasses, strictly: no missing, unknown or mistyped field passes."""

import functools
import types
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from core.errors import ConfigError, Message

T = TypeVar("T")
WORDS = {str: "text", int: "a whole number", bool: "true or false", date: "a date"}


def read(cls: type[T], table: object, where: str) -> T:
    """Return `table` as a `cls`. `where` names the entry in errors.

    Raises:
        ConfigError: names the entry, the field, and what was expected there.
    """
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where} must be a table, not {table!r}.")
    hints = _hints(cast("Hashable", cls))
    known = {field.name: field for field in fields(cast("Any", cls))}
    for name in table:
        if name not in known:
            raise ConfigError(f"{where} has an unknown field {name!r}; known are {_list(known)}.")
    values = {}
    for name, field in known.items():
        if name in table:
            values[name] = _value(hints[name], table[name], f"{where}.{name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ConfigError(f"{where} has no field {name!r}; add it.")
    return cls(**values)


@functools.cache
def _hints(cls: type) -> Mapping[str, Any]:
    """Return the types of a class's fields; reading a catalogue asks for the same few often."""
    return get_type_hints(cls)


def _value(hint: Any, value: object, where: str) -> Any:
    if hint is Any:
        return value
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        inner = next(arg for arg in get_args(hint) if arg is not type(None))
        return _value(inner, value, where)
    if origin is Mapping:
        return _mapping(hint, value, where)
    if origin is Sequence:
        return _sequence(get_args(hint)[0], value, where)
    if is_dataclass(hint) and hint is not Message:
        return read(cast("type[Any]", hint), value, where)
    return _scalar(hint, value, where)


def _mapping(hint: Any, value: object, where: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{where} must be a table, not {value!r}.")
    key_hint, value_hint = get_args(hint)
    return {
        _key(key_hint, key, where): _value(value_hint, item, f"{where}.{key}")
        for key, item in value.items()
    }


def _key(hint: Any, key: str, where: str) -> Any:
    if hint is not int:
        return key
    if not key.isdecimal():
        raise ConfigError(f"{where} has the key {key!r}; expected a whole number.")
    return int(key)


def _sequence(item_hint: Any, value: object, where: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise ConfigError(f"{where} must be a list, not {value!r}.")
    return tuple(_value(item_hint, item, f"{where}[{n}]") for n, item in enumerate(value))


def _scalar(hint: Any, value: object, where: str) -> Any:
    if hint is Decimal:
        return _money_or_ratio(value, where)
    if hint is Message:
        return Message(_scalar(str, value, where))
    if issubclass(hint, StrEnum):
        return _member(hint, value, where)
    # type(), because True is an int and a datetime is a date
    if type(value) is not hint:
        raise ConfigError(f"{where} must be {WORDS[hint]}, not {value!r}.")
    return value


def _money_or_ratio(value: object, where: str) -> Decimal:
    if type(value) is int:
        return Decimal(value)
    if not isinstance(value, Decimal) or not value.is_finite():
        raise ConfigError(f"{where} must be a number, not {value!r}.")
    return value


def _member(hint: type[StrEnum], value: object, where: str) -> StrEnum:
    if value not in [str(member) for member in hint]:
        raise ConfigError(f"{where} must be one of {_list(hint)}, not {value!r}.")
    return hint(value)


def _list(words: Any) -> str:
    return ", ".join(map(str, words))


def laid_over(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `top`'s values in place of its own; tables are joined."""
    joined = dict(base)
    for name, value in top.items():
        both = isinstance(value, Mapping) and isinstance(joined.get(name), Mapping)
        joined[name] = laid_over(joined[name], value) if both else value
    return joined


def added(base: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `extra` besides: lists grow, tables are joined, the rest is replaced."""
    joined = dict(base)
    for name, value in extra.items():
        old = joined.get(name)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            joined[name] = added(old, value)
        elif isinstance(value, list) and isinstance(old, list):
            joined[name] = [*old, *value]
        else:
            joined[name] = value
    return joined
