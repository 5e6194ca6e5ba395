"""`brokerctl tail` against a real broker."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.cli.conftest import Run
from tests.support.broker import ROOT, Broker
from tests.support.eventually import eventually
from tests.support.wire import wire


class Following:
    """`brokerctl tail` under way."""

    def __init__(self, broker: Broker, *words: str) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "mgmt_ui.cli", "tail", *words, "-z", "20"),
                *("--url", f"http://{broker.http}", "--amqp-url", f"amqp://{broker.amqp}"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def lines(self, code: int = 0) -> list[str]:
        out, err = self.process.communicate(timeout=30)
        assert self.process.returncode == code, err
        return out.splitlines()


@pytest.fixture
def follow(run: Run, broker: Broker) -> Iterator[Callable[..., Following]]:
    started: list[Following] = []

    def ready() -> bool:
        rows = json.loads(run("consumer", "list", "-o", "json").out)
        return any(row["consumer_tag"] == "tail" for row in rows)

    def follow(*words: str) -> Following:
        started.append(Following(broker, *words))
        eventually(ready)
        return started[-1]

    yield follow
    for each in started:
        each.process.kill()
        each.process.wait()
        for stream in (each.process.stdout, each.process.stderr):
            assert stream is not None
            stream.close()
    eventually(lambda: not ready())


def test_an_exchange_by_key(run: Run, follow):
    seen = follow("exchange", "amq.topic", "-k", "a.#", "--count", "1", "-o", "jsonl")
    run("message", "publish", "-x", "amq.topic", "-k", "b", "--body", "no", code=65)
    run("message", "publish", "-x", "amq.topic", "-k", "a.b", "--body", "héllo", "--header", "n=1")
    (line,) = seen.lines()
    row = json.loads(line)
    assert (row["exchange"], row["routing_key"], row["payload"]) == ("amq.topic", "a.b", "héllo")
    assert row["properties"] == {"delivery_mode": 2, "headers": {"n": 1}}
    assert not row["truncated"]


def test_a_direct_exchange_by_the_keys_that_are_bound(run: Run, follow):
    assert "nothing is bound" in run("tail", "exchange", "amq.direct", code=65).err
    run("queue", "declare", "bound")
    run("binding", "create", "amq.direct", "bound", "-k", "k1")
    seen = follow("exchange", "amq.direct", "--count", "1", "--truncate", "3")
    run("message", "publish", "-x", "amq.direct", "-k", "k1", "--body", "a\x1b[31mb")
    (line,) = seen.lines()
    assert "amq.direct  k1  7 B" in line
    assert "\x1b" not in line


def test_a_queue_by_the_firehose(run: Run, broker: Broker, follow):
    run("queue", "declare", "traced")
    run("api", "PUT", "/vhosts/%2F", "--body", '{"tracing": true}')
    try:
        seen = follow("queue", "traced", "--count", "2", "-o", "json")
        run("queue", "declare", "other")
        run("message", "publish", "-k", "other", "--body", "not this")
        run("message", "publish", "-k", "traced", "--body", "x")
        with wire(broker.amqp) as client:
            assert client.get("traced", no_ack=True)
        rows = [json.loads(line) for line in seen.lines()]
        assert [row["event"] for row in rows] == ["publish", "deliver"]
        assert {row["payload"] for row in rows} == {"x"}
        assert rows[0]["queues"] == ["traced"]
    finally:
        run("api", "PUT", "/vhosts/%2F", "--body", '{"tracing": false}')


def test_a_stream(run: Run, follow):
    run("queue", "declare", "flow", "--type", "stream")
    run("message", "publish", "-k", "flow", "--body", "before")
    seen = follow("queue", "flow", "--count", "2", "-o", "plain")
    for body in ("one", "two"):
        run("message", "publish", "-k", "flow", "--body", body)
    assert seen.lines() == ["one", "two"]


def test_a_queue_that_goes(run: Run, follow):
    run("queue", "declare", "flow2", "--type", "stream")
    seen = follow("queue", "flow2")
    run("queue", "delete", "flow2", "-y")
    assert seen.lines(code=65) == []


def test_what_cannot_be_followed(run: Run):
    run("exchange", "declare", "shared", "--type", "x-consistent-hash")
    for name in ("shared", "amq.default"):
        assert "turn tracing on" in run("tail", "exchange", name, code=65).err
    assert "no exchange 'nosuch'" in run("tail", "exchange", "nosuch", code=65).err
    assert "no queue 'nosuch'" in run("tail", "queue", "nosuch", code=65).err
