"""Connections as JSON, and their end by an administrator (spec 2.5, 3.3)."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from mgmt_ui import counters, sorting
from mgmt_ui.answer import DONE, Answer
from mgmt_ui.api import channels
from mgmt_ui.auth import Tag, has_tag
from mgmt_ui.call import NOT_OPEN, Call
from mgmt_ui.errors import not_authorised
from mgmt_ui.fields import plain
from mgmt_ui.machine import GARBAGE_COLLECTION
from mgmt_ui.paging import Listing, Row
from mgmt_ui.sorting import Key, Path

if TYPE_CHECKING:
    from broker.channel import Channel
    from broker.connection import Connection

NO_TLS = dict.fromkeys(
    (
        *("ssl_protocol", "ssl_cipher", "ssl_hash", "ssl_key_exchange"),
        *("peer_cert_subject", "peer_cert_issuer", "peer_cert_validity"),
    )
)
PROTOCOL = "AMQP 0-9-1"
REASON = "Closed via management plugin"


def index(call: Call) -> "Listing[Connection]":
    """GET /connections: all to monitoring users, to others their own."""
    return listing(call, call.connections_in_order())


def listing(call: Call, found: "Sequence[Connection]") -> "Listing[Connection]":
    """These connections, in this order."""

    def key(path: Path) -> Key | None:
        return sorting.find(call, path, counters.CONNECTION, _MEMBERS)

    return Listing(found, lambda connection: connection.name, partial(describe, call), key=key)


# Members of the connection object that lists are often sorted by.
_MEMBERS: dict[str, Key] = {
    "name": lambda connection: connection.name,
    "vhost": lambda connection: connection.vhost.name,
    "user": lambda connection: connection.user.name,
    "state": lambda connection: connection.state,
    "protocol": lambda _: PROTOCOL,
    "ssl": lambda connection: connection.tls is not None,
    "auth_mechanism": lambda connection: connection.mechanism,
    "host": lambda connection: connection.host,
    "port": lambda connection: connection.port,
    "peer_host": lambda connection: connection.peer_host,
    "peer_port": lambda connection: connection.peer_port,
    "channels": lambda connection: len(connection.channels),
    "channel_max": lambda connection: connection.channel_max,
    "frame_max": lambda connection: connection.frame_max,
    "timeout": lambda connection: connection.heartbeat,
    "connected_at": lambda connection: connection.connected_at,
    "send_pend": lambda connection: connection.unsent_bytes,
    "recv_cnt": lambda connection: connection.reads,
    "send_cnt": lambda connection: connection.writes,
}


def show(call: Call) -> Row:
    """GET /connections/:name: says of TLS "" where the list says null."""
    row = describe(call, call.connection)
    return row | {name: "" for name in NO_TLS if row[name] is None}


def delete(call: Call) -> Answer:
    """DELETE /connections/:name: the client is told the X-Reason."""
    connection = call.connection
    _check_may_close(call, connection.user.name)
    connection.force_close(_reason(call))
    return DONE


def index_of_user(call: Call) -> list[Row]:
    """GET /connections/username/:user: no more of each than who and where; nothing of others."""
    return [
        {
            "name": connection.name,
            "vhost": connection.vhost.name,
            "user": connection.user.name,
            "node": call.server.node_name,
        }
        for connection in call.visible_connections()
        if connection.user.name == call.path["user"]
    ]


def delete_of_user(call: Call) -> Answer:
    """DELETE /connections/username/:user: fine where there are none."""
    user = call.path["user"]
    _check_may_close(call, user)
    for connection in list(call.server.connections):
        if connection.state not in NOT_OPEN and connection.user.name == user:
            connection.force_close(_reason(call))
    return DONE


async def channels_of(call: Call) -> "Listing[Channel]":
    """GET /connections/:name/channels"""
    return await channels.listing(call, [call.connection])


def sessions(call: Call) -> list[Row]:
    """GET /connections/:name/sessions: AMQP 1.0 has them, 0-9-1 does not."""
    describe(call, call.connection)  # 404 where there is none
    return []


def _check_may_close(call: Call, user: str) -> None:
    if user != call.user.name and not has_tag(call.user, Tag.ADMINISTRATOR):
        raise not_authorised("User not authorised to access object")


def _reason(call: Call) -> str:
    return call.headers.get("x-reason") or call.headers.get("X-Reason") or REASON


def describe(call: Call, connection: "Connection") -> Row:
    """The connection object."""
    properties = plain(connection.client_properties)
    row: Row = {
        "name": connection.name,
        "vhost": connection.vhost.name,
        "user": connection.user.name,
        "user_who_performed_action": connection.user.name,
        "node": call.server.node_name,
        "state": connection.state,
        "protocol": PROTOCOL,
        "auth_mechanism": connection.mechanism,
        "type": "network",
        "host": connection.host,
        "port": connection.port,
        "peer_host": connection.peer_host,
        "peer_port": connection.peer_port,
        "channels": len(connection.channels),
        "channel_max": connection.channel_max,
        "frame_max": connection.frame_max,
        "timeout": connection.heartbeat,
        "connected_at": connection.connected_at,
        "client_properties": properties,
        "recv_cnt": connection.reads,
        "send_cnt": connection.writes,
        "send_pend": connection.unsent_bytes,
        "reductions": 0,
        "garbage_collection": GARBAGE_COLLECTION,
        "ssl": connection.tls is not None,
        **_tls(connection),
        **counters.named(counters.CONNECTION, connection),
    }
    call.details.add(row, [connection], (*counters.OCTETS, "reductions"))
    name = properties.get("connection_name")
    if isinstance(name, str):
        row["user_provided_name"] = name
    return row


def _tls(connection: "Connection") -> Row:
    tls = connection.tls
    if tls is None:
        return NO_TLS
    row = {
        "ssl_protocol": tls.protocol,
        "ssl_cipher": tls.cipher,
        "ssl_hash": tls.hash,
        "ssl_key_exchange": tls.key_exchange,
    }
    if tls.certificate is not None:
        row |= {
            "peer_cert_subject": tls.certificate.subject,
            "peer_cert_issuer": tls.certificate.issuer,
            "peer_cert_validity": tls.certificate.validity,
        }
    return NO_TLS | row
