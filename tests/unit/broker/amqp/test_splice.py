"""A header spliced in gives the same content header as decoding, changing and encoding."""

import struct

import pytest
from hypothesis import assume, given

from broker.amqp import content, properties
from broker.amqp.splice import around_long, without
from tests.unit.broker.amqp.test_properties import any_properties

KEY = b"x-stream-offset"


def spliced(header, value):
    before, after = around_long(header, KEY)
    return before + struct.pack(">q", value) + after


@given(any_properties)
def test_equals_decoding_and_encoding(given_properties):
    header = content.parse(properties.encode(given_properties, 5))
    decoded = properties.decode(header.payload)
    assume("x-stream-offset" not in (decoded.headers or {}))  # removed at publish
    decoded.headers = {"x-stream-offset": ("l", 7)} | (decoded.headers or {})
    assert spliced(header, 7) == properties.encode(decoded, 5)


@pytest.mark.parametrize("headers", [None, {}, {"a": ("S", "b")}])
def test_every_other_byte_stays(headers):
    whole = properties.BasicProperties(
        content_type="text/plain", content_encoding="gzip", headers=headers, app_id="app"
    )
    parsed = content.parse(spliced(content.parse(properties.encode(whole, 1 << 40)), 1 << 60))
    assert not parsed.malformed
    assert parsed.body_size == 1 << 40
    again = properties.decode(parsed.payload)
    assert again.headers == {"x-stream-offset": ("l", 1 << 60)} | (headers or {})
    again.headers = headers
    assert again == whole


def test_without():
    def header(headers):
        whole = properties.BasicProperties(headers=headers, app_id="app")
        return content.parse(properties.encode(whole, 0))

    one = header({"x-stream-offset": ("I", 1), "b": ("t", True)})
    assert properties.decode(without(one, KEY).payload).headers == {"b": ("t", True)}
    nested = header({"a": ("F", {"x-stream-offset": ("I", 1)})})
    assert without(nested, KEY) is nested
    assert without(header(None), KEY).payload == header(None).payload
