"""What no linter checks: `make check` runs it after them."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
BAD_NAMES = re.compile(r"(^|/)(utils?|helpers?|common|misc|manager)\.py$")
INJECTION = re.compile(r"unsafe_allow_html\s*=\s*True|unsafe_allow_javascript")
SECRETS = re.compile(r"sk-[A-Za-z0-9]{20,}|AKIA[A-Z0-9]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----")
STYLE = re.compile(r"<style")


def main() -> int:
    """Print what is wrong; return 1 if anything is."""
    problems = [problem for check in (_names, _contents) for problem in check(_tracked())]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def _names(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        if BAD_NAMES.search(str(path)):
            yield f"{path.relative_to(ROOT)}: name the file by its subject."


def _contents(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        if path.suffix not in {".py", ".md", ".toml", ".js", ".css", ".conf", ".service"}:
            continue
        name, text = path.relative_to(ROOT), path.read_text(encoding="utf-8")
        if SECRETS.search(text):
            yield f"{name}: something that looks like a secret."
        if path.suffix != ".py" or name.parts[0] == "tests":
            continue
        if INJECTION.search(text):
            yield f"{name}: text must not be shown as HTML."
        if STYLE.search(text) and name.parts[:3] != ("pages", "parts", "look"):
            yield f"{name}: styles come from the theme and the one stylesheet."


if __name__ == "__main__":
    sys.exit(main())
