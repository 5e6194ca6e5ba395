"""What the broker says of itself: names and versions, and where it listens (spec 0, 2.1, 3.1).

Shared by the overview, the nodes and the metrics.
"""

import platform
from typing import TYPE_CHECKING, Any

from broker import __version__
from broker.listeners import BACKLOG
from exchanges.registry import EXCHANGE_TYPES
from vhosts.parameters import CLUSTER_ID, CLUSTER_NAME

if TYPE_CHECKING:
    from mgmt_ui.server import Listener, Server

Row = dict[str, Any]
PRODUCT = "Leveret"
PRODUCT_VERSION = __version__
RUNTIME = "n/a"
"""For clients that insist on a version of Erlang; what runs here is none."""
FULL_RUNTIME = f"{platform.python_implementation()} {platform.python_version()}"
DESCRIPTIONS = {
    name: f"AMQP {name} exchange, as per the AMQP specification"
    for name in ("direct", "fanout", "headers", "topic")
} | {
    "x-consistent-hash": "Spreads over what is bound, equal hashes to the same place",
    "x-delayed-message": "Keeps messages back for as long as their x-delay says",
    "x-local-random": "Picks one of the bound queues at random",
    "x-message-deduplication": "Drops messages that were there before",
    "x-modulus-hash": "Picks one of what is bound by the hash of the routing key",
    "x-random": "Picks one of what is bound at random",
    "x-recent-history": "Gives the newest messages to what is bound later",
}
WEB = frozenset({"http", "https"})


def name(server: "Server") -> str:
    """The cluster's name: that of the node, unless it was given one."""
    return str(server.vhosts.parameters.globals.get(CLUSTER_NAME) or server.node_name)


def permanent_id(server: "Server") -> str:
    """What the cluster is known by even under another name."""
    return str(server.vhosts.parameters.globals.get(CLUSTER_ID))


def rename(server: "Server", new: str) -> None:
    """Gives the cluster a name, which clients that connect are told."""
    server.vhosts.parameters.globals.set(CLUSTER_NAME, new)
    server.context.identity.rename(new)


def exchange_types() -> list[Row]:
    """What exchanges there may be."""
    return [
        {"name": each, "description": DESCRIPTIONS.get(each, ""), "enabled": True}
        for each in sorted(EXCHANGE_TYPES)
    ]


def contexts(server: "Server", *, with_node: bool) -> list[Row]:
    """The web listeners."""
    node: Row = {"node": server.node_name} if with_node else {}
    return [node | _context(each) for each in server.listeners if each.protocol in WEB]


def _context(listener: "Listener") -> Row:
    return {
        "description": f"{PRODUCT} management",
        "path": "/",
        "ip": listener.address,
        "port": str(listener.port),
        "ssl_opts": [],
        "cowboy_opts": "[]",
    }


def listeners(server: "Server") -> list[Row]:
    """All listeners."""
    return [
        {
            "node": server.node_name,
            "protocol": listener.protocol,
            "ip_address": listener.address,
            "port": listener.port,
            "socket_opts": _socket_options(listener),
        }
        for listener in server.listeners
    ]


def _socket_options(listener: "Listener") -> Row:
    if listener.protocol in WEB:
        return {"ip": listener.address, "port": listener.port}
    return {"backlog": BACKLOG, "nodelay": True}
