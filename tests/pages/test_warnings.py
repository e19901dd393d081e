"""What may disappoint is told above the button, before anything is paid."""

from dataclasses import replace
from datetime import timedelta

import pytest

from pages.parts import formats


def near_its_end(services, model: str) -> None:
    catalog = services.catalog
    last = replace(
        catalog.by_id[model],
        shutdown_date=formats.today() + timedelta(days=5),
        replacement="a newer one",
    )
    changed = replace(catalog, by_id={**catalog.by_id, model: last})
    object.__setattr__(services, "catalog", changed)


def told(at, form: str) -> list[str]:
    """Return the notices between the form and its button, in order."""
    (place,) = (block for block in at.main.children.values() for block in walk(block, form))
    return [child.proto.body for child in place.children.values() if child.type == "html"]


def walk(block, form: str):
    if getattr(getattr(block, "proto", None), "id", "").endswith(f"file-{form}"):
        yield block
    for child in getattr(block, "children", {}).values():
        yield from walk(child, form)


@pytest.mark.parametrize(
    ("page", "form", "model"),
    [("image_edit", "gpt", "gpt-image-2"), ("video", "hailuo", "MiniMax-Hailuo-2.3")],
)
def test_a_model_about_to_go_is_told_before_the_form_is_filled(
    open_page, services, page, form, model
):
    near_its_end(services, model)
    at = open_page(page)
    at.selectbox(key=f"{'edit' if form == 'gpt' else 'video'}-model").set_value(model).run()

    (notice,) = told(at, form)
    assert "in 5 days; use a newer one instead" in notice


def test_a_size_that_may_come_out_worse_is_told(open_page):
    at = open_page("image_edit")
    at.selectbox(key="edit-model").set_value("gpt-image-2").run()
    at.selectbox(key="edit-size").set_value("custom").run()
    at.text_input(key="edit-custom-size").set_value("3840x2160").run()

    assert "3840x2160 may come out worse" in told(at, "gpt")[0]


def test_a_camera_command_that_the_model_does_not_know_is_told(open_page):
    at = open_page("video")
    at.selectbox(key="video-model").set_value("MiniMax-H3").run()
    at.text_area(key="video-prompt").set_value("a boat [Zoom in]").run()

    assert "as plain text" in told(at, "hailuo")[0]


def test_an_unremarkable_request_is_told_nothing(open_page):
    at = open_page("video")
    at.text_area(key="video-prompt").set_value("a paper boat").run()

    assert told(at, "hailuo") == []
