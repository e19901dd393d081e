"""The table of everything `up` starts, as data."""

import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local import accounts, answering, s3
from deploy.local.environment import LOOPBACK, Own, application, plain, web_address
from deploy.local.home import ROOT, Home
from deploy.local.postgres import PASSING_TROUBLE, START_LIMIT_S, Cluster
from deploy.local.postgres_places import cluster_in
from deploy.local.processes import Command
from deploy.local.steps import Child, Chore, Errand, Step

DATABASE = "proofsheet"  # the role's name too
SIMULATED_GRACE_S = 20.0
# Longer than the longest paid request: ending one costs money or an answer.
PAID_GRACE_S = 420.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The steps of one start, and what it leaves to others."""

    steps: tuple[Step, ...]
    elsewhere: Mapping[str, str]  # title: where it is
    accounts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a stack lives and what it was told."""

    home: Home
    env: Mapping[str, str] = field(repr=False)
    own: Own
    ports: Mapping[str, int]
    keys: Mapping[str, str] = field(repr=False)
    speed: str


def plan(site: Site) -> Plan:
    """Return everything to start here. Raises ConfigError for what is not installed."""
    cluster = cluster_in(site.home, site.env) if site.own.postgres else None
    env = application(
        site.env,
        home=site.home,
        own=site.own,
        ports=site.ports,
        keys=site.keys,
        database_url=cluster.url(DATABASE, role=DATABASE) if cluster else "",
    )
    steps: list[Step] = []
    if cluster:
        steps.append(_postgres(cluster))
    if site.own.s3:
        steps.append(_s3(site))
    steps += [_simulator(site, name) for name in site.own.simulated]
    if site.own.accounts:
        steps.append(
            Chore(name="accounts", title="Accounts", run=lambda: accounts.prepare(site.home))
        )
    steps += _application(site, env, {step.name for step in steps})
    return Plan(steps=tuple(steps), elsewhere=_elsewhere(site), accounts=site.own.accounts)


def _postgres(cluster: Cluster) -> Child:
    programs = cluster.programs
    return Child(
        name="postgres",
        title=f"Postgres {programs.version}",
        detail=programs.origin,
        command=cluster.command(),
        prepare=cluster.prepare,
        ready=cluster.accepts,
        settle=lambda: cluster.own_database(DATABASE),
        passing=PASSING_TROUBLE,
        start_limit_s=START_LIMIT_S,
        stop_signal=signal.SIGINT,  # 'fast': ends sessions; SIGTERM would wait for them
        grace_s=30.0,
    )


def _s3(site: Site) -> Child:
    host, port = web_address(site.env)[0], site.ports["s3"]
    return Child(
        name="s3",
        title="S3 store",
        detail=f"ministack, {host}:{port}",
        command=s3.command(
            site.home.s3,
            host=host,
            port=port,
            access_key=site.keys["S3_ACCESS_KEY_ID"],
            secret_key=site.keys["S3_SECRET_ACCESS_KEY"],
        ),
        ready=lambda: s3.ready(host, port),
        again=("bucket",),
    )


def _simulator(site: Site, name: str) -> Child:
    port = site.ports[name]
    data = site.home.simulators / name
    data.mkdir(exist_ok=True)
    title = {"openai": "OpenAI simulator", "minimax": "MiniMax simulator"}[name]
    options = (name, "--port", str(port), "--data", str(data), "--speed", site.speed)
    return Child(
        name=name,
        title=title,
        detail=f"{LOOPBACK}:{port}; results are simulated, nothing is paid",
        command=_python(plain(site.env), "-m", "deploy.local.simulators", *options),
        ready=_answering(LOOPBACK, port, "/_control/health"),
    )


def _application(site: Site, env: Mapping[str, str], before: set[str]) -> list[Step]:
    host, port = web_address(site.env)
    paid = len(site.own.simulated) < 2
    database = tuple(before & {"postgres"})
    store = tuple(before & {"s3"})
    tables = _python(env, "-m", "core", "migrate")
    bucket = _python(env, "-m", "core", "provision-bucket")
    everything = (*sorted(before), "tables", "bucket")
    return [
        Errand(name="tables", title="Tables", command=tables, needs=database),
        Errand(name="bucket", title="Bucket", command=bucket, needs=store),
        Child(
            name="worker",
            title="Worker",
            command=_python(env, "-m", "workers"),
            needs=everything,
            ready=_logged(site.home.log("worker"), "worker_started"),
            start_limit_s=START_LIMIT_S,
            grace_s=PAID_GRACE_S if paid else SIMULATED_GRACE_S,
            lingers=paid,
        ),
        Child(
            name="web",
            title="Pages",
            command=_python(env, str(ROOT / "app.py")),
            needs=everything,
            ready=_answering(host, port, "/_stcore/health"),
            start_limit_s=START_LIMIT_S,
            grace_s=15.0,
        ),
    ]


def _python(env: Mapping[str, str], *arguments: str) -> Command:
    return Command(argv=(sys.executable, *arguments), env=env, cwd=ROOT)


def _answering(host: str, port: int, path: str) -> Callable[[], bool]:
    return lambda: answering.answers(host, port, path)


def _logged(log: Path, event: str) -> Callable[[], bool]:
    """Return a check for an event in what was logged after the check was made.

    A part without a port tells in its log that it works.
    """
    seen = log.stat().st_size if log.exists() else 0

    def check() -> bool:
        nonlocal seen
        with log.open("rb") as file:
            file.seek(seen)
            found = event.encode() in file.read()
        if found:
            seen = log.stat().st_size
        return found

    return check


def _elsewhere(site: Site) -> Mapping[str, str]:
    """Return the parts that are somebody else's, and where. No value of a secret is among them."""
    own, env = site.own, site.env
    parts = {
        "Postgres": (own.postgres, "DATABASE_URL"),
        "S3 store": (own.s3, f"bucket {env.get('S3_BUCKET', '')}"),
        "OpenAI": (own.openai, "OPENAI_API_KEY is set: edits are real and cost money"),
        "MiniMax": (own.minimax, "MINIMAX_API_KEY is set: videos are real and cost money"),
        "Accounts": (own.accounts, "AUTH_CREDENTIALS"),
    }
    return {title: where for title, (ours, where) in parts.items() if not ours}
