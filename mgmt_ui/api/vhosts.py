"""Virtual hosts: made, changed, deleted, taken down and up again (spec 2.3, 3.10)."""

from functools import partial
from typing import TYPE_CHECKING, Any

from mgmt_ui import counters, terms
from mgmt_ui.answer import DONE, Answer, created
from mgmt_ui.api import connections
from mgmt_ui.call import Call
from mgmt_ui.errors import ApiError, bad_request
from mgmt_ui.paging import Listing, Row

if TYPE_CHECKING:
    from broker.connection import Connection
    from broker.queue import Queue
    from vhosts.vhost import VirtualHost

ALL = ".*"


def index(call: Call) -> "Listing[VirtualHost[Queue]]":
    """GET /vhosts: all to monitoring users, to others those that they may enter."""
    return Listing(call.known_vhosts(), lambda vhost: vhost.name, partial(describe, call))


def show(call: Call) -> Row:
    """GET /vhosts/:vhost"""
    return describe(call, call.any_vhost)


def describe(call: Call, vhost: "VirtualHost[Queue]") -> Row:
    """The virtual host object; counts of messages only where there are queues."""
    said = {
        "description": vhost.description,
        "tags": list(vhost.tags),
        "default_queue_type": vhost.default_queue_type,
    }
    row: Row = {
        "name": vhost.name,
        **said,
        "metadata": said,
        "tracing": vhost.tracing,
        "protected_from_deletion": vhost.protected,
        "cluster_state": {call.server.node_name: "running" if vhost.running else "stopped"},
    }
    if vhost.statistics.queue_created or vhost.queues:
        row |= dict(zip(counters.LENGTHS, call.rates.lengths([vhost]), strict=True))
    if vhost.statistics.connection_created:
        sums = counters.octets(call.server.connections, vhost)
        row |= dict(zip(counters.OCTETS, sums, strict=True))
    call.details.add(row, [vhost], (*counters.LENGTHS, *counters.OCTETS))
    stats = call.details.message_stats(counters.named(counters.MESSAGES, vhost), [vhost])
    if stats:
        row["message_stats"] = stats
    return row


async def put(call: Call) -> Answer:
    """PUT /vhosts/:vhost: replaces all that is said of it; who makes one may do all in it."""
    name, body, vhosts = call.path["vhost"], await call.body(), call.server.vhosts
    terms.check_name(name)
    said: dict[str, Any] = {
        "description": body.string("description", ""),
        "tags": terms.tags_of(body.get("tags", "")),
        # As 4.x lists those that have no type of their own, and definitions name them.
        "default_queue_type": _queue_type(body.get("default_queue_type")),
    }
    tracing = body.boolean("tracing") if "tracing" in body else None
    protection = "protected_from_deletion"
    protected = body.boolean(protection) if protection in body else None
    new = vhosts.get(name) is None
    if new:
        said |= {"tracing": bool(tracing), "protected": bool(protected)}
        vhosts.create(name, **said, creator=call.user.name)
        vhosts.permissions.set(call.user.name, name, ALL, ALL, ALL)
    else:
        vhosts.update(name, **said, tracing=tracing, protected=protected)
    await call.stored()
    return created(new)


def _queue_type(value: Any) -> str:
    return "classic" if value in (None, "", "undefined") else str(value)


async def delete(call: Call) -> Answer:
    """DELETE /vhosts/:vhost: with all that is in it; 412 where it is protected."""
    vhost = call.any_vhost
    if vhost.protected:
        text = f"Cannot delete this virtual host: '{vhost.name}' is protected from deletion"
        raise ApiError(412, "precondition_failed", text)
    if not await call.server.delete_vhost(vhost.name):
        raise ApiError(503, "service_unavailable", "the disk does not take writes")
    await call.stored()
    return DONE


async def protect(call: Call) -> Answer:
    """POST /vhosts/:vhost/deletion/protection"""
    return await _protect(call, True)


async def unprotect(call: Call) -> Answer:
    """DELETE /vhosts/:vhost/deletion/protection"""
    return await _protect(call, False)


async def _protect(call: Call, protected: bool) -> Answer:
    vhost = call.any_vhost
    call.server.vhosts.update(
        vhost.name,
        description=vhost.description,
        tags=vhost.tags,
        default_queue_type=vhost.default_queue_type,
        protected=protected,
    )
    await call.stored()
    return DONE


async def start(call: Call) -> Answer:
    """POST /vhosts/:vhost/start/:node: brings up one that is down."""
    _check_node(call)
    if not await call.server.start_vhost(call.any_vhost.name):
        vhost = call.any_vhost
        text = f"vhost '{vhost.name}' cannot be recovered: {vhost.trouble or 'it was stopped'}"
        raise ApiError(503, "service_unavailable", text)
    return DONE


async def stop(call: Call) -> Answer:
    """POST /vhosts/:vhost/stop/:node: takes it down until it is started, or the broker is."""
    _check_node(call)
    await call.server.stop_vhost(call.any_vhost.name)
    return DONE


def _check_node(call: Call) -> None:
    node = call.path["node"]
    if node != call.server.node_name:
        raise bad_request(f"Request to node {node} failed with nodedown")


def connections_of(call: Call) -> "Listing[Connection]":
    """GET /vhosts/:vhost/connections: all to monitoring users, to others their own."""
    name = call.vhost.name
    found = [each for each in call.connections_in_order() if each.vhost.name == name]
    return connections.listing(call, found)
