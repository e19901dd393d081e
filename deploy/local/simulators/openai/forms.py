"""What a request carries, read from multipart or JSON without ever holding a file in memory."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import IO, Any

from python_multipart.multipart import parse_options_header

from deploy.local.simulators.http import Exchange
from deploy.local.simulators.openai.multipart import FILE_LIMIT, MB, Part, parts, spooled
from deploy.local.simulators.openai.refusals import Refused, malformed, wrong_type

BODY_LIMIT = 18 * FILE_LIMIT  # sixteen images, a mask, and the rest
JSON_LIMIT = 128 * MB
DATA_URL_LIMIT = 20_971_520  # characters
IMAGES = ("image", "image[]")
FILES = (*IMAGES, "mask", "markup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One file of a request. `label` is how error messages call it."""

    label: str
    content_type: str
    file: IO[bytes]
    size_bytes: int
    sha256: str


@dataclass(slots=True, kw_only=True)
class Form:
    """One request. `typed`: values have JSON types; otherwise all of them are text."""

    values: dict[str, Any] = field(default_factory=dict)
    images: list[Upload] = field(default_factory=list)
    mask: Upload | None = None
    markup: Upload | None = None
    typed: bool = False

    @property
    def prompt(self) -> str:
        """Return the prompt as sent, for faults that look for a word in it."""
        return str(self.values.get("prompt", ""))


def read(exchange: Exchange, kept: ExitStack, *, json_only: bool = False) -> Form:
    """Read the request. Its files live as long as `kept`. Raises Refused."""
    _check_length(exchange, BODY_LIMIT)
    content_type, options = parse_options_header(exchange.headers.get("Content-Type", ""))
    if content_type == b"application/json":
        return _read_json(exchange, kept)
    if content_type == b"multipart/form-data" and not json_only and options.get(b"boundary"):
        return _form(parts(exchange.pieces(), options[b"boundary"], kept))
    raise malformed(
        f"Unsupported content type: '{content_type.decode(errors='replace')}'. This API method "
        "only accepts 'application/json'" + ("." if json_only else " or 'multipart/form-data'."),
        code="unsupported_content_type",
    )


def _check_length(exchange: Exchange, limit: int) -> None:
    if int(exchange.headers.get("Content-Length") or 0) > limit:
        exchange.leave_body()
        raise Refused("The request body is too large.", status=413, code="request_too_large")


# Multipart


def _form(received: list[Part]) -> Form:
    form = Form()
    for part in received:
        if part.name in FILES:
            _add_file(form, part)
        elif part.name in form.values:
            raise _duplicate(part.name)
        else:
            form.values[part.name] = part.text()
    return form


def _add_file(form: Form, part: Part) -> None:
    if not part.is_file:
        raise wrong_type(part.name, "a file", "")
    if part.name == "image[]":
        form.images.append(_upload(part, f"image[{len(form.images)}]"))
    elif part.name == "image" and form.images:
        raise _duplicate(part.name)
    elif part.name == "image":
        form.images.append(_upload(part, "image"))
    elif getattr(form, part.name) is not None:
        raise _duplicate(part.name)
    else:
        setattr(form, part.name, _upload(part, part.name))


def _upload(part: Part, label: str) -> Upload:
    """Return a part as a file. Raises Refused if there is too much of it."""
    if part.size >= FILE_LIMIT:
        raise malformed(
            f"Invalid file '{label}': the file must be smaller than 50 MB.", param=label
        )
    return Upload(
        label=label,
        content_type=part.headers.get("Content-Type", "text/plain"),
        file=part.file,
        size_bytes=part.size,
        sha256=part.digest.hexdigest(),
    )


def _duplicate(name: str) -> Refused:
    return malformed(
        f"Duplicate parameter: '{name}'. You provided multiple values for this parameter, whereas "
        "only one is allowed. If you are trying to provide a list of values, use the array syntax "
        f"instead e.g. '{name}[]=<value>'.",
        param=name,
        code="duplicate_parameter",
    )


# JSON


def _read_json(exchange: Exchange, kept: ExitStack) -> Form:
    _check_length(exchange, JSON_LIMIT)
    try:
        values = exchange.read_json()
    except (ValueError, RecursionError):
        raise malformed("We could not parse the JSON body of your request.") from None
    if not isinstance(values, dict):
        raise malformed("The JSON body of your request must be an object.")
    form = Form(values=values, typed=True)
    form.images = list(_referred(values.pop("images", []), kept))
    for name in ("mask", "markup"):
        if values.get(name) is not None:
            setattr(form, name, _reference(values[name], name, kept))
        values.pop(name, None)
    return form


def _referred(items: object, kept: ExitStack) -> Iterator[Upload]:
    if not isinstance(items, list):
        raise wrong_type("images", "an array of objects", items)
    for index, item in enumerate(items):
        yield _reference(item, f"images[{index}]", kept)


def _reference(item: object, label: str, kept: ExitStack) -> Upload:
    if not isinstance(item, dict):
        raise wrong_type(label, "an object", item)
    for name in item.keys() - {"image_url", "file_id"}:
        raise malformed(
            f"Unknown parameter: '{label}.{name}'.",
            param=f"{label}.{name}",
            code="unknown_parameter",
        )
    if len(item) != 1:
        raise malformed(
            f"Exactly one of '{label}.image_url' and '{label}.file_id' is required.", param=label
        )
    if "file_id" in item:
        raise malformed(f"No such File object: {item['file_id']}", param=f"{label}.file_id")
    return _from_url(item["image_url"], label, kept)


def _from_url(url: object, label: str, kept: ExitStack) -> Upload:
    """Read a data URL. A simulator fetches nothing from the network."""
    param = f"{label}.image_url"
    if not isinstance(url, str):
        raise wrong_type(param, "a string", url)
    if len(url) > DATA_URL_LIMIT:
        raise malformed(
            f"Invalid '{param}': string too long. Expected a string with maximum length "
            f"{DATA_URL_LIMIT}, but got a string with length {len(url)} instead.",
            param=param,
            code="string_above_max_length",
        )
    match = re.match(r"data:([\w/+.-]+);base64,", url)
    if match is None:
        raise malformed(
            f"Error while downloading {url[:80]}.", param=param, code="invalid_image_url"
        )
    try:
        data = base64.b64decode(url[match.end() :], validate=True)
    except binascii.Error:
        raise malformed(
            f"'{param}' is not valid base64.", param=param, code="invalid_image_url"
        ) from None
    file = spooled(kept)
    file.write(data)
    return Upload(
        label=label,
        content_type=match[1],
        file=file,
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
