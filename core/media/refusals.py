"""Every sentence with which a file is refused.

The limited process names a sentence and its values; the words stay on this
side, so that a process that a file has taken over cannot write them.
"""

from collections.abc import Mapping
from string import Formatter

from core.errors import MediaRejected, Message, msg

SENTENCES: Mapping[str, Message] = {
    "empty": msg("The file is empty."),
    "unknown_type": msg(
        "The file is not a picture or a video of a kind that can be used here. "
        "Save it as PNG, JPEG, WebP or MP4."
    ),
    "other_type": msg(
        "The file was announced as {declared} but it is {found}. Give it the right ending."
    ),
    "type_not_accepted": msg(
        "The file is {found}, which cannot be used here. Save it as {accepted}."
    ),
    "unreadable": msg(
        "The file is damaged or cut short and cannot be read to its end. "
        "Open it in another program and save it again."
    ),
    "too_many_pixels": msg(
        "The picture is {width} × {height} pixels; at most {limit_megapixels} megapixels are "
        "allowed. Make it smaller."
    ),
    "too_many_frames": msg(
        "The animation has {frames} frames of {width} × {height} pixels, which is too much. "
        "Save a single frame."
    ),
    "too_much_text": msg(
        "The file carries more text and other notes than picture (over {limit_mb} MB). "
        "Save it again without metadata."
    ),
    "too_slow": msg(
        "The file takes far longer to read than its size allows. Save it again in another program."
    ),
    "too_much_memory": msg(
        "The file needs far more memory than its size allows. Save it again in another program."
    ),
    "prepared_too_large": msg(
        "Ready for the model, the picture has more than {limit_mb} MB. Make it smaller."
    ),
    "mask_not_png": msg("The mask is {found}; it must be PNG with transparency."),
    "mask_too_large": msg("The mask has {size_mb} MB; it must have less than {limit_mb} MB."),
    "prepared_mask_too_large": msg(
        "Ready for the model, the mask has more than {limit_mb} MB. Give its areas simpler edges."
    ),
    "prepared_markup_too_large": msg(
        "Ready for the model, the markup has more than {limit_mb} MB. Draw it with plainer lines."
    ),
    "mask_without_alpha": msg(
        "The mask has no transparency. Make what the model may change transparent."
    ),
    "mask_of_other_size": msg(
        "The mask is {mask_width} × {mask_height} pixels and the picture {width} × {height}. "
        "They must be of the same size."
    ),
    "mask_opaque": msg(
        "Nothing in the mask is fully transparent, so nothing could be changed. "
        "Erase what the model may change."
    ),
    "mask_clear": msg(
        "The whole mask is transparent, so it protects nothing. "
        "Paint what must stay, or leave the mask out."
    ),
    "markup_not_png": msg("The markup is {found}; it must be PNG with transparency."),
    "markup_too_large": msg("The markup has {size_mb} MB; it must have less than {limit_mb} MB."),
    "markup_without_alpha": msg(
        "The markup has no transparency. Draw on a transparent layer and save that alone."
    ),
    "markup_of_other_size": msg(
        "The markup is {mask_width} × {mask_height} pixels and the picture {width} × {height}. "
        "They must be of the same size."
    ),
    "markup_opaque": msg(
        "Nothing in the markup is fully transparent, so it would cover the whole picture. "
        "Draw on a transparent layer and save that alone."
    ),
    "markup_clear": msg("The markup is empty. Draw on it what should change."),
    "video_cut": msg("The video is cut short: a part of the file is missing."),
    "video_unreadable": msg("The file is not an MP4 video that can be read."),
    "video_without_picture": msg("The MP4 file holds no picture track."),
    "result_of_other_type": msg("{expected} was asked for and {found} came back."),
    "poster_too_large": msg(
        "No poster was made: the video is {width} × {height} pixels, over {limit_megapixels} "
        "megapixels."
    ),
    "poster_no_decoder": msg("No poster was made: there is no decoder for the codec {codec}."),
    "poster_failed": msg("No poster was made: the first frame needs too much memory."),
    "small_failed": msg("It could not be made smaller. The file itself is whole, and kept."),
}


MAX_CHARACTERS = 80  # of a value in a sentence


def sayable(code: str, values: Mapping[str, object]) -> bool:
    """Return whether a sentence exists and `values` are all that it names, text and numbers."""
    if code not in SENTENCES:
        return False
    named = {name for _, name, _, _ in Formatter().parse(SENTENCES[code].text) if name}
    return named <= set(values) and all(
        isinstance(each, str | int | float) for each in values.values()
    )


def sentence(code: str, values: Mapping[str, object]) -> Message:
    """Return the sentence called `code` with its values, long texts among them cut."""
    short = {
        name: value[:MAX_CHARACTERS] if isinstance(value, str) else value
        for name, value in values.items()
    }
    return Message(SENTENCES[code].text, short)


def refusal(code: str, **values: object) -> MediaRejected:
    """Return the error that shows the sentence called `code`."""
    return MediaRejected(sentence(code, values))
