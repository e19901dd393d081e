"""Media: what a file is, whether it is whole, and what is made from it.

Hostile bytes are decoded in a limited process of their own (`core.decode`)
and nowhere else; everything offered here runs in the caller's and only asks it.
"""

from core.media.child import decoder
from core.media.facts import (
    Accepted,
    AcceptedMask,
    Finished,
    ImageFacts,
    MaskFacts,
    Rendition,
    VideoFacts,
)
from core.media.filename import clean_filename
from core.media.images import (
    accept_image,
    accept_mask,
    finish_image,
    inspect_image,
    prepare_image,
    preview_image,
)
from core.media.videos import finish_video
from core.sniff import HEAD_BYTES, UPLOADS, sniff

__all__ = [
    "HEAD_BYTES",
    "UPLOADS",
    "Accepted",
    "AcceptedMask",
    "Finished",
    "ImageFacts",
    "MaskFacts",
    "Rendition",
    "VideoFacts",
    "accept_image",
    "accept_mask",
    "clean_filename",
    "decoder",
    "finish_image",
    "finish_video",
    "inspect_image",
    "prepare_image",
    "preview_image",
    "sniff",
]
