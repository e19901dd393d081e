"""What is odd about a result is kept with it, and told."""

import io
import signal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from core import attempts, events
from core.models import AssetKind, Job, JobEvent
from core.stages import FINAL, Stage
from tests.core.conftest import LEASES, claimed
from tests.media.makers import write_film
from tests.media.processes import crippled, dying
from tests.workers.conftest import EDIT, picture
from tests.workers.observing import Scene, work_until
from workers import keeping


@pytest.fixture
def attempt_id(services) -> UUID:
    """The attempt of a job that is being sent."""
    claim = claimed(services.sessions, leases=LEASES)
    with services.sessions.begin() as session:
        made = attempts.open_one(
            session, claim, key_id="key", send_s=30, callback_token=None, estimate_usd=None
        )
        return made.id


@pytest.fixture
def job(file_edit) -> Job:
    return file_edit(options={**EDIT, "output_format": "png"})


def recorded(services, job: Job, kept: keeping.Kept) -> JobEvent:
    """Record a result; return the last line of its job's log."""
    with services.sessions.begin() as session:
        keeping.record(session, session.get_one(Job, job.id), kept, 0)
    with services.sessions() as session:
        return events.of_job(session, job.id)[-1]


def test_a_film_without_a_poster_says_why(services, hands, job, attempt_id, tmp_path):
    path = write_film(tmp_path / "a.mp4", frames=2)
    strange = path.read_bytes().replace(b"avc1\0\0\0\0\0\0\0\1", b"xxxx\0\0\0\0\0\0\0\1")
    path.write_bytes(strange)

    kept = keeping.video(hands, job, path, attempt_id)
    line = recorded(services, job, kept)

    assert kept.small is None
    assert (line.kind, line.by) == ("thumbnail_not_made", hands.worker)
    assert line.detail["note"]["text"].startswith("No poster was made: there is no decoder")


def test_a_picture_without_a_thumbnail_says_why(
    services, hands, job, attempt_id, tmp_path, monkeypatch
):
    decoder = crippled("Image.Image.save", "MemoryError")
    monkeypatch.setattr("core.media.images.decoder", decoder)
    path = tmp_path / "result"
    path.write_bytes(picture())

    kept = keeping.image(hands, job, path, attempt_id, 0)
    decoder.close()
    line = recorded(services, job, kept)

    assert (kept.picture.width, kept.small) == (800, None)
    assert line.kind == "thumbnail_not_made"
    assert line.detail["note"]["text"].startswith("It could not be made smaller.")


def test_a_result_of_another_type_says_so_and_has_its_thumbnail(
    services, hands, job, attempt_id, tmp_path
):
    path = tmp_path / "result"
    Image.open(io.BytesIO(picture())).save(path, "JPEG")

    kept = keeping.image(hands, job, path, attempt_id, 0)
    line = recorded(services, job, kept)

    assert (kept.picture.mime, kept.small_kind) == ("image/jpeg", AssetKind.THUMBNAIL)
    assert kept.small is not None
    assert line.kind == "result_differs"
    assert line.detail["note"]["values"] == {"expected": "PNG", "found": "JPEG"}


def test_what_was_asked_for_goes_without_a_word(services, hands, job, attempt_id, tmp_path):
    path = tmp_path / "result"
    path.write_bytes(picture())

    kept = keeping.image(hands, job, path, attempt_id, 0)

    assert kept.note is None
    assert recorded(services, job, kept).kind == "sending"


@pytest.mark.parametrize(("changed", "copies"), [(False, 1), (True, 2)])
def test_a_large_result_that_is_there_already_is_not_copied_again(
    services, hands, job, attempt_id, tmp_path, monkeypatch, changed, copies
):
    """What a copy that outlived its lease has brought over counts for the next one."""
    path, put = tmp_path / "result", []
    path.write_bytes(picture())
    really = services.bucket.put_file

    def put_file(key: str, file: Path, **headers: Any) -> Any:
        put.append(key)
        return really(key, file, **headers)

    monkeypatch.setattr(services.bucket, "put_file", put_file)
    monkeypatch.setattr(keeping, "LARGE_BYTES", 1)
    first = keeping.image(hands, job, path, attempt_id, 0)
    if changed:
        path.write_bytes(picture())
    again = keeping.image(hands, job, path, attempt_id, 0)

    assert put.count(first.result.key) == copies
    assert (again.result.sha256 == first.result.sha256) is not changed


@pytest.mark.parametrize("whom", ["edit", "v1", "v2"])
def test_a_decoder_that_fails_is_waited_for_and_called_by_its_name(bench, whom):
    scene = Scene(whom=whom)
    job = bench.begin(scene)
    decoder = crippled("Image.Image.save", "OSError(28, 'No space left on device')")

    with bench.monkeypatch.context() as broken:
        broken.setattr("core.media.images.decoder", decoder)
        broken.setattr("core.media.videos.decoder", decoder)
        work_until(bench, job, lambda found: found.waits_for)
    decoder.close()
    assert (bench.seen(job).stage, bench.seen(job).waits_for) == (Stage.STORING, "decoder_failed")

    work_until(bench, job, lambda found: found.stage in FINAL)
    assert bench.seen(job).stage is Stage.STORED
    assert (bench.asked(scene).posts(), bench.asked(scene).billed()) == (1, 1)


@pytest.mark.parametrize("whom", ["edit", "v1", "v2"])
def test_a_decoder_that_dies_of_the_small_picture_refuses_no_result(bench, whom):
    scene = Scene(whom=whom)
    job = bench.begin(scene)
    decoder = crippled("Image.Image.save", dying(signal.SIGSEGV))

    with bench.monkeypatch.context() as broken:
        broken.setattr("core.media.images.decoder", decoder)
        broken.setattr("core.media.videos.decoder", decoder)
        work_until(bench, job, lambda found: found.stage in FINAL)
    decoder.close()
    found = bench.seen(job)

    assert found.stage is Stage.STORED
    (result,) = found.of_kind(AssetKind.RESULT)
    assert found.small_of(result) is None
    (told,) = (line.detail for line in found.events if line.kind == "thumbnail_not_made")
    assert told["note"]["text"].startswith("It could not be made smaller.")
