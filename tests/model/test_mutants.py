"""The search has teeth: without any one of its guards the protocol fails, in a way it names."""

from dataclasses import fields, replace

import pytest

from tests.model.invariants import NAMES
from tests.model.mutants import MUTANTS
from tests.model.rules import Rules
from tests.model.search import search
from tests.model.story import told

# What a search is of, and what makes it shorter.
NO_GUARDS = {"callbacks", "lists", "neighbour", "cancels", "forgets", "skips"}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught_and_its_invariant_named(name):
    rules, invariant = MUTANTS[name]
    found = search(rules)

    print(told(found))
    assert found.invariant == invariant


def test_only_a_late_callback_catches_who_ignores_it():
    rules, _ = MUTANTS["a callback about a request that was turned away holds nobody back"]
    found = search(replace(rules, late_callbacks=0, consents=0))

    assert not found.invariant, told(found)


def test_every_guard_is_taken_away_by_some_mutant():
    guards = {field.name for field in fields(Rules) if field.type is bool} - NO_GUARDS

    assert all(any(not getattr(rules, guard) for rules, _ in MUTANTS.values()) for guard in guards)
    assert len(guards) > 20


def test_every_invariant_but_the_tables_is_violated_by_some_mutant():
    violated = {invariant for _, invariant in MUTANTS.values()}

    assert NAMES.keys() - violated == {"moves_follow_the_table"}


def test_a_violation_is_told_as_a_story():
    lines = told(search(MUTANTS["no send deadline"][0])).splitlines()

    assert lines[0].startswith("violated: paid_once_per_consent (1: billed(job)")
    assert ["SENDS" in line for line in lines].count(True) == 2
    assert "  1. worker 1 claims it" in lines[1]
    assert len(lines) == 13, "nobody needs a longer story"


def test_what_goes_round_for_ever_is_told_with_its_moves():
    rules, _ = MUTANTS["the sweep frees a copy whose lease has not ended"]

    assert told(search(rules)).endswith("it may go round for ever: claim, freed, stale")
