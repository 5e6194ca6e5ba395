"""Connections and channels as other objects refer to them: short, and always in the same words.

The objects themselves, whole, are in api/.
"""

from typing import TYPE_CHECKING

from mgmt_ui.paging import Row

if TYPE_CHECKING:
    from broker.channel import Channel
    from broker.connection import Connection
    from mgmt_ui.call import Call


def name_of(channel: "Channel") -> str:
    """What a channel is called: its connection, and its number in brackets."""
    return f"{channel.connection.name} ({channel.number})"


def connection_details(connection: "Connection") -> Row:
    """Which connection, as a channel or an exclusive queue tells that belongs to it."""
    return {
        "name": connection.name,
        "peer_host": connection.peer_host,
        "peer_port": connection.peer_port,
    }


def channel_details(call: "Call", channel: "Channel") -> Row:
    """Which channel of which connection, as every object tells it that belongs to one."""
    connection = channel.connection
    return {
        "connection_name": connection.name,
        "name": name_of(channel),
        "node": call.server.node_name,
        "number": channel.number,
        "peer_host": connection.peer_host,
        "peer_port": connection.peer_port,
        "user": connection.user.name,
    }
