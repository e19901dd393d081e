"""The browser sources of a component, read once when its module is imported.

They travel inline: one module and one sheet per component, so the shared pieces in
`browser/` are put in front of each. The result always holds a newline, which is how
Streamlit tells source text from a path.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

BROWSER = Path(__file__).parent / "browser"


def script(folder: Path, *names: str) -> str:
    """Return one ES module: the shared pieces, then `names` in order; the last exports."""
    return _joined([BROWSER / "dom.js", BROWSER / "units.js", *(folder / name for name in names)])


def sheet(folder: Path, *names: str) -> str:
    """Return one style sheet: the shared rules, then `names` in order."""
    return _joined([BROWSER / "base.css", *(folder / name for name in names)])


def labels_for(component: str, needed: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the visible strings a component needs.

    Raises:
        KeyError: some are missing; better here than a button without a name.
    """
    missing = sorted(set(needed) - set(given))
    if missing:
        raise KeyError(f"{component} needs labels for {', '.join(missing)}.")
    return {name: given[name] for name in needed}


def _joined(paths: Iterable[Path]) -> str:
    return "\n".join(path.read_text("utf-8") for path in paths) + "\n"
