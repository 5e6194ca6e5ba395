"""What was changed lately through the API."""

from mgmt_ui.changes import KEPT
from tests.unit.mgmt_ui.live import Http, LiveServer


async def test_changes_are_listed_newest_first(http: Http, live: LiveServer):
    await http("PUT", "queues/%2F/q", {"durable": True}, 201)
    live.engine.advance(5)
    await http("PUT", "users/ann", {"password": "sesame", "tags": ""}, 201)
    newest, before = await http("GET", "changes")
    assert (newest["event"], newest["user"], newest["names"]) == (
        "user.changed",
        "guest",
        {"target": "ann"},
    )
    assert before["names"] == {"vhost": "/", "name": "q"}
    assert newest["at"] - before["at"] == 5000


async def test_refusals_looks_and_messages_are_none(http: Http, live: LiveServer):
    await http("PUT", "queues/%2F/q", {"arguments": {"x-max-length": "many"}}, 400)
    await http("POST", "exchanges/%2F/amq.topic/route", {"routing_key": "a"}, 200)
    await http("GET", "overview")
    assert await http("GET", "changes") == []


async def test_others_see_those_of_their_virtual_hosts(http: Http, live: LiveServer):
    live.add_user("reader", "management", permissions=("^$", ".*", ".*"))
    await http("PUT", "vhosts/other", {}, 201)
    await http("PUT", "users/ann", {"password": "sesame", "tags": ""}, 201)
    await http("PUT", "queues/%2F/q", {}, 201)
    (seen,) = await http("GET", "changes", user="reader")
    assert seen["event"] == "queue.declared"


async def test_the_oldest_make_room(http: Http, live: LiveServer):
    for number in range(KEPT + 5):
        await http("PUT", f"queues/%2F/q{number}", {}, 201)
    found = await http("GET", "changes")
    assert len(found) == KEPT
    assert found[0]["names"]["name"] == f"q{KEPT + 4}"


async def test_what_is_only_counted_is_none(http: Http, live: LiveServer):
    await http("PUT", "queues/%2F/q", {}, 201)
    asked = {"filter": {}, "dry_run": True}
    job = await http("POST", "queues/%2F/q/delete-messages", asked, 200)
    await http("DELETE", f"jobs/{job['id']}", None, 204)
    (only,) = await http("GET", "changes")
    assert only["event"] == "queue.declared"
