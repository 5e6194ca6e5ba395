"""A small broker for the management plane to look at: real users and permissions, fake engine."""

import base64
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

from broker.ages import Ages
from broker.handshake import Limits as Offered
from broker.handshake import ServerIdentity
from broker.logins import Logins
from broker.options import Options
from broker.tally import Tally
from mgmt_ui.server import Listener, Server
from tests.support.clock import VirtualClock
from vhosts.limits import Limits
from vhosts.parameters import Parameters
from vhosts.permissions import Permissions
from vhosts.policies import Policies
from vhosts.statistics import Statistics
from vhosts.users import Users

NODE = "rabbit@test"
COUNTED = (
    *("published", "delivered", "delivered_no_ack", "redelivered", "acked"),
    *("got", "got_no_ack", "get_empty", "disk_reads", "disk_writes"),
)
"""The counters of a queue."""


class Fake(SimpleNamespace):
    """Told apart by identity, as what it stands for."""

    __hash__ = object.__hash__  # type: ignore[assignment]
    __eq__ = object.__eq__


class Forgetful:
    """A store that keeps nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


class FakeVhosts(dict[str, Any]):
    """The registry of virtual hosts, with its users and permissions."""

    def __init__(self) -> None:
        super().__init__()
        self.users = Users(Forgetful())
        self.permissions = Permissions(Forgetful(), lambda vhost: None)
        self.limits = Limits(Forgetful())
        self.parameters = Parameters(Forgetful(), self)

    def set_limits(self, name: str, values: Any) -> None:
        self.limits.set_vhost(name, values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values())

    def totals(self) -> Statistics:
        return Statistics.sum(vhost.statistics for vhost in self)


class FakeServer:
    """Implements `mgmt_ui.server.Server`. User `guest` may everything in vhost `/`."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.options = Options()
        self.node_name = NODE
        self.vhosts = FakeVhosts()
        self.connections: list[Any] = []
        self.listeners = [Listener("amqp", "127.0.0.1", 5672), Listener("http", "::1", 15672)]
        self.alarms: list[str] = []
        self.context = SimpleNamespace(
            limits=Offered(),
            logins=Logins(self.clock),
            keeper=None,
            tally=Tally(),
            identity=ServerIdentity(NODE),
        )
        self.add_user("guest", "administrator")
        self.add_vhost("/", "guest")

    @property
    def as_server(self) -> Server:
        return cast(Server, self)

    async def stored(self) -> bool:
        """Nothing has to be kept here."""
        return True

    def add_user(self, name: str, *tags: str) -> None:
        """The password is the name."""
        self.vhosts.users.add(name, name, tags)

    def add_vhost(self, name: str, *users: str) -> SimpleNamespace:
        nothing: tuple[Any, ...] = (lambda *_: None,) * 2 + (lambda: None,)
        vhost = SimpleNamespace(
            name=name,
            queues={},
            exchanges={},
            running=True,
            statistics=Statistics(),
            commit=SimpleNamespace(done=0, sequence=0),
            policies=Policies(*nothing),
            operator_policies=Policies(*nothing, operator=True),
        )
        self.vhosts[name] = vhost
        for user in users:
            self.vhosts.permissions.set(user, name, ".*", ".*", ".*")
        return vhost

    def add_queue(self, name: str, vhost: str = "/", **overrides: Any) -> SimpleNamespace:
        queue = Fake(
            **{
                "name": name,
                "vhost": self.vhosts[vhost],
                "durable": True,
                "auto_delete": False,
                "owner": None,
                "creator": "ann",
                "active_consumer": None,
                "arguments": {},
                "incoming": None,
                "policy": None,
                "operator_policy": None,
                "effective_policy": {},
                "settings": SimpleNamespace(queue_type="classic"),
                "consumers": [],
                "consumer_count": 0,
                "message_count": 0,
                "ready_bytes": 0,
                "unacked": 0,
                **dict.fromkeys(COUNTED, 0),
                "stores_all": True,
                "ready": SimpleNamespace(peek=lambda: None, on_disk=lambda: (0, 0)),
                "paused": False,
                "ages": Ages(0),
                "next_position": 0,
                "frontiers": list,
            }
            | overrides
        )
        self.vhosts[vhost].queues[name] = queue
        return queue

    def add_exchange(self, name: str, vhost: str = "/", **overrides: Any) -> SimpleNamespace:
        exchange = SimpleNamespace(
            creator="ann",
            **{
                "name": name,
                "type": "direct",
                "durable": True,
                "auto_delete": False,
                "internal": False,
                "arguments": {},
                "policy": None,
                "publish_in": 0,
                "publish_out": 0,
                "messages_delayed": None,
            }
            | overrides,
        )
        self.vhosts[vhost].exchanges[name] = exchange
        return exchange

    def add_connection(
        self, user: str = "guest", vhost: str = "/", port: int = 40000, **overrides: Any
    ) -> SimpleNamespace:
        connection = SimpleNamespace(
            **{
                "name": f"127.0.0.1:{port} -> 127.0.0.1:5672",
                "user": self.vhosts.users.get(user),
                "vhost": self.vhosts[vhost],
                "state": "running",
                "mechanism": "PLAIN",
                "tls": None,
                "host": "127.0.0.1",
                "port": 5672,
                "peer_host": "127.0.0.1",
                "peer_port": port,
                "channels": {},
                "channel_max": 2047,
                "frame_max": 131072,
                "heartbeat": 60,
                "connected_at": 1_700_000_000_000,
                "client_properties": {},
                "received_bytes": 100,
                "sent_bytes": 200,
                "reads": 3,
                "writes": 4,
                "unsent_bytes": 0,
            }
            | overrides
        )
        self.connections.append(connection)
        return connection


def basic(user: str = "guest", password: str | None = None) -> dict[str, str]:
    """The header of a login; the password is the name unless given."""
    credentials = f"{user}:{user if password is None else password}".encode()
    return {"authorization": "Basic " + base64.b64encode(credentials).decode()}
