"""How each observation is brought about: a fault of a simulator, or something broken on our side.

`SCENES` has one for every row of `core.providers.observations`; a row without one fails its test.
`FURTHER` has the other ways to a row that are easily mistaken for ways to another.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from core import claims, elapsed, gates
from core.details import Detail, load
from core.models import Job, User
from core.providers.codes import Code
from core.stages import Stage
from tests.providers.control import Control
from tests.workers.conftest import EDIT, edit_filed, video_filed
from workers import requests, sending, steps
from workers.dispatch import lease_lengths
from workers.hands import Hands
from workers.spool import Spool

FAR: Final = datetime(2100, 1, 1, tzinfo=UTC)
BY_NOW_S: Final = 20.0
NOBODYS_TASK: Final = "987654321"
VIDEOS: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "v1": ("MiniMax-Hailuo-02", {"mode": "text", "resolution": "768P", "duration": 6}),
    "v2": ("MiniMax-H3", {"mode": "text", "resolution": "768P", "duration": 5, "ratio": "16:9"}),
}


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One worker, made to step by the test, and everything that a scene may break."""

    hands: Hands
    user: User
    openai: Any  # the simulators
    minimax: Any
    monkeypatch: Any

    def begin(self, scene: "Scene") -> Job:
        """File the job of a scene, and have go wrong what it says."""
        services = self.hands.services
        if scene.whom == "edit":
            job = edit_filed(services, self.user, options=EDIT)
        else:
            job = video_filed(services, self.user, *VIDEOS[scene.whom])
        if scene.fault:
            self.asked(scene).fault(scene.fault, times=1, **scene.args)
        scene.breaks(self)
        return job

    def asked(self, scene: "Scene") -> Control:
        """Return the control routes of the simulator that a scene's job asks."""
        return Control((self.openai if scene.whom == "edit" else self.minimax).url)

    def work(self) -> None:
        """Take every step that is due, as a worker does."""
        services = self.hands.services
        for stage in (Stage.READY, Stage.GENERATING, Stage.STORING):
            leases = lease_lengths(self.hands, stage)
            noted_at = elapsed.now()
            with services.sessions.begin() as session:
                taken = claims.claim(
                    session,
                    worker=self.hands.worker,
                    stages=(stage,),
                    leases=leases,
                    host=self.hands.spool.host,
                    keys=services.keys(),
                )
            for claim in taken:
                steps.take(self.hands, claim, deadline=noted_at + leases[claim.dialect])

    def seen(self, job: Job) -> Detail:
        """Return a job as it is."""
        with self.hands.services.sessions() as session:
            return load(session, self.user, job.id, team_reads=True)

    def closed(self) -> Sequence[tuple[str, str | None, bool]]:
        """Return the closed gates: model ('' for all of a key), why, and whether a time is set."""
        with self.hands.services.sessions() as session:
            found = gates.closed(session, self.hands.services.keys())
            return [(it.model, it.closed_code, _is_timed(it.closed_until)) for it in found]

    def sql(self, statement: str) -> None:
        """Change rows, as nothing but a test may."""
        with self.hands.services.sessions.begin() as session:
            session.execute(text(statement))


def work_until(bench: Bench, job: Job, done: Callable[[Detail], object]) -> None:
    """Take steps at once, however long they would have waited."""
    until = time.monotonic() + BY_NOW_S
    while not done(bench.seen(job)):
        assert time.monotonic() < until, f"It is still {bench.seen(job).stage}."
        bench.sql("UPDATE runs SET due_at = now()")
        bench.work()


def _is_timed(until: datetime | None) -> bool:
    return until is not None and until < FAR


def nothing(_: Bench) -> None:
    """Break nothing on our side."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A job that asks `whom`, and what goes wrong with it."""

    whom: str = "v2"  # edit, v1 or v2
    fault: str = ""  # of the simulator, once
    args: Mapping[str, Any] = field(default_factory=dict)
    breaks: Callable[[Bench], None] = nothing
    mends: Callable[[Bench], None] = nothing


def edit(fault: str, **args: Any) -> Scene:
    """Return a scene of an edit."""
    return Scene(whom="edit", fault=fault, args=args)


def v1(fault: str, **args: Any) -> Scene:
    """Return a scene of a video of the first API."""
    return Scene(whom="v1", fault=fault, args=args)


def v2(fault: str, **args: Any) -> Scene:
    """Return a scene of a video of the second API."""
    return Scene(whom="v2", fault=fault, args=args)


# --- what breaks on our side --------------------------------------------------------------


def _gone(bench: Bench) -> None:
    bench.minimax.stop()


def _no_time(bench: Bench) -> None:
    """Have leases that are shorter than a request may take."""
    object.__setattr__(bench.hands.services.settings, "lease_margin_s", -1.0)


def _lost_picture(bench: Bench) -> None:
    """Have a disk that loses what was just fetched to it."""
    fetch = requests.fetch

    def fetched(*given: Any) -> requests.Files:
        files = fetch(*given)
        files.images[0].path.unlink()
        return files

    bench.monkeypatch.setattr(requests, "fetch", fetched)


def _no_room(bench: Bench) -> None:
    bench.monkeypatch.setattr(sending, "DECODED_BYTES", 2**62)


def _full_disk(bench: Bench) -> None:
    """Have a spool that can be opened and takes not one byte."""
    body = Spool.body

    def full(self: Spool, attempt_id: Any) -> Path:
        path = body(self, attempt_id)
        if not path.is_symlink():
            path.symlink_to("/dev/full")
        return path

    bench.monkeypatch.setattr(Spool, "body", full)


def _another_task(bench: Bench) -> None:
    """Have attempts name a task that no provider knows."""
    bench.sql(
        "CREATE FUNCTION another() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.provider_task_id IS NOT NULL AND OLD.provider_task_id IS NULL THEN "
        f"NEW.request_id := NEW.provider_task_id; NEW.provider_task_id := '{NOBODYS_TASK}'; "
        "END IF; RETURN NEW; END $$"
    )
    bench.sql(
        "CREATE TRIGGER another BEFORE UPDATE ON attempts FOR EACH ROW EXECUTE FUNCTION another()"
    )


def _the_right_task(bench: Bench) -> None:
    bench.sql("DROP TRIGGER another ON attempts")
    bench.sql("UPDATE attempts SET provider_task_id = request_id")


SCENES: Final[Mapping[Code, Scene]] = {
    "unreachable": Scene(breaks=_gone),
    "too_late": Scene(breaks=_no_time),
    "input_unreadable": Scene(whom="edit", breaks=_lost_picture),
    "spool_unwritable": Scene(whom="edit", breaks=_no_room),
    "rate_limited": edit("error:rate_limit_exceeded", retry_after=600),
    "slow_down": edit("error:slow_down", retry_after=600),
    "overloaded": v2("error:1041"),
    "quota_exhausted": edit("error:insufficient_quota"),
    "usage_window_full": v1("error:2056"),
    "balance_empty": v1("error:1008"),
    "key_invalid": edit("error:invalid_api_key"),
    "account_unverified": v2("error:2038"),
    "wrong_address": v1("status:404"),
    "key_not_allowed": v2("status:403"),
    "organization_unverified": edit("error:unsupported_model"),
    "country_not_supported": edit("error:unsupported_country"),
    "model_not_available": edit("error:model_not_found"),
    "plan_lacks_model": v1("error:2061"),
    "moderation_input": v2("error:1026"),
    "moderation_output": edit("error:moderation_blocked", stage="output"),
    "invisible_characters": v1("error:1042"),
    "invalid_request": v2("error:2013"),
    "invalid_image": edit("error:invalid_image_file"),
    "mask_invalid": edit("error:bad_request", message="Invalid mask image format."),
    "too_large": v2("status:413"),
    "no_answer": v1("reset_after_accept"),
    "answer_cut": v1("body_cut"),
    "answer_unreadable": v1("html_200"),
    "answer_not_saved": Scene(whom="edit", breaks=_full_disk),
    "provider_internal": edit("html_502"),
    "unexpected_answer": edit("error:bad_request", status=418),
    "no_task_id": v1("task_id_missing"),
    "empty_result": edit("data_empty"),
    "not_an_image": edit("b64_html"),
    "generation_failed": v1("fails"),
    "task_expired": v2("odd_status", value="expired"),
    "cancelled_at_provider": v2("odd_status", value="cancelled"),
    "check_failed": v1("query_status"),
    "check_limited": v1("query_error", code=1002),
    "check_refused": v2("query_error", code=1004),
    "check_incomplete": v2("no_download_url"),
    "task_not_found": Scene(breaks=_another_task, mends=_the_right_task),
    "link_not_allowed": v2("evil_url"),
    "download_failed": v1("download_status", status=500),
    "download_cut": v2("download_truncated"),
    "download_too_large": v1("download_huge_length"),
    "link_expired": v2("download_status", status=403),
}
FURTHER: Final[Sequence[tuple[Code, Scene]]] = (
    # The words say that nothing was taken, the status that nobody knows.
    ("provider_internal", edit("error:rate_limit_exceeded", status=504, billed=True)),
    ("provider_internal", edit("error:slow_down", status=500, billed=True)),
    ("provider_internal", edit("error:insufficient_quota", status=503, billed=True)),
    ("provider_internal", edit("error:invalid_api_key", status=409, billed=True)),
    ("provider_internal", v1("status:504", message="upstream timeout (1002)", billed=True)),
    ("provider_internal", v2("status:500", message="insufficient balance (1008)", billed=True)),
    ("provider_internal", v2("status:408", message="conn limit (1041)", billed=True)),
    # Both say that it is busy.
    ("slow_down", edit("error:slow_down", status=503, retry_after=600)),
    ("overloaded", edit("error:server_is_overloaded", retry_after=600)),
    ("overloaded", v1("status:503", message="conn limit (1041)")),
    ("overloaded", v2("status:529")),
)
