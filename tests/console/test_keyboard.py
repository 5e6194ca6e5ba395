"""Without a mouse."""

from playwright.sync_api import Locator, expect

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


def test_a_queue_is_made_bound_sent_to_and_deleted_by_keys(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy)
    keys = page.keyboard

    def find(text: str, option: str) -> None:
        keys.press("Control+k")
        expect(page.get_by_role("combobox", name="Find a page")).to_be_focused()
        keys.type(text)
        expect(page.get_by_role("option").first).to_contain_text(option)
        keys.press("Enter")

    def tab_to(target: Locator) -> None:
        for _ in range(60):
            if target.evaluate("each => each === document.activeElement"):
                return
            keys.press("Tab")
        raise AssertionError("the Tab key does not lead there")

    find("add a queue", "Add a queue")
    expect(page.get_by_role("dialog").get_by_label("Name")).to_be_focused()
    keys.type("by.keys")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="by.keys")).to_be_visible()

    find("events", "events")
    expect(page.get_by_role("heading", name="events", exact=True)).to_be_visible()
    tab_to(page.get_by_role("button", name="Bind").first)
    keys.press("Enter")
    expect(page.get_by_label("Name of the queue")).to_be_focused()
    keys.type("by.keys")
    keys.press("Tab")
    keys.type("keys.only")
    keys.press("Enter")
    expect(page.get_by_role("cell", name="keys.only", exact=True)).to_be_visible()

    tab_to(page.get_by_role("button", name="Publish", exact=True))
    keys.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Routing key")).to_be_focused()
    keys.type("keys.only")
    keys.press("Enter")
    expect(page.get_by_text("Published: the broker has it.")).to_be_visible()

    find("by.keys", "by.keys")
    expect(page.get_by_role("heading", name="by.keys")).to_be_visible()
    expect(page.locator(".tile").filter(has_text="Ready")).to_contain_text("1")
    tab_to(page.get_by_role("button", name="More actions"))
    keys.press("Enter")
    tab_to(page.get_by_role("button", name="Delete…"))
    keys.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_focused()
    keys.type("by.keys")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="Queues")).to_be_visible()
    expect(page.get_by_role("link", name="by.keys")).to_have_count(0)
