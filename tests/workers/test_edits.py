import io

import pytest
import requests
from PIL import Image
from sqlalchemy import select
from structlog.testing import capture_logs

from core import assets, disk_room
from core.errors import MediaRejected
from core.media import child
from core.models import Asset, AssetKind, Job
from core.providers import openai
from core.stages import Outcome, Stage
from tests.workers.conftest import billed, fault, mask_for, picture
from tests.workers.processes import until
from workers import housekeeping


def fetched(services, asset) -> bytes:
    return requests.get(services.bucket.url_for(asset.key, ttl_s=60), timeout=10).content


def test_an_edit_is_sent_once_stored_and_priced(services, file_edit, settle, openai_simulator):
    detail = settle(file_edit())

    assert detail.stage is Stage.STORED
    assert len(billed(openai_simulator)) == 1
    (result,) = detail.of_kind(AssetKind.RESULT)
    assert (result.width, result.height, result.mime) == (1024, 1024, "image/png")
    assert Image.open(io.BytesIO(fetched(services, result))).size == (1024, 1024)
    assert detail.small_of(result) is not None
    assert detail.job.cost_usd > 0
    assert detail.job.request_id.startswith("req_")
    assert detail.job.actual["size"] == "1024x1024"
    assert detail.job.usage["total_tokens"] > 0
    assert [attempt.outcome for attempt in detail.attempts] == [Outcome.ACCEPTED]


def test_the_spool_is_empty_once_the_result_is_stored(services, file_edit, settle):
    settle(file_edit())

    def left() -> list[str]:
        return sorted(path.name for path in services.settings.spool_dir.iterdir())

    until(lambda: left() == ["host", "work"])  # the folder's own name, and room for the next


def test_an_answer_that_has_no_room_of_its_own_is_not_asked_for(
    file_edit, settle, monkeypatch, openai_simulator, tmp_path
):
    """Other workers of this host may count on the same free room: it is taken before sending."""
    monkeypatch.setattr(openai, "room_bytes", lambda _: 2**62)
    with (tmp_path / "probe").open("wb") as file:
        can_reserve = disk_room.reserve(file, 1)
    detail = settle(file_edit())

    if can_reserve:
        assert detail.stage is Stage.READY
        assert [attempt.observation for attempt in detail.attempts] == ["spool_unwritable"]
        assert billed(openai_simulator) == []


def test_several_results_of_one_job_are_all_kept(file_edit, settle):
    detail = settle(file_edit(options={"size": "1024x1024", "quality": "low", "n": 3}))

    results = detail.of_kind(AssetKind.RESULT)
    assert [asset.position for asset in results] == [0, 1, 2]
    assert len({asset.sha256 for asset in results}) == 3


def test_a_mask_goes_with_a_png_of_its_picture(file_edit, settle, upload, openai_simulator):
    content = io.BytesIO()
    Image.open(io.BytesIO(picture())).save(content, "JPEG")
    image = upload(content.getvalue(), mime="image/jpeg")

    detail = settle(file_edit(input_ids=[image], mask_id=upload(mask_for(), purpose="mask")))

    assert detail.stage is Stage.STORED
    picture_sent, mask_sent = detail.of_kind(AssetKind.PREPARED)
    assert picture_sent.mime == mask_sent.mime == "image/png"
    (entry,) = billed(openai_simulator)
    assert entry["input_sha256"] == [picture_sent.sha256]
    assert entry["mask_sha256"] == mask_sent.sha256


def test_a_picture_that_is_too_large_as_png_is_refused_at_the_click(
    services, kim, file_edit, upload, monkeypatch
):
    content = io.BytesIO()
    noise = Image.effect_noise((800, 600), 30).convert("RGB")  # what PNG packs worst
    noise.save(content, "JPEG", quality=40)
    image = upload(content.getvalue(), mime="image/jpeg")
    mask = upload(mask_for(), purpose="mask")
    monkeypatch.setattr(child, "OUTPUT_BYTES", 100_000)

    with pytest.raises(MediaRejected, match="Ready for the model, the picture has more than"):
        file_edit(input_ids=[image], mask_id=mask)

    with services.sessions() as session:
        assert session.scalars(select(Job)).all() == []
    assert file_edit(input_ids=[image]).id  # without the mask it stays a JPEG


def test_the_png_of_a_picture_is_made_once(services, file_edit, upload):
    content = io.BytesIO()
    Image.open(io.BytesIO(picture())).save(content, "JPEG")
    image = upload(content.getvalue(), mime="image/jpeg")
    mask = upload(mask_for(), purpose="mask")

    first = file_edit(input_ids=[image], mask_id=mask)
    second = file_edit(input_ids=[image], mask_id=mask)

    assert first.fingerprint == second.fingerprint
    with services.sessions() as session:
        made = select(Asset).where(Asset.source_asset_id == image, Asset.kind == AssetKind.PREPARED)
        mimes = sorted(row.mime for row in session.scalars(made))
    assert mimes == ["image/jpeg", "image/png"]


def test_a_markup_goes_with_its_picture(file_edit, settle, upload):
    drawn = upload(mask_for(), purpose="markup")

    detail = settle(file_edit(model="gpt-image-2.6-flare", markup_id=drawn))

    assert detail.stage is Stage.STORED
    assert len(detail.of_kind(AssetKind.MARKUP)) == 1


def test_bytes_that_changed_in_the_bucket_are_never_sent(
    services, file_edit, settle, upload, openai_simulator
):
    image, other = upload(picture()), picture()
    job = file_edit(input_ids=[image])
    with services.sessions() as session:
        (asset,) = [a for a in assets.of_job(session, job.id) if a.kind == AssetKind.PREPARED]
    as_long = other[: asset.bytes].ljust(asset.bytes, b"\0")
    with services.bucket.talking() as s3:
        s3.put_object(Bucket=services.bucket.name, Key=asset.key, Body=as_long)

    with capture_logs() as logs:
        detail = settle(job)

    assert (detail.stage, detail.job.error_code) == (Stage.REJECTED, "input_changed")
    assert (billed(openai_simulator), detail.attempts) == ([], [])
    (reason,) = [line["reason"] for line in logs if line["event"] == "input_not_ready"]
    assert asset.key in reason


def test_previews_come_while_it_streams_and_are_swept_once_there_is_a_result(
    services, hands, file_edit, settle, openai_simulator
):
    requests.patch(
        f"{openai_simulator.url}/_control/settings", json={"fixed_s": 5}, timeout=5
    ).raise_for_status()
    options = {"size": "1024x1024", "quality": "low", "stream": True, "partial_images": 2}
    detail = settle(file_edit(options=options))

    assert detail.stage is Stage.STORED
    came = [event.kind for event in detail.events].count("preview_came")
    previews = detail.of_kind(AssetKind.PREVIEW)
    assert came == len(previews) in {1, 2}  # one that would come after the result is not made
    housekeeping.tidy(hands)
    assert not any(services.bucket.exists(preview.key) for preview in previews)
    with services.sessions() as session:
        kinds = {file.kind for file in assets.of_job(session, detail.job.id)}
    assert AssetKind.RESULT in kinds
    assert AssetKind.PREVIEW not in kinds


@pytest.mark.parametrize(
    ("name", "stage", "code"),
    [
        ("error:moderation_blocked", Stage.REJECTED, "moderation_input"),
        ("data_empty", Stage.BAD_RESULT, None),
        ("b64_html", Stage.BAD_RESULT, None),
    ],
)
def test_what_ends_a_job_says_why(file_edit, settle, openai_simulator, name, stage, code):
    fault(openai_simulator, name, times=1)
    detail = settle(file_edit())

    assert detail.stage is stage
    assert code is None or detail.job.error_code == code


@pytest.mark.parametrize("name", ["data_empty", "b64_html"])
def test_a_useless_answer_is_kept_as_it_came(services, file_edit, settle, openai_simulator, name):
    fault(openai_simulator, name, times=1)
    detail = settle(file_edit())

    (raw,) = detail.of_kind(AssetKind.RAW)
    assert b'"data"' in fetched(services, raw)


@pytest.mark.parametrize("name", ["reset_after_accept", "html_502", "body_cut", "stream_cut"])
def test_a_lost_answer_makes_a_job_uncertain_and_is_never_sent_again(
    file_edit, settle, working, openai_simulator, name
):
    streamed = {"stream": True} if name.startswith("stream") else {}
    fault(openai_simulator, name, times=1)
    detail = settle(file_edit(options={"size": "1024x1024", "quality": "low", **streamed}))

    assert detail.stage is Stage.UNCERTAIN
    working.wake()
    assert len(billed(openai_simulator)) == 1
    assert [attempt.outcome for attempt in detail.attempts] == [Outcome.UNKNOWN]


def test_a_rate_limit_costs_nothing_and_is_waited_for(file_edit, settle, openai_simulator):
    fault(openai_simulator, "error:rate_limit_exceeded", times=1, args={"retry_after": 1})
    job = file_edit()
    put_back = settle(job)
    assert (put_back.stage, put_back.run.waiting_for) == (Stage.READY, "rate_limited")
    assert billed(openai_simulator) == []


def test_an_unreachable_provider_is_tried_again(file_edit, settle, openai_simulator):
    job = file_edit()
    openai_simulator.stop()
    detail = settle(job)

    assert detail.stage is Stage.READY
    assert [attempt.outcome for attempt in detail.attempts] == [Outcome.NOT_SENT]
