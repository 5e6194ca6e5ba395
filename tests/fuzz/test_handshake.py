"""Handshakes with anything in them: refused by the rules or through, never an internal error.

Well formed frames, so that it is the handshake and not the frame layer that is asked; what a
password is, which tables there are and what is negotiated is for Hypothesis to think of.
"""

import struct
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.encoding import Typed, encode_table_entries
from tests.support.engine import Client, Engine
from tests.support.wire import (
    CAPABLE,
    METHOD,
    PROTOCOL_HEADER,
    Content,
    frame,
    method_frame,
)

RULES = settings(
    max_examples=300,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
WORDS = st.sampled_from([b"guest", b"", b"\0", b"LOGIN", b"\xff", b"a" * 300]) | st.binary(
    max_size=20
)
PLAIN = st.lists(WORDS, max_size=4).map(b"\0".join)
KNOWN = [("S", "guest"), ("S", ""), ("x", b"guest"), ("I", 7), ("V", None), ("F", {}), ("A", [])]
FIELDS: st.SearchStrategy[Typed] = st.recursive(
    st.sampled_from(KNOWN).map(lambda pair: Typed(*pair))
    | st.booleans().map(lambda b: Typed("t", b)),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: Typed("A", items))
        | st.dictionaries(st.sampled_from(["a", "capabilities", ""]), inner, max_size=3).map(
            lambda items: Typed("F", items)
        )
    ),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["LOGIN", "PASSWORD", "capabilities", "product", "connection_name", "", "k" * 255]
)
TABLES = st.dictionaries(NAMES, FIELDS, max_size=4)
WHOLE = st.sampled_from([b"\0guest\0guest", b"\0guest\0wrong"])
RESPONSES = WHOLE | PLAIN | TABLES.map(encode_table_entries) | st.binary(max_size=60)
MECHANISMS = st.sampled_from(["PLAIN", "AMQPLAIN"]) | st.sampled_from(
    ["PLAIN", "AMQPLAIN", "EXTERNAL", "ANONYMOUS", "plain", "", "X" * 255]
)
TUNED = st.fixed_dictionaries(
    {
        "channel_max": st.sampled_from([0, 1, 2047, 2048, 65535]) | st.integers(0, 65535),
        "frame_max": st.sampled_from([0, 1, 4095, 4096, 131072, 131073, 2**32 - 1]),
        "heartbeat": st.integers(0, 65535),
    }
)
VHOSTS = st.sampled_from(["/", "", "nosuch", "ü", "v" * 255])
REFUSALS = {402, 403, 501, 502, 503, 504, 505, 530, 540}


def answers(client: Client) -> list[Any]:
    """All that the broker says; it is well formed, and no refusal is the broker's own fault."""
    names = []
    for method in client.read_all():
        assert not isinstance(method, Content)
        names.append(method.name)
        if method.name == "connection.close":
            assert method.arguments["reply_code"] in REFUSALS, method
    return names or ["silence"]


def end(engine: Engine, client: Client) -> None:
    """Lets time pass until whatever was begun is over."""
    engine.advance(30)
    client.abort()
    assert client.connection not in engine.context.connections


@pytest.fixture
def engine(caplog: pytest.LogCaptureFixture) -> Iterator[Engine]:
    """A broker in memory that must not log an error."""
    with Engine(loopback_users=frozenset()) as engine:
        yield engine
    errors = [record for record in caplog.get_records("call") if record.levelname == "ERROR"]
    assert not errors, caplog.text


@pytest.fixture
def attempts(engine: Engine) -> Any:
    """Makes clients of one engine, each from an address of its own: none is slowed by others."""
    addresses = iter(range(1 << 24))

    def attempt() -> Client:
        number = next(addresses)
        client = engine.client(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        client.send(PROTOCOL_HEADER)
        client.expect("connection.start", 0)
        return client

    return attempt


def test_any_response_of_any_mechanism(engine: Engine, attempts: Any):
    seen: set[str] = set()

    @RULES
    @given(MECHANISMS, RESPONSES, TABLES)
    def attempt(mechanism: str, response: bytes, properties: Any) -> None:
        client = attempts()
        client.send_start_ok(
            mechanism=mechanism, response=response, client_properties=CAPABLE | properties
        )
        seen.update(answers(client))
        end(engine, client)

    attempt()
    assert seen == {"silence", "connection.close", "connection.tune"}


def test_any_octets_for_a_method(engine: Engine, attempts: Any):
    start_ok = method_frame(
        0,
        "connection.start-ok",
        client_properties=CAPABLE,
        mechanism="PLAIN",
        response=b"\0guest\0guest",
        locale="en_US",
    )[7:-1]

    @RULES
    @given(st.integers(4, len(start_ok)), st.binary(max_size=8), st.integers(0, 8))
    def attempt(place: int, octets: bytes, left_out: int) -> None:
        client = attempts()
        spoilt = start_ok[:place] + octets + start_ok[place + left_out :]
        client.send(frame(METHOD, 0, spoilt))
        assert set(answers(client)) <= {"silence", "connection.close", "connection.tune"}
        end(engine, client)

    attempt()


def test_anything_that_is_negotiated(engine: Engine):
    opened = 0

    @RULES
    @given(TUNED, VHOSTS, st.binary(max_size=4))
    def attempt(tuned: dict[str, int], vhost: str, behind: bytes) -> None:
        nonlocal opened
        client = engine.client()
        client.login()
        client.tune_ok(**tuned)
        client.send(method_frame(0, "connection.open", virtual_host=vhost))
        said = answers(client)
        assert said in (["silence"], ["connection.close"], ["connection.open-ok"])
        if said == ["connection.open-ok"]:
            opened += 1
            client.send(struct.pack(">BHI", 1, 1, 2**31) + behind)
            answers(client)
        end(engine, client)

    attempt()
    assert opened
