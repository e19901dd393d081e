"""The jobs that need a decision, each with its reason, its choices and what they may cost."""

from collections.abc import Sequence

import streamlit as st

from core import refusals, undecided
from core.history import Card
from core.models import User
from core.sentences import SENTENCES, vendor
from core.services import services
from core.stages import Stage
from core.undecided import Undecided
from pages.parts import choices, thumbnails
from pages.parts.look import look
from pages.parts.words import say

AT_ONCE = 12  # three buttons each: more would make every run slow, and nobody decides faster


def show(user: User, cards: Sequence[Card]) -> None:
    """List uncertain jobs to decide about them here; what has moved on is left out."""
    with services().sessions() as session:
        cases = undecided.of_jobs(session, [card.id for card in cards])
    for card in cards:
        if card.id in cases:
            with st.container(key=f"undecided-{card.id}"):
                _case(card, cases[card.id])
                choices.about_unknown(user, cases[card.id])


def _case(card: Card, case: Undecided) -> None:
    unknown = say(SENTENCES[Stage.UNCERTAIN])
    why = say(refusals.explain(case.why, provider=vendor(case.provider))) if case.why else unknown
    picture = thumbnails.of_result(card) or thumbnails.stand_in(card)
    look.case(card.title, why, picture=picture, href=f"/job?id={card.id}")
