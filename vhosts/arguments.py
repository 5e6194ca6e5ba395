"""ARGUMENTS: every argument of queues and consumers, once (spec 5.4, 7.1, 7.2).

A row says which types of queue know an argument, which policy key means the same, what values it
takes, how argument and policy merge, and which field of `QueueSettings` it sets. Adding an
argument is adding a row. What a setting then does to messages is the broker's affair.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from vhosts import argument_checks as checks
from vhosts import errors, merge
from vhosts.argument_checks import TYPE_NAMES, Check, Table
from vhosts.equivalence import check_same_arguments
from vhosts.merge import Merge

CLASSIC = frozenset({"classic"})
QUORUM = frozenset({"quorum"})
STREAM = frozenset({"stream"})
NOT_STREAM = CLASSIC | QUORUM
REPLICATED = QUORUM | STREAM
ALL = CLASSIC | QUORUM | STREAM

MAX_SEGMENT_SIZE_BYTES = 3_000_000_000
FILTER_SIZES_BYTES = range(16, 256)

_queue_type = checks.one_of("\"unsupported queue type '{}'\"", "classic", "quorum", "stream")
_overflow = checks.one_of("invalid_overflow", "drop-head", "reject-publish", "reject-publish-dlx")
_queue_mode = checks.one_of("\"unsupported queue mode '{}'\"", "default", "lazy")
_strategy = checks.one_of("invalid_dlx_strategy", "at-most-once", "at-least-once")
_locator = checks.one_of(
    "invalid_queue_locator_arg",
    "client-local",
    "balanced",
    "random",
    "least-leaders",
    "min-masters",
)


class Argument(NamedTuple):
    """One row: `setting` names a field of QueueSettings, None where nothing here acts on it.

    `by_policy`: the types of queue that refuse the argument and know the policy key all the same.
    """

    name: str
    queue_types: frozenset[str]
    check: Check
    merge: Merge = merge.argument_only
    policy_key: str | None = None
    setting: str | None = None
    by_policy: frozenset[str] = frozenset()


# fmt: off
# The first that is wrong is told of; that is why the order is RabbitMQ's, as far as it goes.
_ROWS = (
    Argument("x-queue-type", ALL, _queue_type, setting="queue_type"),
    Argument("x-expires", NOT_STREAM, checks.positive_duration, merge.minimum,
             "expires", "expires"),
    Argument("x-message-ttl", NOT_STREAM, checks.duration, merge.minimum,
             "message-ttl", "message_ttl"),
    Argument("x-dead-letter-exchange", NOT_STREAM, checks.string, merge.argument_wins,
             "dead-letter-exchange", "dead_letter_exchange"),
    Argument("x-dead-letter-routing-key", NOT_STREAM, checks.dead_letter_routing_key,
             merge.argument_wins, "dead-letter-routing-key", "dead_letter_routing_key"),
    Argument("x-dead-letter-strategy", QUORUM, _strategy, merge.argument_wins,
             "dead-letter-strategy", "dead_letter_strategy"),
    Argument("x-max-length", NOT_STREAM, checks.not_negative, merge.minimum,
             "max-length", "max_length"),
    Argument("x-max-length-bytes", ALL, checks.not_negative, merge.max_length_bytes,
             "max-length-bytes", "max_length_bytes"),
    Argument("x-max-in-memory-length", QUORUM, checks.not_negative, merge.minimum,
             "max-in-memory-length"),
    Argument("x-max-in-memory-bytes", QUORUM, checks.not_negative, merge.minimum,
             "max-in-memory-bytes"),
    Argument("x-max-priority", CLASSIC, checks.priority_levels, setting="max_priority"),
    Argument("x-overflow", NOT_STREAM, _overflow, merge.overflow,
             "overflow", "overflow"),
    Argument("x-queue-mode", CLASSIC, _queue_mode, merge.argument_wins, "queue-mode"),
    Argument("x-queue-version", CLASSIC, checks.queue_version, merge.argument_wins,
             "queue-version"),
    Argument("x-single-active-consumer", NOT_STREAM, checks.boolean,
             setting="single_active_consumer"),
    Argument("x-quorum-initial-group-size", QUORUM, checks.positive),
    Argument("x-max-age", STREAM, checks.max_age, merge.policy_wins, "max-age", "max_age"),
    Argument("x-stream-max-segment-size-bytes", STREAM, checks.not_negative, merge.policy_wins,
             "stream-max-segment-size-bytes", "max_segment_size_bytes"),
    Argument("x-initial-cluster-size", STREAM, checks.positive, merge.policy_wins,
             "initial-cluster-size"),
    Argument("x-queue-leader-locator", ALL, _locator, merge.argument_wins,
             "queue-leader-locator"),
    Argument("x-queue-master-locator", CLASSIC, checks.anything, merge.argument_wins,
             "queue-master-locator"),
    Argument("x-delivery-limit", QUORUM, checks.integer, merge.minimum_or_unlimited,
             "delivery-limit", "delivery_limit", by_policy=CLASSIC),
    Argument("x-message-deduplication", ALL, checks.boolean),
    Argument("x-cache-size", ALL, checks.positive),
    Argument("x-cache-ttl", ALL, checks.positive),
    Argument("x-deduplication-header", ALL, checks.string),
    # Quorum's in RabbitMQ 4.3; classic queues take it here to ask for the timeout (spec 7.8).
    Argument("x-consumer-timeout", NOT_STREAM, checks.not_negative, merge.minimum,
             "consumer-timeout", "consumer_timeout"),
    Argument("x-consumer-disconnected-timeout", QUORUM, checks.not_negative, merge.minimum,
             "consumer-disconnected-timeout", "consumer_disconnected_timeout"),
    Argument("x-delayed-retry-type", QUORUM, checks.delayed_retry_type, merge.argument_wins,
             "delayed-retry-type", "delayed_retry_type"),
    Argument("x-delayed-retry-min", QUORUM, checks.positive, merge.argument_wins,
             "delayed-retry-min", "delayed_retry_min"),
    Argument("x-delayed-retry-max", QUORUM, checks.positive, merge.argument_wins,
             "delayed-retry-max", "delayed_retry_max"),
    Argument("x-stream-filter-size-bytes", STREAM, checks.not_negative, merge.policy_wins,
             "stream-filter-size-bytes", "filter_size_bytes"),
)

_CONSUMER_ROWS = (
    Argument("x-priority", NOT_STREAM, checks.integer),
    Argument("x-consumer-timeout", NOT_STREAM, checks.not_negative),
    Argument("x-stream-offset", STREAM, checks.stream_offset),
    Argument("x-stream-filter", STREAM, checks.stream_filter),
    Argument("x-stream-match-unfiltered", STREAM, checks.boolean),
)
# fmt: on

ARGUMENTS = {row.name: row for row in _ROWS}
CONSUMER_ARGUMENTS = {row.name: row for row in _CONSUMER_ROWS}
_KNOWN_TO = {
    queue_type: tuple(row.name for row in _ROWS if queue_type in row.queue_types)
    for queue_type in ALL
}


def queue_type_of(arguments: Table, default: str, *, fits_any_type: bool) -> str:
    """The type a declaration asks for: x-queue-type, or `default` where it can be had.

    Only classic queues can be transient, exclusive or auto-delete, so a declaration of such a one
    (`fits_any_type` false) that names no type means classic. The answer may be no known type.
    """
    tag, value = arguments.get("x-queue-type", ("V", None))
    if tag == "S":
        return str(value)
    return default if fits_any_type else "classic"


def validate_queue_arguments(arguments: Table, queue_type: str, name: str, vhost: str) -> None:
    """Raises PreconditionFailed for a bad value, or an argument of another type (spec 7.1)."""
    if arguments:
        _validate(ARGUMENTS, arguments, queue_type, errors.queue_text(name, vhost))


def validate_consumer_arguments(arguments: Table, queue_type: str, name: str, vhost: str) -> None:
    """The same for basic.consume on a queue (spec 5.4). Unknown arguments are ignored."""
    if arguments:
        _validate(CONSUMER_ARGUMENTS, arguments, queue_type, errors.queue_text(name, vhost))


def _validate(
    rows: Mapping[str, Argument], arguments: Table, queue_type: str, resource: str
) -> None:
    # As RabbitMQ does it: the values of what the type knows, then what it does not know.
    for row in rows.values():
        if row.name not in arguments or (queue_type in ALL and queue_type not in row.queue_types):
            continue
        if (reason := row.check(arguments[row.name], arguments)) is not None:
            raise errors.invalid_argument(row.name, resource, reason)
    for name in arguments:
        if name in rows and queue_type not in rows[name].queue_types:
            raise errors.foreign_argument(name, resource, queue_type)


def check_queue_properties(
    arguments: Table,
    queue_type: str,
    resource: str,
    *,
    durable: bool,
    exclusive: bool,
    auto_delete: bool,
) -> None:
    """What quorum queues and streams cannot be (spec 5.1.1), raised as PreconditionFailed."""
    if queue_type == "classic":
        return
    if auto_delete:
        raise errors.invalid_property("auto-delete", resource)
    if exclusive:
        raise errors.invalid_property("exclusive-owner", resource)
    if not durable:
        raise errors.invalid_property("non-durable", resource)
    segment = arguments.get("x-stream-max-segment-size-bytes")
    if segment is not None and segment[1] > MAX_SEGMENT_SIZE_BYTES:
        raise errors.PreconditionFailed("Exceeded max value for x-stream-max-segment-size-bytes")
    filter_size = arguments.get("x-stream-filter-size-bytes")
    if filter_size is not None and filter_size[1] not in FILTER_SIZES_BYTES:
        raise errors.PreconditionFailed("Invalid value for x-stream-filter-size-bytes")


def check_equivalent(current: Table, received: Table, resource: str) -> None:
    """Raises PreconditionFailed when arguments that the existing queue's type knows differ.

    Both tables name their x-queue-type (spec 5.1.4).
    """
    if current != received:
        check_same_arguments(_KNOWN_TO[current["x-queue-type"][1]], current, received, resource)


def exchange_argument(arguments: Table, key: str, resource: str) -> str | None:
    """The name of another exchange that `key` gives, None where absent.

    Raises PreconditionFailed when it is no string (spec 4.1, 7.1).
    """
    field = arguments.get(key)
    if field is None:
        return None
    if field[0] != "S":
        raise errors.invalid_type(TYPE_NAMES[field[0]], key, resource)
    return str(field[1])


def settings_rows() -> Iterable[Argument]:
    """The rows that set a field of QueueSettings."""
    return (row for row in _ROWS if row.setting is not None)


def effective_value(
    row: Argument, arguments: Table, policy: Mapping[str, Any], queue_type: str
) -> Any:
    """Argument and policy merged by the row's rule (spec 7.2); None where neither says anything."""
    if queue_type not in row.queue_types and queue_type not in row.by_policy:
        return None
    field = arguments.get(row.name)
    from_policy = None if row.policy_key is None else policy.get(row.policy_key)
    return row.merge(None if field is None else field[1], from_policy, queue_type)
