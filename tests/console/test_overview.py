"""The overview: whether the broker is well, in words, and what changed lately."""

from collections.abc import Callable

import pika
from playwright.sync_api import Page, expect

from tests.console.conftest import Opener, ask
from tests.support.broker import Broker

RANGES = ("1 min", "10 min", "1 h", "8 h", "24 h")


def tile(page: Page, label: str) -> str:
    return page.locator(".tile").filter(has_text=label).inner_text()


def test_an_alarm_is_told_with_what_to_do(
    start_broker: Callable[..., Broker], open_page: Opener
) -> None:
    broker = start_broker()
    page = open_page(broker)
    health = page.get_by_role("region", name="Health").or_(page.locator(".health"))
    expect(health).to_contain_text("Everything is well")
    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    channel = connection.channel()
    channel.queue_declare("q")
    channel.basic_publish("", "q", b"hare")
    expect(health).to_contain_text("1 message waits, and nobody consumes.")

    ask(broker, "PUT", "/api/alarms/memory", {})
    expect(health).to_contain_text("an alarm for memory was set by hand")
    channel.basic_publish("", "q", b"held up")
    expect(page.locator(".tile").filter(has_text="Connections")).to_contain_text("1 blocked")
    ask(broker, "DELETE", "/api/alarms/memory")
    expect(page.locator(".tile").filter(has_text="Connections")).to_contain_text("none blocked")
    expect(page.locator(".tile").filter(has_text="Ready")).to_contain_text("2")
    assert "none" not in tile(page, "Oldest message")
    connection.close()


def test_alarms_are_set_and_cleared_on_the_page_of_the_node(
    start_broker: Callable[..., Broker], open_page: Opener
) -> None:
    broker = start_broker()
    page = open_page(broker)
    page.locator('a[href^="#/nodes/"]').first.click()
    page.get_by_role("button", name="Set the alarm for disk").click()
    page.get_by_role("dialog").get_by_role("button", name="Hold up publishers").click()
    expect(page.get_by_text("Set by hand")).to_be_visible()
    page.get_by_role("button", name="Clear the alarm for disk").click()
    expect(page.get_by_text("Set by hand")).to_have_count(0)


def test_what_was_changed_is_told(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy)
    expect(page.get_by_role("heading", name="What changed lately")).to_be_visible()
    ask(busy, "PUT", "/api/queues/%2F/told", {"durable": True})
    expect(page.get_by_text("guest set up queue “told” in /")).to_be_visible()
    ask(busy, "DELETE", "/api/queues/%2F/told")
    expect(page.get_by_text("guest deleted queue “told” in /")).to_be_visible()


def test_charts_have_ranges_and_a_cursor(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy)
    for label in RANGES:
        page.get_by_role("button", name=label, exact=True).click()
        expect(page.get_by_role("button", name=label, exact=True)).to_have_attribute(
            "aria-pressed", "true"
        )
        expect(page.locator(".u-over").first).to_be_visible()
    page.get_by_role("button", name="1 min", exact=True).click()
    page.locator(".u-over").first.hover(position={"x": 380, "y": 60})
    # Both charts read the same moment.
    expect(page.locator(".moment")).to_have_count(2)
    page.get_by_role("button", name="Show as table").first.click()
    expect(page.get_by_role("columnheader", name="Unacknowledged")).to_be_visible()


def test_settings_are_shown_and_changed(
    start_broker: Callable[..., Broker], open_page: Opener
) -> None:
    broker = start_broker()
    page = open_page(broker, "#/settings?q=heartbeat")
    page.get_by_role("button", name="Change heartbeat").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Value").fill("soon")
    dialog.get_by_role("button", name="Change").click()
    expect(dialog.get_by_role("alert")).to_contain_text("heartbeat")
    dialog.get_by_label("Value").fill("33")
    dialog.get_by_role("button", name="Change").click()
    expect(page.get_by_role("cell", name="33", exact=True)).to_be_visible()
    page.get_by_role("button", name="Rename the cluster").click()
    page.get_by_role("textbox", name="Name").fill("burrow")
    page.get_by_role("button", name="Rename", exact=True).click()
    expect(page.locator(".side")).to_contain_text("burrow")


def test_limits_are_set_and_listed(busy: Broker, open_page: Opener) -> None:
    ask(busy, "PUT", "/api/vhosts/limited", {})
    page = open_page(busy, "#/vhosts/limited")
    page.get_by_role("spinbutton", name="Messages published a second").fill("5000")
    page.get_by_role("button", name="Set messages published a second at most").click()
    expect(page.get_by_text("Messages published a second at most: 5,000.")).to_be_visible()
    page.goto(page.url.split("#")[0] + "#/limits")
    row = page.get_by_role("row").filter(has_text="limited")
    expect(row.get_by_role("cell", name="5,000")).to_be_visible()
    ask(busy, "DELETE", "/api/vhosts/limited")
