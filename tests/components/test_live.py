"""The listener: a hint from the server becomes a rerun, never a storm of them."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect


def runs(page: Page) -> int:
    found = re.search(r"runs (\d+)", page.locator(".st-key-heard").inner_text())
    assert found
    return int(found[1])


def listening(visit: Callable[[str], Page]) -> Page:
    """Open the history and wait for the run that the greeting causes."""
    page = visit("/history?unfinished=3")
    expect(page.locator(".st-key-heard")).to_contain_text("runs 2 ")
    page.wait_for_timeout(700)
    return page


def test_a_change_of_our_topic_reruns_the_fragment(visit, demo):
    page = listening(visit)
    before = runs(page)
    demo.tell({"job": "job-2"})
    page.wait_for_timeout(700)
    assert runs(page) == before
    demo.tell({"job": "job-1"})
    expect(page.locator(".st-key-heard")).to_contain_text(f"runs {before + 1} ")


def test_a_burst_is_two_reruns(visit, demo):
    page = listening(visit)
    before = runs(page)
    demo.tell(*[{"job": "job-1"}] * 40)
    page.wait_for_timeout(1500)
    assert runs(page) == before + 2


def test_a_lost_connection_comes_back_and_looks_again(visit, demo):
    page = listening(visit)
    before = runs(page)
    demo.tell("close")
    expect(page.locator(".st-key-heard")).to_contain_text(f"runs {before + 1} ")
    assert demo.tell() == 1


def test_the_tab_counts_unfinished_jobs_and_leaving_hangs_up(visit, demo):
    page = listening(visit)
    expect(page).to_have_title("(3) Proofsheet")
    page.get_by_role("link", name="Costs").click()
    expect(page.get_by_role("tab").first).to_be_visible()
    page.wait_for_timeout(500)
    assert demo.tell() == 0
    expect(page).to_have_title(re.compile(r"^(?!\()"))


def test_a_notification_is_shown_once_to_those_who_want_it(visit, visitor, demo):
    visitor.grant_permissions(["notifications"], origin=demo.url)
    page = visit("/history")
    switch = page.get_by_role("switch", name="Tell me when done")
    switch.click()
    expect(page.get_by_role("switch", name="Tells you when done")).to_be_checked()
