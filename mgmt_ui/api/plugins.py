"""Paths of RabbitMQ's plug-ins that tools probe (spec 2.11): there is nothing to be found."""

from typing import TYPE_CHECKING, Any

from mgmt_ui.call import Call
from mgmt_ui.errors import not_found
from mgmt_ui.paging import Row

if TYPE_CHECKING:
    from broker.queue import Queue
    from vhosts.vhost import VirtualHost


def nothing(call: Call) -> list[Any]:
    """An empty list; of a virtual host for those who may look into it."""
    if "vhost" in call.path and not call.monitoring:
        check(call)
    elif "vhost" in call.path and call.server.vhosts.get(call.path["vhost"]) is None:
        raise not_found()
    return []


def check(call: Call) -> "VirtualHost[Queue]":
    """The virtual host that the path names; ApiError 401 or 404."""
    return call.vhost


def missing(call: Call) -> None:
    """404: there are none that a name could stand for."""
    if "vhost" in call.path:
        check(call)
    raise not_found()


def top(call: Call) -> Row:
    """GET /top/:node, /top/ets/:node: nothing here is a process or a table of its own."""
    if call.path["node"] != call.server.node_name:
        raise not_found()
    return {"node": call.server.node_name, "row_count": 0, "processes": [], "tables": []}
