"""A load on a fixed topology, ended by kill -9, and the check of what came back."""

import random
from collections.abc import Sequence

from tests.durability.clients import (
    CHECKPOINTS,
    Client,
    Consumer,
    Publisher,
    Rejecter,
    TxConsumer,
    TxPublisher,
    get_many,
    message_count,
    take_stock,
)
from tests.durability.definer import Definer, Definitions
from tests.durability.ledger import Account, read_body
from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.wire import WireClient, wire

QUEUES = ("work", "copy", "tx", "backlog")
BOTH = "both"
SHORT = 150


class Load:
    """Publishers and consumers on one broker, over several lives of it.

    `work` and `copy` get the same messages through a fanout exchange, `tx` is used with
    transactions only, `backlog` has no consumer, `rejected` dead-letters to `dead` what is
    rejected and `short` to `expired` what is there for SHORT milliseconds.
    """

    def __init__(self, broker: Broker, seed: int) -> None:
        self.broker = broker
        self.chance = random.Random(seed)
        self.accounts = {queue: Account() for queue in QUEUES}
        self.rejected = Account()
        self.expired = Account()
        self.definitions = Definitions()
        self.lives = 0
        self.clients: list[Client] = []

    def declare(self) -> None:
        """The topology, once: it must survive everything that follows."""
        with wire(self.broker.amqp) as client:
            for queue in (*QUEUES, CHECKPOINTS, "dead", "expired"):
                client.call(1, "queue.declare", queue=queue, durable=True)
            dead_letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
            client.call(1, "queue.declare", queue="rejected", durable=True, arguments=dead_letters)
            short = {
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": "expired",
                "x-message-ttl": SHORT,
            }
            client.call(1, "queue.declare", queue="short", durable=True, arguments=short)
            client.call(1, "exchange.declare", exchange=BOTH, type="fanout", durable=True)
            for queue in ("work", "copy"):
                client.call(1, "queue.bind", queue=queue, exchange=BOTH)

    def begin(self) -> None:
        """Starts new clients; their names say in which life."""
        self.lives += 1
        self.clients = [*self._publishers(), *self._consumers()]
        for client in self.clients:
            client.start()

    def _publishers(self) -> Sequence[Client]:
        both = [self.accounts["work"], self.accounts["copy"]]
        return (
            self._publisher("fan", both, "", BOTH),
            self._publisher("direct", both[:1], "work"),
            self._publisher("backlog", [self.accounts["backlog"]], "backlog"),
            self._publisher("rejected", [self.rejected], "rejected"),
            self._publisher("short", [self.expired], "short"),
            TxPublisher(
                self.broker.amqp, f"tx{self.lives}", self._seed(), [self.accounts["tx"]], "tx"
            ),
        )

    def _publisher(
        self, name: str, accounts: Sequence[Account], key: str, exchange: str = ""
    ) -> Publisher:
        address, full_name = self.broker.amqp, f"{name}{self.lives}"
        return Publisher(address, full_name, self._seed(), accounts, key, exchange)

    def _consumers(self) -> Sequence[Client]:
        address = self.broker.amqp
        return (
            Consumer(address, "w1", self._seed(), self.accounts["work"], "work"),
            Consumer(address, "w2", self._seed(), self.accounts["work"], "work"),
            Consumer(address, "c1", self._seed(), self.accounts["copy"], "copy"),
            TxConsumer(address, "t1", self._seed(), self.accounts["tx"], "tx"),
            Rejecter(address, "r1", self._seed(), self.rejected, "rejected"),
            Definer(address, f"d{self.lives}", self._seed(), self.definitions),
        )

    def _seed(self) -> int:
        return self.chance.randrange(2**32)

    def run_until(self, confirmed: int) -> None:
        """Lets it run until so many more messages are confirmed in the queue `work`."""
        account = self.accounts["work"]
        due = len(account.confirmed) + confirmed

        def progressed() -> bool:
            for client in self.clients:
                if client.failure is not None:
                    # Not an AssertionError: waiting longer cannot help.
                    raise RuntimeError(f"{client.name} failed") from client.failure
            return len(account.confirmed) >= due

        eventually(progressed, 30, f"{confirmed} confirms")

    def end(self) -> None:
        """Waits for the clients, whose broker is gone, and reports what went wrong in them."""
        for client in self.clients:
            client.join(30)
            assert not client.is_alive(), f"{client.name} hangs"
            assert client.failure is None, f"{client.name}: {client.failure!r}"
        self.clients = []

    def abandon(self) -> None:
        """Closes what a failure has left open."""
        for client in self.clients:
            client.wire.abort()
            client.join(30)
        self.clients = []

    def judge(self) -> None:
        """Compares every queue with its account, then goes on from what is there."""
        for queue, account in self.accounts.items():
            found = take_stock(self.broker.amqp, queue)
            account.judge(found, f"life {self.lives}, queue {queue}")
            # Whoever takes stock has had it delivered.
            account.delivered |= {each.key for each in found}
            # What was acked in vain is back, and stays until it is acked again.
            account.acked -= {each.key for each in found}
        self._judge_dead_letters()
        self._judge_expired()
        self.definitions.judge(self.broker.amqp, f"life {self.lives}")
        self.definitions.settle(self.broker.amqp)

    def _judge_expired(self) -> None:
        with wire(self.broker.amqp) as client:
            eventually(lambda: message_count(client, "short") == 0, 30, "all to expire")
        found = take_stock(self.broker.amqp, "expired")
        self.expired.judge(found, f"life {self.lives}, dead letters by TTL")
        self.expired.delivered |= {each.key for each in found}

    def _judge_dead_letters(self) -> None:
        account, context = self.rejected, f"life {self.lives}"
        alive = {found.key for found in take_stock(self.broker.amqp, "rejected")}
        dead = [found.key for found in take_stock(self.broker.amqp, "dead")]
        present = alive | set(dead)
        both = alive & set(dead)
        assert not both, f"{context}: rejected and still there: {sorted(both)[:5]}"
        assert len(dead) == len(set(dead)), f"{context}: twice among the dead letters"
        lost = account.confirmed - account.committed - present
        assert not lost, f"{context}: neither rejected nor there: {sorted(lost)[:5]}"
        strange = present & account.committed | present - account.sent
        assert not strange, f"{context}: should not be there: {sorted(strange)[:5]}"

    def _kept(self) -> list[tuple[str, Account]]:
        return [*self.accounts.items(), ("dead", self.rejected), ("expired", self.expired)]

    def summary(self) -> str:
        """What this life has to show."""
        both = self.accounts["work"]
        return f"{self.totals()}, {len(both.committed):,} acks on disk"

    def totals(self) -> str:
        """What all lives have to show."""
        accounts = [*self.accounts.values(), self.rejected, self.expired]
        confirmed = sum(len(account.confirmed) for account in accounts)
        delivered = sum(len(account.delivered) for account in accounts)
        return f"{confirmed:,} confirmed, {delivered:,} delivered"

    def shrink(self, keep: int = 500) -> None:
        """Takes out all but the last `keep` messages of each queue, so that counting is quick."""
        with WireClient(self.broker.amqp, timeout=30) as client:
            client.connect()
            client.call(1, "tx.select")
            for queue, account in self._kept():
                contents = get_many(client, queue, max(0, message_count(client, queue) - keep))
                keys = {read_body(content.body) for content in contents}
                account.acked |= keys
                account.committed |= keys
            client.send_method(1, "basic.ack", delivery_tag=0, multiple=True)
            client.call(1, "tx.commit")
            client.close()
