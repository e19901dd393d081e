"""Whoever pays must know it: the banner never calls a real provider simulated."""

import pytest


@pytest.mark.parametrize(
    ("simulated", "sentence"),
    [
        ({"openai", "minimax"}, "nothing here is real, and nothing costs money"),
        ({"minimax"}, "Videos are simulated and cost nothing; image edits are real"),
        ({"openai"}, "Image edits are simulated and cost nothing; videos are real"),
        ((), None),
    ],
)
def test_the_banner_says_what_is_simulated_and_what_costs_money(
    open_page, services, simulated, sentence
):
    object.__setattr__(services.settings, "simulated_providers", frozenset(simulated))
    parts = [html.proto.body for html in open_page("history").get("html")]
    banners = [part for part in parts if "ps-simulated" in part and "<style" not in part]

    assert len(banners) == (sentence is not None)
    assert all(sentence in banner for banner in banners)
