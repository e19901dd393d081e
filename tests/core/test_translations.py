import io
import re
from string import Formatter

from babel.messages.pofile import write_po

from core.errors import msg
from core.translations import best_locale, sentence, translate
from tests.messages import KOREAN, collected, texts

SAME_IN_KOREAN = {"100 %", "JPEG", "PNG", "Proofsheet", "WebP"}


def places(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def lines(catalogue):
    """Return a catalogue's lines without the one that tells when it was written."""
    return [line for line in catalogue.splitlines() if "POT-Creation-Date" not in line]


def test_every_text_people_can_see_has_korean():
    without = {text for _, text in texts() if not re.search("[가-힣]", sentence(text, "ko"))}

    assert without == SAME_IN_KOREAN


def test_korean_has_the_places_of_the_english_and_no_others():
    different = {text for _, text in texts() if places(sentence(text, "ko")) != places(text)}

    assert different == set()


def test_the_catalogue_is_what_collecting_the_texts_would_write():
    fresh = io.BytesIO()
    write_po(fresh, collected(), width=100, sort_by_file=True, include_lineno=False)

    assert lines(KOREAN.read_text("utf-8")) == lines(fresh.getvalue().decode())


def test_a_korean_browser_gets_korean():
    assert best_locale("ko-KR,ko;q=0.9,en;q=0.8") == "ko"


def test_a_browser_with_neither_language_gets_english():
    assert best_locale("fr") == "en"


def test_a_message_inside_a_message_is_translated_with_it():
    message = msg(
        "{option}: {model} does not take this option. Leave it out.",
        option=msg("about {amount}", amount=msg("Quality")),
        model="gpt-image-2",
    )

    assert translate(message, "ko") == (
        "약 품질: gpt-image-2 모델은 이 옵션을 지원하지 않습니다. 빼 주세요."
    )
    assert translate(message, "en") == (
        "about Quality: gpt-image-2 does not take this option. Leave it out."
    )
