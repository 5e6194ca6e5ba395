"""A whole broker in memory behind the HTTP application: for what changes something.

`LiveServer` is `mgmt_ui.server.Server` on top of `tests.support.engine.Engine`; lists and fields
that need no engine are tested with the fakes of fakes.py.
"""

import io
import json
from collections.abc import Awaitable, Callable
from typing import Any, cast

from aiohttp import ClientResponse
from yarl import URL

from broker.options import Options
from mgmt_ui.server import Listener, Server
from tests.support.engine import Client, Engine
from tests.unit.mgmt_ui.fakes import NODE, basic
from vhosts.vhost import VirtualHost


class LiveServer:
    """The engine, seen by the management plane. `disk` False: no change reaches the disk."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.options = Options()
        self.node_name = NODE
        self.listeners: list[Listener] = []
        self.alarms: list[str] = []
        self.disk = True
        # How often somebody waited until all changes were stored.
        self.waited = 0

    @property
    def as_server(self) -> Server:
        return cast(Server, self)

    @property
    def clock(self) -> Any:
        return self.engine.clock

    @property
    def vhosts(self) -> Any:
        return self.engine.vhosts

    @property
    def context(self) -> Any:
        return self.engine.context

    @property
    def connections(self) -> Any:
        return self.engine.context.connections

    @property
    def vhost(self) -> VirtualHost[Any]:
        """The virtual host `/`."""
        return self.engine.vhost

    async def delete_vhost(self, name: str) -> bool:
        """All at once."""
        self.vhosts.delete(name)
        return self.disk

    async def stored(self) -> bool:
        """As a commit: what was due meanwhile has happened."""
        self.waited += 1
        self.engine.disk.after(lambda: None)
        self.engine.turn.schedule()
        self.engine.run()
        return self.disk

    def connect(self) -> Client:
        """An AMQP client with channel 1 open."""
        return self.engine.connect()

    def add_user(self, name: str, *tags: str, permissions: tuple[str, str, str] | None) -> None:
        """The password is the name; `permissions` in `/`: configure, write, read."""
        self.vhosts.users.add(name, name, tags)
        if permissions is not None:
            self.vhosts.permissions.set(name, "/", *permissions)


Http = Callable[..., Awaitable[Any]]


def asker(session: Any, root: str) -> Http:
    """`await http("PUT", "queues/%2F/q", {...}, expect=201)`: the JSON or None of an answer.

    Paths are below `/api/` and sent as they are; `expect` is the status that it must have, and
    `user` who asks. With `whole` the response itself is given.
    """

    async def http(
        method: str,
        path: str,
        body: Any = None,
        expect: int = 200,
        *,
        user: str = "guest",
        whole: bool = False,
        **options: Any,
    ) -> Any:
        url = URL(f"{root}/api/{path}", encoded=True)
        headers = basic(user) | options.pop("headers", {})
        if body is not None:
            # As a file, since it may be long.
            options["data"] = io.BytesIO(json.dumps(body).encode())
        response: ClientResponse = await session.request(method, url, headers=headers, **options)
        text = await response.text()
        assert response.status == expect, (response.status, text)
        if whole:
            return response
        return await response.json() if text else None

    return http
