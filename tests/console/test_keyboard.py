"""Without a mouse."""

from playwright.sync_api import expect

from tests.console.conftest import Opener
from tests.support.broker import Broker


def test_signing_in_finding_a_queue_and_sending_to_it(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, user=None)
    keys = page.keyboard
    expect(page.get_by_label("User name")).to_be_focused()
    keys.type("guest")
    keys.press("Tab")
    keys.type("guest")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()

    keys.press("Control+k")
    expect(page.get_by_role("combobox", name="Find a page")).to_be_focused()
    keys.type("mails")
    expect(page.get_by_role("option", name="mails Queue in /")).to_be_visible()
    keys.press("Enter")
    expect(page.get_by_role("heading", name="mails")).to_be_visible()

    page.get_by_role("button", name="Publish").focus()
    keys.press("Enter")
    expect(page.get_by_label("Body")).to_be_focused()
    keys.type("from the keyboard")
    keys.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_slash_searches_and_the_first_tab_skips_to_the_page(
    busy: Broker, open_page: Opener
) -> None:
    page = open_page(busy, "#/queues")
    expect(page.get_by_role("link", name="orders")).to_be_visible()
    page.keyboard.press("/")
    expect(page.get_by_label("Search queues by name")).to_be_focused()
    page.reload()
    page.locator(".frame").wait_for()
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
