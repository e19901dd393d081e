"""Ask for known vulnerabilities of everything we pin: `make audit`.

What is found fails; that nobody could be asked does not. A build must not
hang on a service of somebody else's, and says what it has not done.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TIMEOUT_S = 15  # of one question; the first that nobody answers ends the audit


def main() -> int:
    """Print what is known; return 1 if anything is."""
    pins = sorted(ROOT.glob("requirements*.txt"))
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        done = subprocess.run(command(pins, report), capture_output=True, text=True, check=False)
        if not report.exists():
            print(f"Not audited: {_last_line(done.stderr)}")
            return 0
        found = list(known(json.loads(report.read_text(encoding="utf-8"))))
    for line in found:
        print(line)
    print(f"{len(found)} known vulnerabilities in what {len(pins)} files pin.")
    return 1 if found else 0


def command(pins: Sequence[Path], report: Path) -> list[str]:
    """Return how pip-audit is asked: about exactly these pins, installing nothing."""
    files = [word for file in pins for word in ("-r", str(file))]
    options = ["--disable-pip", "--require-hashes", "--progress-spinner", "off"]
    result = ["--format", "json", "--output", str(report), "--timeout", str(TIMEOUT_S)]
    return [sys.executable, "-m", "pip_audit", *options, *result, *files]


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
