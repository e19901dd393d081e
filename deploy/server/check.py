"""Prove that systemd and nginx accept the server files: rendered, never installed."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.server.render import render

PACKAGES = {"systemd-analyze": "systemd", "nginx": "nginx-light", "openssl": "openssl"}

NGINX = """\
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/proofsheet.nginx.conf;
}}
"""


def main() -> int:
    """Check everything; return 0 only if both programs accept it."""
    missing = [package for program, package in PACKAGES.items() if not shutil.which(program)]
    if missing:
        print(f"Not checked: install {' '.join(missing)} first (apt-get install …).")
        return 1
    with tempfile.TemporaryDirectory(prefix="proofsheet-server-") as name:
        folder = Path(name)
        _scratch(folder)
        wrong = [check for check in (_systemd, _nginx) if not check(folder)]
    print("The server files are not accepted." if wrong else "systemd and nginx accept the files.")
    return 1 if wrong else 0


def _scratch(folder: Path) -> None:
    """Make what the files point at: an interpreter, a certificate, an environment file."""
    root = folder / "opt"
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python").symlink_to(sys.executable)
    render(
        folder,
        {"ROOT": str(root), "ETC": str(folder), "TLS": str(folder), "HOST": "bench.example.com"},
    )
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=bench.example.com",
            "-keyout",
            folder / "privkey.pem",
            "-out",
            folder / "fullchain.pem",
        ],
        check=True,
        capture_output=True,
    )
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder), encoding="utf-8")


def _systemd(folder: Path) -> bool:
    units = sorted(folder.glob("*.service"))
    return _accepted(["systemd-analyze", "verify", "--man=no", *map(str, units)])


def _nginx(folder: Path) -> bool:
    return _accepted(["nginx", "-t", "-c", str(folder / "nginx.conf"), "-p", str(folder)])


def _accepted(command: list[str]) -> bool:
    """systemd-analyze exits 0 on unknown directives and only says so: any word is a no."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (done.stdout + done.stderr).strip()
    quiet = command[0] == "nginx" or not said
    print(f"$ {command[0]}: {'ok' if done.returncode == 0 and quiet else said}")
    return done.returncode == 0 and quiet


if __name__ == "__main__":
    sys.exit(main())
