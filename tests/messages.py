"""Collect every translatable text into the Korean catalogue: `make messages`.

Texts are the first arguments of `_` (pages) and `msg` (core), the first two of `_n`
(one and many), and the catalogue of models' own English sentences. Translations that
exist are kept.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from core.providers.catalog import load

ROOT = Path(__file__).parents[1]
KEYWORDS: Mapping[str, tuple[int, ...] | None] = {"_": None, "msg": None, "_n": (1, 2)}
KOREAN = ROOT / "core/locale/ko/LC_MESSAGES/proofsheet.po"
HEADER = "# Korean texts of Proofsheet. Places in {braces} stay as they are.\n"


def texts() -> Iterator[tuple[str, str]]:
    """Yield (where, text) for everything people can see; a plural is under its first form."""
    for place, text in entries():
        yield place, text if isinstance(text, str) else text[0]


def entries() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Yield (where, text) for everything people can see; a plural is (one, many)."""
    for folder in ("core", "pages"):
        found = extract_from_dir(ROOT / folder, method_map=[("**.py", "python")], keywords=KEYWORDS)
        for name, _line, message, _comments, _context in found:
            yield f"{folder}/{name}", message
    for text in load().texts():
        yield "core/providers/catalog.toml", text


def collected() -> Catalog:
    """Return the Korean catalogue as it should be: every text, old translations kept."""
    catalogue = Catalog(locale="ko", header_comment=HEADER, fuzzy=False)
    with KOREAN.open("rb") as file:
        old = read_po(file, locale="ko")
    for place, text in entries():
        translated = old.get(text)
        catalogue.add(
            text, translated.string if translated else "", locations=[(place, 0)], flags=()
        )
    return catalogue


def main() -> int:
    """Write the catalogue and name what still lacks Korean."""
    catalogue = collected()
    with KOREAN.open("wb") as file:
        write_po(file, catalogue, width=100, sort_by_file=True, include_lineno=False)
    missing = [message.id for message in catalogue if message.id and not _has_korean(message)]
    for text in missing:
        print(f"without Korean: {text}")
    return 1 if missing else 0


def _has_korean(message: Message) -> bool:
    return all(message.string) if isinstance(message.string, tuple) else bool(message.string)


if __name__ == "__main__":
    sys.exit(main())
