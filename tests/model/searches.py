"""What is searched: in every test run, and at night."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from core.models import Dialect
from tests.model.rules import Rules

EDIT: Final = Rules(dialect=Dialect.OPENAI, skips=False)
V1: Final = Rules(dialect=Dialect.MINIMAX_V1, callbacks=True)
V1_LATE: Final = replace(V1, late_callbacks=1, attempts=4)
V2_CANCEL: Final = Rules(dialect=Dialect.MINIMAX_V2, cancels=True)
V2_LIST: Final = Rules(dialect=Dialect.MINIMAX_V2, lists=True)
V2_NEIGHBOUR: Final = replace(V2_LIST, neighbour=True)

EVERY_RUN: Final[Mapping[str, Rules]] = {
    "edit": EDIT,
    "v1 with callbacks": V1,
    "v1 without callbacks, every step": replace(V1, callbacks=False, skips=False),
    "v1 with late callbacks, no consent": replace(V1_LATE, late_callbacks=2, consents=0),
    "v2 with the list": V2_LIST,
    "v2 with callbacks and the list, no consent": replace(V2_LIST, callbacks=True, consents=0),
    "v2 with an equal job beside it, no consent": replace(V2_NEIGHBOUR, consents=0),
    "v2 that may be cancelled": V2_CANCEL,
}

NIGHTLY: Final[Mapping[str, Rules]] = {
    "edit, 3 workers": replace(EDIT, workers=3),
    "edit, 2 consents": replace(EDIT, consents=2, attempts=3),
    "v1 with callbacks, every step": replace(V1, skips=False),
    "v1 with callbacks, 3 workers": replace(V1, workers=3),
    "v1 with late callbacks, 1 worker": replace(V1_LATE, workers=1),
    "v2 with callbacks and the list": replace(V2_LIST, callbacks=True),
    "v2 with an equal job beside it": V2_NEIGHBOUR,
    "v2 with the list, 3 workers": replace(V2_LIST, workers=3),
    "v2 that may be cancelled, with callbacks": replace(V2_CANCEL, callbacks=True),
}
