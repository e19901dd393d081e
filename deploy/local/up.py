"""`up`: start what is missing, say what is ready, stay; or attach to the one that runs."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from core.errors import ConfigError
from deploy.local import accounts, keys, ports, s3
from deploy.local.environment import (
    LOOPBACK,
    Own,
    only_here,
    simulator_speed,
    web_address,
    web_url,
)
from deploy.local.follow import follow
from deploy.local.home import Home, prepare, refused, rotate_logs
from deploy.local.processes import Seen
from deploy.local.running import AlreadyRunning, Lock, State, forget, stop_survivors
from deploy.local.stack import Plan, Site, plan
from deploy.local.supervise import Supervisor
from deploy.local.terminal import Terminal


def up(
    home: Home, env: Mapping[str, str], *, began: float, table: Callable[[Site], Plan] = plan
) -> int:
    """Run a stack in `home` until a signal comes; return the exit status.

    `began` is the monotonic time at which the command started; `table` says what to start.

    Raises:
        ConfigError: one sentence that says what keeps it from starting.
    """
    _check_settings(env)
    prepare(home)
    try:
        with Lock(home.lock):
            rotate_logs(home)
            return asyncio.run(Run(home, env).run(table, began))
    except AlreadyRunning:
        return follow(home)
    except OSError as error:
        raise refused(home.path, error) from error


def _check_settings(env: Mapping[str, str]) -> None:
    """Raise ConfigError for what is wrong before anything is touched."""
    web_address(env)
    simulator_speed(env)
    if Own.of(env).s3:
        s3.python()


class Run:
    """One start and what is written about it for other terminals and later starts."""

    def __init__(self, home: Home, env: Mapping[str, str]) -> None:
        """Nothing is started yet."""
        log = home.log("stack")
        self._home = home
        self._env = env
        self._terminal = Terminal(log)
        self._state = State(
            supervisor=Seen.of(os.getpid()),
            url=web_url(env),
            ready=False,
            since=time.time(),
            log_from=log.stat().st_size if log.exists() else 0,
            children={},
        )

    async def run(self, table: Callable[[Site], Plan], began: float) -> int:
        """Start, stay, stop."""
        self._terminal.say(f"Proofsheet, data in {self._home.path}")
        self._clear_last_run()
        try:
            ports.check_web(*web_address(self._env))
            what = table(site(self._home, self._env))
            for title, where in what.elsewhere.items():
                self._terminal.skipped(title, where)
            supervisor = Supervisor(
                what.steps, home=self._home, terminal=self._terminal, changed=self._children_changed
            )
            await supervisor.run(lambda: self._became_ready(what, time.monotonic() - began))
        except ConfigError as error:
            self._terminal.record(str(error))
            raise
        finally:
            forget(self._home)
        self._terminal.say("Everything is stopped; the data stays.")
        return 0

    def _clear_last_run(self) -> None:
        left = stop_survivors(self._home)
        for seen in left.values():
            self._terminal.say(f"The last run's worker ({seen.pid}) finishes its paid request.")
        self._children_changed({f"{name} (earlier)": seen for name, seen in left.items()})

    def _children_changed(self, living: Mapping[str, Seen]) -> None:
        self._state = replace(self._state, children={**self._state.children, **living})
        self._state.save(self._home)

    def _became_ready(self, what: Plan, seconds: float) -> None:
        self._state = replace(self._state, ready=True)
        self._state.save(self._home)
        install = self._env.get("INSTALL_SECONDS", "")
        installed = float(install) if install.replace(".", "", 1).isdigit() else 0.0
        after = f" (and {installed:.0f} s of installing before)" if installed >= 1 else ""
        self._terminal.say()
        self._terminal.say(f"Ready in {seconds:.1f} s{after}")
        self._terminal.welcome(
            web_url(self._env), accounts.known(self._home) if what.accounts else []
        )
        if limits := only_here(self._env):
            self._terminal.trouble(limits)
        self._terminal.say(f"Ctrl-C stops everything. Logs: {self._home.logs}")


def site(home: Home, env: Mapping[str, str]) -> Site:
    """Return what a plan is made of: our own parts, their ports, our keys."""
    own = Own.of(env)
    host = web_address(env)[0]
    chosen = ports.remembered(home.ports, LOOPBACK, own.simulated)
    if own.s3:
        chosen |= ports.remembered(home.ports, host, ("s3",))
    return Site(
        home=home,
        env=env,
        own=own,
        ports=chosen,
        keys=keys.kept(home.keys),
        speed=simulator_speed(env),
    )
