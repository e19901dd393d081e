"""The server files with a host's names filled in: python -m deploy.server.render HOST FOLDER."""

import sys
from collections.abc import Mapping
from pathlib import Path

TEMPLATES = Path(__file__).with_name("templates")


def render(folder: Path, values: Mapping[str, str]) -> list[Path]:
    """Write every template to `folder` with its @NAMES@ replaced; return the files.

    Raises:
        KeyError: a template has a name that `values` lacks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for template in sorted(TEMPLATES.iterdir()):
        text = template.read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        path = folder / template.name.removesuffix(".example")
        path.write_text(text, encoding="utf-8")
        made.append(path)
    return made


def names(host: str) -> Mapping[str, str]:
    """Return the names of an ordinary installation."""
    return {
        "ROOT": "/opt/proofsheet",
        "ETC": "/etc/proofsheet",
        "TLS": f"/etc/letsencrypt/live/{host}",
        "HOST": host,
    }


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("Say for which host and to which folder: python -m deploy.server.render HOST DIR")
    for path in render(Path(sys.argv[2]), names(sys.argv[1])):
        print(path)
