"""A client that makes and deletes durable queues, exchanges and bindings, and what it was told."""

from dataclasses import dataclass, field

from tests.durability.clients import Client
from tests.support.encoding import decode_method
from tests.support.wire import Address, WireClient

MANY = 8


@dataclass
class Definitions:
    """What was answered with -ok, by name: a queue with an exchange of its name bound to it.

    `uncertain` are those of which the broker was asked for a change and did not answer.
    """

    there: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    uncertain: set[str] = field(default_factory=set)

    def judge(self, address: Address, context: str) -> None:
        """Raises AssertionError unless all that was promised is there, whole, and no more."""
        found = {name for name in self.there | self.gone | self.uncertain if whole(address, name)}
        lost = self.there - found
        assert not lost, f"{context}: made and lost: {sorted(lost)}"
        back = self.gone & found
        assert not back, f"{context}: deleted and back: {sorted(back)}"
        self.gone.clear()

    def settle(self, address: Address) -> None:
        """Deletes what nobody knows the end of, so that the next life begins with certainty."""
        for name in self.uncertain:
            delete(address, name)
        self.gone |= self.uncertain
        self.uncertain.clear()


def whole(address: Address, name: str) -> bool:
    """Whether queue, exchange and binding are all there: a message finds its way."""
    with WireClient(address, timeout=30) as client:
        client.connect()
        client.send_method(1, "exchange.declare", exchange=name, type="topic", passive=True)
        if client.read_method().name == "channel.close":
            client.send_method(1, "channel.close-ok")
            return False
        client.call(1, "confirm.select")
        client.publish(name, "a.b", b"probe", mandatory=True)
        first = client.read_payload_frame()
        if decode_method(first.channel, first.payload).name != "basic.ack":
            return False
        content = client.get(name, no_ack=True)
        assert content is not None
        assert content.body == b"probe"
        client.close()
        return True


def delete(address: Address, name: str) -> None:
    """Deletes both, whatever there is of them."""
    with WireClient(address, timeout=30) as client:
        client.connect()
        client.call(1, "exchange.delete", exchange=name)
        client.call(1, "queue.delete", queue=name)
        client.close()


class Definer(Client):
    """Keeps about MANY queues with an exchange bound to each, always changing."""

    def __init__(self, address: Address, name: str, seed: int, definitions: Definitions) -> None:
        super().__init__(address, name, seed)
        self.definitions = definitions
        self.count = 0

    def work(self) -> None:
        while True:
            if len(self.definitions.there) < MANY or self.chance.random() < 0.5:
                self.make()
            else:
                self.unmake(self.chance.choice(sorted(self.definitions.there)))

    def make(self) -> None:
        self.count += 1
        name = f"{self.name}-{self.count}"
        self.definitions.uncertain.add(name)
        self.request("queue.declare", queue=name, durable=True)
        self.request("exchange.declare", exchange=name, type="topic", durable=True)
        self.request("queue.bind", queue=name, exchange=name, routing_key="a.*")
        self.definitions.there.add(name)
        self.definitions.uncertain.remove(name)

    def unmake(self, name: str) -> None:
        self.definitions.uncertain.add(name)
        self.definitions.there.remove(name)
        self.request("exchange.delete", exchange=name)
        self.request("queue.delete", queue=name)
        self.definitions.gone.add(name)
        self.definitions.uncertain.remove(name)
