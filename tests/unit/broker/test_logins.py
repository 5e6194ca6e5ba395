import pytest

from broker import logins as module
from broker.logins import Logins
from tests.support.clock import VirtualClock


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def logins(clock):
    return Logins(clock)


def delays(logins, count, address="10.0.0.1"):
    return [logins.failed("http", address, f"u{n}") for n in range(count)]


def test_each_failure_waits_longer(logins):
    assert delays(logins, 9) == [0, 0, 0, 0.25, 0.5, 1, 2, 3, 3]
    assert delays(logins, 1, "10.0.0.2") == [0]
    assert logins.failed("amqp091", "10.0.0.1", "u") == 3


def test_it_is_forgotten_after_a_while(logins, clock):
    delays(logins, 20)
    clock.advance(61)
    assert delays(logins, 1) == [0]


def test_a_name_that_is_guessed_at_in_parallel_is_not_heard(logins, clock):
    for _ in range(module.WAITING_NAME):
        assert logins.hears("10.0.0.1", "ann")
        logins.failed("amqp091", "10.0.0.1", "ann")
    assert not logins.hears("10.0.0.1", "ann")
    logins.failed("amqp091", "10.0.0.1", "ann")  # refused unheard: waits no longer than the rest
    assert logins.hears("10.0.0.1", "bob")
    assert logins.hears("10.0.0.2", "ann")
    clock.advance(6)
    assert logins.hears("10.0.0.1", "ann")
    [source] = logins._sources.values()
    assert (source.waiting, source.names) == (0, {})


def test_names_that_are_tried_one_after_the_other(logins, clock):
    delays(logins, module.WAITING_ADDRESS)
    assert not logins.hears("10.0.0.1", "another")
    clock.advance(6)
    assert logins.hears("10.0.0.1", "another")


def test_a_network_of_ipv6_is_one_address(logins):
    addresses = ["2001:db8::1", "2001:db8::2:3", "2001:db8::1%eth0", "2001:db8:0:0:ffff::"]
    assert [logins.failed("http", each, "u") for each in addresses] == [0, 0, 0, 0.25]
    assert logins.failed("http", "2001:db8:0:1::1", "u") == 0
    assert delays(logins, 4, "::ffff:10.1.1.1") == [0, 0, 0, 0.25]
    assert delays(logins, 1, "10.1.1.1") == [0.5]
    assert delays(logins, 1, "no:address:at all") == [0]


def test_memory_is_bounded(logins, monkeypatch):
    monkeypatch.setattr(module, "MAX_ADDRESSES", 3)
    for number in range(10):
        delays(logins, 5, f"10.0.0.{number}")
    assert list(logins._sources) == ["10.0.0.7", "10.0.0.8", "10.0.0.9"]


def test_counting(logins):
    door = logins.door("amqp091", "10.0.0.1")
    door.succeeded()
    door.failed("u")
    door.failed("u")
    assert door.hears("u")
    logins.succeeded("http")
    counts = {name: (each.succeeded, each.failed) for name, each in logins.attempts.items()}
    assert counts == {"amqp091": (1, 2), "http": (1, 0)}
    logins.reset()
    assert logins.attempts == {}
    assert logins.failed("amqp091", "10.0.0.1", "u") == 0
    assert logins.failed("amqp091", "10.0.0.1", "u") == 0.25
