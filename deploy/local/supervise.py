"""Start the steps as soon as what they need is there, keep the children alive, stop in reverse.

One thread: every child is forked from the main thread, because Linux sends a
child its death signal when the thread that forked it ends.
"""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from core.errors import ConfigError
from deploy.local import part_logs, stopping
from deploy.local.home import Home, refused
from deploy.local.processes import Command, Seen
from deploy.local.steps import Child, Errand, Step, depth
from deploy.local.terminal import Terminal

LOOK_S = 0.03
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 30.0
STEADY_S = 60.0  # after so long a fault counts as the first one again
PATIENCE_S = 2.0  # so long a stop says nothing
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Owns every child of a stack."""

    def __init__(
        self,
        steps: Sequence[Step],
        *,
        home: Home,
        terminal: Terminal,
        changed: Callable[[Mapping[str, Seen]], None],
    ) -> None:
        """`changed` is told at once which children live, so that a killed stack can be cleared."""
        self._steps = {step.name: step for step in steps}
        self._home = home
        self._terminal = terminal
        self._changed = changed
        self._done = {step.name: asyncio.Event() for step in steps}
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._seen: dict[str, Seen] = {}
        self._keepers: list[asyncio.Task[None]] = []
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self, when_ready: Callable[[], None]) -> None:
        """Start, stay until a signal comes, stop.

        Raises:
            ConfigError: a part did not start; everything has been stopped again.
        """
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._asked_to_stop)
        try:
            if await self._started():
                when_ready()
                await self._stop.wait()
        finally:
            await self._stop_all()

    def _asked_to_stop(self) -> None:
        """The first signal stops in order; a second one does not wait for anybody."""
        (self._hurry if self._stop.is_set() else self._stop).set()

    async def _started(self) -> bool:
        """Return True when every step is done, False when asked to stop meanwhile."""
        starting = asyncio.create_task(self._start_all())
        asked = asyncio.create_task(self._stop.wait())
        await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if starting.done():
            starting.result()
            return True
        starting.cancel()
        with suppress(asyncio.CancelledError):
            await starting
        return False

    async def _start_all(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for step in self._steps.values():
                    group.create_task(self._start(step))
        except* ConfigError as failures:
            raise _first(failures) from None

    async def _start(self, step: Step) -> None:
        for need in step.needs:
            await self._done[need].wait()
        began = time.monotonic()
        try:
            await self._do(step)
        except OSError as error:
            raise refused(self._home.path, error) from error
        self._terminal.ready(step.title, time.monotonic() - began, step.detail)
        self._done[step.name].set()

    async def _do(self, step: Step) -> None:
        if isinstance(step, Child):
            await self._bring_up(step)
            self._keepers.append(asyncio.create_task(self._keep(step)))
        elif isinstance(step, Errand):
            await self._run_errand(step)
        else:
            await asyncio.to_thread(step.run)

    async def _bring_up(self, child: Child) -> None:
        """Start a child and wait until it can be used."""
        deadline = time.monotonic() + child.start_limit_s
        while True:
            await asyncio.to_thread(child.prepare)
            log_from = part_logs.size(self._home.log(child.name))
            process = await self._spawn(child.name, child.command)
            self._note(child, process)
            if await self._became_ready(child, process, deadline):
                await asyncio.to_thread(child.settle)
                return
            await stopping.end(process, child)
            said = part_logs.since(self._home.log(child.name), log_from)
            if time.monotonic() > deadline or not any(phrase in said for phrase in child.passing):
                late = time.monotonic() > deadline
                raise part_logs.did_not_start(
                    self._home, child, said, process.returncode, late=late
                )
            await asyncio.sleep(FIRST_PAUSE_S)

    async def _became_ready(
        self, child: Child, process: asyncio.subprocess.Process, deadline: float
    ) -> bool:
        while time.monotonic() < deadline:
            if process.returncode is not None:
                return False
            if await asyncio.to_thread(child.ready):
                return True
            await asyncio.sleep(LOOK_S)
        return False

    async def _run_errand(self, errand: Errand) -> None:
        log_from = part_logs.size(self._home.log(errand.name))
        process = await self._spawn(errand.name, errand.command)
        try:
            status = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if status:
            said = part_logs.since(self._home.log(errand.name), log_from)
            raise part_logs.did_not_start(self._home, errand, said, status)

    async def _keep(self, child: Child) -> None:
        """Start a child again whenever it ends, with longer and longer pauses."""
        pause_s = FIRST_PAUSE_S
        while True:
            began = time.monotonic()
            process = self._processes[child.name]
            status = await process.wait()
            stopping.end_orphans(process)
            if time.monotonic() - began > STEADY_S:
                pause_s = FIRST_PAUSE_S
            self._terminal.trouble(
                f"{child.title} ended ({stopping.how_it_ended(status)}); starting it again"
            )
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            await self._start_again(child)

    async def _start_again(self, child: Child) -> None:
        began = time.monotonic()
        try:
            await self._bring_up(child)
            for name in child.again:
                errand = self._steps[name]
                assert isinstance(errand, Errand)
                await self._run_errand(errand)
        except (ConfigError, OSError) as error:
            self._terminal.trouble(str(error))
        else:
            self._terminal.ready(child.title, time.monotonic() - began, "is back")

    async def _spawn(self, name: str, command: Command) -> asyncio.subprocess.Process:
        with self._home.log(name).open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *command.launched(),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(command.env),
                cwd=command.cwd,
                start_new_session=True,  # Ctrl-C is for us; we stop them in order
            )

    def _note(self, child: Child, process: asyncio.subprocess.Process) -> None:
        self._processes[child.name] = process
        self._seen[child.name] = Seen.of(
            process.pid, stop_signal=int(child.stop_signal), lingers=child.lingers
        )
        self._changed(self._seen)

    async def _stop_all(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        waves: dict[int, list[Child]] = {}
        for name in self._processes:
            child = self._steps[name]
            assert isinstance(child, Child)
            waves.setdefault(depth(name, self._steps), []).append(child)
        for level in sorted(waves, reverse=True):
            await asyncio.gather(*(self._stop_one(child) for child in waves[level]))

    async def _stop_one(self, child: Child) -> None:
        process = self._processes[child.name]
        ending = asyncio.create_task(stopping.end(process, child))
        hurry = asyncio.create_task(self._hurry.wait())
        await asyncio.wait({ending, hurry}, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
        if not ending.done() and not self._hurry.is_set():
            self._terminal.say(
                f"{child.title} is finishing what it has in hand, at most {child.grace_s:.0f} s; "
                "Ctrl-C again ends it at once."
            )
            await asyncio.wait({ending, hurry}, return_when=asyncio.FIRST_COMPLETED)
        hurry.cancel()
        if not ending.done():
            stopping.send(process, signal.SIGKILL)
        await ending


def _first(failures: BaseExceptionGroup[ConfigError]) -> ConfigError:
    """Return the failure that came first; the others are mostly its consequences."""
    first = failures.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
