"""Small, quick to appear, smooth with ten thousand rows."""

from collections.abc import Callable

import pika
from playwright.sync_api import CDPSession, expect

from tests.console.conftest import Opener
from tests.support.broker import Broker

MANY = 10_000
BUDGET = 120 * 1024

SCROLL = """async () => {
  const table = document.querySelector(".table-scroll");
  const gaps = [];
  let last = performance.now();
  const end = last + 2000;
  while (last < end) {
    const now = await new Promise(requestAnimationFrame);
    gaps.push(now - last);
    last = now;
    table.scrollTop += 400;
  }
  return gaps.length;
}"""


def test_the_first_page_is_light_and_paints_at_once(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy)
    expect(page.get_by_text("Messages in queues")).to_be_visible()
    assets = page.evaluate(
        """performance.getEntriesByType("resource").concat(performance.getEntriesByType("navigation"))
             .filter(({name}) => !name.includes("/api/")).map((each) => each.transferSize)"""
    )
    assert sum(assets) < BUDGET
    page.reload()
    page.locator(".frame").wait_for()
    painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    assert painted < 500


def test_everything_comes_from_the_broker_itself(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    expect(page.get_by_text("Messages in queues")).to_be_visible()
    assert asked
    own = f"http://{busy.http}/"
    assert [url for url in asked if not url.startswith((own, "data:"))] == []


def busy_seconds(session: CDPSession) -> float:
    """How long the page's thread has worked."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def test_ten_thousand_queues_scroll_smoothly(
    start_broker: Callable[..., Broker], open_page: Opener
) -> None:
    broker = start_broker()
    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    channel = connection.channel()
    for number in range(MANY):
        channel.queue_declare(f"queue.{number:05}")
    page = open_page(broker, "#/queues")
    expect(page.get_by_text("10,000 queues")).to_be_visible()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = busy_seconds(session)
    frames = page.evaluate(SCROLL)
    # By the page's own time: what else the machine does is not its fault.
    assert frames / (busy_seconds(session) - before) >= 50
    last = page.get_by_text(f"queue.{MANY - 1:05}")
    page.evaluate("document.querySelector('.table-scroll').scrollTop = 1e9")
    expect(last).to_be_visible()
    connection.close()
