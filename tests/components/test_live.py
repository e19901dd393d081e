"""The listener: a hint from the server becomes a rerun, never a storm of them."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.workers.processes import until


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


def test_news_counts_whatever_a_page_shows_and_is_told_apart_from_a_change(visit, demo):
    page = listening(visit)
    heard = page.locator(".st-key-heard")
    expect(heard).to_contain_text("news 1 ")  # the greeting: much may have been missed
    # The first is heard at once, and the others together half a second later.
    demo.tell({"job": "job-1"}, {"job": "job-1"}, {"news": True}, {"job": "job-1"})
    expect(heard).to_contain_text("news 2 ")
    page.wait_for_timeout(700)
    expect(heard).to_contain_text("runs 4 · news 2 ")


def test_a_burst_is_two_reruns(visit, demo):
    page = listening(visit)
    before = runs(page)
    demo.tell(*[{"job": "job-1"}] * 40)
    expect(page.locator(".st-key-heard")).to_contain_text(f"runs {before + 2} ")
    page.wait_for_timeout(700)  # for one too many
    assert runs(page) == before + 2


def test_a_lost_connection_comes_back_and_looks_again(visit, demo):
    page = listening(visit)
    before = runs(page)
    demo.tell("close")
    expect(page.locator(".st-key-heard")).to_contain_text(f"runs {before + 1} ")
    assert demo.tell() == 1


def deaf(visit: Callable[[str], Page], *, unfinished: int) -> Page:
    """Open the history where something on the way refuses the push's connection."""
    page = visit("/costs")
    page.route_web_socket("**/api/live", lambda socket: socket.close())
    page.goto(page.url.replace("/costs?", f"/history?unfinished={unfinished}&"))
    expect(page.locator(".st-key-heard")).to_contain_text("runs 1 ")
    return page


def test_without_a_push_the_page_looks_by_itself_every_few_seconds(visit):
    page = deaf(visit, unfinished=1)
    page.wait_for_timeout(2500)
    assert runs(page) == 1
    expect(page.locator(".st-key-heard")).to_contain_text("runs 3 ", timeout=15_000)


def test_without_a_push_a_page_whose_jobs_are_finished_stays_quiet(visit):
    page = deaf(visit, unfinished=0)
    page.wait_for_timeout(6500)
    assert runs(page) == 1


def test_with_a_push_nothing_is_looked_at_in_between(visit):
    page = listening(visit)
    before = runs(page)
    page.wait_for_timeout(6500)
    assert runs(page) == before


def test_the_tab_counts_unfinished_jobs_and_leaving_hangs_up(visit, demo):
    page = listening(visit)
    expect(page).to_have_title("(3) Proofsheet")
    page.get_by_role("link", name="Costs").click()
    expect(page.get_by_role("tab").first).to_be_visible()
    until(lambda: demo.tell() == 0)
    expect(page).to_have_title(re.compile(r"^(?!\()"))


UNSEEN = """Object.defineProperty(document, "hidden", { get: () => true });"""
# In a browser whose notifications are allowed, and written down.
NOTED = """
window.Notification = class {
  static permission = "granted";
  constructor(title, { body }) { (window.told ??= []).push([title, body]); }
};
"""


def test_a_notification_is_shown_once_to_those_who_want_it(visit, demo):
    page = visit("/demo/cut-out")  # where no script of ours runs yet
    page.add_init_script(NOTED)
    page.goto(f"{demo.url}/history?lang=en")
    switch = page.get_by_role("switch", name="Tell me when done")
    switch.click()
    expect(page.get_by_role("switch", name="Tells you when done")).to_be_checked()
    page.add_init_script(UNSEEN)
    for job, told in (("a", 1), ("a", 0), ("b", 1)):
        page.goto(f"{demo.url}/history?lang=en&ended={job}")
        expect(page.locator(".st-key-heard")).to_contain_text("runs")
        if told:
            page.wait_for_function("() => window.told?.length")
        page.wait_for_timeout(500)  # for one too many
        assert page.evaluate("window.told ?? []") == [["Done", f"the job {job}"]] * told
