"""Everything a campaign runs against, in one folder: real processes, nothing replaced."""

import json
import os
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.models import User
from core.schema import migrate
from core.services import Services, build
from core.settings import Settings
from core.storage.provision import provision
from core.users import from_account
from deploy.local import answering, ports, s3
from deploy.local.postgres_places import cluster_at
from deploy.local.processes import Command
from deploy.local.simulators import ledger
from tests.application import write_accounts
from tests.campaigns.fleet import Fleet
from tests.campaigns.parts import Database, Part
from tests.campaigns.plan import Plan
from tests.workers.forks import Nursery

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
ROLE = "proofsheet"
CONNECTIONS = 500
NEEDED_BYTES = 4 * 2**30
MEMORY = Path("/dev/shm")  # noqa: S108  (folders are made with mkdtemp)
OURS = ("web", "s3", "simulator")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A running stack without workers, and the fleet that will be its workers."""

    folder: Path
    plan: Plan
    database: Database
    services: Services
    settings: Settings
    user: User
    fleet: Fleet
    simulator_url: str

    @property
    def ledger_file(self) -> Path:
        """The simulator's own account."""
        return self.folder / "simulator" / "ledger.jsonl"

    def ledger(self) -> list[dict[str, Any]]:
        """Read it."""
        return list(ledger.read(self.ledger_file))

    def control(self, path: str, *, method: str, body: Any = None) -> Any:
        """Call one of the simulator's control routes."""
        request = urllib.request.Request(
            f"{self.simulator_url}/_control/{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


@contextmanager
def running(plan: Plan, pace: Mapping[str, Any]) -> Iterator[Site]:
    """Start Postgres, the S3 store, the simulator, the web process and the nursery of workers."""
    # As root, Postgres runs as 'nobody', who has to reach its folder.
    folder = Path(tempfile.mkdtemp(prefix="proofsheet-campaign-", dir=_place()))
    folder.chmod(0o711)
    with ExitStack() as ends:
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        yield _started(plan, pace, folder, ends)


def _place() -> str | None:
    """Return where to keep it all: in memory if there is room, since no machine is switched off."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= NEEDED_BYTES
    return str(MEMORY) if roomy else None


def _started(plan: Plan, pace: Mapping[str, Any], folder: Path, ends: ExitStack) -> Site:
    for name in ("postgres", "simulator", "tmp", "logs"):
        (folder / name).mkdir()
    (folder / "postgres").chmod(0o755)
    cluster = replace(cluster_at(folder / "postgres", dict(os.environ)), connections=CONNECTIONS)
    found = ports.remembered(folder / "ports.json", HOST, OURS)
    database = Database(cluster, folder / "logs/postgres")
    ends.callback(database.end)
    env = _environment(plan, folder, found, cluster.url(ROLE, role=ROLE))
    store = _part(ends, folder, "s3", _store(folder, found["s3"], env))
    simulator = _part(ends, folder, "simulator", _simulator(plan, folder, found["simulator"]))
    nursery = _part(ends, folder, "nursery", _python(env, "-m", "tests.workers.nursery"))
    database.wait()
    cluster.own_database(ROLE)
    migrate(env["DATABASE_URL"])
    parts = [store, simulator]
    if plan.calls_back:
        parts.append(_part(ends, folder, "web", _python(env, "-m", "tests.campaigns.web")))
    for part in parts:
        part.wait()
    return _site(plan, pace, folder, ends, database=database, env=env, nursery=nursery)


def _site(
    plan: Plan,
    pace: Mapping[str, Any],
    folder: Path,
    ends: ExitStack,
    *,
    database: Database,
    env: Mapping[str, str],
    nursery: Part,
) -> Site:
    settings = Settings.from_env(env)
    services = build(settings, application="campaign", pool_size=8)
    ends.callback(services.engine.dispose)
    ends.callback(services.bucket.close)
    assert all(step.done for step in provision(services.bucket, origins=[]))
    with services.sessions.begin() as session:
        user = from_account(session, services.accounts.all()["kim"])
    fleet = Fleet(Nursery(nursery.process), env, folder, workers=plan.workers, hosts=plan.hosts)
    site = Site(
        folder=folder,
        plan=plan,
        database=database,
        services=services,
        settings=settings,
        user=user,
        fleet=fleet,
        simulator_url=env[f"{plan.simulator.upper()}_BASE_URL"].removesuffix("/v1"),
    )
    site.control("settings", method="PATCH", body=dict(pace))
    return site


def _part(ends: ExitStack, folder: Path, name: str, command: Command) -> Part:
    checks = {
        "s3": "/_ministack/health",
        "simulator": "/_control/health",
        "web": "/api/health",
    }
    port = json.loads((folder / "ports.json").read_text()).get(name)
    path = checks.get(name, "")
    part = Part(
        command,
        folder / "logs" / name,
        ready=lambda: answering.answers(HOST, port, path),
        pipes=name == "nursery",
    )
    ends.callback(part.end)
    return part


def _python(env: Mapping[str, str], *arguments: str) -> Command:
    return Command(argv=(sys.executable, *arguments), env=env, cwd=ROOT)


def _store(folder: Path, port: int, env: Mapping[str, str]) -> Command:
    return s3.command(
        folder / "s3",
        host=HOST,
        port=port,
        access_key=env["S3_ACCESS_KEY_ID"],
        secret_key=env["S3_SECRET_ACCESS_KEY"],
    )


def _simulator(plan: Plan, folder: Path, port: int) -> Command:
    options = ("--port", str(port), "--data", str(folder / "simulator"))
    env = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
    return _python(env, "-m", "deploy.local.simulators", plan.simulator, *options)


def _environment(
    plan: Plan, folder: Path, found: Mapping[str, int], database_url: str
) -> dict[str, str]:
    write_accounts(folder / "credentials.yaml")
    simulator = f"{HOST}:{found['simulator']}"
    return {
        "PATH": os.environ["PATH"],
        "NO_PROXY": HOST,
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(folder / "tmp"),
        "DATABASE_URL": database_url,
        "S3_ENDPOINT_URL": f"http://{HOST}:{found['s3']}",
        "S3_REGION": s3.REGION,
        "S3_BUCKET": s3.BUCKET,
        "S3_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "S3_SECRET_ACCESS_KEY": "campaigns-only",
        "AUTH_CREDENTIALS": str(folder / "credentials.yaml"),
        "AUTH_COOKIE_KEY": "k" * 32,
        "OPENAI_API_KEY": "simulated",
        "OPENAI_BASE_URL": f"http://{simulator}/v1",
        "MINIMAX_API_KEY": "simulated",
        "MINIMAX_BASE_URL": f"http://{simulator}",
        "SIMULATED_PROVIDERS": "openai,minimax",
        "DOWNLOAD_ALLOWED_HOSTS": simulator,
        "WEB_PORT": str(found["web"]),
        "SPOOL_DIR": str(folder / "spool-0"),
        **({"PUBLIC_BASE_URL": f"http://{HOST}:{found['web']}"} if plan.calls_back else {}),
        **plan.settings,
    }
