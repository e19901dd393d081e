"""The name of an upload as people see it. Keys and paths never contain it."""

import unicodedata

MAX_CHARACTERS = 120
NAMELESS = "file"

# Everything that draws nothing, or changes how the rest is drawn: controls, marks of
# direction, private and unassigned code points, lone surrogates, line separators.
UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
JOINER = "\u200d"  # holds emoji together


def clean_filename(name: str) -> str:
    """Return a name that can be shown and saved: one line, no path, at most 120 characters.

    Letters of every script and emoji stay. The end of the name stays too, so
    that 'photo.jpg.php' is never shown as a picture's name by being cut.
    """
    name = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    # What is removed may bring letters together that then belong together.
    while (cleaner := _cleaner(name)) != name:
        name = cleaner
    return name or NAMELESS


def _cleaner(name: str) -> str:
    composed = unicodedata.normalize("NFC", name)
    seen = "".join(map(_shown, composed, " " + composed))
    return _shortened(" ".join(seen.split()).strip(". "))


def _shown(letter: str, before: str) -> str:
    if letter.isspace():
        return " "
    if letter == JOINER:
        return letter if unicodedata.category(before) in {"So", "Sk", "Mn"} else ""
    return "" if unicodedata.category(letter) in UNSEEN else letter


def _shortened(name: str) -> str:
    if len(name) <= MAX_CHARACTERS:
        return name
    tail = name[-20:]
    return f"{name[: MAX_CHARACTERS - 21].rstrip()}…{tail}"
