"""Health checks (spec 2.10)."""

from mgmt_ui.answer import Answer
from mgmt_ui.call import Call


def alarms(call: Call) -> Answer:
    """GET /health/checks/alarms: 503 while any alarm is in effect anywhere."""
    node = call.server.node_name
    found = [{"node": node, "resource": resource} for resource in call.server.alarms]
    if not found:
        return Answer({"status": "ok"})
    reason = "There are alarms in effect in the cluster"
    return Answer({"status": "failed", "reason": reason, "alarms": found}, 503)
