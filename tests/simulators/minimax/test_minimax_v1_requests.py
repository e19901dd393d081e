"""v1's table of modes, models, resolutions and lengths, and what names the field at fault."""

import pytest

from deploy.local.simulators.minimax.models import Mode
from deploy.local.simulators.minimax.refusals import Refused
from deploy.local.simulators.minimax.v1_requests import wanted
from tests.simulators.minimax.client import data_url, image_bytes, v1_body

IMAGE = data_url(image_bytes(310, 400, "JPEG"), "image/jpeg")
SUBJECT = [{"type": "character", "image": [IMAGE]}]
H23, FAST, H02 = "MiniMax-Hailuo-2.3", "MiniMax-Hailuo-2.3-Fast", "MiniMax-Hailuo-02"
FIRST = {"first_frame_image": IMAGE}
LAST = {"last_frame_image": IMAGE}

TEXT, FRAME, BOTH = Mode.TEXT, Mode.IMAGE, Mode.FIRST_LAST


@pytest.mark.parametrize(
    ("fields", "mode", "resolution", "duration_s", "cost_usd"),
    [
        ({"model": H23}, TEXT, "768P", 6, 0.28),
        ({"model": H23, "duration": 10}, TEXT, "768P", 10, 0.56),
        ({"model": H23, "resolution": "1080P", "duration": 6}, TEXT, "1080P", 6, 0.49),
        ({"model": H23, **FIRST}, FRAME, "768P", 6, 0.28),
        ({"model": H23, **FIRST, "prompt": None}, FRAME, "768P", 6, 0.28),
        ({"model": FAST, **FIRST}, FRAME, "768P", 6, 0.19),
        ({"model": FAST, **FIRST, "resolution": "1080P"}, FRAME, "1080P", 6, 0.33),
        ({"model": H02}, TEXT, "768P", 6, 0.28),
        ({"model": H02, **FIRST, "resolution": "512P"}, FRAME, "512P", 6, 0.10),
        ({"model": H02, **FIRST, "resolution": "512P", "duration": 10}, FRAME, "512P", 10, 0.15),
        ({"model": H02, **LAST}, BOTH, "768P", 6, 0.28),
        ({"model": H02, **FIRST, **LAST, "duration": 10}, BOTH, "768P", 10, 0.56),
        ({"model": "T2V-01"}, TEXT, "720P", 6, 0.28),
        ({"model": "T2V-01-Director", "resolution": "720P"}, TEXT, "720P", 6, 0.28),
        ({"model": "I2V-01-live", **FIRST}, FRAME, "720P", 6, 0.28),
        ({"model": "S2V-01", "subject_reference": SUBJECT}, Mode.SUBJECT, "720P", 6, 0.28),
        ({"unheard_of": 1, "fast_pretreatment": True}, TEXT, "768P", 6, 0.28),
        ({"prompt": "[Pan left,Pedestal up] 바다\n\n안녕 👩‍👩‍👧"}, TEXT, "768P", 6, 0.28),
        ({"prompt": "x" * 2000}, TEXT, "768P", 6, 0.28),
    ],
)
def test_what_the_tables_offer_is_accepted(fields, mode, resolution, duration_s, cost_usd):
    found = wanted(v1_body(**fields))

    assert (found.mode, found.resolution, found.duration_s) == (mode, resolution, duration_s)
    assert found.cost_usd == cost_usd


REFUSED = [
    ({"model": None}, "model"),
    ({"model": 7}, "model"),
    ({"model": "MiniMax-H3"}, "model"),
    ({"prompt": None}, "prompt"),
    ({"prompt": " "}, "prompt"),
    ({"prompt": 7}, "prompt"),
    ({"prompt": "x" * 2001}, "prompt"),
    ({"model": FAST}, "first_frame_image"),
    ({"model": "I2V-01"}, "first_frame_image"),
    ({"model": "S2V-01"}, "subject_reference"),
    ({"model": "S2V-01", **FIRST}, "first_frame_image"),
    ({"model": "T2V-01", **FIRST}, "first_frame_image"),
    ({"model": H23, **FIRST, **LAST}, "last_frame_image"),
    ({"model": FAST, **LAST}, "last_frame_image"),
    ({"model": H23, "subject_reference": SUBJECT}, "subject_reference"),
    ({"resolution": "512P"}, "resolution"),
    ({"resolution": "768p"}, "resolution"),
    ({"resolution": 768}, "resolution"),
    ({"resolution": "720P"}, "resolution"),
    ({"model": H02, "resolution": "512P"}, "resolution"),
    ({"model": H02, **FIRST, **LAST, "resolution": "512P"}, "resolution"),
    ({"model": "T2V-01", "resolution": "1080P"}, "resolution"),
    ({"resolution": "1080P", "duration": 10}, "duration"),
    ({"duration": 7}, "duration"),
    ({"duration": "6"}, "duration"),
    ({"duration": 6.0}, "duration"),
    ({"duration": True}, "duration"),
    ({"prompt_optimizer": "yes"}, "prompt_optimizer"),
    ({"fast_pretreatment": 1}, "fast_pretreatment"),
    ({"aigc_watermark": "no"}, "aigc_watermark"),
    ({"callback_url": "ftp://here/"}, "callback_url"),
    ({"callback_url": "/relative"}, "callback_url"),
    ({"callback_url": 7}, "callback_url"),
    ({"first_frame_image": ["x"]}, "first_frame_image"),
    ({"model": "S2V-01", "subject_reference": SUBJECT * 2}, "subject_reference"),
    ({"model": "S2V-01", "subject_reference": "x"}, "subject_reference"),
    ({"model": "S2V-01", "subject_reference": ["x"]}, "subject_reference"),
    (
        {"model": "S2V-01", "subject_reference": [{"type": "dog", "image": [IMAGE]}]},
        "subject_reference.type",
    ),
    (
        {"model": "S2V-01", "subject_reference": [{"type": "character", "image": [IMAGE] * 2}]},
        "subject_reference.image",
    ),
]


@pytest.mark.parametrize(("fields", "field"), REFUSED)
def test_what_they_do_not_offer_is_refused_by_name(fields, field):
    with pytest.raises(Refused) as caught:
        wanted(v1_body(**fields))

    assert caught.value.code == 2013
    assert caught.value.base_resp()["status_msg"].startswith("invalid params, ")
    assert field in caught.value.base_resp()["status_msg"]


@pytest.mark.parametrize("body", [None, [], "text", 7])
def test_a_body_that_is_no_object_is_refused(body):
    with pytest.raises(Refused, match="must be a JSON object"):
        wanted(body)


@pytest.mark.parametrize("prompt", ["a\u200b\u200bb", "\x00\x01", "\ud800 b"])
def test_a_prompt_that_is_mostly_invisible_has_a_code_of_its_own(prompt):
    with pytest.raises(Refused) as caught:
        wanted(v1_body(prompt=prompt))

    assert caught.value.code == 1042


def test_the_optimiser_is_on_unless_switched_off():
    assert wanted(v1_body()).options["prompt_optimizer"] is True
    assert wanted(v1_body(prompt_optimizer=False)).options["prompt_optimizer"] is False


def test_the_first_frame_decides_the_shape():
    assert wanted(v1_body(first_frame_image=IMAGE)).aspect == 310 / 400
