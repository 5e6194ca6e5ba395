"""One exchange: where a message would go, as one types, and publishing it."""

from collections.abc import Iterator

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from playwright.sync_api import Page, expect

from tests.console.conftest import Opener
from tests.support.broker import Broker


@pytest.fixture
def channel(busy: Broker) -> Iterator[BlockingChannel]:
    connection = pika.BlockingConnection(pika.URLParameters(busy.url))
    yield connection.channel()
    connection.close()


def targets(page: Page) -> list[str]:
    return page.locator(".where-to .targets a").all_inner_texts()


def test_the_way_of_a_message_shows_while_one_types(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, "#/exchanges/%2F/events")
    key = page.get_by_label("Routing key").first
    key.press_sequentially("order.")
    expect(page.get_by_text("To 2 queues.")).to_be_visible()
    key.press_sequentially("paid")
    expect(page.get_by_text("To 4 queues.")).to_be_visible()
    assert targets(page) == ["events.log", "invoices", "orders", "payments"]
    page.get_by_text("Why", exact=True).click()
    expect(page.locator(".ways")).to_contain_text("invoices by “order.paid”")
    assert "key=order.paid" in page.url
    page.reload()
    expect(page.get_by_text("To 4 queues.")).to_be_visible()


def test_a_new_binding_changes_the_answer(
    busy: Broker, open_page: Opener, channel: BlockingChannel
) -> None:
    channel.exchange_declare("lonely", "direct")
    channel.queue_declare("friend")
    page = open_page(busy, "#/exchanges/%2F/lonely?key=a")
    expect(page.get_by_text("To no queue")).to_be_visible()
    channel.queue_bind("friend", "lonely", "a")
    expect(page.get_by_text("To 1 queue.")).to_be_visible()
    channel.queue_delete("friend")
    channel.exchange_delete("lonely")


def test_headers_decide_where_an_exchange_of_headers_sends(
    busy: Broker, open_page: Opener, channel: BlockingChannel
) -> None:
    channel.exchange_declare("sorted", "headers")
    channel.queue_declare("tenant.one")
    channel.queue_bind("tenant.one", "sorted", arguments={"tenant": "t1", "x-match": "all"})
    page = open_page(busy, "#/exchanges/%2F/sorted")
    expect(page.get_by_text("To no queue")).to_be_visible()
    page.get_by_role("button", name="Add one").click()
    page.get_by_label("Key", exact=True).fill("tenant")
    page.get_by_label("Value", exact=True).fill("t1")
    expect(page.get_by_text("To 1 queue.")).to_be_visible()

    page.get_by_role("button", name="Publish this").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Body").fill("hare")
    dialog.get_by_text("More properties").click()
    dialog.get_by_label("Content type").fill("text/plain")
    dialog.get_by_label("Timestamp: now").check()
    dialog.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Published: the broker has it.")).to_be_visible()
    _, properties, body = channel.basic_get("tenant.one", auto_ack=True)
    assert properties is not None
    assert (body, properties.headers) == (b"hare", {"tenant": "t1"})
    assert properties.content_type == "text/plain"
    assert properties.timestamp
    channel.queue_delete("tenant.one")
    channel.exchange_delete("sorted")


def test_the_alternate_exchange_is_followed(
    busy: Broker, open_page: Opener, channel: BlockingChannel
) -> None:
    channel.exchange_declare("rest", "fanout")
    channel.exchange_declare("first", "direct", arguments={"alternate-exchange": "rest"})
    channel.queue_declare("left.over")
    channel.queue_bind("left.over", "rest")
    page = open_page(busy, "#/exchanges/%2F/first?key=any")
    expect(page.get_by_text("To 1 queue by the alternate exchange rest.")).to_be_visible()
    expect(page.locator(".ways")).to_contain_text("rest as the alternate")
    channel.queue_delete("left.over")
    channel.exchange_delete("first")
    channel.exchange_delete("rest")
