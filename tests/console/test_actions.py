"""Every action, with its effect as AMQP sees it."""

from collections.abc import Iterator

import pika
import pika.exceptions
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from playwright.sync_api import Page, expect

from tests.console.conftest import Opener
from tests.support.broker import Broker

NASTY = 'a b/ü#?%<img src=x onerror="alert(1)">'


@pytest.fixture
def channel(busy: Broker) -> Iterator[BlockingChannel]:
    connection = pika.BlockingConnection(pika.URLParameters(busy.url))
    yield connection.channel()
    connection.close()


def depth(channel: BlockingChannel, queue: str) -> int:
    return int(channel.queue_declare(queue, passive=True).method.message_count)


def accept(page: Page, verb: str, typed: str = "") -> None:
    dialog = page.get_by_role("dialog")
    if typed:
        dialog.get_by_role("textbox").fill(typed)
    dialog.get_by_role("button", name=verb).click()
    expect(dialog).to_have_count(0)


def test_a_queue_is_made_filled_read_emptied_and_deleted(
    busy: Broker, open_page: Opener, channel: BlockingChannel
) -> None:
    page = open_page(busy, "#/queues")
    page.get_by_role("button", name="Add a queue").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill(NASTY)
    dialog.get_by_role("button", name="Max length", exact=True).click()
    accept(page, "Add the queue")
    expect(page.get_by_role("heading", name=NASTY)).to_be_visible()
    assert depth(channel, NASTY) == 0

    page.get_by_role("button", name="Publish").click()
    page.get_by_label("Body").fill('{"hare": 1}')
    accept(page, "Publish")
    expect(page.get_by_text("Published: the broker has it.")).to_be_visible()
    assert depth(channel, NASTY) == 1

    page.get_by_role("tab", name="Messages").click()
    page.locator("a.message-line").filter(has_text="hare").click()
    expect(page.locator("pre")).to_have_text('{\n  "hare": 1\n}')
    assert depth(channel, NASTY) == 1

    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Purge…").click()
    accept(page, "Purge")
    expect(page.get_by_text("is empty.")).to_be_visible()
    assert depth(channel, NASTY) == 0

    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Delete…").click()
    accept(page, "Delete the queue", NASTY)
    expect(page.get_by_role("heading", name="Queues")).to_be_visible()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        depth(channel, NASTY)


def test_an_exchange_is_made_bound_and_deleted(
    busy: Broker, open_page: Opener, channel: BlockingChannel
) -> None:
    channel.queue_declare("bound", durable=True)
    page = open_page(busy, "#/exchanges")
    page.get_by_role("button", name="Add an exchange").click()
    page.get_by_role("dialog").get_by_label("Name").fill("made.here")
    accept(page, "Add the exchange")
    page.get_by_role("button", name="Bind").first.click()
    page.get_by_label("Name of the queue").fill("bound")
    page.locator("form").get_by_label("Routing key").last.fill("a.#")
    page.locator("form").get_by_role("button", name="Bind").click()
    expect(page.get_by_role("cell", name="a.#", exact=True)).to_be_visible()
    channel.basic_publish("made.here", "a.b", b"")
    assert depth(channel, "bound") == 1

    page.get_by_role("button", name="Remove the binding to bound").click()
    accept(page, "Remove")
    expect(page.get_by_role("cell", name="a.#", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("cell", name="a.#", exact=True)).to_be_visible()

    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Delete…").click()
    accept(page, "Delete the exchange", "made.here")
    expect(page.get_by_role("heading", name="Exchanges")).to_be_visible()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        channel.exchange_declare("made.here", passive=True)


def test_many_queues_are_deleted_at_once(
    busy: Broker, open_page: Opener, channel: BlockingChannel
) -> None:
    for number in range(120):
        channel.queue_declare(f"many.{number}")
    page = open_page(busy, "#/queues?q=many.")
    expect(page.get_by_text("120 of")).to_be_visible()
    page.get_by_label("Select the rows in view").check()
    page.get_by_role("button", name="Choose all 120").click()
    expect(page.get_by_text("120 chosen")).to_be_visible()
    page.get_by_role("button", name="Delete", exact=True).click()
    accept(page, "Delete", "120")
    expect(page.get_by_text("120 queues deleted")).to_be_visible()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker):
        depth(channel, "many.77")


def test_a_refusal_is_told_in_the_form(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, "#/queues?add=1")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("orders")
    dialog.get_by_role("button", name="Add the queue").click()
    expect(dialog.get_by_role("alert")).to_contain_text("inequivalent arg")


def test_a_consumer_is_cancelled(busy: Broker, open_page: Opener, channel: BlockingChannel) -> None:
    channel.queue_declare("consumed")
    told: list[str | None] = []
    channel.add_on_cancel_callback(lambda frame: told.append(frame.method.consumer_tag))
    channel.basic_consume("consumed", lambda *_: None, consumer_tag="to.cancel")
    page = open_page(busy, "#/consumers?q=consumed")
    row = page.get_by_role("row").filter(has_text="to.cancel")
    row.get_by_role("checkbox").check()
    page.get_by_role("button", name="Cancel", exact=True).click()
    accept(page, "Cancel them")
    expect(page.get_by_text("1 consumer cancelled")).to_be_visible()
    channel.connection.process_data_events(1)
    assert told == ["to.cancel"]
    channel.queue_delete("consumed")
