"""Bind addresses, ports in use, and machines without IPv6."""

import errno
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from broker.listeners import bind, listen
from broker.startup import StartError

Bind = Callable[..., list[socket.socket]]


@pytest.fixture
def binding() -> Iterator[Bind]:
    """`bind` whose sockets are closed when the test ends."""
    with ExitStack() as stack:

        def bound(*arguments: Any, **more: Any) -> list[socket.socket]:
            sockets = bind(*arguments, **more)
            for sock in sockets:
                stack.callback(sock.close)
            return sockets

        yield bound


@pytest.fixture
def no_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose kernel knows of IPv6 but has no such address."""
    real = socket.socket.bind

    class Socket(socket.socket):
        def bind(self, address: Any) -> None:
            if self.family == socket.AF_INET6:
                raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
            real(self, address)

    monkeypatch.setattr(socket, "socket", Socket)


def ports(sockets: list[socket.socket]) -> list[int]:
    return [sock.getsockname()[1] for sock in sockets]


def test_port_0_is_the_same_on_all_addresses(binding: Bind) -> None:
    sockets = binding("amqp", ["127.0.0.1", "127.0.0.2", "127.0.0.3"], 0)
    assert len(sockets) == 3
    assert len(set(ports(sockets))) == 1
    assert ports(sockets)[0] > 0


def test_tries_again_when_the_picked_port_is_taken_elsewhere(
    binding: Bind, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.socket.bind
    taken: list[int] = []

    class Socket(socket.socket):
        def bind(self, address: Any) -> None:
            if address[0] == "127.0.0.2" and len(taken) < 2:
                taken.append(address[1])
                raise OSError(errno.EADDRINUSE, "Address already in use")
            real(self, address)

    monkeypatch.setattr(socket, "socket", Socket)
    sockets = binding("amqp", ["127.0.0.1", "127.0.0.2"], 0)
    assert len(sockets) == 2
    assert len(taken) == 2


def test_the_same_address_twice_is_one_listener(binding: Bind) -> None:
    assert len(binding("amqp", ["127.0.0.1", "127.0.0.1"], 0)) == 1


def test_listens_only_when_told(binding: Bind) -> None:
    (sock,) = binding("amqp", ["127.0.0.1"], 0)
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(sock.getsockname())
    assert listen("amqp", sock) == ("amqp", *sock.getsockname())
    with socket.socket() as client:
        client.connect(sock.getsockname())


@pytest.mark.parametrize("listening", [True, False])
def test_port_in_use(binding: Bind, listening: bool) -> None:
    (first,) = binding("amqp", ["127.0.0.1"], 0)
    (port,) = ports([first])
    expected = f"^port {port} on 127.0.0.1 is in use; stop what uses it or give --http-port$"
    if listening:
        listen("amqp", first)
        with pytest.raises(StartError, match=expected):
            binding("http", ["127.0.0.1"], port)
    else:  # bound by both, as SO_REUSEADDR allows: the one that listens first has it
        (second,) = binding("http", ["127.0.0.1"], port)
        listen("amqp", first)
        with pytest.raises(StartError, match=expected):
            listen("http", second)


def test_address_of_another_machine(binding: Bind) -> None:
    with pytest.raises(StartError, match=r"^cannot listen for amqp on port 0 on 192\.0\.2\.1: "):
        binding("amqp", ["192.0.2.1"], 0)


def test_name_that_is_none(binding: Bind, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(StartError, match=r"^cannot listen for amqp on nowhere: Name or service"):
        binding("amqp", ["nowhere"], 0)


@pytest.mark.usefixtures("no_ipv6")
def test_without_ipv6_the_default_goes_on(binding: Bind, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        sockets = binding("amqp", ["127.0.0.1", "::1"], 0, may_lack=["::1"])
    assert len(sockets) == 1
    assert caplog.messages == ["amqp: this machine has no ::1; going on without"]


@pytest.mark.usefixtures("no_ipv6")
def test_without_ipv6_an_address_that_was_asked_for_is_an_error(binding: Bind) -> None:
    with pytest.raises(StartError, match="on ::1: Cannot assign requested address"):
        binding("amqp", ["127.0.0.1", "::1"], 0)
    with pytest.raises(StartError, match="no address is left"):
        binding("amqp", ["::1"], 0, may_lack=["::1"])
