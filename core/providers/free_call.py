"""Requests that cost nothing and may be repeated: questions and cancellations."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests

from core.errors import ProviderError
from core.providers.connections import FAILURES, Watch, open_session, root_cause
from core.providers.verdicts import Answered, nothing_happened

PIECE: Final = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeReply:
    """A whole answer. `document` is its JSON, or None if it has none."""

    status: int
    headers: Mapping[str, str]
    document: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeCalls:
    """How to ask one provider. Each call has a connection and a total time of its own."""

    provider: str
    connect_s: float = 10.0
    total_s: float = 30.0
    max_bytes: int = 4 * 1024 * 1024
    ca_file: Path | None = None

    def call(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        query: Mapping[str, str] | None = None,
        not_after: float | None = None,
    ) -> FreeReply:
        """Return the answer, whatever its status.

        After `not_after` (`core.elapsed`) nothing is sent.

        Raises:
            ProviderError: `check_failed`: none came; try again later.
        """
        watch = Watch(self.total_s, not_after=not_after)
        session = open_session(watch, connect_s=self.connect_s, ca_file=self.ca_file)
        try:
            with (
                watch,
                session,
                session.request(
                    method,
                    url,
                    params=query,
                    headers=headers,
                    timeout=(self.connect_s, self.total_s),
                    allow_redirects=False,
                    stream=True,
                ) as response,
            ):
                body = self._body(response)
        except FAILURES as error:
            raise self._failed(root_cause(error)) from error
        return FreeReply(
            status=response.status_code, headers=response.headers, document=_parsed(body)
        )

    def _body(self, response: requests.Response) -> bytes:
        body = bytearray()
        while piece := response.raw.read1(PIECE, decode_content=True):
            body += piece
            if len(body) > self.max_bytes:
                raise self._failed(f"the answer has more than {self.max_bytes} bytes")
        return bytes(body)

    def _failed(self, why: str) -> ProviderError:
        return nothing_happened(
            "check_failed", Answered(message=f"{self.provider} could not be asked: {why}")
        )


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
