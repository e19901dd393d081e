"""Errors in the provider's own words: `{"error": {"message", "type", "param", "code"}}`."""

from collections.abc import Mapping
from typing import Any


class Refused(Exception):
    """The answer to a request is this error."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error = {
            "message": message,
            "type": type,
            "param": param,
            "code": code,
            **(details or {}),
        }
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """Return the JSON body."""
        return {"error": self.error}


def malformed(message: str, *, param: str | None = None, code: str | None = None) -> Refused:
    """Return the error of a request that is not formed as documented."""
    return Refused(message, param=param, code=code)


def unusable(message: str, *, param: str | None, code: str = "invalid_value") -> Refused:
    """Return the error of an image problem that the user can fix."""
    return Refused(message, type="image_generation_user_error", param=param, code=code)


def unsupported(param: str, value: object, allowed: tuple[str, ...]) -> Refused:
    """Return the error of a value that is not on the list."""
    quoted = [f"'{each}'" for each in allowed]
    listed = " and ".join([", ".join(quoted[:-1]), quoted[-1]]) if quoted[1:] else quoted[0]
    return malformed(
        f"Invalid value: '{value}'. Supported values are: {listed}.",
        param=param,
        code="invalid_value",
    )


def wrong_type(param: str, expected: str, value: object) -> Refused:
    """Return the error of a value of the wrong JSON type."""
    names = {
        str: "a string",
        bool: "a boolean",
        int: "an integer",
        float: "a decimal",
        list: "an array",
        dict: "an object",
    }
    got = names.get(type(value), "null")
    return malformed(
        f"Invalid type for '{param}': expected {expected}, but got {got} instead.",
        param=param,
        code="invalid_type",
    )
