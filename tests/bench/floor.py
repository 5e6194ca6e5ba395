"""`python -m tests.bench.floor`: what synchronous publishing costs without a broker.

Here: a server that says yes to everything, hands on what is published as it came and confirms it,
with or without a synced block for each round of reads.  Not here: AMQP beyond what amqpload's
scenario `sync` says; what a broker makes of it (lines.py).

No broker in one Python process on this machine can be quicker, since this one does next to
nothing: the rest is the load generator, the interpreter's sockets, the kernel and the disk.
"""

import argparse
import os
import select
import socket
import tempfile
from typing import IO, Any

from pamqp import commands, frame, header

BLOCK, BLOCKS = 4096, 256
READ_BYTES = 1 << 16
# The body of `sync`.
BODY_BYTES = 16

Method = Any


class Client:
    """A connection: what was read and not handled yet, and how many messages it published."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = sock
        self.unread = b""
        self.greeted = False
        # Of one publish, in octets; 0 while none came.
        self.size = 0
        self.published = 0


class Floor:
    """The server; `disk` is synced once for all that was read together, unless it is None."""

    def __init__(self, port: int, disk: IO[bytes] | None) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)
        self._clients: dict[int, Client] = {}
        self._consumer: Client | None = None
        self._delivered = 0
        self._disk = disk
        self._block = 0
        if disk is not None:
            disk.write(bytes(BLOCK * BLOCKS))
            disk.flush()
            os.fsync(disk.fileno())

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def serve(self) -> None:
        """Forever."""
        while True:
            published: list[tuple[Client, int]] = []
            for number, _ in self._poll.poll():
                if number == self._listener.fileno():
                    sock, _ = self._listener.accept()
                    self._clients[sock.fileno()] = Client(sock)
                    self._poll.register(sock, select.EPOLLIN)
                elif count := self._read(self._clients[number]):
                    published.append((self._clients[number], count))
            if published:
                self._answer(published)

    def _read(self, client: Client) -> int:
        try:
            data = client.socket.recv(READ_BYTES)
        except ConnectionError:
            data = b""
        if not data:
            self._lose(client)
            return 0
        client.unread += data
        if not client.size:
            self._converse(client)
        if not client.size:
            return 0
        count, rest = divmod(len(client.unread), client.size)
        client.unread = client.unread[len(client.unread) - rest :]
        return count

    def _lose(self, client: Client) -> None:
        del self._clients[client.socket.fileno()]
        client.socket.close()
        if self._consumer is client:
            self._consumer, self._delivered = None, 0

    def _converse(self, client: Client) -> None:
        if not client.greeted:
            client.greeted, client.unread = True, client.unread[8:]
            start = commands.Connection.Start(server_properties={}, mechanisms="PLAIN")
            client.socket.sendall(frame.marshal(start, 0))
        while client.unread:
            octets, channel, method = frame.unmarshal(client.unread)
            if isinstance(method, commands.Basic.Publish):
                client.size = octets + len(_content())
                return
            client.unread = client.unread[octets:]
            if isinstance(method, commands.Basic.Ack):
                continue
            if isinstance(method, commands.Basic.Consume):
                self._consumer = client
            if (reply := _reply(method)) is not None:
                client.socket.sendall(frame.marshal(reply, channel))

    def _answer(self, published: list[tuple[Client, int]]) -> None:
        if self._consumer is not None:
            self._consumer.socket.sendall(
                b"".join(self._delivery() for _, count in published for _ in range(count))
            )
        if self._disk is not None:
            os.pwrite(self._disk.fileno(), b"x" * BLOCK, self._block * BLOCK)
            os.fdatasync(self._disk.fileno())
            self._block = (self._block + 1) % BLOCKS
        for client, count in published:
            client.published += count
            tag = client.published.to_bytes(8, "big")
            multiple = bytes([count > 1])
            client.socket.sendall(b"\1\0\1\0\0\0\r\0\x3c\0\x50" + tag + multiple + b"\xce")

    def _delivery(self) -> bytes:
        self._delivered += 1
        return _DELIVER[0] + self._delivered.to_bytes(8, "big") + _DELIVER[1]


def _reply(method: Method) -> Method | None:
    # By the method that it answers; None where there is no answer.
    replies: dict[type, Method] = {
        commands.Connection.StartOk: commands.Connection.Tune(2047, 131072, 0),
        commands.Connection.Open: commands.Connection.OpenOk(),
        commands.Channel.Open: commands.Channel.OpenOk(),
        commands.Channel.Close: commands.Channel.CloseOk(),
        commands.Confirm.Select: commands.Confirm.SelectOk(),
        commands.Queue.Declare: commands.Queue.DeclareOk("q", 0, 0),
        commands.Queue.Delete: commands.Queue.DeleteOk(0),
        commands.Basic.Qos: commands.Basic.QosOk(),
        commands.Basic.Consume: commands.Basic.ConsumeOk("c"),
    }
    return replies.get(type(method))


def _content() -> bytes:
    properties = commands.Basic.Properties(delivery_mode=2)
    head = frame.marshal(header.ContentHeader(0, BODY_BYTES, properties), 1)
    body = b"\3\0\1" + BODY_BYTES.to_bytes(4, "big") + bytes(BODY_BYTES) + b"\xce"
    return head + body


def _deliver() -> tuple[bytes, bytes]:
    # What stands before and behind the delivery tag.
    method = frame.marshal(commands.Basic.Deliver("c", 0, False, "", "q"), 1)
    return method[:13], method[21:] + _content()


_DELIVER = _deliver()


def main() -> None:
    """The command line; runs until it is killed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.floor")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--sync", action="store_true", help="sync a block for each round of reads")
    parser.add_argument("--directory", help="where the file is that is synced")
    chosen = parser.parse_args()
    with tempfile.TemporaryFile(dir=chosen.directory) as disk:
        floor = Floor(chosen.port, disk if chosen.sync else None)
        print(f"ready port={floor.port} pid={os.getpid()}", flush=True)
        floor.serve()


if __name__ == "__main__":
    main()
