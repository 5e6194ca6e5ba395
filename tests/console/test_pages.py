"""Every page: it shows what is there, in light and dark, on a desk and on a phone."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import SCREENSHOTS, Opener, ask
from tests.support.broker import Broker

# address -> a text that it shows
PAGES = {
    "": "Everything is well",
    "queues": "invoices",
    "queues/%2F/orders": "Dead letters go to exchange “dlx”.",
    "queues/%2F/dead?tab=messages": "Pick all of these",
    "queues/%2F/dead?tab=messages&m=0": "How it died",
    "queues/%2F/orders?tab=consumers": "Prefetch",
    "queues/%2F/orders?tab=bindings": "order.*",
    "exchanges": "amq.topic",
    "exchanges/%2F/events": "payments",
    "exchanges/%2F/events?key=order.paid": "To 4 queues.",
    "connections": "worker",
    "channels": " -> 127.0.0.1:",
    "consumers": "orders",
    "topology": "2 exchanges,",
    "topology?at=queue+%2F+orders": "Comes from",
    "topology?view=list": "order.*",
    "vhosts": "running",
    "vhosts/%2F": "Default queue type",
    "users": "administrator",
    "users/guest": "Configure",
    "policies": "No policies yet",
    "parameters": "No parameters",
    "parameters?kind=global": "Add a global parameter",
    "limits": "Octets of messages",
    "settings": "max_message_size",
    "settings?tab=features": "stream_queue",
    "definitions": "Download the file",
}
# What has no fixed address: a list, and the first link in it.
BEHIND = {
    "connections": "What the client says of itself",
    "channels": "Prefetch",
    "": "Where memory is",
}
PHONE = (360, 740)


def look(page: Page, where: str) -> None:
    page.goto(page.url.split("#")[0] + "#/" + where)
    expect(page.locator("main").get_by_text(PAGES[where]).first).to_be_visible()


def look_behind(page: Page, where: str) -> None:
    """The page of the node, or of the first object in a list."""
    look(page, where)
    link = 'a[href^="#/nodes/"]' if where == "" else f'td a[href^="#/{where}/"]'
    page.locator(link).first.click()
    expect(page.locator("main").get_by_text(BEHIND[where]).first).to_be_visible()


def visit(page: Page) -> Iterator[str]:
    """Goes to all pages one after the other; gives a name for each."""
    for where in PAGES:
        look(page, where)
        yield re.sub(r"\W+", "-", where.replace("%2F", "")).strip("-") or "overview"
    for where in BEHIND:
        look_behind(page, where)
        yield f"one-{where or 'node'}"


def shoot(page: Page, name: str, kind: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}-{kind}.png")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_shows_what_is_there(busy: Broker, open_page: Opener, scheme: str) -> None:
    page = open_page(busy, scheme=scheme)
    for name in visit(page):
        shoot(page, name, scheme)


def test_every_page_fits_a_phone(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, size=PHONE)
    for name in visit(page):
        shoot(page, name, "phone")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE[0], f"{name} is {width} pixels wide"
        assert page.evaluate(SIDEWAYS) == [], name


# What would have to be scrolled sideways to be read.
SIDEWAYS = """() => [...document.querySelectorAll("main *")]
  .filter((each) => each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0)
  .filter((each) => /auto|scroll/.test(getComputedStyle(each).overflowX))
  .map((each) => `${each.tagName}.${each.className} ${each.scrollWidth} > ${each.clientWidth}`)"""


def test_a_queue_on_a_phone_is_scrolled_one_way_only(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, size=PHONE)
    for tab in ("overview", "messages", "consumers", "bindings"):
        page.goto(f"http://{busy.http}/#/queues/%2F/orders?tab={tab}")
        expect(page.get_by_role("tab", selected=True)).to_be_visible()
        assert page.evaluate(SIDEWAYS) == [], tab
    page.goto(f"http://{busy.http}/#/queues/%2F/orders?tab=consumers")
    # Cards for the eyes, and still a table for who listens.
    row = page.get_by_role("table", name="Consumers").get_by_role("row").nth(1)
    expect(row.get_by_role("cell").nth(4)).to_have_text("20")
    expect(page.get_by_role("columnheader", name="Prefetch")).to_have_count(1)
    shoot(page, "queue-consumers", "phone")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_out(busy: Broker, open_page: Opener, axe: str, scheme: str) -> None:
    page = open_page(busy, scheme=scheme)
    page.evaluate(axe)
    for name in visit(page):
        assert serious(page) == [], name


def serious(page: Page) -> list[str]:
    """What axe finds that matters, one line each."""
    found = page.evaluate(
        """async () => (await axe.run()).violations
             .filter(({impact}) => impact === "serious" || impact === "critical")
             .map(({id, nodes}) => `${id}: ${nodes.map(({html}) => html).slice(0, 3).join(" ")}`)"""
    )
    return list(found)


def test_a_user_of_one_virtual_host_meets_no_refusals(busy: Broker, open_page: Opener) -> None:
    ask(busy, "PUT", "/api/users/mona", {"password": "mona", "tags": "management"})
    ask(busy, "PUT", "/api/permissions/%2F/mona", {"configure": "", "write": "", "read": ".*"})
    page = open_page(busy, user="mona")
    for where in ("", "queues", "queues/%2F/orders", "exchanges", "exchanges/%2F/events"):
        look(page, where)
        expect(page.get_by_role("alert")).to_have_count(0)
    for where, text in (("connections", "Nobody is connected"), ("consumers", "Nobody consumes")):
        page.goto(page.url.split("#")[0] + "#/" + where)
        expect(page.get_by_text(text)).to_be_visible()


def test_places_that_are_not_there_say_so(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, "#/nowhere")
    expect(page.get_by_text("There is no such page")).to_be_visible()
    page.goto(page.url.split("#")[0] + "#/queues/%2F/none")
    expect(page.get_by_text("There is no queue “none”")).to_be_visible()


def test_the_colours_can_be_chosen(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy)
    page.get_by_role("button", name="Light or dark").click()
    page.get_by_role("button", name="Dark", exact=True).click()
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
    page.reload()
    page.locator(".frame").wait_for()
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
