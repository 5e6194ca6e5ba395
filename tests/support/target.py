"""What a black-box test runs against: a fresh Leveret, a fresh RabbitMQ, or an address."""

import base64
import json
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from tests.support.broker import Broker
from tests.support.encoding import plain
from tests.support.rabbitmq import RabbitMQ, install
from tests.support.wire import Address, WireClient


class Target:
    """Addresses of the broker under test; `started` says what was started for this run, if so."""

    def __init__(
        self, amqp: Address, http: Address | None, started: Literal["leveret", "rabbitmq"] | None
    ) -> None:
        self.amqp = amqp
        self.http = http
        self.started = started
        self.is_rabbitmq = _is_rabbitmq(amqp)

    @property
    def url(self) -> str:
        """AMQP URL of the default vhost."""
        return f"amqp://guest:guest@{self.amqp}/%2F"

    def api(
        self, method: str, path: str, body: Any = None, user: str = "guest:guest"
    ) -> tuple[int, Any]:
        """A request to the management API: (status, decoded JSON or None)."""
        data = None if body is None else json.dumps(body).encode()
        return self.send(method, path, data, "application/json", user)

    def send(
        self,
        method: str,
        path: str,
        data: bytes | None,
        content_type: str,
        user: str = "guest:guest",
    ) -> tuple[int, Any]:
        """The same with a body as it is."""
        assert self.http is not None, "no HTTP address known"
        request = urllib.request.Request(
            f"http://{self.http}/api/{path}",
            method=method,
            data=data,
            headers={
                "Content-Type": content_type,
                "Authorization": "Basic " + base64.b64encode(user.encode()).decode(),
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, _decoded(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _decoded(error.read())


def _decoded(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return body.decode(errors="replace")


def _is_rabbitmq(address: Address) -> bool:
    """Only the real one runs on Erlang; product and version are the same by default."""
    with WireClient(address) as client:
        properties = plain(client.start().arguments["server_properties"])
    return bool(properties.get("platform", "").startswith("Erlang"))


def path_segment(name: str) -> str:
    """A name as one segment of a URL path."""
    return quote(name, safe="")


class StartedTarget:
    """Starts what the options ask for and ends it again; used as a session fixture."""

    def __init__(self, against: str | None, amqp: str | None, http: str | None) -> None:
        self.against = against
        self.amqp = amqp
        self.http = http
        self.close: Callable[[], object] = lambda: None

    def __enter__(self) -> Target:
        try:
            return self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> Target:
        if self.amqp or (self.against and ":" in self.against):
            return Target(
                _address(self.amqp or self.against or "", 5672),
                _address(self.http, 15672) if self.http else None,
                None,
            )
        if self.against == "rabbitmq":
            install()
            server = RabbitMQ()
            self.close = server.close
            server.start()
            return Target(server.amqp, server.http, "rabbitmq")
        assert self.against in {None, "leveret"}, f"--against what? {self.against}"
        return self._leveret()

    def _leveret(self) -> Target:
        resources = ExitStack()
        self.close = resources.close
        directory = resources.enter_context(tempfile.TemporaryDirectory(prefix="leveret-judged-"))
        broker = resources.enter_context(Broker(Path(directory)))
        return Target(broker.amqp, broker.http, "leveret")

    def __exit__(self, *_: object) -> None:
        self.close()


def _address(text: str, port: int) -> Address:
    """From `amqp://host:port/...`, `http://host:port` or `host:port`."""
    rest = text.partition("://")[2] or text
    host = rest.partition("/")[0].rpartition("@")[2]
    name, _, number = host.rpartition(":")
    return Address(name.strip("[]"), int(number)) if name else Address(host, port)
