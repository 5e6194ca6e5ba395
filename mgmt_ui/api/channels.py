"""Channels as JSON (spec 2.5, 3.4)."""

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from broker.yielding import Breather
from mgmt_ui import counters, machine, sorting
from mgmt_ui.answer import DONE, Answer
from mgmt_ui.api import breakdowns, consumers
from mgmt_ui.auth import Tag, has_tag
from mgmt_ui.call import Call
from mgmt_ui.errors import bad_request, not_authorised, not_found
from mgmt_ui.paging import Listing, Row
from mgmt_ui.references import connection_details, name_of
from mgmt_ui.sorting import Key, Path

if TYPE_CHECKING:
    from broker.channel import Channel
    from broker.connection import Connection

STATE = "running"
MOST_PREFETCH = 65535


async def index(call: Call) -> "Listing[Channel]":
    """GET /channels: all to monitoring users, to others those of their own connections."""
    return await listing(call, call.connections_in_order())


async def index_of_vhost(call: Call) -> "Listing[Channel]":
    """GET /vhosts/:vhost/channels"""
    vhost = call.vhost
    return await listing(
        call, [each for each in call.connections_in_order() if each.vhost is vhost]
    )


async def listing(call: Call, found: "Iterable[Connection]") -> "Listing[Channel]":
    """The open channels of these connections, by number."""
    breather, open_ones = Breather(call.server.clock), []
    for connection in found:
        channels = connection.channels
        numbers = sorted(channels) if len(channels) > 1 else channels
        open_ones += [channels[number] for number in numbers if not channels[number].closing]
        await breather.breathe()

    def key(path: Path) -> Key | None:
        members = _MEMBERS | {"idle_since": call.rates.idle_since}
        return sorting.find(call, path, counters.CHANNEL, members)

    return Listing(open_ones, name_of, partial(describe, call), key=key)


def _unconfirmed(channel: "Channel") -> int:
    return 0 if channel.confirms is None else channel.confirms.unconfirmed


def _uncommitted(channel: "Channel") -> int:
    return 0 if channel.transaction is None else channel.transaction.publishes


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


async def put(call: Call) -> Answer:
    """PUT /channels/:name: the prefetch of its consumers, those that there are and later ones.

    For its owner and for administrators; others get ApiError 401.
    """
    body = await call.body()
    prefetch = body.integer("prefetch")
    if not 0 <= prefetch <= MOST_PREFETCH:
        raise bad_request(f"prefetch is from 0, for none, to {MOST_PREFETCH}")
    channel = _find(call)
    user = channel.connection.user
    if user.name != call.user.name and not has_tag(call.user, Tag.ADMINISTRATOR):
        raise not_authorised("User not authorised to access object")
    consumers_of = channel.consumers.values()
    if not prefetch and any(each.queue.settings.queue_type == "stream" for each in consumers_of):
        raise bad_request("consumers of streams need a prefetch")
    channel.prefetch = prefetch
    for consumer in consumers_of:
        consumer.limit(prefetch)
    call.server.context.turn.schedule()
    return DONE


def _find(call: Call) -> "Channel":
    # As path of a route it has one name; the number is in it.
    name, _, number = call.path["name"].rpartition(" (")
    connection, digits = call.connection_named(name), number.removesuffix(")")
    found = connection.channels.get(int(digits)) if digits.isdecimal() else None
    if found is None or found.closing:
        raise not_found()
    return found


def describe(call: Call, channel: "Channel") -> Row:
    """The channel object of a list."""
    connection, confirms, held = channel.connection, channel.confirms, channel.transaction
    row: Row = {
        "name": name_of(channel),
        "number": channel.number,
        "connection_details": connection_details(connection),
        "vhost": channel.vhost.name,
        "user": connection.user.name,
        "user_who_performed_action": connection.user.name,
        "node": call.server.node_name,
        "state": STATE,
        "confirm": confirms is not None,
        "transactional": held is not None,
        "consumer_count": len(channel.consumers),
        "prefetch_count": channel.prefetch,
        "global_prefetch_count": channel.prefetch_limit,
        "messages_unacknowledged": len(channel.unacked),
        "messages_unconfirmed": _unconfirmed(channel),
        "messages_uncommitted": _uncommitted(channel),
        "acks_uncommitted": 0 if held is None else held.held,
        "pending_raft_commands": 0,
        **machine.PROCESS,
    }
    if (idle := call.rates.idle_since(channel)) is not None:
        row["idle_since"] = idle
    stats = call.details.message_stats(counters.named(counters.CHANNEL, channel), [channel])
    if stats:
        row["message_stats"] = stats
    return row


# Members of the channel object that lists are often sorted by.
_MEMBERS: dict[str, Key] = {
    "name": name_of,
    "number": lambda channel: channel.number,
    "vhost": lambda channel: channel.vhost.name,
    "user": lambda channel: channel.connection.user.name,
    "state": lambda _: STATE,
    "confirm": lambda channel: channel.confirms is not None,
    "transactional": lambda channel: channel.transaction is not None,
    "consumer_count": lambda channel: len(channel.consumers),
    "prefetch_count": lambda channel: channel.prefetch,
    "global_prefetch_count": lambda channel: channel.prefetch_limit,
    "messages_unacknowledged": lambda channel: len(channel.unacked),
    "messages_unconfirmed": _unconfirmed,
    "messages_uncommitted": _uncommitted,
}
