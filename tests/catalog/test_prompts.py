"""Prompts that no provider takes, at either form."""

import pytest

from tests.catalog.wishes import edit_says, video_says

EMPTY = "The prompt is empty. Write what the result should show."


@pytest.mark.parametrize(
    "prompt", ["", " ", "\n\t ", "\u200b", "\ufeff\u200d \u2060", "\u3164 \u2800"]
)
def test_a_prompt_that_shows_nothing_is_empty(prompt):
    assert edit_says(prompt=prompt) == [EMPTY]
    assert video_says(prompt=prompt) == [EMPTY]


@pytest.mark.parametrize(
    ("prompt", "problem"),
    [
        ("a\x00b", "The prompt has a control character (U+0000) at position 2. Delete it."),
        ("\x1b[31mred", "The prompt has a control character (U+001B) at position 1. Delete it."),
        ("boat\x7f", "The prompt has a control character (U+007F) at position 5. Delete it."),
        ("boat\x85", "The prompt has a control character (U+0085) at position 5. Delete it."),
        ("a\ud800b", "The prompt has a broken character at position 2. Type it again."),
        ("ab\udfff", "The prompt has a broken character at position 3. Type it again."),
    ],
)
def test_a_character_that_cannot_be_sent_is_pointed_at(prompt, problem):
    assert edit_says(prompt=prompt) == [problem]
    assert video_says(prompt=prompt) == [problem]


@pytest.mark.parametrize(
    "prompt",
    [
        "배를 빨갛게",
        "line\r\nbreak\tand tab",
        "👨‍👩‍👧‍👦 family",
        "{{template}} {0} %s",
        "<b>HTML</b>",
        "\u202eltr",
    ],
)
def test_text_of_any_kind_is_taken_as_it_is(prompt):
    assert edit_says(prompt=prompt) == []
    assert video_says(prompt=prompt) == []


def test_a_megabyte_is_counted_and_not_repeated():
    (problem,) = edit_says(prompt="x" * 2**20)
    assert problem == (
        "The prompt has 1,048,576 characters; at most 32,000 are allowed. Shorten it."
    )


def test_characters_are_counted_not_bytes():
    assert video_says(prompt="한" * 2000) == []
    assert len(video_says(prompt="한" * 2001)) == 1
