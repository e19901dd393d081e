import re

from deploy.server.render import names, render


def test_no_name_stays_unfilled(tmp_path):
    made = render(tmp_path, names("bench.example.com"))

    assert {path.name for path in made} == {
        "proofsheet-web.service",
        "proofsheet-worker.service",
        "proofsheet.env",
        "proofsheet.nginx.conf",
    }
    for path in made:
        assert not re.search(r"@[A-Z]+@", path.read_text()), path
