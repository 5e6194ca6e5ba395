from types import SimpleNamespace
from typing import Any

from tests.unit.mgmt_ui.fakes import NODE, FakeServer


async def test_a_connection(get: Any, server: FakeServer):
    properties = {
        "connection_name": ("S", "worker"),
        "capabilities": ("F", {"basic.nack": ("t", True)}),
    }
    channels = {1: SimpleNamespace(consumers={})}
    server.add_connection(client_properties=properties, channels=channels)
    (row,) = await get("/api/connections")
    assert row == {
        "name": "127.0.0.1:40000 -> 127.0.0.1:5672",
        "user_provided_name": "worker",
        "vhost": "/",
        "user": "guest",
        "user_who_performed_action": "guest",
        "node": NODE,
        "state": "running",
        "protocol": "AMQP 0-9-1",
        "auth_mechanism": "PLAIN",
        "type": "network",
        "host": "127.0.0.1",
        "port": 5672,
        "peer_host": "127.0.0.1",
        "peer_port": 40000,
        "channels": 1,
        "channel_max": 2047,
        "frame_max": 131072,
        "timeout": 60,
        "connected_at": 1_700_000_000_000,
        "client_properties": {
            "connection_name": "worker",
            "capabilities": {"basic.nack": True},
        },
        "recv_cnt": 3,
        "send_cnt": 4,
        "send_pend": 0,
        "reductions": 0,
        "reductions_details": {"rate": 0.0},
        "garbage_collection": {
            "fullsweep_after": 0,
            "max_heap_size": 0,
            "min_bin_vheap_size": 0,
            "min_heap_size": 0,
            "minor_gcs": 0,
        },
        "recv_oct": 100,
        "recv_oct_details": {"rate": 0.0},
        "send_oct": 200,
        "send_oct_details": {"rate": 0.0},
        "ssl": False,
        "ssl_protocol": None,
        "ssl_cipher": None,
        "ssl_hash": None,
        "ssl_key_exchange": None,
        "peer_cert_subject": None,
        "peer_cert_issuer": None,
        "peer_cert_validity": None,
    }


async def test_management_users_see_their_own(get: Any, server: FakeServer):
    server.add_user("ann", "management")
    server.add_user("eve", "monitoring")
    server.add_connection("guest", port=1)
    server.add_connection("ann", port=2)
    assert [row["user"] for row in await get("/api/connections", user="ann")] == ["ann"]
    assert len(await get("/api/connections", user="eve")) == 2
    assert len(await get("/api/connections", user="guest")) == 2


async def test_a_connection_in_its_handshake_is_not_shown(get: Any, server: FakeServer):
    connection = server.add_connection(state="starting")
    del connection.user, connection.vhost
    assert await get("/api/connections") == []
