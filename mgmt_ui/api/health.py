"""Health checks (spec 2.10): 200 with status ok, or 503 with a reason."""

from typing import TYPE_CHECKING

from mgmt_ui import cluster
from mgmt_ui.answer import Answer
from mgmt_ui.api.plugins import check
from mgmt_ui.call import NOT_OPEN, Call
from mgmt_ui.errors import bad_request, not_authorised, not_found
from mgmt_ui.paging import Row
from vhosts import errors

if TYPE_CHECKING:
    from broker.queue import Queue
    from vhosts.vhost import VirtualHost

FULL = "node connection limit is reached"
SINGLE = {"status": "ok", "reason": "single node cluster"}
ALIVENESS = "aliveness-test"
TEST_BODY = b"test_message"
CLASSIC = ("S", "classic")
SECONDS = {"days": 86_400, "weeks": 604_800, "months": 2_592_000, "years": 31_536_000}
# What listeners are called by clients -> what they are called here.
PROTOCOLS = {
    **dict.fromkeys(("amqp", "amqp091", "amqp0.9.1", "amqp0-9-1"), "amqp"),
    **dict.fromkeys(("amqps", "amqp/ssl"), "amqp/ssl"),
}


def ok(**extras: object) -> Answer:
    """All is well."""
    return Answer({"status": "ok", **extras})


def failed(reason: str, **extras: object) -> Answer:
    """It is not, and why."""
    return Answer({"status": "failed", "reason": reason, **extras}, 503)


# -- alarms ------------------------------------------------------------------------------------


def alarms(call: Call) -> Answer:
    """GET /health/checks/alarms: 503 while any alarm is in effect anywhere."""
    return _alarms(call, "There are alarms in effect in the cluster")


def local_alarms(call: Call) -> Answer:
    """GET /health/checks/local-alarms: the same, as there is one node."""
    return _alarms(call, "There are alarms in effect on the node")


def _alarms(call: Call, reason: str) -> Answer:
    node = call.server.node_name
    found = [{"node": node, "resource": resource} for resource in call.server.alarms]
    return failed(reason, alarms=found) if found else ok()


def node(call: Call) -> Answer:
    """GET /healthchecks/node, /healthchecks/node/:node"""
    name = call.server.node_name
    if call.path.get("node", name) != name:
        raise not_found()
    found = [f"{{resource_limit,{resource},{name}}}" for resource in call.server.alarms]
    if found:
        return failed(f"resource alarm(s) in effect:[{','.join(found)}]")
    return ok()


# -- listeners ---------------------------------------------------------------------------------


def port_listener(call: Call) -> Answer:
    """GET /health/checks/port-listener/:port"""
    text = call.path["port"]
    if not (text.isascii() and text.isdigit()):
        raise bad_request("Invalid port")
    port = int(text)
    ports = sorted({listener.port for listener in call.server.listeners})
    if port in ports:
        return ok(port=port)
    return failed("No active listener", missing=port, ports=ports)


def protocol_listener(call: Call) -> Answer:
    """GET /health/checks/protocol-listener/:protocol: one of several, with commas, is enough."""
    wanted = call.path["protocol"].split(",")
    active = list(dict.fromkeys(listener.protocol for listener in call.server.listeners))
    for name in wanted:
        protocol = PROTOCOLS.get(name.lower(), name.lower())
        if protocol in active:
            return ok(protocol=protocol, protocols=active)
    missing = wanted[0] if len(wanted) == 1 else wanted
    return failed("No active listener", missing=missing, protocols=active)


def certificate_expiration(call: Call) -> Answer:
    """GET /health/checks/certificate-expiration/:within/:unit"""
    from mgmt_ui import certificate_files

    within, unit = call.path["within"], call.path["unit"]
    if unit not in SECONDS:
        units = ", ".join(SECONDS)
        raise bad_request(f"Time unit not recognised. Supported units: {units}.")
    if not (within.isascii() and within.isdigit() and len(within) < 9):
        raise bad_request("Invalid expiration value.")
    limit = call.server.clock.now_ms() // 1000 + int(within) * SECONDS[unit]
    expired = certificate_files.expiring(call.server, limit)
    return failed("Certificates expiring", expired=expired) if expired else ok()


# -- virtual hosts and queues ------------------------------------------------------------------


def virtual_hosts(call: Call) -> Answer:
    """GET /health/checks/virtual-hosts"""
    down = sorted(vhost.name for vhost in call.server.vhosts if not vhost.running)
    if down:
        return failed("Some virtual hosts are down", **{"virtual-hosts": down})
    return ok()


def alone(_call: Call) -> Row:
    """GET /health/checks/node-is-quorum-critical, node-is-mirror-sync-critical"""
    return SINGLE


def leaders(call: Call) -> Answer:
    """GET /health/checks/quorum-queues-without-elected-leaders/...: every queue leads itself."""
    if "vhost" in call.path:
        check(call)
    return ok()


def aliveness(call: Call) -> Answer:
    """GET /aliveness-test/:vhost: a message goes through a queue, of which nothing stays."""
    vhost = call.vhost
    try:
        for permission in ("configure", "write", "read"):
            call.authorise(permission, "queue", ALIVENESS)
    except errors.AccessRefused as error:
        raise not_authorised(error.text) from None
    return ok() if _passes(call, vhost) else failed("no message came through")


def _passes(call: Call, vhost: "VirtualHost[Queue]") -> bool:
    from broker.amqp.properties import BasicProperties
    from broker.local_client import LocalClient
    from vhosts.permissions import ANYONE

    client = LocalClient(call.server.context, vhost, call.user, ANYONE)
    # Nobody else sees it: it is gone before anything else happens.
    queue = vhost.declare_queue(
        "", durable=False, owner=client, auto_delete=False, arguments={"x-queue-type": CLASSIC}
    )
    try:
        client.publish("", queue.name, BasicProperties(), TEST_BODY)
        taken = client.take(queue, 1, octets=1)
        client.settle([entry for entry, _ in taken], reject=False)
        return [entry.message.body for entry, _ in taken] == [TEST_BODY]
    finally:
        vhost.delete_exclusive_queues(client)


# -- in service (4.x) --------------------------------------------------------------------------


def in_service(_call: Call) -> Answer:
    """GET /health/checks/is-in-service: what answers here is in service; for anybody."""
    return ok()


def ready(call: Call) -> Answer:
    """GET /health/checks/ready-to-serve-clients: it listens for AMQP, and has room; for anybody."""
    if _is_full(call):
        return failed(FULL)
    if any(listener.protocol.startswith("amqp") for listener in call.server.listeners):
        return ok()
    return failed("No active AMQP listener")


def below_connection_limit(call: Call) -> Answer:
    """GET /health/checks/below-node-connection-limit: that of --connection-max; for anybody."""
    present = _present(call)
    if _is_full(call):
        return failed(FULL, connections=present)
    return ok(connections=present, limit=call.server.vhosts.limits.max_connections or "infinity")


def _present(call: Call) -> int:
    return sum(each.state not in NOT_OPEN for each in call.server.connections)


def _is_full(call: Call) -> bool:
    return 0 < call.server.vhosts.limits.max_connections <= _present(call)


def cluster_size(call: Call) -> Answer:
    """GET /health/checks/reached-target-cluster-size: one of one; for anybody."""
    return ok(online=1, target=1, cluster_name=cluster.name(call.server))


def metadata_store(_call: Call) -> Answer:
    """GET /health/checks/metadata-store/initialized, and /with-data: it was there at the start."""
    return ok()
