"""What both providers are asked and answer, in our own words.

Vendor errors never escape an adapter: they become the classes of `core.errors`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Protocol

_TASK_ID: Final = re.compile(r"[A-Za-z0-9_:-][A-Za-z0-9_.:-]{0,127}")  # safe in an address too


def task_id_of(value: object) -> str | None:
    """Return what a provider calls a task, as text that it can be asked by; None for the rest."""
    found = str(value) if type(value) is int and value > 0 else value
    if not isinstance(found, str) or found == "0" or _TASK_ID.fullmatch(found) is None:
        return None
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class InputFile:
    """A verified file on this machine's disk, to be streamed into a request."""

    path: Path
    filename: str
    mime: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendLimits:
    """How long one paid request may take, in seconds, from the call to the answer's last byte.

    It begins only if all of `total_s` fits before `not_after` (`core.elapsed`), and no byte leaves
    after that, even if this process was paused in between. `before_first_byte` is called once,
    with the connection made; it raises NotSent to keep the request from leaving.
    """

    connect_s: float
    total_s: float
    not_after: float | None = None
    before_first_byte: Callable[[], None] = field(default=lambda: None)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRequest:
    """One image edit. `options` are the provider's own words, checked against the catalogue.

    Known options: size, quality, background, output_format, output_compression,
    input_fidelity, complexity, moderation, n, stream, partial_images.
    """

    model: str
    prompt: str
    images: Sequence[InputFile]
    mask: InputFile | None = None
    markup: InputFile | None = None  # drawn over the first image; never beside a mask
    options: Mapping[str, Any] = field(default_factory=dict)
    client_request_id: str  # sent as X-Client-Request-Id; our attempt's id
    safety_identifier: str | None = None  # who asks, in a form that only we can resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class EditAnswer:
    """A complete answer, lying in the spool file that the caller gave."""

    http_status: int
    request_id: str | None
    streamed: bool  # the spooled body is server-sent events, else one JSON document
    rate_limits: Mapping[str, str]  # every x-ratelimit-* header, as sent


@dataclass(frozen=True, slots=True, kw_only=True)
class EditResult:
    """What a spooled answer holds: image files beside it, and what the provider resolved."""

    images: Sequence[Path]
    actual: Mapping[str, Any]  # size, quality, background, output_format as resolved
    usage: Mapping[str, Any]
    unusable: int = 0  # so many items of the answer held no image


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRequest:
    """One video. `options`: duration, resolution, ratio, prompt_optimizer, fast_pretreatment,
    prompt_expansion_mode, aigc_watermark, in the provider's own words.
    """

    model: str
    prompt: str
    options: Mapping[str, Any] = field(default_factory=dict)
    first_frame: InputFile | None = None
    last_frame: InputFile | None = None
    subject: InputFile | None = None
    callback_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The provider took the request and calls it `task_id`."""

    task_id: str
    http_status: int
    request_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Still at work. `provider_status` is the provider's own word."""

    provider_status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """Finished: `download_url` is short-lived and secret."""

    download_url: str = field(repr=False)
    actual: Mapping[str, Any] = field(default_factory=dict)
    usage: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """The provider gave up on the task. `code` is ours: see `core.refusals`."""

    code: str
    provider_message: str


Progress = Pending | Ready | Broken


class Cancelled(StrEnum):
    """What became of a task that was to be cancelled."""

    IN_TIME = "in_time"  # it waited still: it costs nothing
    TOO_LATE = "too_late"  # it has begun: it is paid for, and its result will come
    DELETED = "deleted"  # it had just finished: it is paid for, and its result is gone


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedTask:
    """A task as MiniMax v2 lists it; it carries no prompt."""

    task_id: str
    model: str
    resolution: str
    duration: int
    ratio: str
    status: str
    created_at: datetime


class ImageProvider(Protocol):
    def edit(
        self,
        request: EditRequest,
        *,
        limits: SendLimits,
        spool: Path,
        on_partial: Callable[[int, bytes], None],
    ) -> EditAnswer:
        """Send one paid edit, once; write the whole answer's body to `spool`, fsynced.

        `on_partial(index, image_bytes)` is called for every streamed preview, while the
        answer is being read: it must not take long.

        Raises:
            NotSent: no byte of the body left; safe to try again.
            NotAccepted: rate, money or credentials; nothing was taken.
            Refused: never as it is.
            BadResult: a complete answer without an image; the body is in `spool`. Whether
                what it holds really is one shows when it is read (`answer_file`).
            OutcomeUnknown: it may have been billed.
        """
        ...

    def check(self) -> None:
        """Ask something free, to see whether our key is taken at all.

        Raises:
            ProviderError: it is not, or nobody answered.
        """
        ...


class VideoProvider(Protocol):
    dialect: str

    def submit(self, request: VideoRequest, *, limits: SendLimits) -> Accepted:
        """Ask for a video, once. Raises as `ImageProvider.edit` does."""
        ...

    def check(self) -> None:
        """See `ImageProvider.check`."""
        ...

    def progress(self, task_id: str) -> Progress:
        """Return how the task stands. Reading is free and safe to repeat.

        Raises:
            ProviderError: nothing happened; try again with backoff.
        """
        ...


LIST_PAGE: Final = 20  # tasks that one question brings: the only size that is documented


class ListingProvider(VideoProvider, Protocol):
    """A provider that also tells what it has taken: MiniMax v2."""

    def describe(self, task_id: str) -> ListedTask:
        """Return a task's own facts. Raises ProviderError: try again later."""
        ...

    def list_tasks(self, *, since: datetime) -> Sequence[ListedTask]:
        """Return every task created at or after `since` (at most 7 days back), newest first.

        Raises:
            ProviderError: the list could not be read in full, so nothing follows from it.
        """
        ...

    def cancel(self, task_id: str) -> Cancelled:
        """End a task that still waits, which is free; return what became of it.

        Raises:
            ProviderError: nobody answered; it may be tried again.
        """
        ...
