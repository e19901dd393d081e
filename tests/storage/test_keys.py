from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from core.storage.disposition import attachment
from core.storage.keys import input_key, result_key, thumb_key

ID = UUID("01931c5e-7c00-7000-8000-000000000001")
AT = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
SHA256 = "ab" * 32


def test_results_lie_under_their_job() -> None:
    key = result_key("dev", provider="gpt", at=AT, job_id=ID, name="result-0.png")

    assert key == f"dev/gpt/2026/11/22/{ID}/result-0.png"


def test_uploads_lie_apart() -> None:
    key = input_key("dev", at=AT, upload_id=ID, name="original")

    assert key == f"dev/inputs/2026/11/22/{ID}/original"


def test_small_pictures_lie_by_content() -> None:
    assert thumb_key("dev", SHA256) == f"dev/thumbs/{SHA256}"


def test_days_are_utc() -> None:
    seoul = AT.astimezone(timezone(timedelta(hours=9)))

    assert "/2026/11/22/" in input_key("dev", at=seoul, upload_id=ID, name="original")
    with pytest.raises(ValueError, match="time zone"):
        input_key("dev", at=AT.replace(tzinfo=None), upload_id=ID, name="original")


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../../etc/passwd",
        "a/b",
        "a\\b",
        "a" * 80,
        "photo.jpg.php",
        "nul\0.png",
        "\u202egnp.exe",
        "🦊.png",
        "RESULT.png",
        "a.png\n",
    ],
)
def test_no_name_of_a_user_becomes_part_of_a_key(name: str) -> None:
    with pytest.raises(ValueError, match="part of a key"):
        result_key("dev", provider="gpt", at=AT, job_id=ID, name=name)
    with pytest.raises(ValueError, match="part of a key"):
        input_key("dev", at=AT, upload_id=ID, name=name)


def test_no_other_part_is_taken_unchecked() -> None:
    with pytest.raises(ValueError, match="part of a key"):
        result_key("dev/..", provider="gpt", at=AT, job_id=ID, name="a.png")
    with pytest.raises(ValueError, match="part of a key"):
        result_key("dev", provider="gpt/x", at=AT, job_id=ID, name="a.png")
    with pytest.raises(ValueError, match="prefix"):
        result_key("dev", provider="thumbs", at=AT, job_id=ID, name="a.png")
    with pytest.raises(ValueError, match="part of a key"):
        thumb_key("dev", "../" + SHA256)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a.png", 'attachment; filename="a.png"'),
        ("é.png", "attachment; filename=\"e.png\"; filename*=UTF-8''%C3%A9.png"),
        ("결과.png", "attachment; filename=\".png\"; filename*=UTF-8''%EA%B2%B0%EA%B3%BC.png"),
        ('a"; x="b', 'attachment; filename="a__ x=_b"'),
        ("a\r\nX: y", 'attachment; filename="a__X: y"'),
        ("../a", 'attachment; filename=".._a"'),
        ("\u202egnp.exe", 'attachment; filename="_gnp.exe"'),
        ("", 'attachment; filename="download"'),
        ("\ud800", 'attachment; filename="_"'),
    ],
)
def test_a_name_to_save_as_ends_nothing_early(name: str, header: str) -> None:
    assert attachment(name) == header
