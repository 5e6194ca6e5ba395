"""Channels as JSON (spec 2.5, 3.4)."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from mgmt_ui import counters
from mgmt_ui.api import breakdowns, consumers
from mgmt_ui.call import Call
from mgmt_ui.errors import not_found
from mgmt_ui.paging import Listing, Row

if TYPE_CHECKING:
    from broker.channel import Channel
    from broker.connection import Connection

NO_COLLECTOR = dict.fromkeys(
    (
        *("minor_gcs", "fullsweep_after", "min_heap_size", "min_bin_vheap_size"),
        "max_heap_size",
    ),
    0,
)
"""What an Erlang process says of its heap; strict clients want it, and unsigned."""


def index(call: Call) -> "Listing[Channel]":
    """GET /channels: all to monitoring users, to others those of their own connections."""
    found = sorted(call.visible_connections(), key=lambda c: (c.vhost.name, c.name))
    return listing(call, found)


def index_of_vhost(call: Call) -> "Listing[Channel]":
    """GET /vhosts/:vhost/channels"""
    vhost = call.vhost
    found = [each for each in call.visible_connections() if each.vhost is vhost]
    return listing(call, sorted(found, key=lambda connection: connection.name))


def listing(call: Call, found: "Iterable[Connection]") -> "Listing[Channel]":
    """The open channels of these connections, by number."""
    open_ones = [
        channel
        for connection in found
        for _, channel in sorted(connection.channels.items())
        if not channel.closing
    ]
    return Listing(open_ones, name_of, partial(describe, call))


def name_of(channel: "Channel") -> str:
    """What a channel is called: its connection, and its number in brackets."""
    return f"{channel.connection.name} ({channel.number})"


def show(call: Call) -> Row:
    """GET /channels/:name"""
    channel = _find(call)
    row = describe(call, channel)
    row["consumer_details"] = [
        consumers.describe(call, each) for each in channel.consumers.values()
    ]
    row["publishes"] = breakdowns.publishes(call, channel)
    row["deliveries"] = breakdowns.takings(call, channel)
    return row


def _find(call: Call) -> "Channel":
    # As path of a route it has one name; the number is in it.
    connection, _, number = call.path["name"].rpartition(" (")
    call.path = {**call.path, "name": connection}
    digits = number.removesuffix(")")
    found = call.connection.channels.get(int(digits)) if digits.isdecimal() else None
    if found is None or found.closing:
        raise not_found()
    return found


def describe(call: Call, channel: "Channel") -> Row:
    """The channel object of a list."""
    connection, confirms, held = channel.connection, channel.confirms, channel.transaction
    row: Row = {
        "name": name_of(channel),
        "number": channel.number,
        "connection_details": {
            "name": connection.name,
            "peer_host": connection.peer_host,
            "peer_port": connection.peer_port,
        },
        "vhost": channel.vhost.name,
        "user": connection.user.name,
        "user_who_performed_action": connection.user.name,
        "node": call.server.node_name,
        "state": "running",
        "confirm": confirms is not None,
        "transactional": held is not None,
        "consumer_count": len(channel.consumers),
        "prefetch_count": channel.prefetch,
        "global_prefetch_count": channel.prefetch_limit,
        "messages_unacknowledged": len(channel.unacked),
        "messages_unconfirmed": 0 if confirms is None else confirms.unconfirmed,
        "messages_uncommitted": 0 if held is None else held.publishes,
        "acks_uncommitted": 0 if held is None else held.held,
        "pending_raft_commands": 0,
        "reductions": 0,
        "reductions_details": {"rate": 0.0},
        "garbage_collection": NO_COLLECTOR,
    }
    if (idle := call.rates.idle_since(channel)) is not None:
        row["idle_since"] = idle
    stats = call.details.message_stats(counters.named(counters.CHANNEL, channel), [channel])
    if stats:
        row["message_stats"] = stats
    return row
