"""Memory and disk alarms (checklist 385-390); they need a broker with limits of their own."""

import json
import os
import signal
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from tests.support.target import Target
from tests.support.wire import (
    CAPABLE,
    HEARTBEAT,
    WireClient,
    method_frame,
    publish_frames,
    wire,
)

LOW_MEMORY = ("--memory-high-watermark", "1MB")
LOW_DISK = ("--disk-free-limit", "1000000000GB")
MEBIBYTE = 1 << 20


@pytest.fixture
def connected():
    """Connects to a broker; options as in `WireClient.connect`."""

    def connect(broker, **options):
        client = WireClient(broker.amqp)
        clients.append(client)
        return client.connect(**options)

    clients: list[WireClient] = []
    yield connect
    for client in clients:
        client.abort()


@pytest.mark.checklist(386)
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (LOW_MEMORY, "low on memory"),
        (LOW_DISK, "low on disk"),
        (LOW_MEMORY + LOW_DISK, "low on memory & disk"),
    ],
    ids=["memory", "disk", "both"],
)
def test_an_alarm_from_the_start(leveret, connected, options, reason):
    client = connected(leveret(*options))
    client.call(1, "queue.declare", queue="q")
    client.call(1, "confirm.select")
    client.publish("", "q", b"m")
    client.expect("connection.blocked", 0, reason=reason)
    client.send_method(1, "queue.declare", queue="behind")
    with pytest.raises(TimeoutError):
        client.read_method(0.3)


@pytest.mark.checklist(387)
def test_consumers_go_on(leveret, connected):
    broker = leveret()
    client = connected(broker)
    client.call(1, "queue.declare", queue="q", durable=True)
    client.call(1, "confirm.select")
    for number in range(3):
        client.publish("", "q", b"%d" % number, delivery_mode=2)
        client.expect("basic.ack", 1)
    broker.options = LOW_MEMORY + LOW_DISK
    broker.restart()
    client = connected(broker)
    client.call(1, "basic.qos", prefetch_count=1)
    client.call(1, "basic.consume", queue="q")
    for number in range(3):
        assert client.expect_content("basic.deliver").body == b"%d" % number
        client.send_method(1, "basic.ack", delivery_tag=number + 1)
    client.close()
    with wire(broker.amqp) as client:
        assert client.get("q") is None


@pytest.mark.checklist(389)
def test_who_cannot_be_told_waits_in_silence(leveret, connected):
    broker = leveret(*LOW_MEMORY)
    capabilities = {**CAPABLE["capabilities"], "connection.blocked": False}
    client = connected(broker, client_properties={"capabilities": capabilities})
    client.call(1, "queue.declare", queue="q")
    client.publish("", "q", b"m")
    client.send_method(1, "basic.qos")
    with pytest.raises(TimeoutError):
        client.read_method(0.3)
    with wire(broker.amqp) as other:
        assert other.get("q") is None


@pytest.mark.checklist(386)
def test_refusing_instead_of_blocking(leveret, connected):
    client = connected(leveret(*LOW_MEMORY, "--alarmed-publishers", "refuse"))
    client.call(1, "queue.declare", queue="q")
    client.call(1, "confirm.select")
    client.publish("", "q", b"m")
    client.expect("basic.nack", 1, delivery_tag=1)
    assert client.get("q") is None


@pytest.mark.checklist(385, 387)
def test_refusing_ends_with_the_alarm(leveret, connected):
    broker = leveret("--alarmed-publishers", "refuse")
    target = Target(broker.amqp, broker.http, None)
    confirming, plain, transactional = (connected(broker) for _ in range(3))
    confirming.call(1, "queue.declare", queue="q")
    confirming.publish("", "q", b"before")
    confirming.call(1, "confirm.select")
    transactional.call(1, "tx.select")
    assert target.api("PUT", "alarms/disk")[0] == 201
    confirming.publish("", "nowhere", b"m", mandatory=True)
    confirming.expect("basic.nack", 1, delivery_tag=1)
    confirming.call(1, "basic.consume", queue="q")
    assert confirming.expect_content("basic.deliver").body == b"before"
    confirming.send_method(1, "basic.ack", delivery_tag=1)
    plain.publish("", "q", b"plain")
    transactional.publish("", "q", b"transactional")
    for client in (plain, transactional):
        client.expect("connection.blocked", 0, reason="low on disk")
    late = connected(broker)
    late.call(1, "confirm.select")
    late.publish("", "q", b"m")
    late.expect("basic.nack", 1, delivery_tag=1)
    assert target.api("DELETE", "alarms/disk")[0] == 204
    for client in (plain, transactional):
        client.expect("connection.unblocked", 0)
    assert confirming.expect_content("basic.deliver").body == b"plain"
    transactional.call(1, "tx.commit")
    assert confirming.expect_content("basic.deliver").body == b"transactional"
    late.publish("", "q", b"late")
    late.expect("basic.ack", 1, delivery_tag=2)


@pytest.mark.checklist(386)
def test_the_state_and_the_health_check_tell_of_it(leveret, connected):
    broker = leveret(*LOW_MEMORY)
    client = connected(broker)
    client.publish("", "q", b"m")
    client.expect("connection.blocked", 0)

    def api(path):
        request = urllib.request.Request(
            f"http://{broker.http}/api/{path}", headers={"Authorization": "Basic Z3Vlc3Q6Z3Vlc3Q="}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as failed:
            with failed:
                return json.loads(failed.read())

    (connection,) = api("connections")
    assert connection["state"] == "blocked"
    (alarm,) = api("health/checks/alarms")["alarms"]
    assert alarm["resource"] == "memory"


def memory_of(broker):
    statm = Path(f"/proc/{broker.pid}/statm").read_text()
    return int(statm.split()[1]) * 4096


@pytest.mark.checklist(385)
def test_drained_queues_end_a_memory_alarm(leveret, connected):
    broker = leveret()
    # Less than a queue may hold before its messages leave memory.
    watermark = memory_of(broker) + 32 * MEBIBYTE
    broker.options = ("--memory-high-watermark", str(watermark))
    broker.restart()
    client, reader = connected(broker), connected(broker)
    client.call(1, "queue.declare", queue="q")
    client.call(1, "confirm.select")
    body = bytes(MEBIBYTE)
    published = 0

    def blocked():
        nonlocal published
        assert published < 300
        client.publish("", "q", body)
        published += 1
        try:
            return client.read_method(2).name == "connection.blocked"
        except TimeoutError:
            return False

    eventually(blocked)
    reader.call(1, "basic.consume", queue="q", no_ack=True)
    for _ in range(published - 1):
        reader.expect_content("basic.deliver")
    client.expect("connection.unblocked", 0)
    client.expect("basic.ack", 1)
    reader.expect_content("basic.deliver")


@pytest.mark.checklist(390)
def test_a_blocked_client_need_not_send_heartbeats(leveret, connected):
    client = connected(leveret(*LOW_MEMORY), heartbeat=1)
    client.send(publish_frames(1, "", "q", b"m"), method_frame(1, "basic.qos"))
    client.expect("connection.blocked", 0)
    for _ in range(7):  # two a second, and after two seconds of silence a client is dead
        assert client.read_frame().kind == HEARTBEAT


@pytest.mark.checklist(388)
def test_overlapping_alarms_block_once(leveret, connected, tmp_path):
    file = tmp_path / "leveret.toml"

    def limits(memory, disk):
        file.write_text(f"memory_high_watermark = '{memory}'\ndisk_free_limit = '{disk}'\n")

    def reload(memory, disk, name, value):
        limits(memory, disk)
        os.kill(broker.pid, signal.SIGHUP)
        eventually(lambda: f"{name} is now {value}" in broker.log())

    limits("1MB", "1000000000GB")
    broker = leveret("--config", str(file))
    client = connected(broker)
    client.call(1, "queue.declare", queue="q")
    client.call(1, "confirm.select")
    client.publish("", "q", b"m")
    client.expect("connection.blocked", 0, reason="low on memory & disk")
    reload("0.9", "1000000000GB", "memory_high_watermark", "0.9")
    with pytest.raises(TimeoutError):
        client.read_method(0.3)
    reload("0.9", "1B", "disk_free_limit", "1")
    client.expect("connection.unblocked", 0)
    client.expect("basic.ack", 1)
