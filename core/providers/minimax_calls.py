"""What both of MiniMax's dialects share: one account, creations that are paid, and questions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from core.errors import OutcomeUnknown, ProviderError
from core.providers import Accepted, SendLimits, task_id_of
from core.providers.body import json_body
from core.providers.codes import Code
from core.providers.free_call import FreeCalls
from core.providers.minimax_errors import (
    PROVIDER,
    answered,
    creation_error,
    reading_error,
    trace_of,
)
from core.providers.paid_send import Reply, paid_send
from core.providers.said import said
from core.providers.verdicts import Answered, nothing_happened, unsure

MOST_BYTES: Final = 256 * 1024  # an answer to a creation has some 200
LONGEST_NAME: Final = 128  # characters of an odd task id that are told


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
        named = document.get("task_id") if isinstance(document, dict) else None
        error = creation_error(reply.status, reply.headers, document, secrets=self._secrets)
        if error is not None and not _names_a_task(named):
            raise error
        words = answered(reply.status, reply.headers, document, secrets=self._secrets)
        if document is None:
            raise cut or unsure("answer_unreadable", words)
        task_id = task_id_of(named)
        if error is not None or task_id is None:
            raise self._unsure(named, words, code="unexpected_answer" if error else "no_task_id")
        return Accepted(
            task_id=task_id,
            http_status=reply.status,
            request_id=trace_of(reply.headers, document),
        )

    def _unsure(self, named: object, words: Answered, *, code: Code) -> OutcomeUnknown:
        """Return the error of an answer that names an odd task, or none, or one beside an error.

        An odd one is told first: of a long message only the beginning is recorded.
        """
        task_id = task_id_of(named)
        if task_id is None and _names_a_task(named):
            odd = f"a {type(named).__name__}"  # of any size and depth
            if isinstance(named, str):
                odd = f"'{said(named, secrets=self._secrets)[:LONGEST_NAME]}'"
            elif isinstance(named, int | float):
                odd = str(named)[:LONGEST_NAME]
            words = replace(words, message=f"It names the task {odd}. {words.message}")
        unknown = unsure(code, words)
        unknown.named_task = task_id
        return unknown

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


def _names_a_task(value: object) -> bool:
    """Return whether this is anything but one of the ways to say that there is no task."""
    return bool(value.strip(" 0") if isinstance(value, str) else value)


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
