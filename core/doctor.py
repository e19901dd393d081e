"""Prove before the first start, and whenever something is odd, what the processes rely on."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from core import backlog, fitness
from core.errors import AppError, ConfigError
from core.origins import origins
from core.services import Services
from core.settings import GIB, Settings
from core.storage import doctor as bucket
from core.storage.doctor import Check

SPOOL_BYTES = GIB  # several of the largest answers


def examined(services: Services) -> Iterator[Check]:
    """Yield what was found, one line each; what is wrong says what to do."""
    settings = services.settings
    database = _tried("database, schema and Korean search", lambda: _database(services))
    yield database
    yield _tried("accounts file", lambda: _accounts(services))
    yield _tried("spool", lambda: _spool(settings.spool_dir))
    yield _tried("strangers", lambda: _strangers(settings.spool_dir / "strangers"))
    if database.ok:
        with services.sessions() as session:
            yield from backlog.examined(session)
    yield from _providers(services)
    yield _tried("PUBLIC_BASE_URL", lambda: _callbacks(settings))
    yield from _bucket(services)


def _tried(name: str, examine: Callable[[], str]) -> Check:
    try:
        return Check(name=name, ok=True, detail=examine())
    except AppError as error:
        return Check(name=name, ok=False, detail=str(error))


def _database(services: Services) -> str:
    fitness.prove(services.engine, durable=services.settings.spends_money)
    return f"revision {fitness.newest_revision()} or newer"


def _accounts(services: Services) -> str:
    found = len(services.accounts.all())
    if not found:
        raise ConfigError("Nobody can sign in. Add somebody: python -m core user add LOGIN")
    return f"{found} can sign in"


def _spool(folder: Path) -> str:
    """Prove the folder, or, before the worker has made it, the one it will be made in."""
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
        free = shutil.disk_usage(there).free
    except OSError as error:
        raise ConfigError(
            f"SPOOL_DIR {str(folder)!r} cannot be written ({error.strerror}). Name a folder on a "
            "real disk that belongs to the worker's user."
        ) from error
    if free < SPOOL_BYTES:
        raise ConfigError(
            f"The disk of SPOOL_DIR {str(folder)!r} has {free / 1e9:.1f} GB free, and paid answers "
            "wait there. Keep at least one free."
        )
    waiting = len([*folder.glob("*.json")])
    return f"{folder} can be written, {free / 1e9:.0f} GB are free, answers waiting: {waiting}"


def _strangers(folder: Path) -> str:
    """Look for answers that the database knows nothing of."""
    try:
        found = {path.name.partition(".")[0] for path in folder.iterdir()}
    except FileNotFoundError:
        return "no answer here is unknown to the database"
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be read ({error.strerror}). Run this as root."
        ) from error
    if found:
        raise ConfigError(
            f"{len(found)} paid answers in {folder} belong to no request of this database: it was "
            "restored from an older copy. Their .json or .task names the job, .body is what the "
            "provider sent. Give them to whoever asked for them, then move them elsewhere."
        )
    return "no answer here is unknown to the database"


def _providers(services: Services) -> Iterator[Check]:
    """Ask each provider something free with our key."""
    settings = services.settings
    yield _key("OPENAI_API_KEY", settings.openai_api_key, services.images.check)
    for dialect, provider in services.videos.items():
        yield _key(f"MINIMAX_API_KEY ({dialect})", settings.minimax_api_key, provider.check)


def _key(name: str, key: str, check: Callable[[], None]) -> Check:
    def taken() -> str:
        if not key:
            return "not set: its page is switched off"
        check()
        return "the provider takes it"

    return _tried(name, taken)


def _callbacks(settings: Settings) -> str:
    """Judge the address by itself: only MiniMax can tell whether it gets there."""
    url = settings.public_base_url
    if not url:
        return "empty: the worker asks, and nobody calls back"
    if "minimax" in settings.simulated_providers:
        return f"{url}, for the simulator"
    parts = urlsplit(url)
    if parts.scheme != "https" or not _is_public(parts.hostname or ""):
        raise ConfigError(
            f"MiniMax cannot call {url} back: it must be https and a name or address of the "
            "public Internet. Leave it empty to have the worker ask instead."
        )
    return url


def _is_public(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".internal", ".localhost"))


def _bucket(services: Services) -> Iterator[Check]:
    try:
        origin = origins(services.settings)[0]
    except ConfigError as error:
        yield Check(name="the pages' address", ok=False, detail=str(error))
        return
    yield from bucket.doctor(
        services.bucket, environment=services.settings.environment, origin=origin
    )
