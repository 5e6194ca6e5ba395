from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.amqp.errors import frame_too_large
from broker.amqp.hot import BASIC_ACK_MULTIPLE
from broker.amqp.protocol import PROTOCOL_HEADER, VIOLATION, Protocol
from broker.handshake import (
    AMQP_0_9_1,
    CAPABILITIES,
    FRAME_LIMIT,
    NO_LIMIT,
    Handshake,
    Limits,
    Outcome,
    ServerIdentity,
    Step,
)
from broker.logins import Logins
from tests.support import encoding, wire
from tests.support.clock import VirtualClock
from vhosts.errors import vhost_not_found
from vhosts.permissions import Permissions
from vhosts.users import Users

IDENTITY = ServerIdentity("rabbit@test")
CAPABLE: dict[str, Any] = {
    "capabilities": {"authentication_failure_close": True, "basic.nack": False}
}
PLAIN: dict[str, Any] = {"mechanism": "PLAIN", "response": b"\x00guest\x00guest", "locale": "en_US"}
TUNED = {"channel_max": 2047, "frame_max": 131072, "heartbeat": 60}
REFUSED_403 = (
    "ACCESS_REFUSED - Login was refused using authentication mechanism {}. "
    "For details see the broker logfile."
)


class Nowhere:
    """Where the users and permissions of these tests survive."""

    def __getattr__(self, name: str) -> Any:
        return lambda *args: None


class VirtualHosts:
    """Two virtual hosts; guest may enter `/`, nobody `closed`."""

    def __init__(self) -> None:
        self.users = Users(Nowhere())
        self.users.add("guest", "guest")
        self.users.add("jörg", "pässword")
        self.users.add("blank", "")
        self.permissions = Permissions(Nowhere(), lambda vhost: None)
        self.permissions.set("guest", "/", "", "", "")
        self._vhosts = {"/": "the default vhost", "closed": "another"}

    def enter(self, user: str, name: str, *, permitted: bool | None = None) -> Any:
        assert permitted is None
        if name not in self._vhosts:
            raise vhost_not_found(name)
        self.permissions.check_vhost(user, name)
        return self._vhosts[name]


VHOSTS = cast(Any, VirtualHosts())


def command(name: str, *, channel: int = 0, **arguments: Any) -> tuple[int, int, bytes]:
    payload = encoding.encode_method(name, **arguments)
    return channel, int.from_bytes(payload[:4], "big"), payload[4:]


def new(*, is_loopback: bool = True, **limits: Any) -> Handshake:
    door = Logins(VirtualClock()).door("amqp091", "127.0.0.1")
    return Handshake(IDENTITY, VHOSTS, Limits(**limits), door, is_loopback=is_loopback)


def started(**options: Any) -> Handshake:
    handshake = new(**options)
    handshake.handle((0, PROTOCOL_HEADER, AMQP_0_9_1))
    return handshake


def tuning(**options: Any) -> Handshake:
    handshake = started(**options)
    handshake.handle(command("connection.start-ok", **PLAIN))
    return handshake


def opening(**options: Any) -> Handshake:
    handshake = tuning(**options)
    handshake.handle(command("connection.tune-ok", **TUNED))
    return handshake


def sent(step: Step) -> list[tuple[str, dict[str, Any]]]:
    methods = []
    for frame in step.frames:
        assert (frame[0], frame[1:3], frame[-1]) == (1, b"\x00\x00", 0xCE)
        assert int.from_bytes(frame[3:7], "big") == len(frame) - 8
        method = encoding.decode_method(0, frame[7:-1])
        methods.append((method.name, method.arguments))
    return methods


def goes_on(step: Step) -> bool:
    return step.outcome is Outcome.CONTINUE


def is_silent(step: Step) -> bool:
    return (step.frames, step.outcome, step.close_after) == ((), Outcome.REFUSED, 3.0)


def refusal(step: Step) -> tuple[int, str, tuple[int, int]]:
    """Code, text and method of the connection.close in a step, which ends it after 3 s."""
    assert (step.outcome, step.close_after) == (Outcome.REFUSED, 3.0)
    ((name, close),) = sent(step)
    assert name == "connection.close"
    return close["reply_code"], close["reply_text"], (close["class_id"], close["method_id"])


# -- protocol header


@pytest.mark.parametrize("header", [AMQP_0_9_1, b"AMQP\x01\x01\x00\x09"])
def test_accepted_protocol_headers(header):
    step = new().handle((0, PROTOCOL_HEADER, header))
    assert goes_on(step)
    assert [name for name, _ in sent(step)] == ["connection.start"]


@pytest.mark.parametrize(
    "header",
    [
        b"AMQP\x01\x01\x08\x00",
        b"AMQP\x00\x00\x09\x00",
        b"AMQP\x00\x00\x0a\x00",
        b"AMQP\x00\x01\x00\x00",
        b"AMQP\x03\x01\x00\x00",
        b"GET / HT",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
    ],
)
def test_other_protocol_headers_get_ours_and_the_end_at_once(header):
    step = new().handle((0, PROTOCOL_HEADER, header))
    assert (step.frames, step.outcome) == ((AMQP_0_9_1,), Outcome.REFUSED)
    assert step.close_after == 0


# -- connection.start


def test_start():
    (_, start) = sent(new().handle((0, PROTOCOL_HEADER, AMQP_0_9_1)))[0]
    assert (start["version_major"], start["version_minor"]) == (0, 9)
    assert (start["mechanisms"], start["locales"]) == (b"AMQPLAIN PLAIN", b"en_US")


def test_server_properties():
    (_, start) = sent(new().handle((0, PROTOCOL_HEADER, AMQP_0_9_1)))[0]
    properties = start["server_properties"]
    assert list(properties) == sorted(properties)
    assert {tag for tag, _ in properties.values()} == {"F", "S"}
    plain = encoding.plain(properties)
    assert plain["capabilities"] == dict.fromkeys(CAPABILITIES, True)
    assert len(CAPABILITIES) == 9
    assert (plain["product"], plain["version"]) == ("RabbitMQ", "4.1.0")
    assert plain["cluster_name"] == "rabbit@test"
    for key in ("copyright", "information", "platform"):
        assert "Leveret" in plain[key]


def test_another_identity():
    identity = ServerIdentity("c", product="Leveret", version="0.1.0")
    door = Logins(VirtualClock()).door("amqp091", "127.0.0.1")
    step = Handshake(identity, VHOSTS, Limits(), door, is_loopback=True).handle(
        (0, PROTOCOL_HEADER, AMQP_0_9_1)
    )
    plain = encoding.plain(sent(step)[0][1]["server_properties"])
    assert (plain["product"], plain["version"]) == ("Leveret", "0.1.0")


# -- login


@pytest.mark.parametrize(
    ("mechanism", "response"),
    [
        ("PLAIN", b"\x00guest\x00guest"),
        ("PLAIN", "\x00jörg\x00pässword".encode()),
        ("AMQPLAIN", encoding.encode_table_entries({"LOGIN": "guest", "PASSWORD": "guest"})),
    ],
)
def test_login(mechanism, response):
    handshake = started()
    step = handshake.handle(
        command("connection.start-ok", mechanism=mechanism, response=response, locale="xx_YY")
    )
    assert goes_on(step)
    assert sent(step) == [("connection.tune", TUNED)]
    assert handshake.mechanism == mechanism
    assert handshake.user.name in ("guest", "jörg")


WRONG = [
    b"\x00guest\x00wrong",
    b"\x00nobody\x00guest",
    b"\x00nobody\x00",
    b"\x00guest\x00",
    b"\x00blank\x00",
    b"\x00\xff\x00\xff",
]


@pytest.mark.parametrize("response", WRONG)
def test_refused_login_is_told_to_those_who_want_to_know(response):
    step = started().handle(
        command(
            "connection.start-ok",
            client_properties=CAPABLE,
            mechanism="PLAIN",
            response=response,
        )
    )
    assert refusal(step) == (403, REFUSED_403.format("PLAIN"), (0, 0))


@pytest.mark.parametrize("response", WRONG)
@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"capabilities": {}},
        {"capabilities": {"authentication_failure_close": False}},
        {"capabilities": {"authentication_failure_close": 1}},
        {"capabilities": "all"},
    ],
)
def test_refused_login_in_silence(response, properties):
    step = started().handle(
        command(
            "connection.start-ok",
            client_properties=properties,
            mechanism="PLAIN",
            response=response,
        )
    )
    assert is_silent(step)
    assert "refused" in step.reason


def test_refused_amqplain_names_its_mechanism():
    response = encoding.encode_table_entries({"LOGIN": "guest", "PASSWORD": "wrong"})
    step = started().handle(
        command(
            "connection.start-ok",
            client_properties=CAPABLE,
            mechanism="AMQPLAIN",
            response=response,
        )
    )
    assert refusal(step)[1] == REFUSED_403.format("AMQPLAIN")


def test_guest_comes_from_this_machine_only():
    start_ok = command("connection.start-ok", client_properties=CAPABLE, **PLAIN)
    assert refusal(started(is_loopback=False).handle(start_ok))[0] == 403
    open_to_all = started(is_loopback=False, loopback_users=frozenset())
    assert goes_on(open_to_all.handle(start_ok))


def test_other_users_come_from_anywhere():
    response = "\x00jörg\x00pässword".encode()
    start_ok = command("connection.start-ok", mechanism="PLAIN", response=response)
    assert goes_on(started(is_loopback=False).handle(start_ok))


@pytest.mark.parametrize(
    ("mechanism", "response"),
    [
        ("FOO", b""),
        ("plain", b"\x00guest\x00guest"),
        ("amqplain", b""),
        ("", b""),
        ("PLAIN", b"x\x00guest\x00guest"),
        ("PLAIN", b"guest"),
        ("AMQPLAIN", encoding.encode_table_entries({"LOGIN": "guest"})),
        ("AMQPLAIN", b"\xff"),
    ],
)
def test_unusable_mechanisms_and_responses_meet_silence(mechanism, response):
    step = started().handle(
        command(
            "connection.start-ok",
            client_properties=CAPABLE,
            mechanism=mechanism,
            response=response,
        )
    )
    assert is_silent(step)


@pytest.mark.parametrize(
    "wrong",
    [
        command("connection.tune-ok", **TUNED),
        command("connection.open", virtual_host="/"),
        command("connection.close"),
        command("channel.open", channel=1),
        command("connection.start-ok", channel=1, **PLAIN),
        (0, 0x000A000B, b"\xff"),
        (0, 0x000A000B, b"\x00\x00\x00\x03\x01kU"),
        (0, 0x7FFF7FFF, b""),
        (0, VIOLATION, frame_too_large(1, 9000, 8184)),
        (1, BASIC_ACK_MULTIPLE, 5),
    ],
)
def test_anything_else_before_login_meets_silence(wrong):
    assert is_silent(started().handle(wrong))


def test_client_properties_and_capabilities():
    handshake = started()
    properties = {**CAPABLE, "connection_name": "me"}
    handshake.handle(command("connection.start-ok", client_properties=properties, **PLAIN))
    assert handshake.client_properties["connection_name"] == ("S", "me")
    assert handshake.capable("authentication_failure_close")
    assert not handshake.capable("basic.nack")
    assert not handshake.capable("connection.blocked")


# -- tune


@pytest.mark.parametrize(
    ("limits", "tune_ok"),
    [
        ({}, TUNED),
        ({}, {**TUNED, "channel_max": 1}),
        ({}, {**TUNED, "frame_max": 4096}),
        ({}, {**TUNED, "heartbeat": 0}),
        ({}, {**TUNED, "heartbeat": 65535}),
        ({"channel_max": 0}, {**TUNED, "channel_max": 0}),
        ({"channel_max": 0}, {**TUNED, "channel_max": 65535}),
        ({"frame_max": 0}, {**TUNED, "frame_max": 0}),
        ({"frame_max": 0}, {**TUNED, "frame_max": 0xFFFFFFFF}),
    ],
)
def test_the_clients_values_are_final(limits, tune_ok):
    handshake = tuning(**limits)
    assert handshake.frame_limit == FRAME_LIMIT
    step = handshake.handle(command("connection.tune-ok", **tune_ok))
    assert goes_on(step)
    assert step.frames == ()
    agreed = {name: getattr(handshake, name) for name in TUNED}
    assert agreed == tune_ok
    assert handshake.frame_limit == (tune_ok["frame_max"] or NO_LIMIT)


def test_what_is_offered():
    handshake = started(channel_max=10, frame_max=8192, heartbeat=5)
    step = handshake.handle(command("connection.start-ok", **PLAIN))
    offered = {"channel_max": 10, "frame_max": 8192, "heartbeat": 5}
    assert sent(step) == [("connection.tune", offered)]


@pytest.mark.parametrize(
    ("limits", "change", "text"),
    [
        (
            {},
            {"channel_max": 0},
            "channel_max = 0 (no limit) is higher than the maximum allowed value (2047)",
        ),
        (
            {},
            {"channel_max": 2048},
            "channel_max = 2048 is higher than the maximum allowed value (2047)",
        ),
        (
            {},
            {"frame_max": 0},
            "frame_max = 0 is higher than the maximum allowed value (131072)",
        ),
        (
            {},
            {"frame_max": 131073},
            "frame_max = 131073 is higher than the maximum allowed value (131072)",
        ),
        (
            {},
            {"frame_max": 100},
            "frame_max = 100 is lower than the minimum allowed value (4096)",
        ),
        (
            {"frame_max": 0},
            {"frame_max": 4095},
            "frame_max = 4095 is lower than the minimum allowed value (4096)",
        ),
    ],
)
def test_values_out_of_range(limits, change, text):
    step = tuning(**limits).handle(command("connection.tune-ok", **TUNED | change))
    assert refusal(step) == (530, f"NOT_ALLOWED - negotiated {text}", (10, 30))


# -- open


def test_open():
    handshake = opening()
    step = handshake.handle(command("connection.open", virtual_host="/", reserved_2=True))
    assert step.outcome is Outcome.RUNNING
    assert sent(step) == [("connection.open-ok", {"known_hosts": ""})]
    assert handshake.user.name == "guest"
    assert handshake.vhost is VHOSTS.enter("guest", "/")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("nope", "vhost nope not found"),
        ("", "vhost  not found"),
        ("closed", "access to vhost 'closed' refused for user 'guest'"),
    ],
)
def test_vhosts_that_cannot_be_opened(name, text):
    step = opening().handle(command("connection.open", virtual_host=name))
    assert refusal(step) == (530, f"NOT_ALLOWED - {text}", (10, 40))


# -- out of order, once the peer is known


@pytest.mark.parametrize(
    ("handshake", "state"), [(tuning, "tuning"), (opening, "opening")], ids=["tuning", "opening"]
)
def test_methods_out_of_order(handshake, state):
    text = f"CHANNEL_ERROR - unexpected method in connection state {state}"
    step = handshake().handle(command("connection.start-ok", **PLAIN))
    assert refusal(step) == (504, text, (10, 11))
    step = handshake().handle(command("channel.open", channel=1))
    assert refusal(step) == (504, text, (20, 10))
    step = handshake().handle((1, BASIC_ACK_MULTIPLE, 5))
    assert refusal(step) == (504, text, (60, 80))


def test_undecodable_methods():
    assert refusal(tuning().handle((0, 0x000A001F, b"\x01"))) == (
        501,
        "FRAME_ERROR - cannot decode <<1>>",
        (10, 31),
    )
    assert refusal(opening().handle((0, 0x000A0028, b"\x01\xff\x00\x00")))[0] == 501


def test_violations():
    step = tuning().handle((0, VIOLATION, frame_too_large(1, 9000, 8184)))
    text = "FRAME_ERROR - type 1, all octets = <<>>: {frame_too_large,9000,8184}"
    assert refusal(step) == (501, text, (0, 0))


@pytest.mark.parametrize("handshake", [tuning, opening])
def test_a_client_may_leave_in_between(handshake):
    step = handshake().handle(command("connection.close", reply_code=200))
    assert step.outcome is Outcome.REFUSED
    assert sent(step) == [("connection.close-ok", {})]


def test_nothing_matters_after_the_end():
    handshake = opening()
    handshake.handle(command("connection.open", virtual_host="nope"))
    assert is_silent(handshake.handle(command("connection.open", virtual_host="/")))


# -- together with the protocol


def converse(data: bytes, cuts: list[int]) -> list[tuple[str, dict[str, Any]]]:
    """What is answered to `data` arriving in pieces."""
    handshake = new()
    protocol = Protocol(handshake.frame_limit, 1000)
    answers = []
    edges = [0, *sorted(cuts), len(data)]
    for start, end in pairwise(edges):
        protocol.receive(data[start:end])
        for each in protocol.commands():
            step = handshake.handle(each)
            answers += sent(step)
            protocol.frame_limit = handshake.frame_limit
    assert handshake.vhost is VHOSTS.enter("guest", "/")
    return answers


WHOLE = (
    AMQP_0_9_1
    + wire.method_frame(0, "connection.start-ok", client_properties=CAPABLE, **PLAIN)
    + wire.method_frame(0, "connection.tune-ok", **TUNED)
    + wire.method_frame(0, "connection.open", virtual_host="/")
)


@given(st.lists(st.integers(0, len(WHOLE)), max_size=6))
def test_the_whole_of_it_in_any_pieces(cuts):
    names = [name for name, _ in converse(WHOLE, cuts)]
    assert names == ["connection.start", "connection.tune", "connection.open-ok"]
