from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from mgmt_ui.errors import ApiError
from mgmt_ui.payload import Payload, parse


def reason(act: Callable[[], Any]) -> str:
    with pytest.raises(ApiError) as refused:
        act()
    assert refused.value.status == 400
    return refused.value.reason


@pytest.mark.parametrize("raw", [b"", b"null", b"undefined", b"{}", b" \n"])
def test_empty_bodies(raw: bytes):
    assert parse(raw).members == {}


@pytest.mark.parametrize("raw", [b"[]", b"1", b"{", b"\xff", b"{'a':1}", b'{"a":NaN}', b"[" * 9999])
def test_what_is_no_object(raw: bytes):
    assert reason(lambda: parse(raw)) == "not_json"


def test_a_doubly_encoded_body():
    assert reason(lambda: parse(b'"{}"')).startswith("invalid payload: the request body")


def test_missing_members_are_all_named():
    payload = Payload({"count": 1})
    assert reason(lambda: payload.require("read")) == "[{key_missing,read}]"
    two = "[{key_missing,ackmode},{key_missing,encoding}]"
    assert reason(lambda: payload.require("count", "ackmode", "encoding")) == two
    three = "[{key_missing,properties},\n {key_missing,payload},\n {key_missing,payload_encoding}]"
    assert reason(lambda: payload.require("properties", "payload", "payload_encoding")) == three


def test_booleans():
    payload = Payload({"a": True, "b": "false", "c": "maybe"})
    assert payload.boolean("a")
    assert not payload.boolean("b")
    assert not payload.boolean("absent")
    assert payload.boolean("absent", True)
    assert reason(lambda: payload.boolean("c")) == '["not_boolean","maybe"]: c'


def test_integers():
    payload = Payload({"a": 5, "b": "-7", "c": True, "d": 1.5, "e": "9" * 5000})
    assert payload.integer("a") == 5
    assert payload.integer("b") == -7
    assert payload.integer("absent", 3) == 3
    for name in "cde":
        assert reason(partial(payload.integer, name)) == f'["not_int","{name}"]'
    assert reason(lambda: payload.integer("absent")) == "[{key_missing,absent}]"


def test_strings_and_objects():
    payload = Payload({"a": "x", "b": 1, "c": [], "d": {"k": 1}, "e": None})
    assert payload.string("a") == "x"
    assert reason(lambda: payload.string("b")) == '["not_string","b"]'
    assert payload.object("c") == payload.object("e") == payload.object("absent") == {}
    assert payload.object("d") == {"k": 1}
    assert reason(lambda: payload.object("a")) == '["not_object","a"]'
