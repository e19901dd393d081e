"""Every error this application raises on purpose.

AppError
├── ConfigError          The process must not start.
│   └── Unreachable      What it needs does not answer; a later start may succeed.
├── NotFound             No such row or object, or not yours: both look the same.
├── Conflict             The row has already moved on; read it again.
├── Gone                 It was there and its time has passed; start again.
├── NotSignedIn          Nobody is signed in.
├── Forbidden            Signed in, but this is not theirs to do.
├── TooMany              Try again later.
├── Rejected             The user can fix it. The message is shown as it is.
│   ├── WrongType        Files of this type are not taken at all.
│   └── MediaRejected    The bytes of a file are not what they should be.
│       └── OtherBytes   They changed on the way: the same file may arrive whole next time.
├── StorageError         The bucket did not do what was asked; safe to try again.
├── DecoderFailed        This machine could not decode a file; the file is not to blame.
└── ProviderError
    ├── NotSent          Nothing was sent. Safe to try again later.
    ├── NotAccepted      The provider answered that it took nothing; its gate closes.
    ├── Refused          This request will never be accepted. Do not try again.
    ├── BadResult        Billed, and the answer holds nothing usable.
    └── OutcomeUnknown   It may have been accepted. Trying again may pay twice.

A class exists only where a caller does something different because of it.
Messages that people read are `Message`s: a translatable sentence and its values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence for people, translated when it is shown, not when it is raised.

    `text` is English with `{named}` places; it is the key in the catalogues.
    """

    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text.format(**self.values) if self.values else self.text


def msg(text: str, **values: object) -> Message:
    """Mark `text` for the catalogues and bind its values."""
    return Message(text, values)


class AppError(Exception):
    """Base class: `except AppError` never hides a bug in our own code.

    A plain text is the operator's: `core.apologies` has what people are told instead.
    """

    def __init__(self, message: Message | str) -> None:
        super().__init__(str(message))
        self.for_people = isinstance(message, Message)
        self.message = message if isinstance(message, Message) else Message(message)


class ConfigError(AppError):
    """The process must not start. It ends with `exit_status`: 2 stays so until somebody acts."""

    exit_status = 2


class Unreachable(ConfigError):
    """What it needs does not answer; a service manager may start it again."""

    exit_status = 1


class NotFound(AppError):
    """No such row or object, or it belongs to somebody else."""


class Conflict(AppError):
    """The row has already moved on; read it again."""


class Gone(AppError):
    """It was there and its time has passed; start again."""


class NotSignedIn(AppError):
    """Nobody is signed in."""


class Forbidden(AppError):
    """Signed in, but this is not theirs to do."""


class TooMany(AppError):
    """Too many tries; the same call may succeed after `retry_after_s`."""

    def __init__(self, message: Message | str, *, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Rejected(AppError):
    """The user can fix it. The message is shown as it is."""


class WrongType(Rejected):
    """Files of this type are not taken at all."""


class MediaRejected(Rejected):
    """The bytes of a file are not what they should be."""


class OtherBytes(MediaRejected):
    """They changed on the way: the same file may arrive whole next time."""


class StorageError(AppError):
    """The bucket did not do what was asked; nothing is known to be lost."""


class DecoderFailed(AppError):
    """This machine could not decode a file, whatever is in it; the same call may work later."""


class ProviderError(AppError):
    """A provider did not do what was asked. `code` is ours and stable: see `core.refusals`.

    `rate_limits` are the answer's x-ratelimit-* headers, if it had any.
    """

    rate_limits: Mapping[str, str] = {}

    def __init__(
        self,
        message: Message | str,
        *,
        code: str,
        http_status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.http_status = http_status
        self.request_id = request_id


class NotSent(ProviderError):
    """No byte of the request's body left this machine; safe to try again."""


class NotAccepted(ProviderError):
    """The provider answered that it took nothing: rate, money or credentials.

    `scope` is how far its gate closes: 'model' (this key and model) or 'key'
    (everything of this key). `retry_after_s` is None when only a person can help.
    """

    def __init__(
        self,
        message: Message | str,
        *,
        code: str,
        scope: str,
        retry_after_s: float | None,
        http_status: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, code=code, http_status=http_status, request_id=request_id)
        self.scope = scope
        self.retry_after_s = retry_after_s


class Refused(ProviderError):
    """It will never be accepted as it is. `closes_model` when the key may not use the model."""

    def __init__(
        self,
        message: Message | str,
        *,
        code: str,
        http_status: int | None = None,
        request_id: str | None = None,
        closes_model: bool = False,
    ) -> None:
        super().__init__(message, code=code, http_status=http_status, request_id=request_id)
        self.closes_model = closes_model


class BadResult(ProviderError):
    """Billed, and the answer holds nothing usable. The raw body is kept."""


class OutcomeUnknown(ProviderError):
    """It may have been accepted and billed; only a person may send it again.

    `named_task` is what the answer called a task, if it did: it may be ours, and can be asked for.
    """

    named_task: str | None = None
