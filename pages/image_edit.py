"""Edit pictures with a GPT image model: fill the form at the left, watch at the right."""

import streamlit as st

from core.models import Provider
from pages.parts import edit_form, filing
from pages.parts.look import look
from pages.parts.viewer import viewer
from pages.parts.words import _

look.masthead(_("Image edit"), _("Change a picture in words, with a mask where it matters."))
user = viewer()
if filing.switched_on(Provider.GPT):
    left, right = st.columns([2, 3], gap="large")
    with left:
        wish = edit_form.show()
        filing.file_button(user, wish, label=_("Make the edit"))
    with right:
        filing.watch(user, Provider.GPT)
