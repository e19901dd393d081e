"""Make Hailuo videos: from text, from a first frame, from two frames, or of a subject."""

from core.models import Provider
from pages.parts import bench, video_form
from pages.parts.words import _

bench.show(
    Provider.HAILUO,
    video_form.show,
    title=_("Video"),
    caption=_("From words alone, or from a picture that begins to move."),
    button=_("Make the video"),
)
