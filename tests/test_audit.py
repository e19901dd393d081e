import os
import subprocess
import sys

from tests import audit

REPORT = {
    "dependencies": [
        {"name": "sound", "version": "1.0", "vulns": []},
        {
            "name": "rotten",
            "version": "2.0",
            "vulns": [
                {"id": "PYSEC-1", "fix_versions": ["2.1", "3.0"]},
                {"id": "PYSEC-2", "fix_versions": []},
            ],
        },
        {"name": "unheard-of", "skip_reason": "not on the index"},
    ],
    "fixes": [],
}


def test_each_known_vulnerability_is_a_line():
    assert list(audit.known(REPORT)) == [
        "rotten 2.0: PYSEC-1, fixed in 2.1, 3.0",
        "rotten 2.0: PYSEC-2, fixed in no version yet",
    ]


def test_an_audit_that_nobody_answers_says_so_and_fails_nothing():
    nobody = "http://127.0.0.1:1"
    done = subprocess.run(
        [sys.executable, "-m", "tests.audit"],
        cwd=audit.ROOT,
        env={"PATH": os.defpath, "HTTPS_PROXY": nobody, "https_proxy": nobody},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert done.stdout.startswith("Not audited, ")
    assert "ProxyError" in done.stdout
