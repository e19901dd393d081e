"""Files the campaign's jobs as the form does, as many as the machine can carry at a time.

Workers that are killed are worth something only if they would have been quick: on a machine
that is busy all the time every deadline passes, whatever the engine does.
"""

import io
import random
import threading
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from PIL import Image
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from core import submissions
from core.models import Provider, Run
from core.stages import Stage
from tests.benchmarks.edits import uploaded
from tests.campaigns.site import Site

LOOK_S = 0.2
EDIT = {
    "model": "gpt-image-2",
    "options": {"size": "1024x1024", "quality": "low", "output_format": "jpeg"},
}
RATIOS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")
MODELS: Mapping[str, tuple[Sequence[str], range]] = {
    "MiniMax-H3": (("768P", "2K"), range(4, 16)),
    "MiniMax-H3-Max": (("480P", "768P"), range(5, 16)),
}


class Filing:
    """A thread that files until all jobs are there. An outage of the database only delays it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._chance = random.Random(site.plan.seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="filing")
        self._image = _uploaded(site) if site.plan.kind == "edit" else None
        self.filed = 0
        self.failure: BaseException | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether all jobs are filed. Raises what stopped the thread."""
        if self.failure is not None:
            raise self.failure
        return self.filed == self._site.plan.jobs

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        try:
            wishes = [self._wish(number) for number in range(self._site.plan.jobs)]
            while wishes and not self._stop.wait(LOOK_S):
                self._fill_up(wishes)
        except Exception as error:  # noqa: BLE001  (raised again where it is seen)
            self.failure = error

    def _fill_up(self, wishes: list[submissions.Wish]) -> None:
        """File as many as are missing. The same wish again is the same job."""
        services = self._site.services
        try:
            with services.sessions() as session:
                moving = select(func.count()).where(Run.stage != Stage.UNCERTAIN)
                under_way = session.scalar(moving) or 0
            while wishes and under_way < self._site.plan.moving and not self._stop.is_set():
                submissions.submit(services, self._site.user, wishes[0])
                wishes.pop(0)
                under_way += 1
                self.filed += 1
        except DBAPIError:
            return  # it is being restarted

    def _wish(self, number: int) -> submissions.Wish:
        plan = self._site.plan
        made = self._video() if plan.kind == "video" else EDIT
        return submissions.Wish(
            provider=Provider.HAILUO if plan.kind == "video" else Provider.GPT,
            prompt=f"{plan.kind} {number} of campaign {plan.seed}",
            input_ids=[self._image] if self._image else [],
            client_key=f"campaign-{plan.seed}-{number}",
            unknown_price_accepted=True,
            **made,
        )

    def _video(self) -> dict[str, Any]:
        model = self._chance.choice(list(MODELS))
        resolutions, durations = MODELS[model]
        return {
            "model": model,
            "options": {
                "mode": "text",
                "resolution": self._chance.choice(resolutions),
                "duration": self._chance.choice(durations),
                "ratio": self._chance.choice(RATIOS),
            },
        }


def _uploaded(site: Site) -> UUID:
    content = io.BytesIO()
    Image.effect_noise((64, 64), 80).save(content, "PNG")
    return uploaded(site.services, site.user, content.getvalue())
