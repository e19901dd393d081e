"""What a second terminal does: attach, look, stop."""

import signal
import threading
import time

from core.errors import ConfigError
from deploy.local import accounts
from deploy.local.home import Home
from deploy.local.processes import gone
from deploy.local.running import State, forget, running, stop_survivors
from deploy.local.terminal import Terminal

LOOK_S = 0.2
APPEARS_WITHIN_S = 5.0
QUIET_S = 2.0


def follow(home: Home) -> int:
    """Show where the running stack is and its log, until Ctrl-C or until it stops."""
    # A shell that starts us in the background has Ctrl-C ignored; `make run` heeds it there too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    terminal = Terminal()
    state = _appearing(home)
    terminal.say(f"Proofsheet is already running (pid {state.supervisor.pid}).")
    position = state.log_from if not state.ready else _end_of_log(home)
    welcomed = False
    try:
        while state.supervisor.alive():
            position = _show(home, position)
            state = State.load(home) or state
            if state.ready and not welcomed:
                welcomed = True
                terminal.welcome(state.url, accounts.known(home))
                terminal.say("Following its log. Ctrl-C here does not stop it; make down does.")
            threading.Event().wait(LOOK_S)
    except KeyboardInterrupt:
        return 0
    _show(home, position)
    return 0


def _appearing(home: Home) -> State:
    """Return the state of a stack that may be writing it for the first time right now."""
    deadline = time.monotonic() + APPEARS_WITHIN_S
    while time.monotonic() < deadline:
        state = running(home)
        if state:
            return state
        threading.Event().wait(LOOK_S)
    raise ConfigError(f"{str(home.lock)!r} is held by another program. Wait, and try again.")


def _end_of_log(home: Home) -> int:
    return home.log("stack").stat().st_size


def _show(home: Home, position: int) -> int:
    """Print what was logged since, whole lines only; return the new position."""
    with home.log("stack").open("rb") as log:
        log.seek(position)
        lines = log.read()
    whole = lines[: lines.rfind(b"\n") + 1]
    if whole:
        print(whole.decode(errors="replace"), end="", flush=True)
    return position + len(whole)


def down(home: Home) -> int:
    """Stop the stack in order, however long a paid request takes; twice is at once."""
    terminal = Terminal()
    state = running(home)
    if state is None:
        left = State.load(home)
        lingering = stop_survivors(home) if home.path.exists() else {}
        for seen in lingering.values():
            terminal.say(f"A worker ({seen.pid}) finishes its paid request and ends by itself.")
        if not lingering:
            forget(home)
        terminal.say("Stopped what was left over." if left else "Nothing is running.")
        return 0
    state.supervisor.send(signal.SIGTERM)
    if not gone([state.supervisor], within_s=QUIET_S):
        terminal.say("Waiting for the worker to finish what it has in hand ...")
        while not gone([state.supervisor], within_s=60.0):
            pass
    terminal.say("Stopped; the data stays.")
    return 0


def status(home: Home) -> int:
    """Say what runs; return 0 if a stack does, else 1."""
    terminal = Terminal()
    state = running(home)
    if state is None:
        terminal.say("Proofsheet is not running. Start it with make run.")
        return 1
    minutes = (time.time() - state.since) / 60
    phase = f"running for {minutes:.0f} min" if state.ready else "starting"
    terminal.say(f"Proofsheet is {phase} at {state.url} (pid {state.supervisor.pid})")
    for name, seen in state.children.items():
        terminal.say(f"{name:<18} {'pid ' + str(seen.pid) if seen.alive() else 'not running'}")
    return 0
