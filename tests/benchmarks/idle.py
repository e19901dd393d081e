"""What web process and worker take when nobody does anything."""

import time

import psutil
from sqlalchemy import text

from tests.benchmarks.figures import Figures
from tests.stack import Stack

MIB = 2**20
WINDOW_S = 60


def measure(figures: Figures, stack: Stack) -> None:
    """Print memory, connections, and CPU over a minute of rest."""
    time.sleep(5)
    web, worker = stack.child("web"), stack.child("worker")
    before = [cpu_s(process) for process in (web, worker)]
    time.sleep(WINDOW_S)
    shares = [
        100 * (cpu_s(process) - was) / WINDOW_S
        for process, was in zip((web, worker), before, strict=True)
    ]
    open_ones = {name: connections(stack, f"proofsheet-{name}") for name in ("web", "worker")}
    require_life("The web process", web, open_ones["web"])
    require_life("The worker", worker, open_ones["worker"])
    figures.measured("web.idle.cpu", shares[0], "%", goal=1)
    figures.measured("worker.idle.cpu", shares[1], "%", goal=0.2)
    figures.measured("web.idle.rss", rss_mib(web), "MiB", goal=250)
    figures.measured("worker.idle.rss", rss_mib(worker), "MiB", goal=120)
    for name, count in open_ones.items():
        figures.measured(f"{name}.idle.connections", count, "", goal=5)


def require_life(who: str, process: psutil.Process, connections: int) -> None:
    """Raise if a process is dead or has no connection: it would pass for one at rest."""
    if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
        raise RuntimeError(f"{who} ended while it was measured.")
    if not connections:
        raise RuntimeError(f"{who} has no connection to Postgres: it is not at rest, but cut off.")


def connections(stack: Stack, application: str) -> int:
    """Return how many connections to Postgres a process has open, its listener's included."""
    services = stack.services()
    try:
        with services.engine.connect() as connection:
            return int(
                connection.scalar(
                    text(
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                        " AND application_name LIKE :application || '%'"
                    ),
                    {"application": application},
                )
                or 0
            )
    finally:
        services.engine.dispose()
        services.bucket.close()


def rss_mib(process: psutil.Process) -> float:
    """Return a process's resident memory, its children's included."""
    family = [process, *process.children(recursive=True)]
    return sum(member.memory_info().rss for member in family) / MIB


def cpu_s(process: psutil.Process) -> float:
    """Return the CPU seconds a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)
