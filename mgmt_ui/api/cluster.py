"""The cluster as a whole: its name, its version, what it can do (spec 2.1, 3.15)."""

from mgmt_ui import cluster
from mgmt_ui.answer import DONE, Answer
from mgmt_ui.call import Call
from mgmt_ui.errors import ApiError, bad_request, not_found
from mgmt_ui.paging import Row

FLAG_PAGES = "https://www.rabbitmq.com/docs/feature-flags"
# Name -> what it means: those that clients look for before they use what it stands for.
FEATURE_FLAGS = {
    "classic_mirrored_queue_version": "The version of a mirrored queue can be set",
    "classic_queue_type_delivery_support": "Classic queues deliver as the other types do",
    "direct_exchange_routing_v2": "Direct exchanges look bindings up in an index",
    "drop_unroutable_metric": "Publishes that are dropped as unroutable are counted",
    "empty_basic_get_metric": "basic.get of empty queues is counted",
    "feature_flags_v2": "The second way of handling feature flags",
    "implicit_default_bindings": "The default exchange needs no bindings",
    "listener_records_in_ets": "Every node knows all listeners",
    "maintenance_mode_status": "Nodes tell whether they are in maintenance",
    "message_containers": "Messages stay in the form in which they came",
    "quorum_queue": "Queues of type quorum",
    "restart_streams": "Streams can be restarted",
    "stream_filtering": "Streams can be read through a filter",
    "stream_queue": "Queues of type stream",
    "stream_single_active_consumer": "Streams can have a single active consumer",
    "tracking_records_in_ets": "Connections are counted by virtual host and user",
    "user_limits": "Users can have limits of connections and channels",
    "virtual_host_metadata": "Virtual hosts have a description and tags",
}


def show_name(call: Call) -> Row:
    """GET /cluster-name"""
    return {"name": cluster.name(call.server)}


async def put_name(call: Call) -> Answer:
    """PUT /cluster-name: clients that connect from now on are told it."""
    body = await call.body()
    cluster.rename(call.server, body.string("name"))
    await call.stored()
    return DONE


def version(call: Call) -> str:
    """GET /version: that of RabbitMQ which clients are told, for anybody."""
    return call.server.options.compat_version


def extensions(_call: Call) -> list[Row]:
    """GET /extensions: what the stock console would load."""
    return [{"javascript": "dispatcher.js"}]


def feature_flags(_call: Call) -> list[Row]:
    """GET /feature-flags: all there are are enabled, always."""
    return [
        {
            "name": name,
            "desc": text,
            "doc_url": FLAG_PAGES,
            "state": "enabled",
            "stability": "required",
            "provided_by": "rabbit",
        }
        for name, text in sorted(FEATURE_FLAGS.items())
    ]


async def enable_flag(call: Call) -> Answer:
    """PUT /feature-flags/:name/enable"""
    if call.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ApiError(415)
    await call.body()
    if call.path["name"] not in FEATURE_FLAGS:
        raise bad_request("unsupported")
    return DONE


def reset(call: Call) -> Answer:
    """DELETE /reset, /reset/:node: samples begin anew, counters and data stay."""
    if call.path.get("node", call.server.node_name) != call.server.node_name:
        raise not_found()
    call.rates.reset()
    return DONE


async def rebalance(call: Call) -> Answer:
    """POST /rebalance/queues: where all leaders are on one node, they are where they belong."""
    await call.body()
    return DONE
