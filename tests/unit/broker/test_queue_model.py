"""A queue that a client drives in all ways at random equals a list, sorted anew each time."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.engine import Client, Engine
from tests.support.wire import Content

MAX_PRIORITY = 2
# Time passes in steps of 10 ms, so that no deadline but that of a TTL of 0 is met exactly.
TTLS = [None, None, None, 0, 5, 25, 55]


@dataclass(eq=False)
class Sent:
    """A message as the model sees it."""

    body: bytes
    level: int
    position: int
    persistent: bool
    deadline: int | None
    delivered: bool = False

    def order(self) -> tuple[int, int]:
        return -self.level, self.position


@dataclass
class Model:
    """What the queue holds; `prefetch` is that of the one consumer, None while there is none."""

    now: int = 0
    ready: list[Sent] = field(default_factory=list)
    unacked: dict[int, tuple[Sent, bool]] = field(default_factory=dict)
    next_tag: int = 1
    prefetch: int | None = None

    def add(self, *messages: Sent) -> None:
        self.ready = sorted([*self.ready, *messages], key=Sent.order)

    def expire(self, before: int) -> None:
        self.ready = [m for m in self.ready if m.deadline is None or m.deadline >= before]

    def take(self, *, consumed: bool) -> tuple[bytes, int, bool]:
        message = self.ready.pop(0)
        redelivered, message.delivered = message.delivered, True
        tag, self.next_tag = self.next_tag, self.next_tag + 1
        self.unacked[tag] = (message, consumed)
        return message.body, tag, redelivered

    def cancel(self) -> None:
        self.prefetch = None
        self.unacked = {tag: (message, False) for tag, (message, _) in self.unacked.items()}

    def turn(self) -> list[tuple[bytes, int, bool]]:
        """What the consumer gets now."""
        self.expire(self.now)
        out = []
        while self.ready and self.prefetch is not None:
            held = sum(consumed for _, consumed in self.unacked.values())
            if self.prefetch and held >= self.prefetch:
                break
            out.append(self.take(consumed=True))
        self.expire(self.now + 1)
        return out


class Run:
    """One example: every operation is done to the broker and to the model."""

    def __init__(self, engine: Engine, priorities: bool) -> None:
        self.engine = engine
        self.model = Model()
        self.priorities = priorities
        self.count = 0
        self.client = self.connect()
        arguments = {"x-max-priority": MAX_PRIORITY} if priorities else {}
        self.client.declare("q", arguments)

    def connect(self) -> Client:
        return self.engine.connect()

    def check(self, also: list[Content] | None = None) -> None:
        """Deliveries, counts and content are those of the model."""
        contents = [*(also or []), *self.client.deliveries()]
        seen = []
        for content in contents:
            arguments = content.method.arguments
            seen.append((content.body, arguments["delivery_tag"], arguments["redelivered"]))
        assert seen == self.model.turn()
        queue = self.engine.queue("q")
        assert [each.message.body for each in queue.ready] == [m.body for m in self.model.ready]
        assert queue.message_count == len(self.model.ready)
        assert queue.ready_bytes == sum(len(m.body) for m in self.model.ready)
        assert queue.unacked == len(self.model.unacked)

    # -- operations ----------------------------------------------------------------------

    def publish(self, count: int, *properties: Any) -> None:
        for _ in range(count):
            self._publish(*properties)

    def _publish(self, ttl: int | None, priority: int, persistent: bool) -> None:
        body = b"%d" % self.count
        deadline = None if ttl is None else self.model.now + ttl
        level = min(priority, MAX_PRIORITY) if self.priorities else 0
        self.model.add(Sent(body, level, self.count, persistent, deadline))
        self.count += 1
        self.client.publish(
            "",
            "q",
            body,
            priority=priority,
            delivery_mode=2 if persistent else 1,
            expiration=None if ttl is None else str(ttl),
        )

    def get(self) -> None:
        content = self.client.get("q")
        if not self.model.ready:
            assert content is None
            return
        assert content is not None
        arguments = content.method.arguments
        seen = (content.body, arguments["delivery_tag"], arguments["redelivered"])
        assert seen == self.model.take(consumed=False)
        assert arguments["message_count"] == len(self.model.ready)

    def consume(self, prefetch: int) -> None:
        if self.model.prefetch is None:
            self.client.consume("q", prefetch=prefetch)
            self.model.prefetch = prefetch
        else:
            self.client.call(1, "basic.cancel", consumer_tag="c")
            self.model.cancel()

    def settle(self, how: str, index: int) -> None:
        if not self.model.unacked:
            return
        tag = sorted(self.model.unacked)[index % len(self.model.unacked)]
        multiple = how.endswith("multiple")
        chosen = [
            each for each in sorted(self.model.unacked) if each == tag or (multiple and each < tag)
        ]
        messages = [self.model.unacked.pop(each)[0] for each in chosen]
        if how.startswith("ack"):
            self.client.ack(tag, multiple=multiple)
        elif how.startswith("nack"):
            self.client.nack(tag, multiple=multiple)
            self.model.add(*messages)
        else:
            self.client.send_method(1, "basic.reject", delivery_tag=tag)

    def recover(self) -> None:
        self.model.add(*(message for message, _ in self.model.unacked.values()))
        self.model.unacked.clear()
        # Deliveries may be made before or after the reply.
        self.client.send_method(1, "basic.recover-async", requeue=True)

    def purge(self) -> None:
        ok = self.client.call(1, "queue.purge", queue="q")
        assert ok.arguments["message_count"] == len(self.model.ready)
        self.model.ready.clear()

    def wait(self, steps: int) -> None:
        self.model.now += steps * 10
        self.engine.advance(steps / 100)

    def restart(self) -> None:
        self.engine.restart()
        self.client = self.connect()
        model = self.model
        model.add(*(message for message, _ in model.unacked.values()))
        model.ready = [message for message in model.ready if message.persistent]
        model.unacked.clear()
        model.next_tag, model.prefetch = 1, None


publish = st.tuples(
    st.just("publish"),
    st.integers(1, 4),
    st.sampled_from(TTLS),
    st.integers(0, MAX_PRIORITY + 1),
    st.sampled_from([True, True, False]),
)
settle = st.tuples(
    st.just("settle"),
    st.sampled_from(["ack", "ack multiple", "nack", "nack multiple", "reject"]),
    st.integers(0, 9),
)
get = st.tuples(st.just("get"))
consume = st.tuples(st.just("consume"), st.sampled_from([0, 1, 3, 5]))
wait = st.tuples(st.just("wait"), st.integers(1, 4))
seldom = st.sampled_from([("recover",), ("purge",), ("restart",), ("restart",)])
operations = st.lists(
    st.one_of(publish, get, consume, settle, settle, settle, wait, seldom), min_size=20, max_size=50
)


@settings(max_examples=60)
@given(operations, st.booleans())
def test_equals_the_model(operations, priorities):
    with Engine() as engine:
        run = Run(engine, priorities)
        for name, *arguments in operations:
            getattr(run, name)(*arguments)
            run.check()
