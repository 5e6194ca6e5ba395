"""Definitions imported over HTTP, on a whole broker in memory."""

from mgmt_ui.api import definitions
from tests.unit.mgmt_ui.live import Http, LiveServer


async def test_an_import_does_not_run_ahead_of_the_disk(http: Http, live: LiveServer):
    count = 3 * definitions.COMMITTED
    queues = [
        {"name": f"q{number}", "durable": True, "auto_delete": False, "arguments": {}}
        for number in range(count)
    ]
    commits, waited = live.engine.disk.commits, live.waited
    await http("POST", "definitions/%2F", {"queues": queues}, 204)
    assert len(live.vhost.queues) == count
    assert live.waited - waited == 3 + 1
    assert live.engine.disk.commits - commits >= 3


async def test_an_import_ends_where_the_disk_refuses(http: Http, live: LiveServer):
    live.disk = False
    names = range(2 * definitions.COMMITTED)
    exchanges = [
        {
            "name": f"x{number}",
            "type": "fanout",
            "durable": True,
            "auto_delete": False,
            "internal": False,
            "arguments": {},
        }
        for number in names
    ]
    refused = await http("POST", "definitions/%2F", {"exchanges": exchanges}, 503)
    assert refused["error"] == "service_unavailable"
    assert f"x{names[-1]}" not in live.vhost.exchanges
