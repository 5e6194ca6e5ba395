"""The pictures of the README, taken as the other tests look at pages.

`scripts/console pictures` takes them anew into docs/images, after a minute of traffic; else they
are taken at once, into build/screenshots.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.console.conftest import SCREENSHOTS, Opener, ask
from tests.support.broker import ROOT, Broker
from tests.support.eventually import eventually

ANEW = "LEVERET_PICTURES" in os.environ
PICTURES = ROOT / "docs" / "images" if ANEW else SCREENSHOTS
SIZE = (1280, 840)
# Charts of the last minute are full by then.
MINUTE_MS = 75_000
# name -> address, colours, a text that is there when all is
SHOWN = {
    "overview": ("#/", "light", "Everything is well"),
    "queue-dark": ("#/queues/%2F/orders", "dark", "Dead letters go to exchange “dlx”."),
    "exchange": ("#/exchanges/%2F/events?key=order.paid", "light", "To 4 queues."),
    "topology-dark": ("#/topology?at=queue+%2F+orders", "dark", "Comes from"),
}

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def old_enough(busy: Broker) -> Path:
    """Where the pictures go, when the broker has run for long enough."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    if ANEW:
        eventually(lambda: ask(busy, "GET", "/api/nodes")[0]["uptime"] > MINUTE_MS, 100)
    return PICTURES


@pytest.mark.parametrize("name", SHOWN)
def test_picture(busy: Broker, open_page: Opener, old_enough: Path, name: str) -> None:
    where, scheme, text = SHOWN[name]
    page = open_page(busy, "", scheme=scheme, size=SIZE)
    page.evaluate("localStorage.setItem('leveret.range', JSON.stringify('1 min'))")
    page.goto(f"http://{busy.http}/{where}")
    page.reload()
    expect(page.locator("main").get_by_text(text).first).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    expect(page.get_by_text("Waiting for the first two samples…")).to_have_count(0)
    page.screenshot(path=old_enough / f"{name}.png")
