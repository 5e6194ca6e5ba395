from typing import Any

from tests.unit.mgmt_ui.fakes import FakeServer


async def test_an_exchange(get: Any, server: FakeServer):
    server.add_exchange("x", arguments={"alternate-exchange": ("S", "other")})
    assert await get("/api/exchanges/%2F") == [
        {
            "name": "x",
            "vhost": "/",
            "type": "direct",
            "durable": True,
            "auto_delete": False,
            "internal": False,
            "arguments": {"alternate-exchange": "other"},
            "user_who_performed_action": "ann",
        }
    ]


async def test_statistics_appear_with_activity(get: Any, server: FakeServer):
    server.add_exchange("x", publish_in=5)
    (row,) = await get("/api/exchanges")
    assert row["message_stats"] == {
        "publish_in": 5,
        "publish_in_details": {"rate": 0.0},
        "publish_out": 0,
        "publish_out_details": {"rate": 0.0},
    }


async def test_the_default_exchange_has_no_name(get: Any, server: FakeServer):
    server.add_exchange("amq.topic", type="topic")
    server.add_exchange("")
    assert [row["name"] for row in await get("/api/exchanges")] == ["", "amq.topic"]


async def test_the_filter_looks_at_the_name(get: Any, server: FakeServer):
    server.add_exchange("orders")
    server.add_exchange("")
    found = await get("/api/exchanges?page=1&name=ord")
    assert [row["name"] for row in found["items"]] == ["orders"]


async def test_a_delayed_exchange_says_what_it_holds(get: Any, server: FakeServer):
    server.add_exchange("x", messages_delayed=3)
    (row,) = await get("/api/exchanges")
    assert row["messages_delayed"] == 3
