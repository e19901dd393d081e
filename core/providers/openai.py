"""OpenAI's image edits: one multipart request; its reply is the only copy of what was paid."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from core.errors import OutcomeUnknown, ProviderError
from core.providers import EditAnswer, EditRequest, SendLimits, openai_errors
from core.providers.allowance import rate_limits
from core.providers.answer_file import Item, room_bytes, scan, spooling
from core.providers.body import Body, multipart
from core.providers.free_call import FreeCalls
from core.providers.long_strings import Unreadable
from core.providers.paid_send import Reply, paid_send
from core.providers.partials import OnPartial, Partials, partials_of
from core.providers.said import request_id
from core.providers.verdicts import Answered, error_of, refused, unsure, useless

PROVIDER: Final = "OpenAI"
OK: Final = 200
FORBIDDEN: Final = 403
ERROR_BYTES: Final = 64 * 1024  # the status alone tells enough if there is more, or it is cut
MOST_BYTES: Final = 1024**3  # ten of the largest images, with room to spare


class OpenAI:
    """A client for one account. Safe to share between threads; it holds no connection."""

    def __init__(self, *, base_url: str, api_key: str, ca_file: Path | None = None) -> None:
        """`base_url` ends in /v1. `ca_file` is trusted instead of the usual authorities."""
        self._base_url = base_url.rstrip("/")
        self._api_key = api_key
        self._headers = {"Authorization": f"Bearer {api_key}", "Accept": "application/json"}
        self._ca_file = ca_file
        self._free = FreeCalls(provider=PROVIDER, ca_file=ca_file)

    def edit(
        self,
        request: EditRequest,
        *,
        limits: SendLimits,
        spool: Path,
        on_partial: OnPartial,
    ) -> EditAnswer:
        """See `ImageProvider.edit`."""
        with (
            edit_body(request) as body,
            spooling(spool, size_bytes=room_bytes(request.options)) as file,
            partials_of(spool, on_partial) as partials,
        ):
            answer, cut = self._ask(body, request, limits, file, partials)
        self._check(spool, answer, cut)
        return answer

    def check(self) -> None:
        """See `ImageProvider.check`. A key that may not list models is known all the same."""
        reply = self._free.call("GET", f"{self._base_url}/models", headers=self._headers)
        if reply.status not in {OK, FORBIDDEN}:
            raise openai_errors.error_from(
                reply.status, reply.headers, reply.document, secrets=(self._api_key,)
            )

    def _ask(
        self,
        body: Body,
        request: EditRequest,
        limits: SendLimits,
        file: IO[bytes],
        partials: Partials,
    ) -> tuple[EditAnswer, OutcomeUnknown | None]:
        """Return the answer, now in `file`, and how it broke off, if it did."""
        with paid_send(
            f"{self._base_url}/images/edits",
            body,
            headers={**self._headers, "X-Client-Request-Id": request.client_request_id},
            limits=limits,
            provider=PROVIDER,
            ca_file=self._ca_file,
        ) as reply:
            if reply.status != OK:
                raise self._error(reply)
            answer = _answer(reply, asked_to_stream=bool(request.options.get("stream")))
            return answer, _write(reply.pieces(), file, partials)

    def _error(self, reply: Reply) -> ProviderError:
        try:
            document = json.loads(reply.gathered(ERROR_BYTES)[0])
        except (ValueError, RecursionError):
            document = None
        error = openai_errors.error_from(
            reply.status, reply.headers, document, secrets=(self._api_key,)
        )
        error.rate_limits = rate_limits(reply.headers)
        return error

    def _check(self, spool: Path, answer: EditAnswer, cut: OutcomeUnknown | None) -> None:
        """Raise unless the spooled answer is whole: what it says decides, not how it ended."""
        try:
            found = scan(spool, streamed=answer.streamed)
        except (Unreadable, FileNotFoundError) as error:
            what = _said(f"cannot be read: {error}", answer)
            raise cut or unsure("answer_unreadable", what) from error
        if found.error and not found.final:
            raise self._error_within(found.error, answer)
        if found.final is None:
            raise cut or unsure("answer_cut", _said("ended without its image", answer))
        if not any(item.get("b64_json") for item in found.items):
            count = len(found.items)
            raise useless("empty_result", _said(f"has {count} items and no image", answer))

    def _error_within(self, error: Item, answer: EditAnswer) -> ProviderError:
        said = openai_errors.answered(
            answer.http_status,
            {"x-request-id": answer.request_id or ""},
            error,
            secrets=(self._api_key,),
        )
        return error_of(openai_errors.within_answer(error), said)


def edit_body(request: EditRequest) -> Body:
    """Return the form: prompt, model, the options in alphabetical order, then the files.

    Raises:
        Refused: several images cannot be streamed. NotSent: a file is gone.
    """
    options = {name: value for name, value in request.options.items() if value is not None}
    if options.get("stream") and options.get("n", 1) != 1:
        raise refused("invalid_request", "Only one image at a time can be streamed.")
    fields = [("prompt", request.prompt), ("model", request.model)]
    fields += [(name, _text(value)) for name, value in sorted(options.items())]
    if request.safety_identifier:
        fields.append(("safety_identifier", request.safety_identifier))
    files = [("image[]", image) for image in request.images]
    if request.mask is not None:
        files.append(("mask", request.mask))
    if request.markup is not None:
        files.append(("markup", request.markup))
    return multipart(fields, files)


def _text(value: object) -> str:
    """Return an option's value as a form field."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _answer(reply: Reply, *, asked_to_stream: bool) -> EditAnswer:
    kind = reply.headers.get("content-type", "").lower()
    return EditAnswer(
        http_status=reply.status,
        request_id=request_id(reply.headers),
        streamed="event-stream" in kind or (asked_to_stream and "json" not in kind),
        rate_limits=rate_limits(reply.headers),
    )


def _write(pieces: Iterator[bytes], file: IO[bytes], partials: Partials) -> OutcomeUnknown | None:
    """Write an answer as it arrives; return how it broke off, if it did."""
    try:
        for piece in pieces:
            file.write(piece)
            file.flush()
            partials.feed(piece)
            if file.tell() > MOST_BYTES:
                message = f"OpenAI's answer has more than {MOST_BYTES} bytes."
                return unsure("answer_unreadable", Answered(message=message, http_status=OK))
    except OutcomeUnknown as error:
        return error
    return None


def _said(what: str, answer: EditAnswer) -> Answered:
    return Answered(
        message=f"OpenAI's answer {what}.",
        http_status=answer.http_status,
        request_id=answer.request_id,
    )
