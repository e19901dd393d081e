"""Every way this simulator can be told to fail: the provider's errors, and broken answers.

Errors are free unless `args` says `{"billed": true}`; gateway pages and lost replies are billed
unless it says false. Each error also takes `retry_after` (seconds), `status`, `type`, `message`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.local.simulators.openai.refusals import Refused

USER = "image_generation_user_error"
REQUEST = "invalid_request_error"
MONEY = (
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "insufficient_quota",
    "billing_hard_limit_reached",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """One row of the provider's table of errors."""

    status: int
    type: str
    code: str | None
    message: str
    param: str | None = None


def _money(code: str) -> Error:
    message = "You exceeded your current quota, please check your plan and billing details."
    return Error(status=429, type="insufficient_quota", code=code, message=message)


def _request(
    status: int, code: str | None, message: str, *, type: str = REQUEST, param: str | None = None
) -> Error:
    return Error(status=status, type=type, code=code, message=message, param=param)


ERRORS: Mapping[str, Error] = {
    "error:moderation_blocked": _request(
        400,
        "moderation_blocked",
        "Your request was rejected by the safety system. If you believe this is an error, contact "
        "us at help.openai.com. safety_violations=[sexual].",
        type=USER,
    ),
    "error:invalid_value": _request(
        400,
        "invalid_value",
        "Invalid size '4096x4096'. The longest edge must be less than or equal to 3840.",
        type=USER,
        param="size",
    ),
    "error:invalid_image_file": _request(
        400,
        "invalid_image_file",
        "Invalid image file or mode for image 1, please check your image file.",
        type=USER,
        param="image",
    ),
    "error:invalid_input_fidelity_model": _request(
        400,
        "invalid_input_fidelity_model",
        "The model 'gpt-image-2' does not support the 'input_fidelity' parameter.",
        type=USER,
        param="input_fidelity",
    ),
    "error:unknown_parameter": _request(
        400, "unknown_parameter", "Unknown parameter: 'response_format'.", param="response_format"
    ),
    "error:unsupported_file_mimetype": _request(
        400,
        "unsupported_file_mimetype",
        "Invalid file 'image[0]': unsupported mimetype ('application/octet-stream'). Supported "
        "file formats are 'image/jpeg', 'image/png', and 'image/webp'.",
        param="image[0]",
    ),
    "error:bad_request": _request(400, None, "Something is wrong with your request."),
    "error:invalid_api_key": _request(401, "invalid_api_key", "Incorrect API key provided: sk-x."),
    "error:ip_not_authorized": _request(401, None, "Your IP address is not on the allow list."),
    "error:organization_not_verified": _request(
        403, None, "Your organization must be verified to use the model `gpt-image-2`."
    ),
    "error:unsupported_model": _request(
        403,
        "unsupported_model",
        "Your organization must be verified to use the model `gpt-image-2`.",
        param="model",
    ),
    "error:unsupported_country": _request(
        403,
        "unsupported_country_region_territory",
        "Country, region, or territory not supported.",
        type="request_forbidden",
    ),
    "error:model_not_found": _request(
        404, "model_not_found", "The model 'gpt-image-2' does not exist or you do not have access."
    ),
    "error:request_timeout": _request(408, None, "The request timed out.", type="timeout"),
    "error:conflict": _request(409, None, "The resource was changed by another request."),
    "error:body_too_large": _request(413, None, "The request body is too large."),
    "error:unsupported_media_type": _request(415, None, "The content type is not supported."),
    "error:unprocessable_entity": _request(422, None, "The request could not be processed."),
    "error:rate_limit_exceeded": _request(
        429,
        "rate_limit_exceeded",
        "Rate limit reached for gpt-image-2 (for limit gpt-image) in organization org-simulated on "
        "input-images per min: Limit 5, Used 5, Requested 1. Please try again in 12s.",
        type="input-images",
    ),
    "error:slow_down": _request(
        429,
        "slow_down",
        "You are sending requests too quickly. Slow down.",
        type="rate_limit_error",
    ),
    **{f"error:{code}": _money(code) for code in MONEY},
    "error:server_error": _request(
        500,
        None,
        "The server had an error while processing your request. Sorry about that!",
        type="server_error",
    ),
    "error:server_is_overloaded": _request(
        503,
        "server_is_overloaded",
        "The server is currently overloaded with other requests.",
        type="service_unavailable_error",
    ),
    "error:service_unavailable": _request(
        503, None, "The service is unavailable.", type="service_unavailable_error"
    ),
}

GATEWAY = {"html_502": 502, "gateway_504": 504, "gateway_520": 520, "gateway_524": 524}

BROKEN = {
    "reset_before_read": "Reset the connection before the body is read; not billed.",
    "reset_after_accept": "Billed; after `after_s` (0) seconds the connection is reset.",
    "hang": "Billed; no answer for `seconds` (600), then the connection is closed.",
    "delay": "The answer takes `seconds` (1) longer.",
    "body_cut": "The answer stops after `share` (0.5) of what Content-Length announces.",
    "unframed_cut": "The same without Content-Length or chunks: it looks like an end.",
    "trickle": "One byte of the body every `interval_s` (1) seconds.",
    "html_200": "Billed; the answer is 200 with an HTML page.",
    "data_empty": "`data` is [].",
    "data_missing": "There is no `data`.",
    "b64_null": "`b64_json` is null.",
    "b64_truncated": "`b64_json` stops half way: valid base64 of half an image.",
    "b64_html": "`b64_json` is an HTML page in base64; with `raw`, the page itself.",
    "usage_missing": "There is no `usage`.",
    "usage_details_missing": "`usage` has no `output_tokens_details`.",
    "x_should_retry_false": "The answer carries `x-should-retry: false`.",
    "stream_cut": "The stream ends properly, but without its completed event.",
    "stream_reset": "The stream is reset in the middle.",
    "stream_error_event": "The stream ends with an error event; `message` may be given.",
    "partials_fewer": "Only `count` (one less than asked for) partial images arrive.",
    "models_unavailable": "`GET /v1/models` answers `status` (503).",
}

KNOWN: Mapping[str, str] = {
    **{name: f"{error.status}: {error.message}" for name, error in ERRORS.items()},
    **{name: f"Billed; an HTML page with status {code}." for name, code in GATEWAY.items()},
    **BROKEN,
}


def refusal(name: str, args: Mapping[str, Any]) -> Refused:
    """Return the error that fault `name` with these arguments stands for."""
    error = ERRORS[name]
    headers = {}
    if "retry_after" in args or (error.status == 429 and error.code not in MONEY):
        after_s = args.get("retry_after", 1)
        headers = {"retry-after": str(after_s), "retry-after-ms": str(round(after_s * 1000))}
    return Refused(
        args.get("message", error.message),
        status=args.get("status", error.status),
        type=args.get("type", error.type),
        param=error.param,
        code=error.code,
        details=_moderation(args) if error.code == "moderation_blocked" else None,
        headers=headers,
    )


def page(status: int) -> bytes:
    """Return the HTML page of a gateway."""
    return (
        f"<html>\r\n<head><title>{status}</title></head>\r\n<body>\r\n<center><h1>{status}</h1>"
        "</center>\r\n<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n"
    ).encode()


def _moderation(args: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "moderation_details": {
            "moderation_stage": args.get("stage", "input"),
            "categories": args.get("categories", ["sexual"]),
        }
    }
