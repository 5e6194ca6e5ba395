"""Texts, order and reach of the argument checks (spec 5.1.1, 5.1.4, 5.4, 7.1)."""

import pytest

from vhosts.argument_checks import TEN_YEARS_MS, interval_ms
from vhosts.arguments import (
    ARGUMENTS,
    check_equivalent,
    check_queue_properties,
    exchange_argument,
    queue_type_of,
    validate_consumer_arguments,
    validate_queue_arguments,
)
from vhosts.errors import PreconditionFailed

Q = "queue 'q' in vhost '/'"


def refusal(call, *args, **kwargs):
    with pytest.raises(PreconditionFailed) as caught:
        call(*args, **kwargs)
    return caught.value.text


REASONS = [
    ("x-message-ttl", ("S", "1000"), '"expected integer, got longstr"'),
    ("x-message-ttl", ("D", (0, 5)), '"expected integer, got decimal"'),
    ("x-message-ttl", ("d", 5.0), '"expected integer, got double"'),
    ("x-message-ttl", ("t", True), '"expected integer, got bool"'),
    ("x-message-ttl", ("V", None), '"expected integer, got void"'),
    ("x-message-ttl", ("I", -1), "{value_negative,-1}"),
    ("x-message-ttl", ("l", TEN_YEARS_MS + 1), "{value_too_large,315360000001}"),
    ("x-expires", ("I", 0), "{value_zero,0}"),
    ("x-expires", ("I", -1), "{value_negative,-1}"),
    ("x-expires", ("l", TEN_YEARS_MS + 1), "{value_too_large,315360000001}"),
    ("x-max-length", ("I", -1), "{value_negative,-1}"),
    ("x-max-length-bytes", ("b", -1), "{value_negative,-1}"),
    ("x-max-priority", ("I", 256), "{max_value_exceeded,256}"),
    ("x-max-priority", ("I", -1), "{value_negative,-1}"),
    ("x-overflow", ("S", "foo"), "invalid_overflow"),
    ("x-overflow", ("I", 1), "{unacceptable_type,signedint}"),
    ("x-dead-letter-routing-key", ("S", "k"), "routing_key_but_no_dlx_defined"),
    ("x-dead-letter-routing-key", ("I", 1), "{unacceptable_type,signedint}"),
    ("x-single-active-consumer", ("S", "true"), "{unacceptable_type,longstr}"),
    ("x-queue-type", ("S", "foo"), "\"unsupported queue type 'foo'\""),
    ("x-queue-type", ("I", 1), "{unacceptable_type,signedint}"),
    ("x-queue-mode", ("S", "foo"), "\"unsupported queue mode 'foo'\""),
    ("x-queue-version", ("I", 3), "\"unsupported queue version '3'\""),
    ("x-queue-version", ("S", "2"), '"expected integer, got longstr"'),
    ("x-queue-leader-locator", ("S", "here"), "invalid_queue_locator_arg"),
    ("x-consumer-timeout", ("I", -1), "{value_negative,-1}"),
]


@pytest.mark.parametrize(("key", "field", "reason"), REASONS)
def test_bad_value(key, field, reason):
    text = refusal(validate_queue_arguments, {key: field}, "classic", "q", "/")
    assert text == f"invalid arg '{key}' for {Q}: {reason}"


OTHER_TYPES = [
    ("quorum", "x-dead-letter-strategy", ("S", "never"), "invalid_dlx_strategy"),
    ("quorum", "x-delivery-limit", ("S", "1"), '"expected integer, got longstr"'),
    ("quorum", "x-quorum-initial-group-size", ("I", 0), "{value_zero,0}"),
    ("quorum", "x-max-in-memory-length", ("I", -1), "{value_negative,-1}"),
    ("quorum", "x-delayed-retry-type", ("S", "some"), "invalid_delayed_retry_type"),
    ("quorum", "x-delayed-retry-min", ("I", 0), "{value_zero,0}"),
    ("stream", "x-max-age", ("S", "1x"), "invalid_max_age"),
    ("stream", "x-max-age", ("S", "0h"), "invalid_max_age"),
    ("stream", "x-max-age", ("I", 1), "{unacceptable_type,signedint}"),
    ("stream", "x-initial-cluster-size", ("I", 0), "{value_zero,0}"),
]


@pytest.mark.parametrize(("queue_type", "key", "field", "reason"), OTHER_TYPES)
def test_bad_value_of_other_queue_types(queue_type, key, field, reason):
    text = refusal(validate_queue_arguments, {key: field}, queue_type, "q", "/")
    assert text == f"invalid arg '{key}' for {Q}: {reason}"


ACCEPTED = [
    ("classic", {"x-message-ttl": ("I", 0), "x-expires": ("s", 1), "x-max-length": ("B", 0)}),
    ("classic", {"x-message-ttl": ("l", TEN_YEARS_MS), "x-max-priority": ("i", 255)}),
    ("classic", {"x-dead-letter-exchange": ("S", ""), "x-dead-letter-routing-key": ("S", "k")}),
    ("classic", {"x-queue-mode": ("S", "lazy"), "x-queue-version": ("I", 1)}),
    ("classic", {"x-queue-master-locator": ("I", 3), "x-queue-leader-locator": ("S", "balanced")}),
    ("classic", {"x-single-active-consumer": ("t", True), "x-overflow": ("S", "reject-publish")}),
    ("classic", {"x-anything": ("A", [("I", 1)]), "x-consumer-timeout": ("I", 0)}),
    ("quorum", {"x-delivery-limit": ("I", -1), "x-overflow": ("S", "reject-publish-dlx")}),
    ("quorum", {"x-dead-letter-strategy": ("S", "at-least-once")}),
    ("stream", {"x-max-age": ("S", "7D"), "x-max-length-bytes": ("l", 10**10)}),
]


@pytest.mark.parametrize(("queue_type", "arguments"), ACCEPTED)
def test_accepted(queue_type, arguments):
    validate_queue_arguments(arguments, queue_type, "q", "/")


FOREIGN = [
    ("classic", "x-delivery-limit", ("I", 1)),
    ("classic", "x-max-age", ("S", "1h")),
    ("quorum", "x-max-priority", ("I", 5)),
    ("quorum", "x-queue-mode", ("S", "lazy")),
    ("stream", "x-message-ttl", ("I", 1)),
    ("stream", "x-max-length", ("I", 1)),
    ("stream", "x-overflow", ("S", "drop-head")),
]


@pytest.mark.parametrize(("queue_type", "key", "field"), FOREIGN)
def test_argument_of_another_queue_type(queue_type, key, field):
    text = refusal(validate_queue_arguments, {key: field}, queue_type, "q", "/")
    assert text == f"invalid arg '{key}' for {Q} of queue type rabbit_{queue_type}_queue"


def test_a_bad_value_comes_before_a_foreign_argument():
    arguments = {"x-delivery-limit": ("I", 1), "x-expires": ("I", 0)}
    assert "value_zero" in refusal(validate_queue_arguments, arguments, "classic", "q", "/")


def test_the_value_of_a_foreign_argument_does_not_matter():
    arguments = {"x-max-age": ("S", "x"), "x-delivery-limit": ("S", "a")}
    text = refusal(validate_queue_arguments, arguments, "classic", "q", "/")
    assert text == f"invalid arg 'x-max-age' for {Q} of queue type rabbit_classic_queue"


PROPERTIES = [
    ({"auto_delete": True, "exclusive": True, "durable": False}, "auto-delete"),
    ({"auto_delete": False, "exclusive": True, "durable": False}, "exclusive-owner"),
    ({"auto_delete": False, "exclusive": False, "durable": False}, "non-durable"),
]


@pytest.mark.parametrize("queue_type", ["quorum", "stream"])
@pytest.mark.parametrize(("properties", "named"), PROPERTIES)
def test_properties_that_only_classic_queues_have(queue_type, properties, named):
    text = refusal(check_queue_properties, {}, queue_type, Q, **properties)
    assert text == f"invalid property '{named}' for {Q}"
    check_queue_properties({}, "classic", Q, **properties)


STREAM_SIZES = [
    ("x-stream-max-segment-size-bytes", 3_000_000_001, "Exceeded max value for {}"),
    ("x-stream-filter-size-bytes", 15, "Invalid value for {}"),
    ("x-stream-filter-size-bytes", 256, "Invalid value for {}"),
]


@pytest.mark.parametrize(("key", "value", "text"), STREAM_SIZES)
def test_stream_sizes(key, value, text):
    properties = {"durable": True, "exclusive": False, "auto_delete": False}
    arguments = {key: ("l", value)}
    refused = refusal(check_queue_properties, arguments, "stream", Q, **properties)
    assert refused == text.format(key)


TTL = "x-message-ttl"
DIFFERENT = [
    (TTL, ("I", 1000), ("I", 2000), "received '2000' but current is '1000'"),
    (TTL, ("I", 1000), ("S", "1000"), "received '1000' but current is '1000'"),
    (
        TTL,
        None,
        ("I", 1000),
        "received the value '1000' of type 'signedint' but current is none",
    ),
    (
        TTL,
        ("l", 1000),
        None,
        "received none but current is the value '1000' of type 'long'",
    ),
    (
        "x-single-active-consumer",
        None,
        ("t", True),
        "received the value 'true' of type 'bool' but current is none",
    ),
    (
        "x-queue-type",
        ("S", "classic"),
        ("S", "quorum"),
        "received 'quorum' but current is 'classic'",
    ),
]


def table(arguments, queue_type="classic"):
    return {"x-queue-type": ("S", queue_type), **arguments}


@pytest.mark.parametrize(("key", "current", "received", "text"), DIFFERENT)
def test_inequivalent(key, current, received, text):
    tables = [table({} if field is None else {key: field}) for field in (current, received)]
    assert refusal(check_equivalent, *tables, Q) == f"inequivalent arg '{key}' for {Q}: {text}"


@pytest.mark.parametrize("tag", list("bBsuIilL"))
def test_integers_of_any_size_are_equivalent(tag):
    check_equivalent(table({TTL: ("I", 100)}), table({TTL: (tag, 100)}), Q)


def test_only_arguments_that_the_type_knows_are_compared():
    check_equivalent(table({"x-mine": ("I", 1)}), table({"x-other": ("S", "")}), Q)
    check_equivalent(table({}, "quorum"), table({"x-max-priority": ("I", 1)}, "quorum"), Q)


def test_alternate_exchange_must_be_a_string():
    resource = "exchange 'x' in vhost '/'"
    assert exchange_argument({}, "alternate-exchange", resource) is None
    assert exchange_argument({"alternate-exchange": ("S", "ae")}, "alternate-exchange", "") == "ae"
    text = refusal(
        exchange_argument, {"alternate-exchange": ("I", 1)}, "alternate-exchange", resource
    )
    assert text == f"invalid type 'signedint' for arg 'alternate-exchange' in {resource}"


def test_queue_type_of_a_declaration():
    assert queue_type_of({}, "quorum", fits_any_type=True) == "quorum"
    assert queue_type_of({}, "quorum", fits_any_type=False) == "classic"
    assert (
        queue_type_of({"x-queue-type": ("S", "stream")}, "quorum", fits_any_type=False) == "stream"
    )
    assert queue_type_of({"x-queue-type": ("I", 1)}, "classic", fits_any_type=True) == "classic"


CONSUMER = [
    ("classic", "x-priority", ("S", "5"), ': "expected integer, got longstr"'),
    ("stream", "x-priority", ("I", 5), " of queue type rabbit_stream_queue"),
    ("classic", "x-stream-offset", ("S", "first"), " of queue type rabbit_classic_queue"),
    (
        "stream",
        "x-stream-offset",
        ("S", "foo"),
        ': {invalid_stream_offset_arg,{longstr,<<"foo">>}}',
    ),
    ("stream", "x-stream-offset", ("t", True), ": {invalid_stream_offset_arg,{bool,true}}"),
    ("stream", "x-stream-filter", ("A", [("I", 1)]), ": {unacceptable_type,array}"),
]


@pytest.mark.parametrize(("queue_type", "key", "field", "text"), CONSUMER)
def test_bad_consumer_argument(queue_type, key, field, text):
    refused = refusal(validate_consumer_arguments, {key: field}, queue_type, "q", "/")
    assert refused == f"invalid arg '{key}' for {Q}{text}"


@pytest.mark.parametrize(
    ("queue_type", "arguments"),
    [
        ("classic", {"x-priority": ("I", -5), "x-unknown": ("V", None)}),
        ("quorum", {"x-consumer-timeout": ("I", 1000)}),
        ("stream", {"x-stream-offset": ("S", "30m"), "x-stream-filter": ("A", [("S", "a")])}),
        ("stream", {"x-stream-offset": ("T", 5), "x-stream-match-unfiltered": ("t", False)}),
        ("stream", {"x-stream-offset": ("l", -3), "x-stream-filter": ("S", "a")}),
    ],
)
def test_good_consumer_arguments(queue_type, arguments):
    validate_consumer_arguments(arguments, queue_type, "q", "/")


def test_intervals():
    assert interval_ms("1Y") == 365 * 86_400_000
    assert interval_ms("2M") == 60 * 86_400_000
    assert [interval_ms(text) for text in ("7D", "2h", "3m", "5s")] == [
        604_800_000,
        7_200_000,
        180_000,
        5_000,
    ]
    assert [interval_ms(text) for text in ("", "5", "0s", "-1h", "1w", "1h ", "1.5h")] == [None] * 7


def test_the_table_names_each_policy_key_and_setting_once():
    policy_keys = [row.policy_key for row in ARGUMENTS.values() if row.policy_key]
    settings = [row.setting for row in ARGUMENTS.values() if row.setting]
    assert len(set(policy_keys)) == len(policy_keys)
    assert len(set(settings)) == len(settings)
