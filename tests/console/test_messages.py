"""The messages of a queue: found, read, and worked on, each effect as AMQP sees it."""

import gzip
import json
from collections.abc import Callable, Iterator

import pika
import pytest
from pika.adapters.blocking_connection import BlockingChannel
from playwright.sync_api import Locator, Page, expect

from tests.console.conftest import SCREENSHOTS, Opener, ask
from tests.support.broker import Broker
from tests.support.eventually import eventually

Queue = Callable[..., str]


@pytest.fixture
def channel(busy: Broker) -> Iterator[BlockingChannel]:
    connection = pika.BlockingConnection(pika.URLParameters(busy.url))
    yield connection.channel()
    connection.close()


@pytest.fixture
def queue(channel: BlockingChannel) -> Iterator[Queue]:
    """`queue("name", 5)` has five messages; it is deleted at the end."""
    names: list[str] = []

    def make(name: str, messages: int = 0, **arguments: object) -> str:
        names.append(name)
        channel.queue_declare(name, durable=True, arguments=arguments)
        for number in range(messages):
            publish(channel, name, number)
        return name

    yield make
    for name in names:
        channel.queue_delete(name)


def publish(channel: BlockingChannel, queue: str, number: int) -> None:
    properties = pika.BasicProperties(
        delivery_mode=2,
        message_id=f"m{number}",
        correlation_id=f"c{number // 2}",
        content_type="application/json",
        headers={"tenant": f"t{number % 3}", "tree": {"leaf": [1, 2]}},
    )
    body = json.dumps({"number": number, "hare": "Ann" if number % 2 else "Bob"})
    channel.basic_publish("", queue, body.encode(), properties)


def numbers(channel: BlockingChannel, queue: str) -> list[int]:
    """What is in a queue, taken out and put back."""
    found: list[int] = []
    tags: list[int] = []
    while True:
        method, _, body = channel.basic_get(queue)
        if method is None or body is None:
            break
        tags.append(method.delivery_tag or 0)
        found.append(json.loads(body)["number"])
    for tag in tags:
        channel.basic_nack(tag, requeue=True)
    count(channel, queue)  # an answer: they are back
    return found


def count(channel: BlockingChannel, queue: str) -> int:
    """How many messages are ready in a queue, which are left alone."""
    return int(channel.queue_declare(queue, passive=True).method.message_count)


def messages(page: Page) -> Locator:
    return page.locator(".message-row")


def pane(page: Page, number: int) -> Locator:
    return page.get_by_role("region", name=f"Message {number}")


def choose(page: Page, what: str) -> Locator:
    """From the menu for all that are shown; gives the dialog."""
    page.get_by_role("button", name="What to do with: ").click()
    page.locator(".sheet").get_by_role("button", name=what).click()
    return page.get_by_role("dialog")


def look(open_page: Opener, broker: Broker, queue: str, more: str = "", **options: object) -> Page:
    return open_page(broker, f"#/queues/%2F/{queue}?tab=messages{more}", **options)


# -- looking -------------------------------------------------------------------------------


def test_looking_changes_nothing(
    busy: Broker, open_page: Opener, channel: BlockingChannel, queue: Queue
) -> None:
    name = queue("look", 120)
    channel.basic_get(name)
    page = look(open_page, busy, name)
    expect(page.get_by_text("1 to 50 of 120")).to_be_visible()
    expect(messages(page).first).to_contain_text("unacked")
    page.get_by_role("button", name="After").click()
    expect(page.get_by_text("51 to 100 of 120")).to_be_visible()
    page.get_by_role("button", name="Newest").click()
    expect(messages(page)).to_have_count(20)
    expect(messages(page).last).to_contain_text('"number": 119')
    page.get_by_role("button", name="Unacked").click()
    expect(messages(page)).to_have_count(1)
    method, _, _ = channel.basic_get(name)
    assert method is not None
    assert not method.redelivered


def test_the_list_goes_along_with_the_queue(
    busy: Broker, open_page: Opener, channel: BlockingChannel, queue: Queue
) -> None:
    name = queue("flowing", 1)
    page = look(open_page, busy, name)
    expect(messages(page)).to_have_count(1)
    publish(channel, name, 1)
    expect(messages(page)).to_have_count(2)
    page.get_by_role("button", name="Live").click()
    publish(channel, name, 2)
    expect(page.get_by_role("tab", name="Messages 3")).to_be_visible()
    expect(messages(page)).to_have_count(2)
    page.get_by_role("button", name="Look again").click()
    expect(messages(page)).to_have_count(3)


def test_a_message_is_shown_whole(
    busy: Broker, open_page: Opener, channel: BlockingChannel, queue: Queue
) -> None:
    name = queue("whole", 2)
    packed = pika.BasicProperties(content_encoding="gzip")
    channel.basic_publish("", name, gzip.compress(b'{"packed": 7}'), packed)
    channel.basic_publish("", name, b"\x00\xff" + b"x" * 100_000)
    page = look(open_page, busy, name, "&m=1")
    shown = pane(page, 1)
    expect(shown.locator("pre")).to_have_text('{\n  "number": 1,\n  "hare": "Ann"\n}')
    shown.get_by_role("button", name="Text", exact=True).click()
    expect(shown.locator("pre")).to_have_text('{"number": 1, "hare": "Ann"}')
    shown.get_by_role("button", name="Hex").click()
    expect(shown.locator("pre")).to_contain_text("000000  7b 22 6e")
    shown.get_by_role("button", name="Base64").click()
    expect(shown.locator("pre")).to_have_text("eyJudW1iZXIiOiAxLCAiaGFyZSI6ICJBbm4ifQ==")
    expect(shown.get_by_role("row", name="tenant")).to_contain_text("t1")
    expect(shown.get_by_role("row", name="tree")).to_contain_text("table")
    shown.get_by_role("button", name="The next one").click()
    packed_pane = pane(page, 2)
    expect(packed_pane.locator("pre")).to_have_text('{\n  "packed": 7\n}')
    packed_pane.get_by_role("button", name="Show it as it was sent").click()
    expect(packed_pane.locator("pre")).to_contain_text("000000  1f 8b")
    packed_pane.get_by_role("button", name="The next one").click()
    long = pane(page, 3)
    expect(long).to_contain_text("The first 64 KiB of")
    long.get_by_role("button", name="Show all of it").click()
    expect(long.get_by_text("The first 64 KiB of")).to_have_count(0)
    long.get_by_role("button", name="Close the message").click()
    expect(page.locator(".message-pane")).to_have_count(0)


def test_what_is_copied(busy: Broker, open_page: Opener, queue: Queue) -> None:
    page = look(open_page, busy, queue("copied", 1), "&m=0")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    pane(page, 0).get_by_role("button", name="Copy as JSON").click()
    expect(pane(page, 0).get_by_role("button", name="Copied")).to_be_visible()
    copied = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert copied["routing_key"] == "copied"
    assert copied["properties"]["headers"] == {"tenant": "t0", "tree": {"leaf": [1, 2]}}
    pane(page, 0).get_by_role("button", name="Copy Message id").click()
    page.wait_for_function("navigator.clipboard.readText().then(text => text === 'm0')")


def test_search_by_all_that_can_be_known(busy: Broker, open_page: Opener, queue: Queue) -> None:
    page = look(open_page, busy, queue("sought", 30))
    box = page.get_by_role("searchbox", name="Search in the messages")
    for text, found, words in [
        ("id:m7", 1, "message id is “m7”"),
        ("correlation:c3", 2, "correlation id is “c3”"),
        ("header.tenant:t1", 10, "header tenant is “t1”"),
        ('"hare": "Ann"', 15, "the body has"),
        ("header.tenant:t1 Ann age<1h", 5, "waiting for less than 1 h"),
        ("age>1h", 0, "waiting for more than 1 h"),
    ]:
        box.fill(text)
        box.press("Enter")
        expect(page.get_by_role("button", name=f"No longer: {words}")).to_be_visible()
        expect(messages(page)).to_have_count(found)
    expect(page.get_by_role("heading", name="No message fits")).to_be_visible()
    box.fill("age>soon")
    expect(page.get_by_role("alert")).to_contain_text("An age is as age>10m")
    box.fill("id:m3 Ann")
    expect(messages(page)).to_have_count(1)
    page.reload()
    expect(messages(page)).to_have_count(1)
    page.get_by_role("button", name="No longer: message id").click()
    expect(messages(page)).to_have_count(15)


def test_a_story_is_told(
    busy: Broker, open_page: Opener, channel: BlockingChannel, queue: Queue
) -> None:
    late = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "story.end"}
    queue("story.end")
    name = queue("story.begin", 1, **late)
    method, _, _ = channel.basic_get(name)
    assert method is not None
    channel.basic_reject(method.delivery_tag or 0, requeue=False)
    eventually(lambda: numbers(channel, "story.end") == [0])
    page = look(open_page, busy, "story.end", "&m=0")
    steps = pane(page, 0).locator(".story li")
    expect(steps).to_have_count(2)
    expect(steps.first).to_contain_text("a consumer rejected it, in story.begin")
    steps.first.get_by_role("link", name="story.begin").click()
    expect(page.get_by_role("heading", name="story.begin")).to_be_visible()


def test_by_keyboard_alone(
    busy: Broker, open_page: Opener, channel: BlockingChannel, queue: Queue
) -> None:
    name = queue("keys", 5)
    page = look(open_page, busy, name)
    expect(messages(page)).to_have_count(5)
    page.locator("body").press("/")
    page.keyboard.type("Ann")
    expect(messages(page)).to_have_count(2)
    page.locator("a.message-line").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(pane(page, 3)).to_be_visible()
    page.get_by_role("button", name="Delete…").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Delete 1 message").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Deleted: 1 message.")).to_be_visible()
    assert numbers(channel, name) == [0, 1, 2, 4]


# -- doing ---------------------------------------------------------------------------------


def pick(page: Page, *positions: int) -> None:
    for each in positions:
        page.get_by_role("checkbox", name=f"Pick message {each}", exact=True).check()


def test_picked_messages_are_deleted_and_come_back(
    busy: Broker, open_page: Opener, channel: BlockingChannel, queue: Queue
) -> None:
    name = queue("picked", 5)
    page = look(open_page, busy, name)
    pick(page, 1, 3)
    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("status")).to_have_text("2 of 5 ready messages.")
    with page.expect_download() as saved:
        dialog.get_by_role("button", name="Save them first").click()
    kept = json.loads(saved.value.path().read_text())
    assert [each["properties"]["message_id"] for each in kept] == ["m1", "m3"]
    dialog.get_by_role("button", name="Delete 2 messages").click()
    expect(messages(page)).to_have_count(3)
    assert numbers(channel, name) == [0, 2, 4]
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(messages(page)).to_have_count(5)
    assert numbers(channel, name) == [0, 2, 4, 1, 3]


def test_all_that_fit_are_moved_and_back(
    busy: Broker, open_page: Opener, channel: BlockingChannel, queue: Queue
) -> None:
    source, target = queue("from", 6), queue("later")
    page = look(open_page, busy, source, "&find=Ann")
    dialog = choose(page, "Move…")
    dialog.get_by_label("Name of the queue").fill(target)
    expect(dialog.get_by_role("status")).to_have_text("3 of 6 ready messages.")
    dialog.get_by_role("button", name="Move 3 messages").click()
    expect(page.get_by_text("Moved to later: 3 messages.")).to_be_visible()
    assert (numbers(channel, source), numbers(channel, target)) == ([0, 2, 4], [1, 3, 5])
    # Not only in the message that goes by, but for ten minutes.
    jobs = page.get_by_label("Work on these messages")
    jobs.get_by_role("button", name="Undo").click()
    eventually(lambda: count(channel, source) == 6)
    assert numbers(channel, target) == []
    assert numbers(channel, source) == [0, 2, 4, 1, 3, 5]


def test_through_an_exchange(
    busy: Broker, open_page: Opener, channel: BlockingChannel, queue: Queue
) -> None:
    source, target = queue("routed.from", 2), queue("routed.to")
    page = look(open_page, busy, source)
    dialog = choose(page, "Move…")
    dialog.get_by_role("button", name="Through an exchange").click()
    dialog.get_by_label("Name of the exchange").fill("")
    dialog.get_by_label("Routing key").fill("nowhere.at.all")
    dialog.get_by_role("button", name="Move 2 messages").click()
    expect(page.get_by_text("2 messages would find no queue there.").first).to_be_visible()
    assert numbers(channel, source) == [0, 1]
    dialog = choose(page, "Move…")
    dialog.get_by_role("button", name="Through an exchange").click()
    dialog.get_by_label("Routing key").fill(target)
    dialog.get_by_role("button", name="Move 2 messages").click()
    eventually(lambda: numbers(channel, target) == [0, 1])


def test_to_the_end_of_the_queue(
    busy: Broker, open_page: Opener, channel: BlockingChannel, queue: Queue
) -> None:
    name = queue("requeued", 3)
    page = look(open_page, busy, name)
    pick(page, 0)
    page.get_by_role("button", name="Requeue…").click()
    page.get_by_role("dialog").get_by_role("button", name="Send to the end 1 message").click()
    expect(page.get_by_text("Sent to the end: 1 message.")).to_be_visible()
    assert numbers(channel, name) == [1, 2, 0]


def test_dead_letters_are_sent_back_held_and_gone_on_with(
    busy: Broker, open_page: Opener, channel: BlockingChannel, queue: Queue
) -> None:
    dead = queue("redrive.dead", 1)
    late = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    name = queue("redrive.work", 60, **late)
    for _ in range(60):
        method, _, _ = channel.basic_get(name)
        assert method is not None
        channel.basic_reject(method.delivery_tag or 0, requeue=False)
    page = look(open_page, busy, dead)
    dialog = choose(page, "Send dead letters back…")
    expect(dialog.get_by_role("status")).to_have_text("60 of 61 ready messages.")
    dialog.get_by_label("Only those that died because").select_option("too old")
    expect(dialog.get_by_role("status")).to_have_text("No dead letter fits.")
    dialog.get_by_label("Only those that died because").select_option("any reason")
    dialog.get_by_label("Only those that died in queue").fill(name)
    dialog.get_by_label("At most so many a second").fill("10")
    dialog.get_by_role("button", name="Send back 60 messages").click()
    jobs = page.get_by_label("Work on these messages")
    jobs.get_by_role("button", name="Pause").click()
    expect(jobs.get_by_text("paused")).to_be_visible()
    some = len(numbers(channel, name))
    assert 0 < some < 60
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "queue-redrive-light.png")
    jobs.get_by_role("button", name="Go on").click()
    eventually(lambda: len(numbers(channel, name)) > some, timeout=10)
    jobs.get_by_role("button", name="Pause").click()
    jobs.get_by_role("button", name="Forget this job").click()
    expect(jobs).to_have_count(0)


@pytest.mark.parametrize(
    ("mode", "left", "dead"),
    [
        ("Put them back", [0, 1, 2], []),
        ("Reject them, back into the queue", [0, 1, 2], []),
        ("Acknowledge: take them for good", [2], []),
        ("Reject: dead-letter or drop them", [2], [0, 1]),
    ],
)
def test_get_as_a_consumer_would(
    busy: Broker,
    open_page: Opener,
    channel: BlockingChannel,
    queue: Queue,
    mode: str,
    left: list[int],
    dead: list[int],
) -> None:
    end = queue("got.dead")
    late = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": end}
    name = queue("got", 3, **late)
    page = look(open_page, busy, name)
    dialog = choose(page, "Get as a consumer would…")
    dialog.get_by_label("How many").fill("2")
    dialog.get_by_label("And then").select_option(mode)
    dialog.get_by_role("button", name="Take them out" if len(left) == 1 else "Get").click()
    expect(page.locator("details.taken")).to_have_count(2)
    page.locator("details.taken").first.click()
    expect(page.locator("details.taken pre").first).to_contain_text('"number": 0')
    assert numbers(channel, name) == left
    eventually(lambda: numbers(channel, end) == dead)


def test_a_purge_says_how_many_and_is_undone(
    busy: Broker, open_page: Opener, channel: BlockingChannel, queue: Queue
) -> None:
    name = queue("purged", 4)
    page = look(open_page, busy, name)
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Purge…").click()
    page.get_by_role("dialog").get_by_role("button", name="Purge 4 messages").click()
    expect(page.get_by_text("purged is empty.")).to_be_visible()
    assert numbers(channel, name) == []
    page.get_by_role("status").get_by_role("button", name="Undo").click()
    expect(page.get_by_text("They are back.")).to_be_visible()
    assert numbers(channel, name) == [0, 1, 2, 3]


def test_published_again_and_as_before(
    busy: Broker, open_page: Opener, channel: BlockingChannel, queue: Queue
) -> None:
    name = queue("again", 1)
    page = look(open_page, busy, name, "&m=0")
    pane(page, 0).get_by_role("button", name="Publish again…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Headers (JSON)")).to_have_value(
        json.dumps({"tenant": "t0", "tree": {"leaf": [1, 2]}}, indent=2).replace(
            "[\n      1,\n      2\n    ]", "[\n      1,\n      2\n    ]"
        )
    )
    dialog.get_by_label("Body").fill('{"number": 9}')
    dialog.get_by_label("Message id").fill("m9")
    dialog.get_by_role("button", name="Publish", exact=True).click()
    expect(dialog).to_have_count(0)
    assert numbers(channel, name) == [0, 9]

    page.get_by_role("button", name="Publish", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Begin with a message published before").click()
    dialog.locator(".sheet").get_by_role("button").first.click()
    expect(dialog.get_by_label("Body")).to_have_value('{"number": 9}')
    dialog.get_by_role("button", name="Publish", exact=True).click()
    expect(dialog).to_have_count(0)
    assert numbers(channel, name) == [0, 9, 9]
    channel.basic_get(name, auto_ack=True)
    _, properties, _ = channel.basic_get(name, auto_ack=True)
    assert properties is not None
    assert (properties.message_id, properties.correlation_id) == ("m9", "c0")
    assert properties.headers == {"tenant": "t0", "tree": {"leaf": [1, 2]}}


# -- the queue -----------------------------------------------------------------------------


def test_a_queue_is_paused_and_resumed(
    busy: Broker, open_page: Opener, channel: BlockingChannel, queue: Queue
) -> None:
    name = queue("paused", 1)
    page = open_page(busy, f"#/queues/%2F/{name}")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_text("Paused: nothing is delivered")).to_be_visible()
    assert channel.basic_get(name)[0] is None
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Paused: nothing is delivered")).to_have_count(0)
    assert channel.basic_get(name)[0] is not None


def test_the_room_of_consumers(
    busy: Broker, open_page: Opener, channel: BlockingChannel, queue: Queue
) -> None:
    name = queue("roomy", 3)
    channel.basic_qos(prefetch_count=5)
    channel.basic_consume(name, lambda *_: None)
    channel.connection.process_data_events()
    page = open_page(busy, f"#/queues/%2F/{name}?tab=consumers")
    expect(page.locator(".room")).to_contain_text("2 more")
    for number in range(2):
        publish(channel, name, number)
    expect(page.locator(".room")).to_contain_text("full")


def test_where_dead_letters_go(
    busy: Broker, open_page: Opener, channel: BlockingChannel, queue: Queue
) -> None:
    page = open_page(busy, "#/queues/%2F/orders?tab=bindings")
    leaving = page.locator("section.card").filter(has_text="Where messages go from here")
    expect(leaving.get_by_role("link", name="dlx")).to_be_visible()
    expect(leaving.get_by_role("link", name="dead")).to_be_visible()
    name = queue("lost", 0, **{"x-dead-letter-exchange": "not.there"})
    page.goto(page.url.split("#")[0] + f"#/queues/%2F/{name}?tab=bindings")
    expect(page.get_by_text("There is no exchange “not.there”")).to_be_visible()


def test_a_refusal_says_what_is_missing(busy: Broker, open_page: Opener, queue: Queue) -> None:
    ask(busy, "PUT", "/api/users/peter", {"password": "peter", "tags": "management"})
    ask(busy, "PUT", "/api/permissions/%2F/peter", {"configure": "", "write": "", "read": "^seen"})
    seen, unseen = queue("seen", 2), queue("unseen", 2)
    page = look(open_page, busy, seen, user="peter")
    expect(messages(page)).to_have_count(2)
    expect(page.get_by_role("button", name="Pause", exact=True)).to_have_count(0)
    # Where it goes is not known before: the broker refuses that.
    dialog = choose(page, "Move…")
    dialog.get_by_label("Name of the queue").fill(unseen)
    dialog.get_by_role("button", name="Move 2 messages").click()
    expect(dialog.get_by_role("alert")).to_contain_text("You have no permission")
    page.goto(page.url.split("#")[0] + f"#/queues/%2F/{unseen}?tab=messages")
    expect(page.get_by_text(f"You have no read permission for {unseen}")).to_be_visible()
