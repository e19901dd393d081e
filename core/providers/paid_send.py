"""The one function that sends paid requests, once each.

A failure before the first byte of the body was pulled means that nothing was sent; any later
one means that nobody knows. Nothing here tries again, follows a redirect or reuses a connection.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import requests

from core import elapsed
from core.errors import OutcomeUnknown, ProviderError
from core.providers import SendLimits
from core.providers.body import Body
from core.providers.connections import FAILURES, TIME_UP, Watch, open_session, root_cause
from core.providers.verdicts import Answered, not_sent, unsure

PIECE: Final = 64 * 1024


class Reply:
    """The answer to a paid request, from its headers on. Good inside `paid_send` only."""

    def __init__(self, response: requests.Response, watch: Watch, provider: str) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers  # case does not matter
        self._raw: Any = response.raw
        self._watch = watch
        self._provider = provider

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it arrives, however it is framed.

        A body without length and chunks ends like a whole one when it is cut: only what
        it says can tell.

        Raises:
            OutcomeUnknown: it was cut, or the time was up.
        """
        try:
            while piece := self._raw.read1(PIECE, decode_content=True):
                yield piece
        except FAILURES as error:
            raise self._cut(root_cause(error)) from error
        if self._watch.fired and self._raw.length_remaining is None and not self._raw.chunked:
            raise self._cut(TIME_UP)  # a socket that is shut down reads like an end

    def _cut(self, why: str) -> OutcomeUnknown:
        message = f"{self._provider}'s answer broke off: {TIME_UP if self._watch.fired else why}"
        return unsure("answer_cut", Answered(message=message, http_status=self.status))

    def gathered(self, most: int) -> tuple[bytes, OutcomeUnknown | None]:
        """Return up to `most` bytes of the body, and why that is not all of it, if it is not."""
        body = bytearray()
        try:
            for piece in self.pieces():
                body += piece
                if len(body) > most:
                    return bytes(body[:most]), self._too_long(most)
        except OutcomeUnknown as cut:
            return bytes(body), cut
        return bytes(body), None

    def _too_long(self, most: int) -> OutcomeUnknown:
        message = f"{self._provider}'s answer has more than {most} bytes."
        return unsure("answer_unreadable", Answered(message=message, http_status=self.status))


@contextmanager
def paid_send(
    url: str,
    body: Body,
    *,
    headers: Mapping[str, str],
    limits: SendLimits,
    provider: str,
    ca_file: Path | None = None,
) -> Iterator[Reply]:
    """POST `body` on a connection of its own; yield the reply, whatever its status.

    `limits.total_s` counts from the call to the end of the block: name lookup, connecting,
    sending, and reading the answer.

    Raises:
        NotSent: no byte of the body left, there was no time for it, or `limits` kept it back;
            safe to try again.
        OutcomeUnknown: some of it did, and no answer came.
    """
    check_time(limits)
    watch = Watch(limits.total_s, not_after=limits.not_after)
    body.not_after = watch.ends_at
    body.before_first_byte = limits.before_first_byte
    connect_s = min(limits.connect_s, limits.total_s)
    with watch, open_session(watch, connect_s=connect_s, ca_file=ca_file) as session:
        try:
            response = session.post(
                url,
                data=body,
                headers={**headers, "Content-Type": body.content_type},
                timeout=(connect_s, limits.total_s),
                allow_redirects=False,
                stream=True,
            )
        except FAILURES as error:
            raise _failure(error, body, watch, provider) from error
        with response:
            yield Reply(response, watch, provider)


def check_time(limits: SendLimits) -> None:
    """Raises NotSent: the answer would be cut off, and paid for all the same."""
    if limits.not_after is None:
        return
    left_s = limits.not_after - elapsed.now()
    if left_s < limits.total_s:
        message = f"A request may take {limits.total_s:g} s and {left_s:.1f} s were left."
        raise not_sent("too_late", message)


def _failure(error: Exception, body: Body, watch: Watch, provider: str) -> ProviderError:
    cause = TIME_UP if watch.fired else root_cause(error)
    if not body.started:
        return not_sent("unreachable", f"{provider} cannot be reached: {cause}")
    return unsure("no_answer", Answered(message=f"{provider} did not answer: {cause}"))
