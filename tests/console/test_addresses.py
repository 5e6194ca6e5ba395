"""What is open has an address: a link to it, or a reload, shows it to somebody else, too."""

from collections.abc import Iterator

import pika
import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import Opener, ask
from tests.support.broker import Broker

# Address -> the dialog that stands there, and a part of its text.
DIALOGS = {
    "queues?add=1": ("Add a queue", "Name"),
    "queues/%2F/dead?do=publish": ("Publish to dead", "Body"),
    "queues/%2F/dead?do=purge": ("Purge dead?", "this can be undone"),
    "queues/%2F/dead?do=delete": ("Delete dead?", "gone for good"),
    "queues/%2F/dead?tab=messages&do=get": ("Get from dead", "Put them back"),
    "queues/%2F/dead?tab=messages&do=move": ("Move messages", "All ready messages"),
    "queues/%2F/dead?tab=messages&do=redrive": ("Send dead letters back", "cannot be undone"),
    "queues/%2F/dead?tab=messages&do=requeue": ("To the end of the queue", "cannot be undone"),
    "queues/%2F/dead?tab=messages&do=delete-messages": ("Delete messages", "it can be undone"),
    "queues/%2F/dead?tab=messages&do=move&pick=1.2": ("Move messages", "2 picked messages"),
    "exchanges/%2F/events?do=publish&key=order.paid": ("Publish through events", "Routing key"),
    "exchanges/%2F/events?do=delete": ("Delete events?", "gone for good"),
    "policies?do=edit&of=%2F+linked": ("Change linked", "will be under it"),
    "users/guest?do=tags": ("Tags of guest", ""),
    "vhosts/%2F?do=edit": ("Change /", "Traced"),
    "nodes/NODE?do=reset": ("Reset the statistics?", "begins anew"),
}


@pytest.fixture
def page(busy: Broker, open_page: Opener) -> Iterator[Page]:
    ask(
        busy, "PUT", "/api/policies/%2F/linked", {"pattern": "^none$", "definition": {"expires": 9}}
    )
    yield open_page(busy)
    ask(busy, "DELETE", "/api/policies/%2F/linked")


def test_every_dialog_can_be_linked_to(busy: Broker, page: Page) -> None:
    node = ask(busy, "GET", "/api/nodes")[0]["name"]
    for where, (title, text) in DIALOGS.items():
        page.goto(f"http://{busy.http}/#/{where.replace('NODE', node)}")
        dialog = page.get_by_role("dialog")
        expect(dialog).to_have_accessible_name(title)
        expect(dialog).to_contain_text(text)
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        assert "do=" not in page.url


def test_a_reload_keeps_the_dialog_and_back_takes_it_away(busy: Broker, page: Page) -> None:
    page.goto(f"http://{busy.http}/#/queues/%2F/orders")
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Purge…").click()
    expect(page.get_by_role("dialog")).to_have_accessible_name("Purge orders?")
    page.reload()
    expect(page.get_by_role("dialog")).to_have_accessible_name("Purge orders?")
    page.goto(f"http://{busy.http}/#/queues/%2F/mails")
    expect(page.get_by_role("heading", name="mails")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_what_is_tried_on_an_exchange_is_in_the_address(busy: Broker, page: Page) -> None:
    page.goto(f"http://{busy.http}/#/exchanges/%2F/events")
    page.get_by_label("Routing key").fill("order.paid")
    page.get_by_role("button", name="Add one").click()
    page.get_by_label("Key", exact=True).fill("tenant")
    page.get_by_label("Value").fill("t1")
    page.reload()
    expect(page.get_by_label("Value")).to_have_value("t1")
    page.get_by_role("button", name="Publish this").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Routing key")).to_have_value("order.paid")
    expect(dialog.get_by_label("Value")).to_have_value("t1")


def test_picked_messages_stay_picked(busy: Broker, page: Page) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(busy.url))
    channel = connection.channel()
    channel.queue_declare("picks")
    for number in range(3):
        channel.basic_publish("", "picks", str(number).encode())
    page.goto(f"http://{busy.http}/#/queues/%2F/picks?tab=messages")
    page.get_by_role("checkbox", name="Pick message").nth(1).check()
    page.reload()
    expect(page.get_by_role("button", name="What to do with: 1 picked")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Pick message").nth(1)).to_be_checked()
    channel.queue_delete("picks")
    connection.close()


def test_moves_that_cannot_be_undone_say_so_first(busy: Broker, page: Page) -> None:
    page.goto(f"http://{busy.http}/#/queues/%2F/dead?tab=messages&do=move")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("can be called back")
    expect(dialog.get_by_text("This cannot be undone")).to_have_count(0)
    dialog.get_by_role("button", name="Through an exchange").click()
    expect(dialog.get_by_text("This cannot be undone")).to_be_visible()
