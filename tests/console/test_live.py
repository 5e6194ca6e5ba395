"""What changes shows at once, and goes on after the broker was away."""

import time
from collections.abc import Callable

import pika
import pytest
from playwright.sync_api import expect

from tests.console.conftest import Opener, stopped
from tests.support.broker import Broker


@pytest.mark.alone
def test_a_message_shows_within_a_second(busy: Broker, open_page: Opener) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(busy.url))
    channel = connection.channel()
    channel.queue_declare("watched")
    page = open_page(busy, "#/queues?q=watched")
    row = page.get_by_role("row").filter(has_text="watched")
    expect(row).to_be_visible()
    for number in (1, 2, 3):
        channel.basic_publish("", "watched", b"x")
        began = time.monotonic()
        expect(row.get_by_role("cell", name=str(number), exact=True).first).to_be_visible()
        # One second, and what a loaded machine takes to draw.
        assert time.monotonic() - began < 1.6
    channel.queue_delete("watched")
    connection.close()


def test_a_page_goes_on_after_a_restart_of_the_broker(
    start_broker: Callable[..., Broker], open_page: Opener
) -> None:
    broker = start_broker()
    page = open_page(broker)
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    with stopped(broker):
        expect(page.get_by_role("alert")).to_contain_text("The broker does not answer")
    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    # Tokens do not outlive the process that gave them: signing in leads back to the same place.
    page.locator("#user").or_(page.get_by_text("Live", exact=True)).wait_for()
    if page.locator("#user").count():
        page.locator("#user").fill("guest")
        page.locator("#password").fill("guest")
        page.keyboard.press("Enter")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Connections 1", exact=True)).to_be_visible()
    connection.close()


def test_names_can_be_searched_by_expression(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, "#/queues")
    page.get_by_label("Search queues by name").fill("^(orders|mails)$")
    expect(page.get_by_text("Nothing has a name like that.")).to_be_visible()
    page.get_by_role("button", name="Search by regular expression").click()
    expect(page.get_by_text("2 of ")).to_be_visible()
    assert "regex=1" in page.url
    page.get_by_label("Search queues by name").fill("(")
    expect(page.get_by_text("This is not a regular expression")).to_be_visible()


def test_tables_sort_by_what_changes(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, "#/queues")
    page.get_by_role("button", name="Ready").click()
    header = page.get_by_role("columnheader", name="Ready")
    expect(header).to_have_attribute("aria-sort", "descending")
    expect(page.get_by_role("row").nth(1)).to_contain_text("events.log")
    page.get_by_role("button", name="Ready").click()
    expect(header).to_have_attribute("aria-sort", "ascending")


def test_chosen_columns_are_kept(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, "#/queues")
    page.get_by_role("button", name="Choose columns").click()
    page.get_by_label("Virtual host").check()
    expect(page.get_by_role("columnheader", name="Virtual host")).to_be_visible()
    page.reload()
    expect(page.get_by_role("columnheader", name="Virtual host")).to_be_visible()
