"""What SQLAlchemy has made of our statements, kept from one test's engine to the next one's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from core import database


@contextmanager
def compiled_once(url: str) -> Iterator[None]:
    """Let engines of one process share a dialect and its compiled statements.

    The application has one engine; a test has one of its own, with connections of its own, and
    would compile every statement anew. `url` leads to any database of the server.
    """
    first = database.open_engine(url, application="test")
    with first.connect():  # a dialect learns at the first connection what the server can do
        pass
    first.dispose()

    def alike(*arguments: Any, **options: Any) -> Engine:
        engine = create_engine(*arguments, **options)
        engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "create_engine", alike)
        yield
