"""Korean and English, from gettext catalogues in `core/locale`; English is the source.

Catalogues are compiled in memory when first used, so no binary file can fall
behind its text.
"""

import functools
import gettext
import io
from pathlib import Path
from typing import Final

from babel import Locale, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from core.errors import Message

LOCALES: Final = ("ko", "en")
PSEUDO: Final = "pseudo"  # every catalogue text is bracketed: what is not was never translated
FOLDER: Final = Path(__file__).with_name("locale")
COOKIE: Final = "proofsheet_locale"  # set by every page's script: links cannot send a header
NAMES: Final = {"ko": "한국어", "en": "English"}


@functools.lru_cache(maxsize=256)  # every text of a page asks, and browsers differ little
def best_locale(accept_language: str) -> str:
    """Return the language for a browser's list (`ko-KR,ko;q=0.9,en;q=0.8`); English otherwise."""
    wanted = []
    for part in accept_language.split(","):
        name, _, quality = part.strip().partition(";q=")
        wanted.append((_quality(quality), name.replace("-", "_")))
    wanted.sort(key=lambda item: -item[0])
    return negotiate_locale([name for _, name in wanted if name], list(LOCALES)) or "en"


def _quality(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        return 0.0


def translate(message: Message, locale: str) -> str:
    """Return a message's sentence in a language, its values filled in."""
    values = {
        name: translate(value, locale) if isinstance(value, Message) else value
        for name, value in message.values.items()
    }
    text = sentence(message.text, locale)
    return text.format(**values) if values else text


def sentence(text: str, locale: str) -> str:
    """Return a catalogue text in a language, with its places still open."""
    if not text:
        return text
    if locale == PSEUDO:
        return f"⟦{text}⟧"
    return _catalogue(locale).gettext(text) if locale in LOCALES else text


def counted(one: str, many: str, count: int, locale: str) -> str:
    """Return the catalogue text for a number of things, with its places still open."""
    if locale == PSEUDO:
        return f"⟦{one if count == 1 else many}⟧"
    catalogue = _catalogue(locale) if locale in LOCALES else gettext.NullTranslations()
    return catalogue.ngettext(one, many, count)


@functools.cache
def _catalogue(locale: str) -> gettext.NullTranslations:
    path = FOLDER / locale / "LC_MESSAGES" / "proofsheet.po"
    if not path.exists():
        return gettext.NullTranslations()
    with path.open("rb") as file:
        catalogue = read_po(file, locale=Locale(locale))
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
