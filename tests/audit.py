"""Ask for known vulnerabilities of everything we pin: `make audit`.

What is found fails; that nobody could be asked does not. A build must not
hang on a service of somebody else's, and says what it has not done.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TIMEOUT_S = 15  # of one question; the first that nobody answers ends the audit
LONGEST_S = 120  # of all about one file


def main() -> int:
    """Print what is known; return 1 if anything is."""
    found: set[str] = set()
    for pins in sorted(ROOT.glob("requirements*.txt")):
        report, trouble = audited(pins)
        if report is None:
            print(f"Not audited, {pins.name}: {trouble}")
            return 1 if found else 0
        found.update(known(report))
    for line in sorted(found):
        print(line)
    print(f"{len(found)} known vulnerabilities in what is pinned.")
    return 1 if found else 0


def audited(pins: Path) -> tuple[Mapping[str, Any] | None, str]:
    """Return pip-audit's report of one file (the same package may be in several), or why not."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        try:
            done = subprocess.run(
                command(pins, report),
                capture_output=True,
                text=True,
                check=False,
                timeout=LONGEST_S,
            )
        except subprocess.TimeoutExpired:
            return None, f"nobody answered in {LONGEST_S} s"
        if not report.exists():
            return None, _last_line(done.stderr)
        content: Mapping[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        return content, ""


def command(pins: Path, report: Path) -> list[str]:
    """Return how pip-audit is asked: about exactly these pins, installing nothing."""
    options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    result = ["--format", "json", "--output", str(report), "--timeout", str(TIMEOUT_S)]
    return [sys.executable, "-m", "pip_audit", *options, *result, "-r", str(pins)]


def known(report: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each vulnerability of pip-audit's report."""
    for package in report["dependencies"]:
        for vulnerability in package.get("vulns", ()):
            fixed = ", ".join(vulnerability["fix_versions"]) or "no version yet"
            name = f"{package['name']} {package['version']}"
            yield f"{name}: {vulnerability['id']}, fixed in {fixed}"


def _last_line(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip()]
    return lines[-1] if lines else "pip-audit said nothing."


if __name__ == "__main__":
    sys.exit(main())
