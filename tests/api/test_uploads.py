import dataclasses
import functools
import hashlib
import io
import threading
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
import requests
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from core import intake, users
from core.errors import Rejected
from core.intake import arrivals
from core.models import Upload
from tests.api.conftest import signed_in
from tests.media.makers import write_film


def png(width: int = 640, height: int = 480, mode: str = "RGB") -> bytes:
    content = io.BytesIO()
    Image.effect_noise((width, height), 40).convert(mode).save(content, "PNG")
    return content.getvalue()


def announced(content: bytes, **changes):
    return {
        "filename": "보트.png",
        "content_type": "image/png",
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "purpose": "input",
    } | changes


def sent(api, content: bytes, **changes) -> str:
    permission = api.post("/storage/presign-put", json=announced(content, **changes)).json()
    stored = requests.put(
        permission["url"], data=content, headers=permission["headers"], timeout=10
    )
    assert stored.status_code == 200, stored.text
    return permission["upload_id"]


def test_a_picture_becomes_an_input_with_a_prepared_copy_and_a_thumbnail(kim):
    answer = kim.post("/storage/confirm", json={"upload_id": sent(kim, png())})

    asset = answer.json()["asset"]
    assert (asset["width"], asset["height"], asset["filename"]) == (640, 480, "보트.png")
    for link in (asset["thumbnail_url"], asset["prepared_url"]):
        shown = requests.get(link, timeout=10)
        assert shown.status_code == 200
        Image.open(io.BytesIO(shown.content)).load()


def test_the_same_file_is_not_uploaded_twice(kim):
    content = png()
    first = kim.post("/storage/confirm", json={"upload_id": sent(kim, content)}).json()["asset"]

    again = kim.post("/storage/presign-put", json=announced(content)).json()

    assert again["asset"]["id"] == first["id"]


def at_once(count: int, action) -> list:
    """Run `action(number)` in as many threads; return what they returned."""
    ready = threading.Barrier(count)

    def wait_and_act(number: int):
        ready.wait()
        return action(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(wait_and_act, range(count)))


def test_fifty_confirmations_at_once_decode_once_and_have_one_effect(kim, monkeypatch):
    upload_id, decoded = sent(kim, png()), []
    verified = arrivals._verified

    def counted(services, upload):
        decoded.append(upload.id)
        return verified(services, upload)

    monkeypatch.setattr(arrivals, "_verified", counted)

    made = at_once(50, lambda _: kim.post("/storage/confirm", json={"upload_id": upload_id}).json())

    assert len({answer["asset"]["id"] for answer in made}) == 1
    assert len(decoded) == 1
    assert arrivals._TURNS._locks == {}


def test_confirmations_that_take_their_time_hold_up_nobody_else(kim, monkeypatch):
    upload_id, verified = sent(kim, png()), arrivals._verified
    begun, go_on = threading.Event(), threading.Event()

    def slowly(services, upload):
        begun.set()
        assert go_on.wait(30)
        return verified(services, upload)

    monkeypatch.setattr(arrivals, "_verified", slowly)
    confirm = functools.partial(kim.post, "/storage/confirm", json={"upload_id": upload_id})
    with ThreadPoolExecutor(51) as pool:
        waiting = [pool.submit(confirm) for _ in range(50)]
        assert begun.wait(10)
        try:
            answers = [pool.submit(kim.get, "/health").result(timeout=10) for _ in range(3)]
        finally:
            go_on.set()
        made = {each.result().json()["asset"]["id"] for each in waiting}

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len(made) == 1


def test_announcements_at_once_share_one_quota(kim, services):
    settings = dataclasses.replace(services.settings, quota_bytes_per_user=4_000)
    small = dataclasses.replace(services, settings=settings)
    with services.sessions() as session:
        user = users.named(session, "kim")

    def announce(number: int) -> str:
        try:
            intake.announce(
                small,
                user,
                intake.Announcement(
                    filename="a.png",
                    content_type="image/png",
                    size_bytes=1_000,
                    sha256=f"{number:064x}",
                    purpose="input",
                ),
            )
        except Rejected as error:
            return str(error)
        return "permitted"

    answers = at_once(8, announce)

    assert answers.count("permitted") == 4
    (refused,) = set(answers) - {"permitted"}
    assert refused.startswith("Your files take 0.0 of 0.0 GB")
    assert "Ask the operator" in refused


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"size_bytes": 0}, 400),
        ({"size_bytes": -1}, 400),
        ({"size_bytes": 5 * 2**30}, 400),
        ({"size_bytes": True}, 422),
        ({"content_type": "image/svg+xml"}, 415),
        ({"content_type": "text/html"}, 415),
        ({"content_type": "image/jpeg", "purpose": "mask"}, 415),
        ({"purpose": "result"}, 422),
        ({"sha256": "abc"}, 422),
    ],
)
def test_what_cannot_be_taken_is_refused_before_a_byte_is_sent(kim, changes, status):
    answer = kim.post("/storage/presign-put", json=announced(png()) | changes)

    assert answer.status_code == status
    assert "url" not in answer.json()


def test_a_file_that_never_arrived_is_told(kim):
    permission = kim.post("/storage/presign-put", json=announced(png())).json()

    answer = kim.post("/storage/confirm", json={"upload_id": permission["upload_id"]})

    assert answer.status_code == 400


@pytest.mark.parametrize(
    "content",
    [b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", b"<!doctype html><script>", b"x"],
)
def test_bytes_of_another_kind_are_refused_and_removed(kim, services, content):
    upload_id = sent(kim, content)

    assert kim.post("/storage/confirm", json={"upload_id": upload_id}).status_code == 422
    assert kim.post("/storage/confirm", json={"upload_id": upload_id}).status_code == 410


def test_other_bytes_are_refused_where_the_store_keeps_no_checksum(kim, services):
    announced_as, arrived = png(), png()
    arrived = arrived.ljust(len(announced_as), b"\0")[: len(announced_as)]
    permission = kim.post("/storage/presign-put", json=announced(announced_as)).json()
    with services.sessions() as session:
        key = session.get_one(Upload, UUID(permission["upload_id"])).key
    with services.bucket.talking() as s3:
        s3.put_object(Bucket=services.bucket.name, Key=key, Body=arrived, ContentType="image/png")
    assert services.bucket.stat(key).sha256 is None

    answer = kim.post("/storage/confirm", json={"upload_id": permission["upload_id"]})

    assert answer.status_code == 400  # and the page offers to try again
    assert not services.bucket.exists(key)


def test_a_slow_line_may_bring_a_large_file_after_its_signature_has_ended(kim, services):
    films = {"content_type": "video/mp4", "sha256": "0" * 64}
    large = announced(b"", size_bytes=500_000_000, **films)
    upload_id = kim.post("/storage/presign-put", json=large).json()["upload_id"]

    with services.sessions() as session:
        upload = session.get_one(Upload, UUID(upload_id))
    kept_s = (upload.expires_at - upload.created_at).total_seconds()

    assert kept_s == pytest.approx(services.settings.upload_ttl_s + 10_000)


def test_somebody_elses_upload_does_not_exist(api):
    upload_id = sent(signed_in(api, "kim"), png())
    signed_in(api, "boss")

    assert api.post("/storage/confirm", json={"upload_id": upload_id}).status_code == 404


def test_a_mask_needs_transparency(kim):
    content = png(mode="RGB")
    upload_id = sent(kim, content, purpose="mask")

    answer = kim.post("/storage/confirm", json={"upload_id": upload_id})

    assert answer.status_code == 422


def test_what_is_shown_of_a_mask_is_a_copy_of_our_own(kim):
    content = png(mode="LA")  # grey, which the provider refuses
    with Image.open(io.BytesIO(content)) as image:
        image.putpixel((3, 3), (0, 0))
        noted = PngInfo()
        noted.add_text("Comment", "<script>alert(1)</script>")
        held = io.BytesIO()
        image.save(held, "PNG", pnginfo=noted)

    upload_id = sent(kim, held.getvalue(), purpose="mask")
    asset = kim.post("/storage/confirm", json={"upload_id": upload_id}).json()["asset"]

    shown = requests.get(asset["prepared_url"], timeout=10)
    assert shown.headers["Content-Type"] == "image/png"
    assert b"script" not in shown.content
    with Image.open(io.BytesIO(shown.content)) as image:
        assert (image.mode, image.size) == ("RGBA", (640, 480))


def test_an_uploaded_film_is_shown_by_its_poster_alone(kim, tmp_path):
    content = write_film(tmp_path / "a.mp4").read_bytes()
    upload_id = sent(kim, content, content_type="video/mp4", filename="a.mp4")

    asset = kim.post("/storage/confirm", json={"upload_id": upload_id}).json()["asset"]

    assert requests.get(asset["thumbnail_url"], timeout=10).headers["Content-Type"] == "image/webp"
    assert asset["prepared_url"] is None


def test_nobody_uploads_without_signing_in(api):
    assert api.post("/storage/presign-put", json=announced(png())).status_code == 401
