"""Every code that can be raised or recorded has a sentence that says enough."""

import ast
import string
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from core import gate_sentences
from core.providers import minimax_errors, openai_errors
from core.providers.codes import Code
from core.providers.observations import ROWS, Never, NotTaken
from core.refusals import (
    CHARGE_UNSAID,
    NOT_SENT,
    NOT_TAKEN,
    READING,
    REFUSED,
    SENTENCES,
    UNKNOWN,
    explain,
    explain_gate,
)

ROOT = Path(__file__).parents[2]
CODES = get_args(Code)
# What the worker, the sweep and the operator's commands record themselves.
WORKERS = (
    "abandoned",
    "answer_is_here",
    "answer_lost",
    "called_back",
    "decoder_failed",
    "download_broken",
    "expired",
    "expired_here",
    "expired_in_line",
    "input_changed",
    "input_missing",
    "never_whole",
    "not_a_video",
    "restored",
    "result_deleted",
    "result_expired",
    "result_not_ready",
    "stopped_waiting",
    "storage_unavailable",
    "worker_lost",
)
MODULES = (
    "answer_file",
    "body",
    "fetch",
    "free_call",
    "minimax_calls",
    "minimax_errors",
    "minimax_v1",
    "minimax_v2",
    "openai",
    "openai_errors",
    "paid_send",
    "partials",
)


def test_there_is_a_sentence_for_each_code_and_none_too_many():
    assert {*CODES, *WORKERS} == set(SENTENCES)


def nodes() -> Iterator[ast.AST]:
    """Yield every node of the adapters' source."""
    for name in MODULES:
        source = (ROOT / f"core/providers/{name}.py").read_text(encoding="utf-8")
        yield from ast.walk(ast.parse(source))


def test_the_adapters_raise_no_other_code():
    """Most are typed; this is about the few that are given to an error itself."""
    given = [node.value for node in nodes() if isinstance(node, ast.keyword) and node.arg == "code"]
    found = {value.value for value in given if isinstance(value, ast.Constant)}
    assert len(found) >= 2
    assert found <= set(CODES)


def test_no_code_is_left_over():
    assert set(CODES) <= {node.value for node in nodes() if isinstance(node, ast.Constant)}


@pytest.mark.parametrize(
    "table",
    [
        openai_errors.BY_CODE,
        openai_errors.BY_TYPE,
        openai_errors.BY_STATUS,
        openai_errors.NO_SUCH_ADDRESS,
        minimax_errors.BY_NUMBER,
        minimax_errors.BY_STATUS,
        minimax_errors.NO_SUCH_ADDRESS,
    ],
)
def test_each_row_of_a_table_has_a_sentence(table):
    assert {row.code for row in table.values()} <= set(SENTENCES)


@pytest.mark.parametrize("code", SENTENCES)
@pytest.mark.parametrize("provider", ["OpenAI", "MiniMax"])
def test_a_sentence_can_be_shown(code, provider):
    shown = str(explain(code, provider=provider))
    assert "{" not in shown
    assert shown.endswith(".")
    places = {name for _, name, _, _ in string.Formatter().parse(SENTENCES[code].text) if name}
    assert places <= {"provider", "setting"}


@pytest.mark.parametrize("code", [*NOT_SENT, *NOT_TAKEN, *REFUSED, *UNKNOWN])
def test_a_sentence_says_what_it_cost_where_that_is_known(code):
    if code == "storage_unavailable" or code in CHARGE_UNSAID:  # not a request; said beside it
        return
    assert "charged" in SENTENCES[code].text


@pytest.mark.parametrize("code", sorted(CHARGE_UNSAID))
def test_a_sentence_says_nothing_of_a_cost_that_depends_on_the_job(code):
    assert "charged" not in SENTENCES[code].text


@pytest.mark.parametrize("code", UNKNOWN)
def test_an_unknown_outcome_warns_of_a_second_bill(code):
    assert "may cost a second time" in SENTENCES[code].text


def test_credentials_name_the_setting_to_fix():
    assert "OPENAI_API_KEY" in str(explain("key_invalid", provider="OpenAI"))
    assert "MINIMAX_API_KEY" in str(explain("key_invalid", provider="MiniMax"))


def test_a_code_of_an_older_release_still_has_a_sentence():
    shown = str(explain("gone_since", provider="OpenAI"))
    assert shown == "OpenAI did not do what was asked (code gone_since)."


@pytest.mark.parametrize("code", READING)
def test_a_question_that_failed_says_nothing_of_what_was_sent_or_charged(code):
    """The task it asks about was taken, and is paid for."""
    assert "charged" not in SENTENCES[code].text
    assert "request" not in SENTENCES[code].text


def test_every_code_that_closes_a_gate_has_words_for_all_that_waits_there():
    closing = {
        row.code
        for row in ROWS
        if isinstance(row, NotTaken) or (isinstance(row, Never) and row.closes_model)
    }
    assert closing == set(gate_sentences.SENTENCES)
    for code in closing:
        told = str(explain_gate(code, provider="MiniMax"))
        assert "ait and cost nothing" in told
        assert "request" not in told
