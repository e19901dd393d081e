"""Faults that a test switches on: which ones there are, how often each still happens."""

import random
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class UnknownFaultError(ValueError):
    """No such fault, or one described wrongly; the message says what there is."""


FIELDS = frozenset({"name", "times", "rate", "seed", "match", "args"})


@dataclass(slots=True, kw_only=True)
class Fault:
    """One switch."""

    name: str
    times: int | None  # how often it may still happen; None = for ever
    rate: float  # 0..1: the share of matching requests it hits
    seed: int | None  # the same seed hits the same requests again
    match: str | None  # only requests whose prompt contains this
    args: dict[str, Any]
    dice: random.Random = field(repr=False)
    hit: list[str] = field(default_factory=list)  # the prompts of the requests it happened to

    def shown(self) -> dict[str, Any]:
        """Return what a client sees of it; `fired` counts how often it has happened."""
        names = ("name", "times", "rate", "seed", "match", "args", "hit")
        return {name: getattr(self, name) for name in names} | {"fired": len(self.hit)}

    def fires(self, prompt: str) -> bool:
        """Decide about one request, and count it."""
        if self.times == 0 or (self.match is not None and self.match not in prompt):
            return False
        if self.rate < 1 and self.dice.random() >= self.rate:
            return False
        self.hit.append(prompt)
        if self.times is not None:
            self.times -= 1
        return True


class Faults:
    """The switches of one simulator. Safe to share between threads; forgotten at a restart."""

    def __init__(self, known: Mapping[str, str]) -> None:
        """Know these faults: name to one sentence of what it does."""
        self.known = dict(known)
        self._set: list[Fault] = []
        self._lock = threading.Lock()

    def take(self, name: str, prompt: str = "") -> dict[str, Any] | None:
        """Return the arguments of fault `name` if it hits this request (and count it), or None."""
        with self._lock:
            for fault in self._set:
                if fault.name == name and fault.fires(prompt):
                    return dict(fault.args)
        return None

    def take_any(self, names: Sequence[str], prompt: str = "") -> tuple[str, dict[str, Any]] | None:
        """Return name and arguments of the first of `names` that hits this request, or None."""
        for name in names:
            args = self.take(name, prompt)
            if args is not None:
                return name, args
        return None

    def add(self, wanted: object) -> None:
        """Switch one fault on. Raises UnknownFaultError."""
        fault = self._checked(wanted)
        with self._lock:
            self._set.append(fault)

    def replace(self, wanted: object) -> None:
        """Switch exactly these on (a list) and all others off. Raises UnknownFaultError."""
        if not isinstance(wanted, list):
            raise UnknownFaultError("Expected a list of faults.")
        faults = [self._checked(each) for each in wanted]
        with self._lock:
            self._set = faults

    def clear(self, name: str | None = None) -> None:
        """Switch off all faults, or those called `name`."""
        with self._lock:
            self._set = [] if name is None else [each for each in self._set if each.name != name]

    def shown(self) -> list[dict[str, Any]]:
        """Return every switch with what is left of it."""
        with self._lock:
            return [fault.shown() for fault in self._set]

    def _checked(self, wanted: object) -> Fault:
        if not isinstance(wanted, dict) or not FIELDS.issuperset(wanted):
            raise UnknownFaultError(f"A fault is an object of {', '.join(sorted(FIELDS))}.")
        name, rate, times = wanted.get("name"), wanted.get("rate", 1), wanted.get("times")
        if name not in self.known:
            known = ", ".join(sorted(self.known))
            raise UnknownFaultError(f"There is no fault {name!r}. There are: {known}.")
        if type(rate) not in {int, float} or not 0 <= rate <= 1:
            raise UnknownFaultError(f"`rate` must be 0 to 1, not {rate!r}.")
        if times is not None and (type(times) is not int or times < 0):
            raise UnknownFaultError(f"`times` must be a whole number or null, not {times!r}.")
        seed = wanted.get("seed")
        return Fault(
            name=name,
            times=times,
            rate=rate,
            seed=seed,
            match=wanted.get("match"),
            args=dict(wanted.get("args") or {}),
            dice=random.Random(seed),  # noqa: S311 - repeatable on purpose, guards nothing
        )
