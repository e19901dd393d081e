from core.storage.bucket import Bucket
from core.storage.doctor import PROMISES, doctor

ORIGIN = "http://127.0.0.1:8501"


def test_every_promise_holds(bucket: Bucket) -> None:
    checks = doctor(bucket, environment="test", origin=ORIGIN)

    assert [check for check in checks if not check.ok] == []
    assert len(checks) == len(PROMISES)


def test_pages_that_may_not_upload_are_found(bucket: Bucket) -> None:
    checks = doctor(bucket, environment="test", origin="https://forgotten.example")

    [broken] = [check for check in checks if not check.ok]
    assert broken.name == "our pages may upload (CORS)"
    assert "https://forgotten.example may not upload" in broken.detail


def test_a_store_that_is_down_fails_every_check_and_shows_no_signature(nowhere: Bucket) -> None:
    checks = doctor(nowhere, environment="test", origin=ORIGIN)

    assert not any(check.ok for check in checks)
    assert all("Check S3" in check.detail for check in checks)
    assert not any("Signature" in check.detail for check in checks)
