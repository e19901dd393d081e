"""Expected errors become statuses and sentences; anything else is a plain 500 with an id."""

import secrets
from collections.abc import Mapping
from html import escape
from typing import Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from core import apologies, errors, translations
from core.api.bodies import MAX_BYTES

log = structlog.get_logger(__name__)

STATUSES: Final[Mapping[type, int]] = {
    errors.NotSignedIn: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.WrongType: 415,
    errors.OtherBytes: 400,  # pages offer to try again after 400, not after 415 and 422
    errors.MediaRejected: 422,
    errors.Rejected: 400,
    errors.TooMany: 429,
    errors.StorageError: 503,
    errors.DecoderFailed: 503,
}

PAGE: Final = (
    '<!doctype html><html lang="{locale}"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><title>Proofsheet</title>'
    '<body><p>{sentence}</p><p><a href="/">Proofsheet</a></p>'
)


def add_error_handlers(api: FastAPI) -> None:
    """Answer every error as JSON with one sentence in the caller's language."""
    api.add_exception_handler(errors.AppError, _explained)
    # Its words are the operator's: paths and settings.
    api.add_exception_handler(errors.ConfigError, _unexpected)
    api.add_exception_handler(RequestValidationError, _malformed)
    api.add_exception_handler(HTTPException, _plain)
    api.add_exception_handler(Exception, _unexpected)


def _answer(
    request: Request,
    message: errors.Message,
    status: int,
    *,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer a script with JSON, and a person who followed a link with a page to go back from."""
    sentence = translations.translate(message, _locale(request))
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"error": sentence}, status, headers=headers)
    page = PAGE.format(locale=_locale(request), sentence=escape(sentence))
    return HTMLResponse(page, status, headers=headers)


def _locale(request: Request) -> str:
    """Return the language of the page that asks, or the browser's."""
    chosen = request.cookies.get(translations.COOKIE)
    if chosen in translations.LOCALES:
        return chosen
    return translations.best_locale(request.headers.get("accept-language", ""))


async def _explained(request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.AppError)
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)
    headers = {}
    if isinstance(error, errors.TooMany):
        headers["Retry-After"] = str(int(error.retry_after_s))
    return _answer(request, apologies.sentence(error), status, headers=headers)


async def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = ", ".join(".".join(map(str, item["loc"][1:])) or "body" for item in error.errors())
    message = errors.msg("These fields are missing or not as expected: {fields}.", fields=fields)
    return _answer(request, message, 422)


async def _plain(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    match error.status_code:
        case 404:
            message = errors.msg("There is nothing here. Look at the address.")
        case 405:
            message = errors.msg("This address does not take this method.")
        case 413:
            message = errors.msg(
                "The request has more than {limit} kB; nothing here takes that much. Send less.",
                limit=MAX_BYTES // 1024,
            )
        case _:
            message = errors.msg("The request cannot be read. Send JSON in UTF-8.")
    return _answer(request, message, error.status_code)


async def _unexpected(request: Request, error: Exception) -> Response:
    number = secrets.token_hex(4)
    log.error("request_failed", path=request.url.path, number=number, exc_info=error)
    message = errors.msg(
        "Something went wrong on our side. Try again; if it stays, tell the operator {number}.",
        number=number,
    )
    return _answer(request, message, 500)
