"""Whatever reads the bytes of a client come in: the same answers and the same queues."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.queue import Queue
from tests.support.engine import Engine
from tests.support.wire import Content, body_frame, header_frame, method_frame, publish_frames

PIECES = [
    publish_frames(1, "", "q", b"one"),
    publish_frames(1, "", "q", b"two") * 3,
    publish_frames(2, "", "d", b"stored", delivery_mode=2),
    publish_frames(1, "", "q", b"x" * 9000, frame_max=4096),
    publish_frames(2, "", "q", b"y" * 20_000),
    publish_frames(1, "", "nowhere", b"back", mandatory=True),
    method_frame(1, "basic.publish", routing_key="q")
    + header_frame(1, 6)
    + method_frame(2, "basic.qos")
    + body_frame(1, b"in two"),
    method_frame(1, "basic.get", queue="q"),
    method_frame(2, "basic.get", queue="d", no_ack=True),
    method_frame(1, "queue.purge", queue="q"),
    method_frame(2, "queue.declare", queue="new", durable=True),
    method_frame(2, "queue.delete", queue="new"),
    method_frame(1, "basic.ack", delivery_tag=1) + method_frame(1, "basic.ack", delivery_tag=2),
    method_frame(1, "basic.nack", delivery_tag=0, multiple=True, requeue=True),
    method_frame(1, "confirm.select"),
    method_frame(1, "channel.close") + method_frame(1, "channel.open"),
    method_frame(1, "queue.declare", queue="missing", passive=True),
]


@st.composite
def cut_streams(draw) -> list[bytes]:
    chosen = draw(st.lists(st.sampled_from(range(len(PIECES))), min_size=3, max_size=15))
    whole = b"".join(PIECES[number] for number in chosen)
    cuts = draw(st.lists(st.integers(0, len(whole)), max_size=8))
    return [whole[start:end] for start, end in pairwise([0, *sorted(cuts), len(whole)])]


def contents(queue: Queue) -> tuple[list[bytes], int]:
    bodies = [entry.message.body for entry in queue.ready]
    return [body if isinstance(body, bytes) else b"".join(body) for body in bodies], queue.unacked


def outcome(reads: list[bytes]) -> object:
    """All answers but confirms, which may be joined or die with their channel, and the queues."""
    with Engine() as engine:
        client = engine.connect(channels=(1, 2))
        client.declare("q", durable=False)
        client.declare("d")
        answers = []
        for data in reads:
            client.send(data)
            for each in client.read_all():
                if isinstance(each, Content):
                    answers.append((each.method, each.body))
                elif each.name != "basic.ack":
                    answers.append((each, b""))
        return answers, {name: contents(queue) for name, queue in engine.vhost.queues.items()}


@settings(max_examples=50)
@given(cut_streams())
def test_any_cutting_has_the_same_outcome(reads):
    assert outcome(reads) == outcome([b"".join(reads)])
