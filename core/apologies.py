"""What people read of an error whose own words are for the operator: paths, buckets, settings."""

from collections.abc import Mapping
from typing import Final

import structlog

from core import errors
from core.errors import AppError, Message, msg

log = structlog.get_logger(__name__)

SENTENCES: Final[Mapping[type, Message]] = {
    errors.StorageError: msg("Our storage does not answer. Try again in a moment."),
    errors.DecoderFailed: msg("This file cannot be checked just now. Try again in a moment."),
    errors.NotFound: msg("This file is no longer there."),
    AppError: msg("Something went wrong on our side. Try again in a moment."),
}


def sentence(error: AppError) -> Message:
    """Return what people are told; words that are the operator's alone go to the log."""
    if error.for_people:
        return error.message
    log.error("operator_needed", kind=type(error).__name__, said=str(error))
    return next(SENTENCES[kind] for kind in type(error).__mro__ if kind in SENTENCES)
