from typing import Any

from tests.unit.mgmt_ui.live import Http, LiveServer

QUEUE = "queues/%2F/q"


async def test_pause_and_resume(http: Http, live: LiveServer):
    client = live.connect()
    client.declare("q")
    client.consume("q")
    await http("PUT", f"{QUEUE}/pause", None, 204)
    client.publish("", "q", b"m")
    assert client.silent
    row: Any = await http("GET", QUEUE)
    assert (row["state"], row["messages_ready"], row["consumer_capacity"]) == ("paused", 1, 0.0)
    live.engine.crash()
    assert live.vhost.queues["q"].paused, "the answer comes when the disk has it"
    await http("PUT", f"{QUEUE}/resume", None, 204)
    assert (await http("GET", QUEUE))["state"] == "running"


async def test_who_may(http: Http, live: LiveServer):
    live.connect().declare("q")
    live.add_user("reader", "management", permissions=("^$", ".*", ".*"))
    for verb in ("pause", "resume"):
        await http("PUT", f"{QUEUE}/{verb}", None, 401, user="reader")
        await http("PUT", f"queues/%2F/none/{verb}", None, 404)


async def test_the_overview_knows_the_oldest_message(http: Http, live: LiveServer):
    assert (await http("GET", "overview"))["oldest_message_age"] is None
    client = live.connect()
    client.declare("q")
    client.publish("", "q", b"m")
    live.engine.advance(30)
    assert (await http("GET", "overview"))["oldest_message_age"] == 30
    assert (await http("GET", QUEUE))["oldest_message_age"] == 30
