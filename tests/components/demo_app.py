"""Every component and part of the look with invented data: the page that tests and eyes use.

`?lang=ko` or `en`; `?sample=` chooses a state. Run it with `python -m
tests.components.demo_server 8701 8702` and open 127.0.0.1:8701.
"""

import time
from typing import Any

import streamlit as st

from pages.parts import uploads
from pages.parts.components.grid import grid
from pages.parts.components.job_view import job_view
from pages.parts.components.live import live, notification_switch, tab
from pages.parts.components.sign_in import sign_in, sign_out_button
from pages.parts.components.tab_draft import tab_draft
from pages.parts.components.uploader import PixelRule, uploader
from pages.parts.look import look
from pages.parts.words import KEY
from tests.components import demo_words as words

LANG = st.query_params.get("lang", "ko")
SAMPLE = st.query_params.get("sample", "")
TEXT = words.PAGES[LANG]
st.session_state[KEY] = LANG
TONES = ("good", "good", "busy", "good", "decide", "bad", "quiet")
STAGES = {
    "ko": {"busy": "생성 중", "decide": "결정 필요", "bad": "거절됨", "quiet": "대기 중"},
    "en": {"busy": "Generating", "decide": "Needs a decision", "bad": "Refused", "quiet": "Queued"},
}
SENTENCES = {
    "ko": "제공자가 작업하고 있습니다. 이 탭을 닫아도 됩니다.",
    "en": "The provider is working on it. You can close this tab.",
}
PICTURES = {"image/png": 50_000_000, "image/jpeg": 50_000_000, "image/webp": 50_000_000}


def card(number: int) -> dict[str, Any]:
    """Return an invented job."""
    tone = TONES[number % len(TONES)]
    video = number % 3 == 2
    done = tone == "good"
    return {
        "id": f"job-{number}",
        "href": f"/job?lang={LANG}&id=job-{number}",
        "thumb_url": f"/demo/picture/{number}?longest=384" if done else None,
        "preview_url": f"/demo/picture/{number}?longest=384" if tone == "busy" else None,
        "kind": "video" if video else "image",
        "tone": tone,
        "stage_label": STAGES[LANG].get(tone, ""),
        "title": words.PROMPTS[LANG][number % 6],
        "meta": [
            "hailuo-2.3" if video else "gpt-image-2",
            "민지" if LANG == "ko" else "Minji",
            "$0.1714",
            "11-23 09:41",
        ],
        "duration": "6 s" if video else None,
        "results": 4 if number % 4 == 1 else 1,
        "progress": 0.6 if tone == "busy" else None,
        "own": number % 5 != 0,
        "download_url": f"/demo/picture/{number}" if done else None,
    }


def history() -> None:
    """The contact sheet and its filters."""
    look.masthead(TEXT["history"])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.segmented_control(TEXT["whose"], [TEXT["mine"], TEXT["all"]], default=TEXT["mine"])
        st.pills(TEXT["status"], list(STAGES[LANG].values()), selection_mode="multi")
        st.date_input(TEXT["from"], value=None, width=170)
    if SAMPLE == "empty":
        more = look.Action(label=TEXT["first"], href="/costs")
        look.empty_state(TEXT["nothing"], TEXT["nothing_more"], action=more)
    if SAMPLE == "no_match":
        look.empty_state(TEXT["no_match"], TEXT["no_match_more"], art="search")
    count = {"empty": 0, "no_match": 0, "one": 1}.get(SAMPLE, 24)
    sheet(count)
    with st.container(horizontal=True, horizontal_alignment="center"):
        st.button(TEXT["newer"], disabled=True)
        st.button(TEXT["older"])


@st.fragment(key="sheet")
def sheet(count: int) -> None:
    """The grid alone, as the real page has it."""
    state = st.session_state
    state["runs"] = state.get("runs", 0) + 1
    action = grid(
        key="grid",
        labels=words.GRID[LANG],
        cards=[card(number) for number in range(count)],
    )
    if action:
        state["action"] = f"{action['act']} {action['id']}"
    with st.container(key="heard"):
        told = f"runs {state['runs']} · news {state.get('news', 0)} · {state.get('action', '')}"
        st.text(told)


def form() -> None:
    """The image form: inputs, mask, options, the one primary button."""
    look.masthead(TEXT["image"])
    left, right = st.columns([3, 2], gap="large")
    with left:
        look.label(TEXT["inputs"], "1–16")
        found = uploader(
            key="inputs",
            labels=uploads.labels("input"),
            accept=[*PICTURES, "video/mp4"],
            max_bytes=PICTURES | {"video/mp4": 500_000_000},
            multiple=True,
            max_files=4,
            purpose="input",
            files=filed() if SAMPLE in {"files", "more"} else [],
            reset=st.session_state.get("reset", 0),
            api_base="/api",
            pixels=PixelRule(min_side=64, max_side=4096),
            stalled_s=1 if SAMPLE == "impatient" else 60,
        )
        with st.container(key="files"):
            names = (f"{file['filename']}:{file['sha256'][:8]}" for file in found.files)
            st.text(" ".join(names) or "–")
        with st.container(key="unsettled"):
            st.text(uploads.unsettled(found) or "–")
        prompt = st.text_area(
            TEXT["prompt"], placeholder=TEXT["prompt_hint"], height=140, key="demo-prompt"
        )
        tab_draft(
            key="tab",
            slot="demo",
            field="demo-prompt",
            draft={"prompt": prompt, "inputs": [file["id"] for file in found.files], "masks": []},
            on_found=brought_back,
        )
        look.label(TEXT["mask"])
        uploader(
            key="mask",
            labels=uploads.labels("mask"),
            accept=["image/png"],
            max_bytes={"image/png": 4_000_000},
            multiple=False,
            max_files=1,
            purpose="mask",
            files=[],
            reset=0,
            api_base="/api",
            pixels=PixelRule(exactly=(640, 480), alpha=True),
        )
    with right:
        st.selectbox(TEXT["model"], ["gpt-image-2", "gpt-image-1.5", "gpt-image-1-mini"])
        st.segmented_control(TEXT["size"], ["1024²", "1536×1024", "1024×1536"], default="1024²")
        st.segmented_control(TEXT["quality"], ["low", "medium", "high"], default="medium")
        st.number_input(TEXT["count"], 1, 10, 1)
        with st.expander(TEXT["log"]):
            st.write("…")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button(TEXT["run"], type="primary", shortcut="ctrl+enter")
            st.caption(TEXT["estimate"])
        if st.button("reset", key="again"):
            st.session_state["reset"] = st.session_state.get("reset", 0) + 1
            st.rerun()
        look.notice("bad", TEXT["bad"])
        look.notice("decide", TEXT["uncertain"])


def brought_back() -> None:
    """Fill the form with what the tab has kept."""
    st.session_state["demo-prompt"] = st.session_state["tab"].found["prompt"]


def filed() -> list[dict[str, Any]]:
    """Return files that a draft would bring along."""
    return [
        {
            "id": f"asset-{number}",
            "mime": "video/mp4" if number == 3 else "image/png",
            "width": 1536,
            "height": 1024,
            "bytes": 2_340_000 + number,
            "filename": f"harbour_{number}.{'mp4' if number == 3 else 'png'}",
            "sha256": f"{number:064x}",
            "thumbnail_url": None if number == 3 else f"/demo/picture/{number}?longest=384",
            "prepared_url": None,
            "duration_s": 6.0 if number == 3 else None,
        }
        for number in range(1, 4 if SAMPLE == "files" else 3)
    ]


def job() -> None:
    """One job in the state that `?sample=` names."""
    state = SAMPLE or "result"
    if SAMPLE == "finishing":  # with the first button
        state = "result" if st.session_state.get("finished") else "running"
    look.masthead(TEXT["job"], "№ 01JD9F2K7")
    left, right = st.columns([3, 2], gap="large")
    with left:
        job_view(key="job", labels=words.JOB_VIEW[LANG], data=viewed(state))
        if state == "failed":
            look.notice("bad", TEXT["bad"])
    with right:
        look.label(TEXT["prompt"])
        st.code(words.PROMPTS[LANG][0], language=None, wrap_lines=True)
        with st.container(horizontal=True):
            st.button(TEXT["run"], icon=":material/replay:", key="finished")
            st.button(TEXT["video"], icon=":material/animation:")
        look.label(TEXT["facts"])
        look.facts([("Model", "gpt-image-2"), ("Cost", "$0.1714"), ("Request id", "req_8f2c01d9")])
        look.table(
            ["Option", "Asked", "Actual"],
            [("size", "auto", "1536x1024"), ("quality", "high", "high"), ("n", "3", "3")],
        )
        look.label(TEXT["inputs"])
        look.filmstrip(
            {
                "url": f"/demo/picture/{n}?longest=384",
                "href": "#",
                "caption": f"harbour_{n}.png",
                "meta": "1536×1024 · 2.3 MB",
            }
            for n in (0, 3)
        )


def viewed(state: str) -> dict[str, Any]:
    """Return what the job page would hand to its light box."""
    running = state in {"queued", "running", "preview"}
    tone = {"failed": "bad", "queued": "quiet"}.get(state, "busy" if running else "good")
    pictures = ["/demo/picture/0", "/demo/cut-out", "/demo/picture/2"]
    return {
        "id": f"job-{SAMPLE}",
        "prompt": words.PROMPTS[LANG][0],
        "kind": "video" if state == "video" else "image",
        "stage_label": STAGES[LANG].get(tone, ""),
        "sentence": SENTENCES[LANG] if running else TEXT["bad"],
        "tone": tone,
        "running": running,
        "started_at": time.time() - 18,
        "now": time.time(),
        "typical_s": None if state == "queued" else 42,
        "ahead": 3 if state == "queued" else 0,
        "provider_status": "Processing" if state == "running" else None,
        "preview_url": "/demo/picture/0?longest=480&blurred=1" if state == "preview" else None,
        "input_url": "/demo/picture/5?longest=900",
        "input_download_url": "/demo/picture/5?download",
        "results": [film()] if state == "video" else results(pictures, state),
    }


def results(pictures: list[str], state: str) -> list[dict[str, Any]]:
    """Return three pictures, or none yet."""
    shapes = [(1536, 1024), (900, 700), (1024, 1536)]
    return [
        {
            "id": f"result-{index}",
            "mime": "image/png",
            "url": url,
            "thumb_url": url,
            "width": shapes[index][0],
            "height": shapes[index][1],
            "download_url": f"{url}?download",
            "late": index == 2,
        }
        for index, url in enumerate(pictures)
        if state == "result"
    ]


def film() -> dict[str, Any]:
    """Return one finished film."""
    return {
        "id": "film",
        "mime": "video/mp4",
        "url": "/demo/film",
        "thumb_url": "/demo/picture/2?longest=640",
        "width": 640,
        "height": 360,
        "download_url": "/demo/film?download",
    }


def costs() -> None:
    """Streamlit's own widgets in our dress."""
    look.masthead(TEXT["costs"], SENTENCES[LANG])
    tabs = st.tabs([TEXT["mine"], TEXT["all"]])
    with tabs[0]:
        for column, value in zip(
            st.columns(4), ("$12.40", "$182.40", "64 %", "1,284"), strict=True
        ):
            column.metric(TEXT["costs"], value, "3")
        st.radio(TEXT["status"], [TEXT["mine"], TEXT["all"]], horizontal=True)
        st.checkbox(TEXT["all"], value=True)
        st.toggle(TEXT["mine"])
        st.slider(TEXT["count"], 1, 10, 4)
        st.multiselect(TEXT["model"], ["gpt-image-2", "hailuo-2.3"], default=["gpt-image-2"])
        st.progress(0.4, TEXT["costs"])
        st.success(TEXT["nothing"])
        st.warning(TEXT["uncertain"])
        st.error(TEXT["bad"])
        st.link_button(TEXT["job"], "/job")
        if st.button("dialog"):
            dialog()
        if st.button("toast"):
            st.toast(TEXT["bad"], duration="long")
        with st.popover(TEXT["facts"]):
            st.text_input(TEXT["prompt"])
        st.code("x-request-id: req_8f2c01d9", language=None)
        st.pagination(12)


@st.dialog("…", width="medium")
def dialog() -> None:
    """A dialog."""
    st.write(TEXT["uncertain"])
    st.text_input(TEXT["prompt"])
    st.button(TEXT["run"], type="primary", key="in-dialog")


def signing_in() -> None:
    """The page before all others."""
    with look.sign_in_page("Proofsheet", words.SIGN_IN[LANG]["promise"]):
        sign_in(key="sign-in", labels=words.SIGN_IN[LANG], api_base="/api", locale=LANG)
        st.segmented_control(
            "Language", ["한국어", "English"], default="한국어", label_visibility="collapsed"
        )


def heard() -> None:
    """Look again when the server says so."""
    st.rerun("sheet")


def heard_news() -> None:
    """Count what concerned every page, and look again."""
    st.session_state["news"] = st.session_state.get("news", 0) + 1
    st.rerun("sheet")


st.set_page_config(page_title="Proofsheet", page_icon=look.ICON, layout="wide")
look.apply()
if SAMPLE == "signing-in":
    st.navigation([st.Page(signing_in, title="Sign in")], position="hidden").run()
    st.stop()
look.brand()
page = st.navigation(
    [
        st.Page(form, title=TEXT["image"], url_path="image", default=True),
        st.Page(history, title=TEXT["history"], url_path="history"),
        st.Page(job, title=TEXT["job"], url_path="job"),
        st.Page(costs, title=TEXT["costs"], url_path="costs"),
    ]
)
with st.sidebar:
    st.segmented_control(
        "Language", ["한국어", "English"], default="한국어", label_visibility="collapsed"
    )
    notification_switch(key="bell", labels=words.SWITCH[LANG])
    st.caption("김민지" if LANG == "ko" else "Minji Kim")
    sign_out_button(key="out", label=TEXT["sign_out"], api_base="/api", locale=LANG)
if SAMPLE != "plain":
    look.simulated_banner(TEXT["simulated"])
page.run()
if page.url_path == "history":
    name = st.query_params.get("ended")
    tab(
        key="tab",
        unfinished=int(st.query_params.get("unfinished", "0")),
        ended={"id": name, "title": "Done", "body": f"the job {name}"} if name else None,
        again_in_s=None,
    )
    live(
        key="ear",
        on_change=heard,
        on_news=heard_news,
        on_silence=heard,
        topics={"job": "job-1"},
        unfinished=int(st.query_params.get("unfinished", "0")),
    )
