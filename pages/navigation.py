"""The script of every page run: sign-in gate, language, look, and which pages exist."""

import streamlit as st

from core import apologies
from core.errors import StorageError
from pages.parts import actions, banners, pushes, run_again, toasts, words
from pages.parts.components.live import notification_switch
from pages.parts.components.sign_in import sign_out_button
from pages.parts.gate import gate, language_switch
from pages.parts.look import look
from pages.parts.viewer import remember_language, signed_in
from pages.parts.words import _

PATHS = ("image_edit", "video", "history", "job")

st.set_page_config(page_title="Proofsheet", page_icon=look.ICON, layout="wide")
look.apply()
look.brand()


user = signed_in()
if user is None:
    # The gate stands at every page's own address: signing in leads to where a link pointed.
    gates = [
        st.Page(gate, title=_("Sign in"), url_path=path, default=path == PATHS[0]) for path in PATHS
    ]
    st.navigation(gates, position="hidden").run()
    st.stop()

remember_language(user)
pages = [
    st.Page("image_edit.py", title=_("Image edit"), icon=":material/auto_fix_high:", default=True),
    st.Page("video.py", title=_("Video"), icon=":material/movie:"),
    st.Page("history.py", title=_("History"), icon=":material/grid_view:"),
    st.Page("job.py", title=_("Job"), visibility="hidden"),
]
page = st.navigation(pages)
# The browser's tabs and its history tell pages apart by this.
st.set_page_config(page_title=f"{page.title} · Proofsheet")
with st.sidebar:
    language_switch()
    notification_switch(key="bell", labels=banners.bell_labels())
    st.caption(user.display_name)
    sign_out_button(key="sign-out", label=_("Sign out"), api_base="/api", locale=words.locale())
banners.show()
actions.forget_undo(f"{page.url_path}?{st.query_params.get('id', '')}")
try:
    with pushes.whole_page(page.url_path or PATHS[0]):
        page.run()
        run_again.show()
        toasts.show()
except StorageError as error:
    look.notice("bad", words.say(apologies.sentence(error)))
