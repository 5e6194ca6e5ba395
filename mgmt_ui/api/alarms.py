"""Alarms: which are on, and those that an operator sets by hand (ours).

An alarm that is set by hand holds up publishers as a measured one does, until it is cleared or
the broker stops: for maintenance, and to see what clients do.
"""

from broker.alarms import RESOURCES
from mgmt_ui.answer import DONE, Answer, created
from mgmt_ui.call import Call
from mgmt_ui.errors import bad_request, not_found
from mgmt_ui.paging import Listing, Row


def index(call: Call) -> Listing[str]:
    """GET /alarms: those in effect; `by_hand` says whether an operator has set one."""
    server = call.server

    def describe(resource: str) -> Row:
        by_hand = resource in server.context.alarms.by_hand
        return {"node": server.node_name, "resource": resource, "by_hand": by_hand}

    return Listing(list(server.alarms), str, describe)


async def put(call: Call) -> Answer:
    """PUT /alarms/:resource: set one by hand, for `memory` or `disk`."""
    await call.body()
    resource = call.path["resource"]
    if resource not in RESOURCES:
        raise bad_request(f"there is no alarm for '{resource}': it is {' or '.join(RESOURCES)}")
    alarms = call.server.context.alarms
    new = resource not in alarms.by_hand
    alarms.set_by_hand(resource)
    return created(new)


def delete(call: Call) -> Answer:
    """DELETE /alarms/:resource: clear what was set by hand. A resource that is low stays so."""
    alarms = call.server.context.alarms
    if call.path["resource"] not in alarms.by_hand:
        raise not_found()
    alarms.clear_by_hand(call.path["resource"])
    return DONE
