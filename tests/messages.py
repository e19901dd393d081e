"""Collect every translatable text into the Korean catalogue: `make messages`.

Texts are the first arguments of `_` (pages) and `msg` (core), and the catalogue
of models' own English sentences. Translations that exist are kept.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from core.providers.catalog import load

ROOT = Path(__file__).parents[1]
KOREAN = ROOT / "core/locale/ko/LC_MESSAGES/proofsheet.po"
HEADER = "# Korean texts of Proofsheet. Places in {braces} stay as they are.\n"


def texts() -> Iterator[tuple[str, str]]:
    """Yield (where, text) for everything people can see."""
    for folder in ("core", "pages"):
        found = extract_from_dir(
            ROOT / folder, method_map=[("**.py", "python")], keywords={"_": None, "msg": None}
        )
        for name, _line, message, _comments, _context in found:
            yield f"{folder}/{name}", message[0] if isinstance(message, tuple) else message
    for text in load().texts():
        yield "core/providers/catalog.toml", text


def collected() -> Catalog:
    """Return the Korean catalogue as it should be: every text, old translations kept."""
    catalogue = Catalog(locale="ko", header_comment=HEADER, fuzzy=False)
    with KOREAN.open("rb") as file:
        old = read_po(file, locale="ko")
    for place, text in texts():
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
    missing = [str(message.id) for message in catalogue if message.id and not message.string]
    for text in missing:
        print(f"without Korean: {text}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
