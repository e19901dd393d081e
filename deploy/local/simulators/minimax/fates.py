"""What will become of a task, decided at its creation: its walk, its file, its callbacks."""

import time

from deploy.local.simulators.minimax import models, shapes, walk
from deploy.local.simulators.minimax.shapes import Clip
from deploy.local.simulators.minimax.simulator import Simulator
from deploy.local.simulators.minimax.tasks import CallbackOddities, Input, Task, Wanted
from deploy.local.simulators.minimax.walk import Walk


def task_for(
    sim: Simulator, wanted: Wanted, inputs: tuple[Input, ...], *, arrived_at: float
) -> Task:
    """Return the task of a request, by the settings and faults of this moment."""
    id = sim.register.new_id(wanted.dialect)
    return Task(
        dialect=wanted.dialect,
        id=id,
        file_id=sim.register.new_id("file"),
        model=wanted.model,
        mode=wanted.mode,
        prompt=wanted.prompt,
        resolution=wanted.resolution,
        duration_s=wanted.duration_s,
        ratio=wanted.ratio,
        callback_url=wanted.callback_url,
        callback_oddities=_oddities(sim, wanted.prompt),
        clip=_clip(sim, wanted),
        walk=_walk(sim, wanted, id),
        inputs=inputs,
        reference_s=wanted.reference_s,
        sound_s=wanted.sound_s,
        options=wanted.options,
        cost_usd=wanted.cost_usd,
        arrived_at=arrived_at,
    )


def _walk(sim: Simulator, wanted: Wanted, id: str) -> Walk:
    settings = sim.settings
    usual_s = models.median_s(
        settings["duration_s"], wanted.model, wanted.resolution, wanted.duration_s
    )
    return walk.drawn(
        id,
        now=time.time(),
        median_s=usual_s * settings["speed"],
        spread=settings["spread"],
        fixed_s=settings["fixed_s"],
        fail_code=_fail_code(sim, wanted.prompt),
        stuck=sim.fault("stuck", wanted.prompt) is not None,
    )


def _fail_code(sim: Simulator, prompt: str) -> int | None:
    if sim.fault("output_sensitive", prompt) is not None:
        return 1027
    fails = sim.fault("fails", prompt)
    return None if fails is None else int(fails.get("code", 1000))


def _clip(sim: Simulator, wanted: Wanted) -> Clip:
    width, height = shapes.frame_size(wanted.resolution, wanted.aspect)
    clip = Clip(
        width=width,
        height=height,
        duration_s=wanted.duration_s,
        sound=wanted.dialect == "v2",
        shared=sim.settings["shared_clip"],
    )
    return shapes.small(clip) if sim.settings["small_videos"] else clip


def _oddities(sim: Simulator, prompt: str) -> CallbackOddities:
    delayed = sim.fault("callback_delayed", prompt)
    return CallbackOddities(
        never=sim.fault("callback_never", prompt) is not None,
        duplicate=sim.fault("callback_duplicate", prompt) is not None,
        out_of_order=sim.fault("callback_out_of_order", prompt) is not None,
        wrong_echo=sim.fault("callback_wrong_echo", prompt) is not None,
        delay_s=0.0 if delayed is None else delayed.get("seconds", 30.0),
    )
