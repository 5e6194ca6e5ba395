"""Connections as JSON (spec 3.3)."""

from functools import partial
from typing import TYPE_CHECKING

from mgmt_ui import counters
from mgmt_ui.call import Call
from mgmt_ui.fields import plain
from mgmt_ui.paging import Listing, Row

if TYPE_CHECKING:
    from broker.connection import Connection

OCTETS = tuple(counters.CONNECTION_OCTETS)
NO_TLS = dict.fromkeys(
    (
        *("ssl_protocol", "ssl_cipher", "ssl_hash", "ssl_key_exchange"),
        *("peer_cert_subject", "peer_cert_issuer", "peer_cert_validity"),
    )
)


def index(call: Call) -> "Listing[Connection]":
    """GET /connections: all to monitoring users, to others their own."""
    found = sorted(call.visible_connections(), key=lambda c: (c.vhost.name, c.name))
    return Listing(found, lambda connection: connection.name, partial(describe, call))


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
        "protocol": "AMQP 0-9-1",
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
        "ssl": connection.tls is not None,
        **_tls(connection),
        **counters.connection_octets(connection),
    }
    call.rates.add_details(row, connection, OCTETS)
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
