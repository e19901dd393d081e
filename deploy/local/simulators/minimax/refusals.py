"""Errors in the provider's words: a code inside HTTP 200 (v1), or an HTTP status (v2, gateway)."""

from collections.abc import Mapping
from typing import Any

MESSAGES: Mapping[int, str] = {
    1000: "unknown error",
    1001: "request timeout",
    1002: "rate limit, please retry later",
    1004: (
        "login fail: Please carry the API secret key in the 'Authorization' field of the "
        "request header"
    ),
    1008: "insufficient balance",
    1013: "internal service error",
    1024: "internal error",
    1026: "input new_sensitive",
    1027: "output new_sensitive",
    1028: "quota exhausted",
    1030: "quota exhausted",
    1033: "system error, mysql failed",
    1039: "token limit",
    1041: "conn limit",
    1042: "invisible character ratio limit",
    2013: "invalid params",
    2038: "real-name verification missing",
    2045: "rate growth limit",
    2049: "invalid api key",
    2056: "usage limit exceeded",
    2061: "your current token plan not support model",
}
V2_MESSAGES: Mapping[int, str] = {
    **MESSAGES,
    1000: "internal error",
    1026: "video description contains sensitive content",
    1027: "generated video contains sensitive content",
}
HTTP_STATUSES: Mapping[int, int] = {  # of v2; what is missing is a 500
    1002: 429,
    1004: 401,
    1008: 402,
    1026: 422,
    1027: 422,
    1028: 402,
    1030: 402,
    1039: 429,
    1041: 429,
    1042: 400,
    2013: 400,
    2038: 403,
    2045: 429,
    2049: 401,
    2056: 429,
    2061: 403,
}
ERROR_TYPES: Mapping[int, str] = {
    400: "bad_request_error",
    401: "authorized_error",
    402: "insufficient_balance_error",
    403: "permission_error",
    413: "bad_request_error",
    422: "unprocessable_entity_error",
    429: "rate_limit_error",
    500: "server_error",
    529: "overloaded_error",
}


class Refused(Exception):
    """The answer to a request is this code. `message` replaces the usual text of the code."""

    def __init__(self, code: int, message: str | None = None, *, status: int | None = None) -> None:
        super().__init__(f"{message or MESSAGES.get(code, 'unknown error')} ({code})")
        self.code = code
        self.message = message
        self.status = status or HTTP_STATUSES.get(code, 500)

    def base_resp(self) -> dict[str, Any]:
        """Return v1's verdict."""
        return base_resp(self.code, self.message)

    def gateway_body(self, request_id: str) -> dict[str, Any]:
        """Return v2's body, which the newer gateway in front of v1 uses as well."""
        message = self.message or V2_MESSAGES.get(self.code, "unknown error")
        return gateway_body(self.status, f"{message} ({self.code})", request_id)


def invalid(message: str) -> Refused:
    """Return the refusal of a parameter; the message must name the field."""
    return Refused(2013, f"invalid params, {message}")


def base_resp(code: int = 0, message: str | None = None) -> dict[str, Any]:
    """Return `{"status_code", "status_msg"}` as v1 puts it into every answer."""
    usual = "success" if code == 0 else MESSAGES.get(code, "unknown error")
    return {"status_code": code, "status_msg": message or usual}


def gateway_body(status: int, message: str, request_id: str) -> dict[str, Any]:
    """Return an error of the HTTP kind. `http_code` is a string there."""
    kind = ERROR_TYPES.get(status, "server_error")
    error = {"type": kind, "message": message, "http_code": str(status)}
    return {"type": "error", "error": error, "request_id": request_id}
