"""The variables that the application's processes get, and those that must not reach them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigError
from deploy.local import s3
from deploy.local.answering import EVERYWHERE
from deploy.local.home import Home

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """Which parts are ours to start, because nobody named another one."""

    postgres: bool
    s3: bool
    openai: bool
    minimax: bool
    accounts: bool

    @classmethod
    def of(cls, env: Mapping[str, str]) -> "Own":
        """Read it from the variables that name others."""
        return cls(
            postgres=not env.get("DATABASE_URL"),
            s3=not (env.get("S3_ENDPOINT_URL") or env.get("S3_BUCKET")),
            openai=not env.get("OPENAI_API_KEY"),
            minimax=not env.get("MINIMAX_API_KEY"),
            accounts=not env.get("AUTH_CREDENTIALS"),
        )

    @property
    def simulated(self) -> tuple[str, ...]:
        """The providers that are simulated."""
        return tuple(name for name in ("openai", "minimax") if getattr(self, name))


def with_file(env: Mapping[str, str], file: Path) -> dict[str, str]:
    """Return `env` over the KEY=VALUE lines of `.env`, if there is one.

    Raises:
        ConfigError: names the first line that is not KEY=VALUE.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(_lines(file), start=1):
        text = line.strip().removeprefix("export ").strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise ConfigError(f"Line {number} of {str(file)!r} is not KEY=VALUE.")
        found[name.strip()] = _unquoted(value.strip())
    return {**found, **env}


def _lines(file: Path) -> Sequence[str]:
    try:
        # Windows' editors put a mark before the first letter.
        return file.read_text(encoding="utf-8-sig").splitlines() if file.exists() else []
    except UnicodeDecodeError:
        raise ConfigError(
            f"{str(file)!r} is not in UTF-8 (perhaps in CP949). Save it as UTF-8."
        ) from None


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value.partition(" #")[0].rstrip()


def web_address(env: Mapping[str, str]) -> tuple[str, int]:
    """Return host and port of the pages. Raises ConfigError for a port that is none."""
    port = env.get("WEB_PORT") or "8501"
    if not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ConfigError(f"WEB_PORT must be a port from 1 to 65535, not {port!r}.")
    return env.get("WEB_HOST") or LOOPBACK, int(port)


def web_url(env: Mapping[str, str]) -> str:
    """Return what to open in the browser."""
    host, port = web_address(env)
    return _url(host, port)


def _url(host: str, port: int) -> str:
    """Return how a program of this machine reaches what listens at `host`."""
    reached = EVERYWHERE.get(host, host)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def only_here(env: Mapping[str, str]) -> str:
    """Return what will not work in other machines' browsers, or nothing."""
    host, _ = web_address(env)
    if host not in EVERYWHERE or not Own.of(env).s3 or env.get("S3_PUBLIC_ENDPOINT_URL"):
        return ""
    return (
        f"Other machines can open the pages but neither see pictures nor upload: those links are "
        f"signed for {EVERYWHERE[host]}. For them start with WEB_HOST=<this machine's address>, "
        "or set S3_PUBLIC_ENDPOINT_URL."
    )


def application(
    env: Mapping[str, str],
    *,
    home: Home,
    own: Own,
    ports: Mapping[str, int],
    keys: Mapping[str, str],
    database_url: str,
) -> dict[str, str]:
    """Return the environment of the web process, the worker and the operator's commands."""
    defaults = {
        "ENVIRONMENT": "dev",
        "WEB_HOST": web_address(env)[0],
        "WEB_PORT": str(web_address(env)[1]),
        "SPOOL_DIR": str(home.spool),
        "AUTH_CREDENTIALS": str(home.credentials),
        "AUTH_COOKIE_KEY": keys["AUTH_COOKIE_KEY"],
        "PYTHONUNBUFFERED": "1",
    }
    result = {**defaults, **{name: value for name, value in env.items() if value}}
    if own.postgres:
        _drop(result, "PG")
        result["DATABASE_URL"] = database_url
    if own.s3:
        _drop(result, "AWS_")
        result |= _store(env, ports["s3"], keys)
    result |= _providers(env, own, ports)
    result |= _no_proxy(env)
    return result


def _drop(env: dict[str, str], prefix: str) -> None:
    """Forget what libpq or boto3 would read beside what we tell them."""
    for name in [name for name in env if name.startswith(prefix)]:
        del env[name]


def _store(env: Mapping[str, str], port: int, keys: Mapping[str, str]) -> dict[str, str]:
    store = _url(web_address(env)[0], port)
    return {
        "S3_ENDPOINT_URL": store,
        "S3_PUBLIC_ENDPOINT_URL": env.get("S3_PUBLIC_ENDPOINT_URL") or store,
        "S3_REGION": s3.REGION,
        "S3_BUCKET": s3.BUCKET,
        "S3_ACCESS_KEY_ID": keys["S3_ACCESS_KEY_ID"],
        "S3_SECRET_ACCESS_KEY": keys["S3_SECRET_ACCESS_KEY"],
    }


def _providers(env: Mapping[str, str], own: Own, ports: Mapping[str, int]) -> dict[str, str]:
    result = {"SIMULATED_PROVIDERS": ",".join(own.simulated)}
    if own.openai:
        result["OPENAI_API_KEY"] = "simulated"
        result["OPENAI_BASE_URL"] = f"http://{LOOPBACK}:{ports['openai']}/v1"
    if own.minimax:
        result["MINIMAX_API_KEY"] = "simulated"
        result["MINIMAX_BASE_URL"] = f"http://{LOOPBACK}:{ports['minimax']}"
        # Only the simulator can call back to this machine.
        result["PUBLIC_BASE_URL"] = env.get("PUBLIC_BASE_URL") or web_url(env)
        hosts = [env.get("DOWNLOAD_ALLOWED_HOSTS", ""), f"{LOOPBACK}:{ports['minimax']}"]
        result["DOWNLOAD_ALLOWED_HOSTS"] = ",".join(host for host in hosts if host)
    return result


def _no_proxy(env: Mapping[str, str]) -> dict[str, str]:
    """Keep a company's proxy out of what stays on this machine."""
    there = env.get("no_proxy") or env.get("NO_PROXY") or ""
    names = ",".join(filter(None, (there, LOOPBACK, "localhost")))
    return {"no_proxy": names, "NO_PROXY": names}


def simulator_speed(env: Mapping[str, str]) -> str:
    """Return the factor on every duration of the simulators: 1 is realistic, 0.02 for tests."""
    speed = env.get("SIMULATOR_SPEED") or "1"
    if not speed.replace(".", "", 1).isdigit() or float(speed) <= 0:
        raise ConfigError(f"SIMULATOR_SPEED must be a number above 0, not {speed!r}.")
    return speed


def plain(env: Mapping[str, str]) -> dict[str, str]:
    """Return what a simulator needs: no key or password of the user's is among it."""
    kept = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "VIRTUAL_ENV")
    return {name: env[name] for name in kept if name in env} | {"PYTHONUNBUFFERED": "1"}
