"""Protocol header, login, tuning, opening, closing and heartbeats (checklist 1-42 and 62-66)."""

import socket
import time

import pytest

from tests.support.encoding import encode_table_entries, plain
from tests.support.eventually import eventually
from tests.support.wire import (
    CAPABLE,
    PROTOCOL_HEADER,
    Disconnected,
    WireClient,
    encode_method,
    frame,
    header_frame,
    method_frame,
    publish_frames,
)

REFUSED_LOGIN = (
    "ACCESS_REFUSED - Login was refused using authentication mechanism {}. "
    "For details see the broker logfile."
)


# Protocol header


@pytest.mark.checklist(1)
def test_header_is_answered_with_start(tcp):
    start = tcp().start().arguments
    assert (start["version_major"], start["version_minor"]) == (0, 9)
    assert start["locales"] == b"en_US"
    assert {b"PLAIN", b"AMQPLAIN"} <= set(start["mechanisms"].split())


@pytest.mark.checklist(2)
def test_header_in_two_segments(tcp):
    client = tcp()
    client.send(PROTOCOL_HEADER[:5])
    with pytest.raises(TimeoutError):
        client.read_frame(timeout=0.1)
    client.send(PROTOCOL_HEADER[5:])
    client.expect("connection.start", 0)


@pytest.mark.checklist(1)
def test_header_of_amqp_0_9(tcp):
    client = tcp()
    client.send(b"AMQP\x01\x01\x00\x09")
    client.expect("connection.start", 0, version_major=0, version_minor=9)


@pytest.mark.checklist(3)
@pytest.mark.parametrize(
    "garbage",
    [
        b"AMQP\x00\x64\x00\x03",
        b"AMQP\x00\x00\x0a\x00",
        b"AMQP\x00\x00\x09\x00",
        b"AMQP\x00\x01\x00\x00",
        b"AMQP\x03\x01\x00\x00",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00" * 8,
    ],
    ids=["100.3", "0-10", "0-9-0", "1.0", "1.0-sasl", "http", "tls", "zeros"],
)
def test_wrong_header_is_answered_with_the_right_one(tcp, garbage):
    client = tcp()
    client.send(garbage)
    assert client.read_bytes(8) == PROTOCOL_HEADER
    with pytest.raises(Disconnected):
        client.read_bytes(1)


@pytest.mark.checklist(3)
@pytest.mark.differs("speaks AMQP 0-8 too")
def test_amqp_0_8_is_refused(tcp):
    client = tcp()
    client.send(b"AMQP\x01\x01\x08\x00")
    assert client.read_bytes(8) == PROTOCOL_HEADER


# Start and login


@pytest.mark.checklist(5)
def test_server_properties(tcp):
    properties = plain(tcp().start().arguments["server_properties"])
    assert set(properties) >= {"product", "version", "platform", "cluster_name"}
    assert set(properties) >= {"copyright", "information"}
    assert properties["capabilities"] == {
        "publisher_confirms": True,
        "exchange_exchange_bindings": True,
        "basic.nack": True,
        "consumer_cancel_notify": True,
        "connection.blocked": True,
        "consumer_priorities": True,
        "authentication_failure_close": True,
        "per_consumer_qos": True,
        "direct_reply_to": True,
    }


@pytest.mark.checklist(6)
def test_plain_login_is_answered_with_tune(tcp):
    tune = tcp().login().arguments
    assert tune == {"channel_max": 2047, "frame_max": 131072, "heartbeat": 60}


@pytest.mark.checklist(7)
def test_amqplain_login(tcp):
    response = encode_table_entries({"LOGIN": "guest", "PASSWORD": "guest"})
    tcp().login(mechanism="AMQPLAIN", response=response)


@pytest.mark.checklist(7)
@pytest.mark.differs("takes only long strings")
def test_amqplain_login_with_byte_arrays(tcp):
    response = encode_table_entries({"LOGIN": b"guest", "PASSWORD": b"guest"})
    tcp().login(mechanism="AMQPLAIN", response=response)


@pytest.mark.checklist(8, 9, 11)
@pytest.mark.parametrize(
    ("user", "password"), [("guest", "wrong"), ("nobody-here", "guest"), ("guest", "")]
)
def test_refused_login(tcp, user, password):
    client = tcp()
    client.start()
    client.send_start_ok(user, password)
    client.expect_close(403, REFUSED_LOGIN.format("PLAIN"), at=(0, 0))
    client.send_method(0, "connection.close-ok")
    client.expect_disconnect()


@pytest.mark.checklist(8)
def test_refused_amqplain_login_names_the_mechanism(tcp):
    client = tcp()
    client.start()
    response = encode_table_entries({"LOGIN": "guest", "PASSWORD": "wrong"})
    client.send_start_ok(mechanism="AMQPLAIN", response=response)
    client.expect_close(403, REFUSED_LOGIN.format("AMQPLAIN"), at=(0, 0))


@pytest.mark.checklist(15)
def test_guest_may_only_come_from_loopback(leveret):
    broker = leveret("--bind", "0.0.0.0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        address = probe.getsockname()[0]
    with WireClient((address, broker.amqp.port)) as client:
        client.start()
        client.send_start_ok()
        client.expect_close(403, REFUSED_LOGIN.format("PLAIN"), at=(0, 0))


@pytest.mark.checklist(16)
def test_unknown_locale_is_accepted(tcp):
    tcp().login(locale="xx_YY")


@pytest.mark.checklist(18)
def test_pipelined_handshake(tcp):
    client = tcp()
    client.send(
        PROTOCOL_HEADER,
        method_frame(
            0,
            "connection.start-ok",
            client_properties=CAPABLE,
            mechanism="PLAIN",
            response=b"\0guest\0guest",
            locale="en_US",
        ),
        method_frame(0, "connection.tune-ok", channel_max=2047, frame_max=131072, heartbeat=0),
        method_frame(0, "connection.open", virtual_host="/"),
        method_frame(1, "channel.open"),
    )
    for expected in ("connection.start", "connection.tune", "connection.open-ok"):
        client.expect(expected, 0)
    client.expect("channel.open-ok", 1)


@pytest.mark.checklist(5)
def test_second_start_ok_is_504(client):
    client.send_start_ok()
    client.expect_close(504, f"CHANNEL_ERROR - {OUT_OF_STATE}", at=(10, 11))


OUT_OF_STATE = "unexpected method in connection state running"

# Tune

REFUSED_TUNES = [
    (0, 131072, "negotiated channel_max = 0 (no limit) is higher than the maximum allowed value"),
    (2048, 131072, "negotiated channel_max = 2048 is higher than the maximum allowed value"),
    (2047, 0, "negotiated frame_max = 0 is higher than the maximum allowed value"),
    (2047, 131073, "negotiated frame_max = 131073 is higher than the maximum allowed value"),
    (2047, 100, "negotiated frame_max = 100 is lower than the minimum allowed value"),
    (2047, 4095, "negotiated frame_max = 4095 is lower than the minimum allowed value"),
]


@pytest.mark.checklist(19, 20, 22, 23, 24)
@pytest.mark.differs("closes silently where REC is to say why")
@pytest.mark.parametrize(("channel_max", "frame_max", "text"), REFUSED_TUNES)
def test_refused_tune_says_why(tcp, channel_max, frame_max, text):
    client = tcp()
    client.login()
    client.tune_ok(channel_max, frame_max)
    client.expect_close(530, f"NOT_ALLOWED - {text} (*", at=(10, 30))


@pytest.mark.checklist(21, 68)
def test_negotiated_channel_max_is_enforced(wire):
    client = wire(channel_max=64, channels=tuple(range(1, 65)))
    client.send_method(65, "channel.open")
    client.expect_close(
        530,
        "NOT_ALLOWED - number of channels opened (64) has reached the negotiated channel_max (64)",
        at=(0, 0),
    )


@pytest.mark.checklist(25)
def test_smallest_frame_max(wire):
    client = wire(frame_max=4096)
    queue = client.call(1, "queue.declare", exclusive=True).arguments["queue"]
    client.publish("", queue, b"x" * 9000, frame_max=4096)
    got = eventually(lambda: client.get(queue))
    assert got.bodies == [4088, 4088, 824]


@pytest.mark.checklist(26)
def test_unlimited_server_accepts_zero(leveret):
    broker = leveret("--channel-max", "0", "--frame-max", "0")
    with WireClient(broker.amqp) as client:
        tune = client.login().arguments
        assert (tune["channel_max"], tune["frame_max"]) == (0, 0)
        client.tune_ok(0, 0)
        client.open_vhost()
        client.call(1, "channel.open")


@pytest.mark.checklist(27)
@pytest.mark.parametrize("heartbeat", [0, 65535])
def test_any_heartbeat_is_accepted(wire, heartbeat):
    wire(heartbeat=heartbeat)


@pytest.mark.checklist(25)
@pytest.mark.parametrize(("channel_max", "frame_max"), [(1, 131072), (2047, 4096), (2047, 4097)])
def test_lower_limits_are_accepted(wire, channel_max, frame_max):
    wire(channel_max=channel_max, frame_max=frame_max)


# Open


@pytest.mark.checklist(28, 29)
@pytest.mark.parametrize("vhost", ["nope", ""])
def test_missing_vhost(tcp, vhost):
    client = tcp()
    client.login()
    client.tune_ok()
    client.send_method(0, "connection.open", virtual_host=vhost)
    client.expect_close(530, f"NOT_ALLOWED - vhost {vhost} not found", at=(10, 40))


def refused_open(client, vhost, text, user="guest"):
    client.login(user, user)
    client.tune_ok()
    client.send_method(0, "connection.open", virtual_host=vhost)
    client.expect_close(530, f"NOT_ALLOWED - {text}", at=(10, 40))


@pytest.mark.checklist(30)
def test_vhost_without_permission(tcp, admin):
    user = admin.user()
    refused_open(tcp(), "/", f"access to vhost '/' refused for user '{user}'", user)


@pytest.mark.checklist(31, 32, 33)
@pytest.mark.parametrize("limit", [1, 0])
def test_connection_limit_of_a_vhost(tcp, admin, limit):
    vhost = admin.vhost()
    admin.put(f"vhost-limits/{vhost}/max-connections", {"value": limit})
    for _ in range(limit):
        tcp().connect(vhost=vhost)
    text = f"access to vhost '{vhost}' refused for user 'guest': connection limit ({limit})"
    refused_open(tcp(), vhost, f"{text} is reached")
    admin.put(f"vhost-limits/{vhost}/max-connections", {"value": -1})
    tcp().connect(vhost=vhost)


@pytest.mark.checklist(34)
def test_connection_limit_of_a_user(tcp, admin):
    user = admin.user()
    admin.permit(user)
    admin.put(f"user-limits/{user}/max-connections", {"value": 1})
    tcp().connect(user, user)
    text = f"connection refused for user '{user}': user connection limit (1) is reached"
    refused_open(tcp(), "/", text, user)


@pytest.mark.checklist(35)
def test_channel_limit_of_a_user(tcp, admin):
    user = admin.user()
    admin.permit(user)
    admin.put(f"user-limits/{user}/max-channels", {"value": 1})
    client = tcp().connect(user, user)
    client.send_method(2, "channel.open")
    client.expect_close(
        530,
        f"NOT_ALLOWED - number of channels opened for user '{user}' "
        "has reached the maximum allowed user limit of *",
        at=(0, 0),
    )


# Running and closing


@pytest.mark.checklist(36, 37, 38)
@pytest.mark.parametrize(
    ("method", "at"),
    [
        ("connection.open", (10, 40)),
        ("connection.close-ok", (10, 51)),
        ("connection.tune-ok", (10, 31)),
        ("channel.open", (20, 10)),
        ("queue.declare", (50, 10)),
        ("basic.publish", (60, 40)),
    ],
)
def test_method_out_of_state_on_channel_zero(client, method, at):
    client.send_method(0, method)
    client.expect_close(504, f"CHANNEL_ERROR - {OUT_OF_STATE}", at=at)


@pytest.mark.checklist(39)
def test_frames_after_close_are_ignored(client, name, connection):
    queue = name("q")
    client.send(
        method_frame(0, "connection.close", reply_code=200, reply_text="bye"),
        method_frame(1, "queue.declare", queue=queue, durable=True),
        method_frame(7, "basic.ack", delivery_tag=1),
    )
    client.expect("connection.close-ok", 0)
    client.abort()
    with pytest.raises(Exception, match="404"):
        connection.channel().queue_declare(queue, passive=True)


@pytest.mark.checklist(40)
def test_close_in_the_middle_of_a_content(client, channel):
    queue = channel.queue_declare("", exclusive=True).method.queue
    client.send(method_frame(1, "basic.publish", routing_key=queue), header_frame(1, 10))
    client.close()
    assert channel.queue_declare(queue, passive=True).method.message_count == 0


@pytest.mark.checklist(39)
def test_socket_is_closed_after_close_ok(client):
    client.call(0, "connection.close", reply_code=200, reply_text="bye")
    client.socket.shutdown(socket.SHUT_WR)
    client.expect_disconnect()


# Administration


@pytest.mark.checklist(62)
def test_update_secret(client):
    client.call(0, "connection.update-secret", new_secret="other", reason="just so")


@pytest.mark.checklist(66)
def test_connection_name_is_shown(tcp, target):
    if target.http is None:
        pytest.skip("no management API address given")
    label = f"named-{time.monotonic_ns()}"
    tcp().connect(client_properties=CAPABLE | {"connection_name": label})

    def shown():
        status, found = target.api("GET", "connections")
        return status == 200 and label in {item.get("user_provided_name") for item in found}

    eventually(shown)


@pytest.mark.checklist(63)
def test_management_closes_a_connection(client, target, admin):
    if target.api("DELETE", "connections/nosuch")[0] == 405:
        pytest.skip("this broker's management API closes no connections yet")
    host, port = client.socket.getsockname()
    path = f"connections/{host}%3A{port}%20-%3E%20{target.amqp.host}%3A{target.amqp.port}"
    eventually(lambda: target.api("DELETE", path)[0] == 204)
    client.expect_close(320, "CONNECTION_FORCED - Closed via management plugin", at=(0, 0))


@pytest.mark.checklist(64)
def test_deleted_vhost_cancels_consumers_and_closes(tcp, admin):
    vhost = admin.vhost()
    client = tcp().connect(vhost=vhost)
    queue = client.call(1, "queue.declare", queue="q").arguments["queue"]
    tag = client.call(1, "basic.consume", queue=queue).arguments["consumer_tag"]
    admin.delete(f"vhosts/{vhost}")
    client.expect("basic.cancel", 1, consumer_tag=tag, nowait=True)
    # RabbitMQ may also find the vhost stopped first, and say "is down".
    client.expect_close(320, f"CONNECTION_FORCED - vhost '{vhost}' is *", at=(0, 0))


@pytest.mark.checklist(65)
def test_deleted_user_is_disconnected(tcp, admin):
    user = admin.user()
    admin.permit(user)
    client = tcp().connect(user, user)
    admin.delete(f"users/{user}")
    client.expect_close(320, f"CONNECTION_FORCED - user '{user}' is deleted", at=(0, 0))


@pytest.mark.checklist(39)
def test_close_requeues_and_drops_exclusive_queues_first(wire, name):
    first, second = wire(), wire()
    shared, own = name("shared"), name("own")
    first.call(1, "queue.declare", queue=shared)
    first.call(1, "queue.declare", queue=own, exclusive=True)
    first.send(publish_frames(1, "", shared, b"m"))
    assert eventually(lambda: first.get(shared)).body == b"m"
    first.close()
    assert second.get(shared).method.arguments["redelivered"]
    second.send_method(1, "queue.declare", queue=own, passive=True)
    second.expect_close(404, channel=1)


@pytest.mark.checklist(36)
def test_encoded_open_on_another_channel_is_503(client):
    client.send(frame(1, 1, encode_method("connection.open", virtual_host="/")))
    client.expect_close(503, "COMMAND_INVALID - unimplemented method", at=(10, 40))
