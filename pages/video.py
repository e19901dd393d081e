"""Make Hailuo videos: from text, from a first frame, from two frames, or of a subject."""

import streamlit as st

from core.models import Provider
from pages.parts import filing, video_form
from pages.parts.look import look
from pages.parts.viewer import viewer
from pages.parts.words import _

look.masthead(_("Video"), _("From words alone, or from a picture that begins to move."))
user = viewer()
if filing.switched_on(Provider.HAILUO):
    left, right = st.columns([2, 3], gap="large")
    with left:
        wish = video_form.show()
        filing.file_button(user, wish, label=_("Make the video"))
    with right:
        filing.watch(user, Provider.HAILUO)
