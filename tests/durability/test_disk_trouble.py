"""A disk that is full, fails, is slow or read-only: no false confirm, nothing confirmed lost.

Consumers go on meanwhile, publishers are held up by the alarm, and when the disk is well again so
is the broker.
"""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.durability import medium, sqlite_layer
from tests.durability.medium import TroubledBroker
from tests.support.broker import Broker
from tests.support.eventually import eventually
from tests.support.wire import Disconnected, WireClient, publish_frames, wire
from tests.unit.broker.test_main import assert_refused, leveret

pytestmark = pytest.mark.sqlite

PERSISTENT = 2
REFUSING = [
    pytest.param(medium.NO_SPACE, id="no-space"),
    pytest.param(medium.CANNOT_WRITE, id="cannot-write", marks=pytest.mark.slow),
    pytest.param(medium.CANNOT_SYNC, id="cannot-sync", marks=pytest.mark.slow),
]
EXPECTED = r"the database refuses to write|stopped before the disk had everything"
PORTS = ("--amqp-port", "0", "--http-port", "0")
LIMITLESS = ("--disk-free-limit", "0")

Troubled = Callable[..., TroubledBroker]


@pytest.fixture
def troubled(tmp_path: Path) -> Iterator[Troubled]:
    """A factory of brokers whose disk can get into trouble."""
    started: list[TroubledBroker] = []
    try:
        sqlite_layer._default_vfs()
    except sqlite_layer.NoLayer as error:
        pytest.skip(str(error))

    def start(*options: str) -> TroubledBroker:
        started.append(TroubledBroker(tmp_path / f"troubled-{len(started)}", *options))
        started[-1].start()
        return started[-1]

    yield start
    for broker in started:
        broker.trouble(medium.NOTHING)
        if broker.process is not None:
            broker.stop()
        broker.assert_clean_log(EXPECTED)


def queue_of(address: tuple[str, int], count: int, queue: str = "q") -> WireClient:
    """A client in confirm mode that has published so many persistent messages."""
    client = WireClient(address, timeout=10).connect()
    client.call(1, "queue.declare", queue=queue, durable=True)
    client.call(1, "confirm.select")
    publish(client, range(count), queue)
    assert confirmed(client, count) == count
    return client


def publish(client: WireClient, numbers: range, queue: str = "q") -> None:
    client.send(
        *(publish_frames(1, "", queue, b"%d" % n, delivery_mode=PERSISTENT) for n in numbers)
    )


def confirmed(client: WireClient, upto: int, timeout: float = 10.0) -> int:
    """Waits until all messages up to that one are acked; blocked notices may come between."""
    deadline = time.monotonic() + timeout
    seen = 0
    while seen < upto:
        method = client.read_method(timeout=max(0.001, deadline - time.monotonic()))
        if method.name == "basic.ack":
            seen = method.arguments["delivery_tag"]
        else:
            assert method.name.startswith("connection."), method
    return seen


def drained(address: tuple[str, int], queue: str = "q") -> list[int]:
    """Takes all messages of a queue with acks."""
    bodies = []
    with wire(address) as client:
        while (content := client.get(queue)) is not None:
            bodies.append(int(content.body))
        client.send_method(1, "basic.ack", delivery_tag=0, multiple=True)
        client.close()
    return bodies


def alarms(broker: Broker, *resources: str) -> bool:
    """Whether exactly these alarms are on, as the log has it."""
    on: set[str] = set()
    for line in broker.log().splitlines():
        if found := re.search(r"no longer low on (\w+)", line):
            on.discard(found[1])
        elif found := re.search(r"low on (\w+)", line):
            on.add(found[1])
    return on == set(resources)


@pytest.mark.parametrize("trouble", REFUSING)
def test_no_confirm_while_the_disk_refuses_and_all_of_them_after(troubled: Troubled, trouble: int):
    broker = troubled()
    client = queue_of(broker.amqp, 10)
    broker.trouble(trouble)
    publish(client, range(10, 20))
    eventually(lambda: alarms(broker, "disk"))
    publish(client, range(20, 21))
    client.expect("connection.blocked", reason="low on disk")
    with pytest.raises(TimeoutError):
        client.read_method(timeout=0.5)

    broker.trouble(medium.NOTHING)

    assert confirmed(client, 21) == 21
    eventually(lambda: alarms(broker))
    client.abort()
    broker.restart(kill=True)
    assert drained(broker.amqp) == list(range(21))


@pytest.mark.parametrize("trouble", REFUSING)
def test_consumers_go_on_while_the_disk_refuses(troubled: Troubled, trouble: int):
    broker = troubled()
    client = queue_of(broker.amqp, 300)
    broker.trouble(trouble)
    publish(client, range(300, 310))
    eventually(lambda: "refuses to write" in broker.log())

    assert drained(broker.amqp) == list(range(310))
    # Messages that were settled before they were ever stored are safe without the disk, but only
    # with the commit that they were in.
    with pytest.raises(TimeoutError):
        client.expect("basic.ack", timeout=0.2)

    broker.trouble(medium.NOTHING)
    assert confirmed(client, 310) == 310
    client.abort()
    broker.restart()
    assert drained(broker.amqp) == []


def test_publishers_are_refused_where_the_options_say_so(troubled: Troubled):
    broker = troubled("--alarmed-publishers", "refuse")
    client = queue_of(broker.amqp, 1)
    broker.trouble(medium.NO_SPACE)
    publish(client, range(1, 2))
    eventually(lambda: alarms(broker, "disk"))
    publish(client, range(2, 3))
    broker.trouble(medium.NOTHING)
    assert client.expect("basic.ack", timeout=10).arguments["delivery_tag"] == 2
    assert client.expect("basic.nack").arguments["delivery_tag"] == 3
    client.abort()
    assert drained(broker.amqp) == [0, 1]


def test_nothing_durable_is_declared_on_a_disk_that_refuses(troubled: Troubled):
    broker = troubled()
    with wire(broker.amqp) as client:
        broker.trouble(medium.CANNOT_SYNC)
        client.send_method(1, "queue.declare", queue="durable", durable=True)
        with pytest.raises(TimeoutError):
            client.read_method(timeout=0.5)
        with wire(broker.amqp) as other:
            other.call(1, "queue.declare", queue="transient", exclusive=True)
        broker.trouble(medium.NOTHING)
        client.expect("queue.declare-ok", timeout=10)
    broker.restart(kill=True)
    with wire(broker.amqp) as client:
        client.call(1, "queue.declare", queue="durable", passive=True)


def test_a_slow_disk_makes_confirms_late_and_nothing_else(troubled: Troubled):
    broker = troubled()
    client = queue_of(broker.amqp, 100)
    broker.trouble(sync_delay=3.0)
    began = time.monotonic()
    publish(client, range(100, 110))
    with wire(broker.amqp) as consumer:
        for number in range(100):
            content = consumer.get("q", no_ack=True)
            assert content is not None
            assert int(content.body) == number
        assert time.monotonic() - began < 3
    assert confirmed(client, 110) == 110
    assert time.monotonic() - began >= 3
    client.abort()
    broker.trouble(sync_delay=0)
    broker.restart(kill=True)
    assert drained(broker.amqp)[-10:] == list(range(100, 110))


# -- the end on such a disk ------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", REFUSING)
def test_a_stop_does_not_wait_for_a_disk_that_refuses(troubled: Troubled, trouble: int):
    broker = troubled()
    client = queue_of(broker.amqp, 10)
    broker.trouble(trouble)
    publish(client, range(10, 15))
    eventually(lambda: "refuses to write" in broker.log())
    began = time.monotonic()

    assert broker.stop() == 1

    assert time.monotonic() - began < 10
    assert "stopped before the disk had everything" in broker.log()
    with pytest.raises((Disconnected, AssertionError)):
        confirmed(client, 15)
    client.abort()
    broker.trouble(medium.NOTHING)
    broker.start()
    assert drained(broker.amqp)[:10] == list(range(10))


@pytest.mark.slow
def test_a_stop_waits_for_a_disk_that_is_slow(troubled: Troubled):
    broker = troubled()
    client = queue_of(broker.amqp, 10)
    broker.trouble(sync_delay=1.0)
    client.get("q", no_ack=True)
    client.abort()
    assert broker.stop() == 0
    broker.trouble(sync_delay=0)
    broker.start()
    assert drained(broker.amqp) == list(range(1, 10))


@pytest.mark.slow
def test_a_stop_does_not_wait_for_ever_for_a_sync_that_hangs(troubled: Troubled):
    broker = troubled()
    client = queue_of(broker.amqp, 10)
    broker.trouble(sync_delay=60)
    client.get("q", no_ack=True)
    client.abort()
    assert broker.stop(timeout=12) == 1
    assert "stopped before the disk had everything" in broker.log()


# -- real file systems -----------------------------------------------------------------------------


@contextmanager
def mounted(at: Path, *options: str) -> Iterator[Path]:
    """A file system of 24 MiB of its own; the test is skipped where that is not allowed."""
    at.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(at)],
        check=False,
        capture_output=True,
    )
    if mount.returncode:
        pytest.skip(f"cannot mount: {mount.stderr.decode().strip()}")
    try:
        yield at
    finally:
        subprocess.run(["umount", "-l", str(at)], check=True)


def fill(directory: Path) -> Path:
    """Takes all the space that is left."""
    path = directory / "filling"
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
    return path


def test_a_full_file_system(tmp_path: Path):
    with mounted(tmp_path / "small") as place:
        broker = Broker(tmp_path / "broker", *LIMITLESS, "--data-dir", str(place / "data"))
        with broker.start(), queue_of(broker.amqp, 50) as client:
            client.call(1, "queue.declare", queue="large", durable=True)
            filling = fill(place)
            large = publish_frames(1, "", "large", bytes(1 << 20), delivery_mode=PERSISTENT)
            client.send(large, large, large)
            eventually(lambda: alarms(broker, "disk"))
            with pytest.raises(TimeoutError):
                client.read_method(timeout=0.5)
            assert drained(broker.amqp) == list(range(50))
            filling.unlink()
            assert confirmed(client, 53) == 53
            eventually(lambda: alarms(broker))
            client.abort()
            broker.restart(kill=True)
            assert drained(broker.amqp) == []
            with wire(broker.amqp) as again:
                assert [again.get("large") is not None for _ in range(4)] == [True] * 3 + [False]
            broker.assert_clean_log(EXPECTED)
            broker.stderr_path.write_text("")


def test_publishers_are_blocked_before_the_file_system_is_full(tmp_path: Path):
    with mounted(tmp_path / "small") as place:
        options = ("--disk-free-limit", "16MiB", "--data-dir", str(place / "data"))
        with Broker(tmp_path / "broker", *options) as broker, queue_of(broker.amqp, 5) as client:
            filling = place / "filling"
            filling.write_bytes(bytes(12 << 20))
            eventually(lambda: alarms(broker, "disk"))
            publish(client, range(5, 6))
            client.expect("connection.blocked", reason="low on disk")
            assert drained(broker.amqp) == list(range(5))
            filling.unlink()
            assert confirmed(client, 6) == 6
            client.abort()
            assert drained(broker.amqp) == [5]


def test_a_start_on_a_full_file_system(tmp_path: Path):
    with mounted(tmp_path / "small") as place:
        fill(place)
        result = leveret("--data-dir", str(place / "data"), *PORTS, cwd=tmp_path)
        assert_refused(result, "cannot use the database: database or disk is full")
        (place / "filling").unlink()
        with Broker(tmp_path / "broker", *LIMITLESS, "--data-dir", str(place / "data")) as broker:
            queue_of(broker.amqp, 3).abort()
            broker.kill()
            fill(place)
            # What is there can be had; only who wants to add something must wait.
            broker.start()
            assert drained(broker.amqp) == [0, 1, 2]
            (place / "filling").unlink()
            queue_of(broker.amqp, 3).abort()
            broker.assert_clean_log(EXPECTED)
            broker.stderr_path.write_text("")


def test_a_directory_that_may_only_be_read_is_refused(tmp_path: Path):
    with mounted(tmp_path / "small") as place:
        (place / "data").mkdir()
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        result = leveret("--data-dir", str(place / "data"), *PORTS, cwd=tmp_path)
    assert_refused(result, str(place / "data"), "Read-only file system")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_of_somebody_else_is_refused(tmp_path: Path):
    (tmp_path / "data").mkdir(mode=0o500)
    assert_refused(leveret("--data-dir", "data", *PORTS, cwd=tmp_path), "Permission denied")


def test_a_database_that_may_only_be_read_is_refused(tmp_path: Path):
    with mounted(tmp_path / "small") as place:
        options = (*LIMITLESS, "--data-dir", str(place / "data"))
        with Broker(tmp_path / "broker", *options) as broker:
            queue_of(broker.amqp, 3).abort()
        subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        assert_refused(leveret(*options, *PORTS, cwd=tmp_path), "Read-only file system")
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True)
        with broker.start():
            assert drained(broker.amqp) == [0, 1, 2]
