"""The Content-Disposition header of a download (RFC 6266)."""

import unicodedata
from urllib.parse import quote


def attachment(name: str) -> str:
    """Return the header that makes a browser save a file as `name`, whatever it contains.

    Old clients read the ASCII form, all others the UTF-8 one; neither can be
    ended early by a quote, a line break or a path in `name`.
    """
    clean = "".join("_" if _unsafe(letter) else letter for letter in name).strip() or "download"
    plain = unicodedata.normalize("NFKD", clean).encode("ascii", "ignore").decode() or "download"
    header = f'attachment; filename="{plain}"'
    if plain == clean:
        return header
    return f"{header}; filename*=UTF-8''{quote(clean, safe='')}"


def _unsafe(letter: str) -> bool:
    return letter in '"\\/%;' or unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
