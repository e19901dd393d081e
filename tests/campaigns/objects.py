"""Invariant 3: what a finished job says it has is in the bucket, byte for byte."""

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from core.errors import AppError
from core.services import Services
from core.stages import Status
from tests.campaigns.tables import ResultRow, Tables

AT_ONCE = 4


def missing(services: Services, tables: Tables) -> Sequence[str]:
    """Return a sentence for each finished job without its result, and each object that differs."""
    with_result = {row.job_id for row in tables.results}
    without = [
        f"{job.prompt!r} ({job.id}) is done without a result."
        for job in tables.jobs
        if job.status == Status.DONE and job.id not in with_result
    ]
    return [*without, *_differing(services, tables.results)]


def _differing(services: Services, results: Sequence[ResultRow]) -> Iterator[str]:
    with (
        tempfile.TemporaryDirectory(prefix="proofsheet-judge-") as folder,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        found = pool.map(lambda row: _differs(services, row, Path(folder)), results)
        yield from [sentence for sentence in found if sentence]


def _differs(services: Services, row: ResultRow, folder: Path) -> str:
    path = folder / f"{row.attempt_id}"
    try:
        there = services.bucket.download(row.key, path, max_bytes=row.bytes + 1)
    except AppError as error:
        return f"{row.key}: {error}"
    finally:
        path.unlink(missing_ok=True)
    if (there.size_bytes, there.sha256) == (row.bytes, row.sha256):
        return ""
    return f"{row.key} has {there.size_bytes} bytes, {row.bytes} were recorded, or another hash."
