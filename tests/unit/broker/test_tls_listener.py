"""Accepting over TLS on a real loop: who gets in, who is dropped, and a context that changes."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from broker import tls_listener
from broker.clock import SystemClock
from broker.options import Options
from broker.startup import StartError
from broker.tls_listener import TlsListeners
from tests.support.certificates import Authority


class Echo(asyncio.Protocol):
    transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.transport.write(data)


class Door:
    """An echo service behind TLS, and what is needed to call on it."""

    def __init__(self, authority: Authority, options: Options) -> None:
        self.authority = authority
        self.options = options
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.sock.setblocking(False)
        self.port = self.sock.getsockname()[1]
        self.listeners = TlsListeners(options, SystemClock())
        self.listeners.serve(self.sock, Echo)

    async def call(
        self, context: ssl.SSLContext | None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        name = "localhost" if context else None
        return await asyncio.open_connection(
            "127.0.0.1", self.port, ssl=context, server_hostname=name
        )

    async def echo(self, context: ssl.SSLContext) -> ssl.SSLObject:
        """Says something, hears it, and returns the client's end of the session."""
        reader, writer = await self.call(context)
        try:
            writer.write(b"hare")
            assert await reader.readexactly(4) == b"hare"
            session = writer.get_extra_info("ssl_object")
        finally:
            writer.close()
        assert isinstance(session, ssl.SSLObject)
        return session


@pytest.fixture
async def door(tmp_path, request) -> AsyncIterator[Door]:
    authority = Authority(tmp_path)
    cert, key = authority.issue("server")
    options = Options(tls_cert=cert, tls_key=key, tls_ca=authority.file, tls_handshake_timeout=1)
    door = Door(authority, replace(options, **getattr(request, "param", {})))
    yield door
    await door.listeners.close()
    door.sock.close()


async def test_in(door):
    session = await door.echo(door.authority.client())
    assert session.version() == "TLSv1.3"


async def test_who_speaks_no_tls_is_dropped_and_named(door, caplog):
    reader, writer = await door.call(None)
    writer.write(b"AMQP\0\0\x09\1" + bytes(100))
    with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
        await reader.readexactly(1000)
    writer.close()
    assert "127.0.0.1:" in caplog.text
    assert "TLS handshake failed: wrong version number" in caplog.text


async def test_silence_is_dropped_in_time(door, caplog):
    caplog.set_level(logging.INFO)
    reader, writer = await door.call(None)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    assert "no TLS handshake within the time allowed" in caplog.text


async def test_probes_are_nobodys_concern(door, caplog):
    caplog.set_level(logging.INFO)
    _, writer = await door.call(None)
    writer.close()
    await door.echo(door.authority.client())
    assert "handshake" not in caplog.text


@pytest.mark.parametrize("door", [{"tls_handshake_timeout": 600}], indirect=True)
async def test_the_eldest_of_too_many_goes_first(door, monkeypatch):
    monkeypatch.setattr(tls_listener, "MAX_HANDSHAKES", 3)
    silent = [await door.call(None) for _ in range(3)]
    await door.echo(door.authority.client())
    assert await asyncio.wait_for(silent[0][0].read(), 5) == b""
    for _, writer in silent:
        writer.close()


@pytest.mark.parametrize("door", [{"tls_verify": "require"}], indirect=True)
async def test_certificates_of_clients(door, caplog):
    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        await door.echo(door.authority.client())
    assert "TLS handshake failed: peer did not return a certificate" in caplog.text
    stranger = Authority(door.authority.directory / "other").issue("stranger")
    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        await door.echo(door.authority.client(stranger))
    assert "TLS handshake failed: certificate refused" in caplog.text
    late = door.authority.issue("late", expired=True)
    with pytest.raises((ssl.SSLError, ConnectionError, asyncio.IncompleteReadError)):
        await door.echo(door.authority.client(late))
    await door.echo(door.authority.client(door.authority.issue("client")))


async def test_another_certificate_for_connections_to_come(door):
    reader, writer = await door.call(door.authority.client())
    other = Authority(door.authority.directory / "other")
    cert, key = other.issue("server")
    door.listeners.reload(replace(door.options, tls_cert=cert, tls_key=key))
    with pytest.raises(ssl.SSLCertVerificationError):
        await door.echo(door.authority.client())
    await door.echo(other.client())
    writer.write(b"still")
    assert await reader.readexactly(5) == b"still"
    writer.close()


async def test_a_certificate_that_cannot_be_used_changes_nothing(door):
    with pytest.raises(StartError):
        door.listeners.reload(replace(door.options, tls_cert=door.authority.directory / "gone"))
    await door.echo(door.authority.client())


async def test_closing_drops_who_has_not_shaken_hands(door):
    reader, writer = await door.call(None)
    await door.echo(door.authority.client())  # so that the other was accepted, too
    await door.listeners.close()
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    assert len(asyncio.all_tasks()) == 1


async def test_accepting_goes_on_after_an_error(door, monkeypatch, caplog):
    real, calls = socket.socket.accept, []

    def accept(sock):
        calls.append(sock)
        if len(calls) == 1:
            raise OSError(24, "Too many open files")
        return real(sock)

    monkeypatch.setattr(socket.socket, "accept", accept)
    await door.echo(door.authority.client())
    await door.echo(door.authority.client())
    assert "cannot accept: Too many open files" in caplog.text


async def test_a_key_that_everybody_can_read_is_told_of(door, caplog):
    key = door.options.tls_key
    key.chmod(0o644)
    door.listeners.reload(door.options)
    assert f"can read the private key {key}" in caplog.text
