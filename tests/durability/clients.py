"""Publishers and consumers that keep a ledger, each on its own thread and connection.

They end when the broker does: losing the connection is what they wait for.
"""

import random
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Any

from tests.durability.ledger import Account, Found, Key, make_body, read_body
from tests.support.encoding import Method, decode_method
from tests.support.wire import (
    METHOD,
    Address,
    Content,
    Disconnected,
    WireClient,
    frame,
    method_frame,
    publish_frames,
)

PERSISTENT = 2
SIZES = (40, 40, 40, 200, 2000, 20_000)
CHECKPOINTS = "checkpoints"
"""A durable queue for messages that are published for their confirms."""


class Client(threading.Thread):
    """One connection; `failure` is what ended it besides the loss of the connection."""

    def __init__(self, address: Address, name: str, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.chance = random.Random(seed)
        self.wire = WireClient(address, timeout=30).connect()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            self.work()
        except (Disconnected, OSError):
            pass
        except BaseException as error:
            self.failure = error
        finally:
            self.wire.abort()

    def work(self) -> None:
        """What it does until the connection is lost."""
        raise NotImplementedError

    def request(self, name: str, **arguments: Any) -> None:
        """Sends a method and waits for its answer."""
        self.wire.send_method(1, name, **arguments)
        reply = self.read()
        assert isinstance(reply, Method), reply
        assert reply.name == name + "-ok", reply

    def read(self) -> Method | Content:
        """What comes next; a connection.close is answered, and the end."""
        incoming = self.wire.read_payload_frame()
        assert incoming.kind == METHOD, incoming
        method = decode_method(incoming.channel, incoming.payload)
        if method.name == "basic.deliver":
            self.wire.received[:0] = frame(*incoming)
            return self.wire.expect_content("basic.deliver")
        if method.name == "connection.close":
            assert method.arguments["reply_code"] == 320, method
            self.wire.send_method(0, "connection.close-ok")
            raise Disconnected(method.arguments["reply_text"])
        return method


class Publisher(Client):
    """Publishes persistent messages with confirms, at most `window` ahead of them."""

    window = 200

    def __init__(
        self,
        address: Address,
        name: str,
        seed: int,
        accounts: Sequence[Account],
        routing_key: str,
        exchange: str = "",
    ) -> None:
        super().__init__(address, name, seed)
        self.accounts = accounts
        self.routing_key = routing_key
        self.exchange = exchange
        self.count = 0
        # Numbers in order; a dict because it keeps the order and finds one.
        self.unconfirmed: dict[int, None] = {}

    def work(self) -> None:
        self.request("confirm.select")
        while True:
            batch = self.chance.choice((1, 1, 10, 50))
            self.wire.send(*(self.message() for _ in range(batch)))
            while len(self.unconfirmed) > self.window - 50:
                self.take_confirm()

    def message(self) -> bytes:
        """The next one, noted as sent."""
        self.count += 1
        key = Key(self.name, self.count)
        for account in self.accounts:
            account.sent.add(key)
        self.unconfirmed[self.count] = None
        body = make_body(key, self.chance.choice(SIZES))
        return publish_frames(1, self.exchange, self.routing_key, body, delivery_mode=PERSISTENT)

    def take_confirm(self) -> None:
        """Waits for the next confirm."""
        confirm = self.read()
        assert isinstance(confirm, Method), confirm
        assert confirm.name == "basic.ack", confirm
        tag = confirm.arguments["delivery_tag"]
        self.note_confirmed(tag, multiple=confirm.arguments["multiple"])

    def note_confirmed(self, tag: int, *, multiple: bool) -> None:
        """The broker has promised to keep one message, or all up to it."""
        upto = (number for number in self.unconfirmed if number <= tag)
        numbers = list(upto) if multiple else [tag]
        for number in numbers:
            del self.unconfirmed[number]
        for account in self.accounts:
            account.confirmed.update(Key(self.name, number) for number in numbers)


class TxPublisher(Publisher):
    """The same with transactions instead of confirms."""

    def work(self) -> None:
        self.request("tx.select")
        while True:
            batch = self.chance.choice((1, 5, 20))
            self.wire.send(*(self.message() for _ in range(batch)))
            self.request("tx.commit")
            self.note_confirmed(self.count, multiple=True)


class Consumer(Client):
    """Consumes with acks in all their forms; leaves some unacked, requeues some.

    Acks have no answer. The broker puts them on disk in passing, but soon: what was acked
    `patience` seconds before a message was published is on disk when that message is confirmed.
    """

    mode = "confirm.select"
    patience = 0.0

    def __init__(
        self, address: Address, name: str, seed: int, account: Account, queue: str
    ) -> None:
        super().__init__(address, name, seed)
        self.account = account
        self.queue = queue
        self.held: dict[int, Key] = {}
        self.uncommitted: set[Key] = set()
        self.resting: set[Key] = set()
        self.rests_since = 0.0
        self.awaiting = False

    def work(self) -> None:
        self.request(self.mode)
        self.request("basic.qos", prefetch_count=100)
        self.request("basic.consume", queue=self.queue)
        while True:
            self.take(self.read())
            if len(self.held) > 40:
                self.settle()
            if not self.awaiting:
                self.checkpoint()

    def take(self, incoming: Method | Content) -> None:
        """A delivery, or the word that a checkpoint is on disk."""
        if isinstance(incoming, Content):
            key = read_body(incoming.body)
            self.account.delivered.add(key)
            self.held[incoming.method.arguments["delivery_tag"]] = key
        else:
            assert incoming.name in {"basic.ack", "tx.commit-ok"}, incoming
            self.account.committed |= self.resting
            self.resting = set()
            self.awaiting = False

    def settle(self) -> None:
        """Acks some of what is held, one by one, many at once, drops some or puts some back."""
        tags = sorted(self.held)
        how = self.chance.randrange(10)
        if how == 0:
            tag = self.chance.choice(tags)
            del self.held[tag]
            self.wire.send_method(1, "basic.reject", delivery_tag=tag, requeue=True)
        elif how == 1:
            upto = tags[5]
            for tag in tags[:6]:
                del self.held[tag]
            self.wire.send_method(1, "basic.nack", delivery_tag=upto, multiple=True, requeue=True)
        elif how == 2:
            upto = tags[5]
            self._acked(tags[:6])
            self.wire.send_method(1, "basic.nack", delivery_tag=upto, multiple=True, requeue=False)
        elif how < 6:
            upto = tags[len(tags) // 2]
            self._acked([tag for tag in tags if tag <= upto])
            self.wire.send_method(1, "basic.ack", delivery_tag=upto, multiple=True)
        else:
            chosen = self.chance.sample(tags, 20)
            self._acked(chosen)
            self.wire.send(*(method_frame(1, "basic.ack", delivery_tag=tag) for tag in chosen))

    def _acked(self, tags: Iterable[int]) -> None:
        keys = {self.held.pop(tag) for tag in tags}
        self.account.acked |= keys
        self.uncommitted |= keys

    def checkpoint(self) -> None:
        """Lets a set of acks rest for a while, then asks to be told that they are on disk."""
        if not self.resting:
            self.resting, self.uncommitted = self.uncommitted, set()
            self.rests_since = time.monotonic()
        if self.resting and time.monotonic() - self.rests_since >= self.patience:
            self.awaiting = True
            self.ask()

    def ask(self) -> None:
        """Sends what is answered once earlier acks are committed."""
        self.wire.publish("", CHECKPOINTS, b"", delivery_mode=PERSISTENT)


class TxConsumer(Consumer):
    """Acks in transactions: commit-ok says at once that they are on disk."""

    mode = "tx.select"
    patience = 0.0

    def ask(self) -> None:
        self.wire.send_method(1, "tx.commit")


class Rejecter(Client):
    """Rejects everything it gets, so that it is dead-lettered."""

    def __init__(self, address: Address, name: str, seed: int, account: Account, queue: str):
        super().__init__(address, name, seed)
        self.account = account
        self.queue = queue

    def work(self) -> None:
        self.request("basic.qos", prefetch_count=50)
        self.request("basic.consume", queue=self.queue)
        while True:
            delivery = self.read()
            assert isinstance(delivery, Content), delivery
            self.account.delivered.add(read_body(delivery.body))
            tag = delivery.method.arguments["delivery_tag"]
            self.wire.send_method(1, "basic.reject", delivery_tag=tag, requeue=False)


def get_many(client: WireClient, queue: str, count: int) -> list[Content]:
    """The first `count` messages of a queue, unacked."""
    contents = []
    # In portions: a broker may stop reading while its answers are not read.
    for start in range(0, count, 100):
        portion = min(100, count - start)
        client.send(*[method_frame(1, "basic.get", queue=queue)] * portion)
        contents += [client.expect_content("basic.get-ok") for _ in range(portion)]
    return contents


def message_count(client: WireClient, queue: str) -> int:
    """How many messages of a queue are ready."""
    declared = client.call(1, "queue.declare", queue=queue, passive=True)
    count: int = declared.arguments["message_count"]
    return count


def take_stock(address: Address, queue: str) -> list[Found]:
    """All ready messages of a queue, in order; they go back when this returns."""
    with WireClient(address, timeout=30) as client:
        client.connect()
        contents = get_many(client, queue, message_count(client, queue))
        assert client.get(queue) is None, f"queue {queue} has more messages than it counts"
        client.close()
    return [Found(read_body(c.body), c.method.arguments["redelivered"]) for c in contents]
