"""Numbers keep their digits, and times are told in the zone that is wanted."""

import re
from typing import Any

import pika
from playwright.sync_api import expect

from tests.console.conftest import Opener, ask
from tests.support.broker import Broker

LARGE = 2**63 - 1
ODD = 2**53 + 1


def test_large_integers_in_headers_keep_their_digits(busy: Broker, open_page: Opener) -> None:
    connection = pika.BlockingConnection(pika.URLParameters(busy.url))
    channel = connection.channel()
    channel.queue_declare("large")
    headers: dict[str, Any] = {"id": LARGE, "odd": ODD, "inside": {"list": [ODD, 1]}}
    channel.basic_publish("", "large", b"x", pika.BasicProperties(headers=headers))
    page = open_page(busy, "#/queues/%2F/large?tab=messages&m=0")
    shown = page.get_by_role("region", name="Message 0")
    expect(shown.get_by_role("row", name="odd integer")).to_contain_text(str(ODD))
    expect(shown.get_by_role("row", name="id integer")).to_contain_text(str(LARGE))
    expect(shown.get_by_role("row", name="inside table")).to_contain_text(str(ODD))
    shown.get_by_role("button", name="Publish again…").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Published: the broker has it.")).to_be_visible()
    channel.basic_get("large", auto_ack=True)
    _, properties, _ = channel.basic_get("large", auto_ack=True)
    assert properties is not None
    assert properties.headers == headers
    channel.queue_delete("large")
    connection.close()


def test_large_integers_that_are_typed_arrive_whole(busy: Broker, open_page: Opener) -> None:
    ask(busy, "PUT", "/api/queues/%2F/typed", {})
    page = open_page(busy, "#/queues/%2F/typed?do=publish")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Add one").click()
    dialog.get_by_label("Key", exact=True).fill("id")
    dialog.get_by_label("Type", exact=True).first.select_option("number")
    dialog.get_by_label("Value").fill(str(LARGE))
    dialog.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Published: the broker has it.")).to_be_visible()
    got = {"count": 1, "ackmode": "ack_requeue_false", "encoding": "auto"}
    (message,) = ask(busy, "POST", "/api/queues/%2F/typed/get", got)
    assert message["properties"]["headers"] == {"id": LARGE}
    ask(busy, "DELETE", "/api/queues/%2F/typed")


def test_times_are_told_in_both_forms_and_in_utc(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, "#/connections")
    page.locator("main .table .name a").first.click()
    connected = page.locator("dd time").first
    expect(connected).to_have_text(re.compile(r"ago \(.*\d\d:\d\d:\d\d\)$"))
    assert "UTC" in (connected.get_attribute("title") or "")
    page.get_by_role("button", name="Light or dark").click()
    page.get_by_role("button", name="UTC", exact=True).click()
    expect(connected).to_have_text(re.compile(r"\d\d:\d\d:\d\d UTC\)$"))
    page.reload()
    expect(connected).to_have_text(re.compile(r"\d\d:\d\d:\d\d UTC\)$"))


def test_statistics_begin_anew(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy)
    page.get_by_role("link", name=ask(busy, "GET", "/api/nodes")[0]["name"]).click()
    page.get_by_role("button", name="Reset statistics").click()
    page.get_by_role("dialog").get_by_role("button", name="Reset").click()
    expect(page.get_by_text("The statistics begin anew.")).to_be_visible()


def test_a_virtual_host_is_traced_and_no_longer(busy: Broker, open_page: Opener) -> None:
    said = {"description": "kept", "tags": "one"}
    ask(busy, "PUT", "/api/vhosts/traced", said)
    page = open_page(busy, "#/vhosts/traced")
    page.get_by_role("button", name="Turn it on…").click()
    page.get_by_role("dialog").get_by_role("button", name="Trace it").click()
    expect(page.get_by_text("amq.rabbitmq.trace", exact=True)).to_be_visible()
    found = ask(busy, "GET", "/api/vhosts/traced")
    assert (found["tracing"], found["description"], found["tags"]) == (True, "kept", ["one"])
    page.get_by_role("button", name="Turn it off").click()
    expect(page.get_by_role("button", name="Turn it on…")).to_be_visible()
    assert ask(busy, "GET", "/api/vhosts/traced")["tracing"] is False
    ask(busy, "DELETE", "/api/vhosts/traced")
