"""The composition root: Settings → Services. Everybody else receives what is made here."""

import functools
import hashlib
import hmac
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from core.accounts import Accounts
from core.database import open_engine, open_sessions
from core.models import Dialect
from core.providers import ImageProvider, ListingProvider, VideoProvider
from core.providers.capabilities import RateLimits
from core.providers.catalog import Catalog
from core.providers.catalog import load as load_catalog
from core.providers.minimax_v1 import MiniMaxV1
from core.providers.minimax_v2 import MiniMaxV2
from core.providers.openai import OpenAI
from core.settings import Settings
from core.storage import Bucket, bucket_of
from core.usage import Key

HOST = socket.gethostname()
VIDEO_SENDERS = 4  # a video is taken within seconds; an edit keeps its thread until it is made


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a page, a route or a worker needs. Safe to share between threads."""

    settings: Settings
    engine: Engine
    sessions: sessionmaker[Session]
    bucket: Bucket
    accounts: Accounts
    catalog: Catalog
    images: ImageProvider
    videos: Mapping[str, VideoProvider]

    def key_id(self, dialect: str) -> str:
        """Return which of our keys pays for a dialect: enough to tell keys apart, no secret."""
        settings = self.settings
        key = settings.openai_api_key if dialect == Dialect.OPENAI else settings.minimax_api_key
        return hashlib.sha256(key.encode()).hexdigest()[:12]

    def safety_identifier(self, user_id: UUID) -> str:
        """Return how a provider may tell our people apart: the same one always, and no name.

        Keyed, so that nobody who knows an id (it is in links) can tell whose request it was.
        """
        key = self.settings.auth_cookie_key.encode()
        return hmac.new(key, b"safety:" + user_id.bytes, hashlib.sha256).hexdigest()

    def keys(self) -> Sequence[Key]:
        """Return each of our keys and what it may do: as the operator says, or the catalogue."""
        settings = self.settings
        set_by_operator = {
            Dialect.OPENAI: RateLimits(
                requests_per_minute=settings.openai_requests_per_minute,
                input_images_per_minute=settings.openai_input_images_per_minute,
            ),
            Dialect.MINIMAX_V1: RateLimits(
                requests_per_minute=settings.minimax_v1_requests_per_minute
            ),
            Dialect.MINIMAX_V2: RateLimits(in_flight=settings.minimax_v2_in_flight),
        }
        return [
            Key(
                dialect=dialect,
                id=self.key_id(dialect),
                limits=self.catalog.rates(dialect).replaced_by(limits),
                per_user=settings.running_per_user,
            )
            for dialect, limits in set_by_operator.items()
        ]

    def key(self, dialect: str) -> Key:
        """Return the key behind one dialect."""
        return next(key for key in self.keys() if key.dialect == dialect)

    def senders(self, dialect: str) -> int:
        """Return how many requests one worker sends at once to the provider of a dialect."""
        most = self.settings.worker_concurrency
        return most if dialect == Dialect.OPENAI else min(VIDEO_SENDERS, most)

    @property
    def listing(self) -> ListingProvider:
        """Return the provider whose list shows what it has taken."""
        # The mapping's type cannot say that of all its providers the second API's has a list.
        provider: ListingProvider = self.videos[Dialect.MINIMAX_V2]  # type: ignore[assignment]
        return provider

    def provider(self, dialect: str) -> ImageProvider | VideoProvider:
        """Return who is behind a dialect."""
        return self.images if dialect == Dialect.OPENAI else self.videos[dialect]


def build(settings: Settings, *, application: str, pool_size: int = 10) -> Services:
    """Make the services of one process. Nothing is connected until it is used."""
    engine = open_engine(settings.database_url, application=application, pool_size=pool_size)
    return Services(
        settings=settings,
        engine=engine,
        sessions=open_sessions(engine),
        bucket=bucket_of(settings),
        accounts=Accounts(settings.auth_credentials),
        catalog=load_catalog(),
        images=OpenAI(base_url=settings.openai_base_url, api_key=settings.openai_api_key),
        videos={
            Dialect.MINIMAX_V1: MiniMaxV1(
                base_url=settings.minimax_base_url, api_key=settings.minimax_api_key
            ),
            Dialect.MINIMAX_V2: MiniMaxV2(
                base_url=settings.minimax_base_url, api_key=settings.minimax_api_key
            ),
        },
    )


def settings_from_environment() -> Settings:
    """Read the environment. Raises ConfigError with every mistake in one sentence."""
    return Settings.from_env(os.environ)  # noqa: TID251  (this is the one place)


@functools.cache
def services() -> Services:
    """Return the web process's services, built on first use."""
    return build(settings_from_environment(), application="proofsheet-web")
