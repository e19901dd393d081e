"""Edit pictures with a GPT image model: fill the form at the left, watch at the right."""

from core.models import Provider
from pages.parts import bench, edit_form
from pages.parts.words import _

bench.show(
    Provider.GPT,
    edit_form.show,
    title=_("Image edit"),
    caption=_("Change a picture in words, with a mask where it matters."),
    button=_("Make the edit"),
)
