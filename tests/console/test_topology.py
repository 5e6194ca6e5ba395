"""The picture of the topology: what it shows, how one walks in it, how smooth it is."""

import os
import re
from collections.abc import Iterator
from itertools import islice

import pika
import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import SCREENSHOTS, Opener
from tests.support.broker import Broker

# Frames a second; a machine that has more to do than it has processors is asked for less.
SMOOTH, WHERE_BUSY = 50, 30

FRAMES = """async () => {
  const canvas = document.querySelector("canvas");
  const box = canvas.getBoundingClientRect();
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  const fire = (name, dx) => canvas.dispatchEvent(new PointerEvent(name, {
    pointerId: 1, clientX: x + dx, clientY: y + dx / 3, bubbles: true,
  }));
  canvas.setPointerCapture = () => {};
  fire("pointerdown", 0);
  const began = performance.now();
  let frames = 0;
  while (performance.now() - began < 1500) {
    fire("pointermove", 80 * Math.sin(frames / 10));
    await new Promise(requestAnimationFrame);
    frames += 1;
  }
  fire("pointerup", 200);
  return frames / ((performance.now() - began) / 1000);
}"""


def panel(page: Page) -> str:
    return page.get_by_role("complementary", name="What is focused").inner_text()


def look_for(page: Page, name: str) -> None:
    page.get_by_label("Search the picture").fill(name)
    page.get_by_label("Search the picture").press("Enter")


def test_a_queue_is_found_and_its_path_followed(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, "#/topology")
    expect(page.get_by_text("queues, 1 client")).to_be_visible()
    look_for(page, "orders")
    focused = page.get_by_role("complementary", name="What is focused")
    expect(focused.get_by_role("link", name="orders")).to_be_visible()
    for name in ("events", "dlx", "worker"):
        expect(focused.get_by_role("button", name=name)).to_be_visible()
    assert "“order.*”" in panel(page)
    expect(focused.get_by_label("Only its path (5)")).to_be_visible()
    focused.get_by_label("Only its path").check()
    expect(page.get_by_text("2 exchanges, 2 queues, 1 client")).to_be_visible()
    focused.get_by_role("button", name="dlx").click()
    expect(focused.get_by_role("link", name="dlx")).to_be_visible()
    page.reload()
    expect(focused.get_by_role("link", name="dlx")).to_be_visible()


def test_the_picture_is_walked_by_keyboard(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, "#/topology?at=queue+%2F+orders")
    focused = page.get_by_role("complementary", name="What is focused")
    expect(focused.get_by_role("link", name="orders")).to_be_visible()
    page.get_by_role("application").focus()
    page.keyboard.press("ArrowLeft")
    expect(focused.get_by_role("link", name="events")).to_be_visible()
    page.keyboard.press("Escape")
    expect(focused).to_have_count(0)
    look_for(page, "invoices")
    page.get_by_role("application").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="invoices")).to_be_visible()


def test_a_queue_leads_to_its_place_in_the_picture(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, "#/queues/%2F/mails")
    page.get_by_role("link", name="In the topology").click()
    focused = page.get_by_role("complementary", name="What is focused")
    expect(focused.get_by_role("link", name="mails")).to_be_visible()


def test_a_click_focuses_what_is_there(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, "#/topology?at=queue+%2F+mails&only=1")
    expect(page.get_by_text("1 exchange, 1 queue")).to_be_visible()
    canvas = page.locator("canvas").bounding_box()
    assert canvas is not None
    # Two nodes in a row fill the middle: the exchange on the left, the queue on the right.
    page.mouse.click(canvas["x"] + canvas["width"] / 2 - 160, canvas["y"] + canvas["height"] / 2)
    focused = page.get_by_role("complementary", name="What is focused")
    expect(focused.get_by_role("link", name="events")).to_be_visible()


def test_a_binding_shows_at_once_in_picture_and_list(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, "#/topology?view=list&q=fresh")
    expect(page.get_by_text("; 0 found")).to_be_visible()
    connection = pika.BlockingConnection(pika.URLParameters(busy.url))
    channel = connection.channel()
    channel.queue_declare("fresh", durable=True)
    channel.queue_bind("fresh", "events", "fresh.key")
    row = page.get_by_role("row").filter(has_text="fresh")
    expect(row.get_by_text("fresh.key")).to_be_visible()
    channel.queue_delete("fresh")
    expect(row).to_have_count(0)
    connection.close()


@pytest.fixture
def many(busy: Broker) -> Iterator[int]:
    """A thousand queues more, bound to fifty exchanges."""
    connection = pika.BlockingConnection(pika.URLParameters(busy.url))
    channel = connection.channel()
    names = [f"node.{number}" for number in range(950)]
    for number in range(50):
        channel.exchange_declare(f"hub.{number}", "topic")
    for number in range(50):
        for name in islice(names, number, None, 50):
            channel.queue_declare(name)
            channel.queue_bind(name, f"hub.{number}", name)
            channel.queue_bind(name, f"hub.{(number * 7 + 1) % 50}", "other")
    yield len(names)
    for number in range(50):
        channel.exchange_delete(f"hub.{number}")
    for name in names:
        channel.queue_delete(name)
    connection.close()


def is_smooth(page: Page) -> None:
    """The best of three, for what else runs comes and goes."""
    busy = os.getloadavg()[0] > (os.cpu_count() or 1)
    asked = WHERE_BUSY if busy else SMOOTH
    assert any(page.evaluate(FRAMES) >= asked for _ in range(3)), f"below {asked} frames a second"


def test_a_thousand_nodes_are_smooth(busy: Broker, open_page: Opener, many: int) -> None:
    page = open_page(busy, "#/topology", scheme="dark")
    expect(page.get_by_text(re.compile(rf"{str(many)[:2]}\d queues"))).to_be_visible()
    is_smooth(page)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "topology-many-dark.png")
    look_for(page, "node.777")
    expect(page.get_by_role("link", name="node.777")).to_be_visible()
    is_smooth(page)
    page.screenshot(path=SCREENSHOTS / "topology-path-dark.png")
