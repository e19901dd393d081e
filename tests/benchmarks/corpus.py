"""Ten thousand finished jobs, written straight into the tables, with real thumbnails."""

import hashlib
import io
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from PIL import Image
from sqlalchemy import insert

from core.models import Asset, Job
from core.services import Services
from core.storage import Stored
from core.storage.keys import result_key, thumb_key

WORDS = [
    "고양이",
    "바다",
    "노을",
    "종이배",
    "유리병",
    "골목",
    "비",
    "a",
    "paper",
    "boat",
    "under",
    "neon",
    "light,",
    "film",
    "grain",
]
THUMBNAILS = 200  # distinct pictures; the rest share them


def fill(services: Services, user_id: UUID, count: int) -> None:
    """File `count` finished jobs of one person over the last hundred days."""
    random.seed(7)
    pictures = [_thumbnail(services, number) for number in range(min(count, THUMBNAILS))]
    for start in range(0, count, 1000):
        rows = [
            _rows(services, user_id, pictures, n) for n in range(start, min(start + 1000, count))
        ]
        with services.sessions.begin() as session:
            session.execute(insert(Job), [job for job, _, _ in rows])
            session.execute(insert(Asset), [result for _, result, _ in rows])
            session.execute(insert(Asset), [small for _, _, small in rows])


def _thumbnail(services: Services, number: int) -> Stored:
    hue = number * 255 // THUMBNAILS
    image = Image.merge(
        "HSV",
        (
            Image.new("L", (640, 640), hue),
            Image.radial_gradient("L").resize((640, 640)),
            Image.linear_gradient("L").rotate(number * 13 % 360).resize((640, 640)),
        ),
    ).convert("RGB")
    content = io.BytesIO()
    image.save(content, "WEBP", quality=80)
    sha256 = hashlib.sha256(content.getvalue()).hexdigest()
    return services.bucket.put_bytes(
        thumb_key(services.settings.environment, sha256),
        content.getvalue(),
        content_type="image/webp",
        sha256=sha256,
        cache_control="private, max-age=31536000, immutable",
    )


def _rows(services, user_id, pictures, number):
    at = datetime.now(UTC) - timedelta(days=100) + timedelta(seconds=number * 800)
    id = _id_at(at, number)
    result_id, small_id = _id_at(at, number, 1), _id_at(at, number, 2)
    picture = pictures[number % len(pictures)]
    key = result_key(
        services.settings.environment, provider="gpt", at=at, job_id=id, name="result-0.png"
    )
    job = {
        "id": id,
        "user_id": user_id,
        "client_key": f"bench-{number}",
        "provider": "hailuo" if number % 5 == 0 else "gpt",
        "model": "MiniMax-H3" if number % 5 == 0 else "gpt-image-2",
        "prompt": " ".join(random.choices(WORDS, k=9)),
        "options": {"size": "1024x1024", "quality": "low", "n": 1},
        "status": "done",
        "final_stage": "stored",
        "fingerprint": hashlib.sha256(str(number).encode()).digest(),
        "created_at": at,
        "started_at": at,
        "completed_at": at + timedelta(seconds=random.uniform(5, 90)),
        "cost_usd": Decimal("0.05"),
        "cover_asset_id": result_id,
    }
    return (
        job,
        _asset(result_id, user_id, id, "result", key, picture, None),
        _asset(small_id, user_id, id, "thumbnail", picture.key, picture, result_id),
    )


def _asset(id, user_id, job_id, kind, key, picture, source):
    return {
        "id": id,
        "user_id": user_id,
        "job_id": job_id,
        "source_asset_id": source,
        "kind": kind,
        "mime": picture.content_type,
        "bytes": picture.size_bytes,
        "bucket": picture.bucket,
        "key": key,
        "sha256": picture.sha256,
        "width": 640,
        "height": 640,
    }


def _id_at(at: datetime, number: int, part: int = 0) -> UUID:
    return UUID(int=int(at.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62 | number << 2 | part)
