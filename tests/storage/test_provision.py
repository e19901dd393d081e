import json

from core.storage.bucket import Bucket
from core.storage.provision import provision

ORIGIN = "https://bench.example"


def test_a_missing_bucket_is_made_once_and_configured(missing: Bucket) -> None:
    for detail in ("was created", "is there"):
        steps = provision(missing, origins=[ORIGIN])

        assert [(step.name, step.done) for step in steps] == [
            ("bucket", True),
            ("cors", True),
        ]
        assert detail in steps[0].detail


def test_only_our_pages_and_signed_headers_are_let_in(missing: Bucket) -> None:
    provision(missing, origins=[ORIGIN])

    with missing.talking() as s3:
        [rule] = s3.get_bucket_cors(Bucket=missing.name)["CORSRules"]
    assert rule["AllowedOrigins"] == [ORIGIN]
    assert set(rule["AllowedMethods"]) == {"GET", "HEAD", "PUT"}
    assert {"content-type", "if-none-match", "x-amz-checksum-sha256"} <= set(rule["AllowedHeaders"])
    assert rule["ExposeHeaders"] == ["ETag"]


def test_what_could_not_be_set_is_told_in_full(nowhere: Bucket) -> None:
    steps = provision(nowhere, origins=[ORIGIN])

    assert not any(step.done for step in steps)
    for step in steps:
        reason, _, wanted = step.detail.partition("\nSet this by hand:\n")
        assert "did not answer" in reason
        assert json.loads(wanted)
