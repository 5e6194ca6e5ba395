"""What was changed lately through the API (ours): who, what, when."""

from mgmt_ui import changes
from mgmt_ui.call import Call
from mgmt_ui.changes import Change
from mgmt_ui.paging import Row


def index(call: Call) -> list[Row]:
    """GET /changes: the newest hundred since the start, `at` in ms; of the user's virtual hosts.

    Monitoring users see those of the whole broker.
    """
    found = changes.recent(call.server)
    if not call.monitoring:
        mine = {vhost.name for vhost in call.visible_vhosts()}
        found = [each for each in found if each.names.get("vhost") in mine]
    return [_row(each) for each in found]


def _row(change: Change) -> Row:
    row = {"at": change.time, "event": change.event, "user": change.user}
    return row | {"names": change.names}
