"""What both of MiniMax's dialects share: one account, creations that are paid, and questions."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.errors import ProviderError
from core.providers import Accepted, SendLimits
from core.providers.body import json_body
from core.providers.free_call import FreeCalls
from core.providers.minimax_errors import (
    PROVIDER,
    answered,
    creation_error,
    reading_error,
    trace_of,
)
from core.providers.paid_send import Reply, paid_send
from core.providers.verdicts import Answered, nothing_happened, unsure

MOST_BYTES: Final = 256 * 1024  # an answer to a creation has some 200
TASK_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The answer to a question. `document` is {} if it had no JSON object."""

    status: int
    document: Mapping[str, Any]
    error: ProviderError | None


class Calls:
    """The calls of one account. Safe to share between threads; it holds no connection."""

    def __init__(self, *, base_url: str, api_key: str, ca_file: Path | None = None) -> None:
        self._base_url = base_url.rstrip("/")
        self._secrets = (api_key,)
        self._headers = {"Authorization": f"Bearer {api_key}", "Accept": "application/json"}
        self._ca_file = ca_file
        self._free = FreeCalls(provider=PROVIDER, ca_file=ca_file)

    def create(self, path: str, request: Mapping[str, Any], limits: SendLimits) -> Accepted:
        """Send one paid creation, once. An `InputFile` in `request` goes as a data URL.

        Raises:
            NotSent, NotAccepted, Refused, OutcomeUnknown: see `VideoProvider.submit`.
        """
        with (
            json_body(request) as body,
            paid_send(
                self._base_url + path,
                body,
                headers=self._headers,
                limits=limits,
                provider=PROVIDER,
                ca_file=self._ca_file,
            ) as reply,
        ):
            return self._accepted(reply)

    def _accepted(self, reply: Reply) -> Accepted:
        """Return the task, if the answer names one: what it says decides, not how it ended."""
        body, cut = reply.gathered(MOST_BYTES)
        document = _parsed(body)
        task_id = document.get("task_id") if isinstance(document, dict) else None
        error = creation_error(reply.status, reply.headers, document, secrets=self._secrets)
        if error is not None and not _is_task_id(task_id):
            raise error
        said = answered(reply.status, reply.headers, document, secrets=self._secrets)
        if document is None:
            raise cut or unsure("answer_unreadable", said)
        if error is not None:  # an error and a task at once
            unknown = unsure("unexpected_answer", said)
            unknown.named_task = str(task_id)
            raise unknown
        if not _is_task_id(task_id):
            raise unsure("no_task_id", said)
        return Accepted(
            task_id=str(task_id),
            http_status=reply.status,
            request_id=trace_of(reply.headers, document),
        )

    def read(
        self, path: str, query: Mapping[str, str] | None = None, *, method: str = "GET"
    ) -> Mapping[str, Any]:
        """Return the JSON object of a successful answer.

        Raises:
            ProviderError: nothing happened; try again later.
        """
        found = self.ask(path, query, method=method)
        if found.error is not None:
            raise found.error
        return found.document

    def ask(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        not_after: float | None = None,
    ) -> Asked:
        """Return an answer, be it an error: it may be about the task and not the question.

        Raises:
            ProviderError: no answer came, or it was too late to ask; try again later.
        """
        reply = self._free.call(
            method,
            self._base_url + path,
            headers=self._headers,
            query=query,
            not_after=not_after,
        )
        error = reading_error(reply.status, reply.headers, reply.document, secrets=self._secrets)
        document = reply.document if isinstance(reply.document, dict) else {}
        return Asked(status=reply.status, document=document, error=error)

    def incomplete(self, what: str) -> ProviderError:
        """Return the error of an answer that lacks something: ask again later."""
        return nothing_happened("check_incomplete", Answered(message=f"MiniMax's answer {what}."))


def _is_task_id(value: object) -> bool:
    return isinstance(value, str) and value != "0" and TASK_ID.fullmatch(value) is not None


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def text(value: object) -> str:
    """Return an id that comes as a string here and as a number there; '' for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return "" if str(value) == "0" else str(value)


def link(value: object) -> str | None:
    """Return a download link, if it is one at all."""
    return value if isinstance(value, str) and value.startswith(("https://", "http://")) else None
