"""Every text to the letter of the spec."""

import pytest

from vhosts import errors

LOCKED = (
    "cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be originally "
    "declared on another connection or the exclusive property value does not match that of the "
    "original declaration."
)

TEXTS = [
    (errors.no_queue("q", "/"), errors.NotFound, "no queue 'q' in vhost '/'"),
    (errors.no_exchange("x", "v"), errors.NotFound, "no exchange 'x' in vhost 'v'"),
    (errors.no_previously_declared_queue(), errors.NotFound, "no previously declared queue"),
    (
        errors.default_exchange(),
        errors.AccessRefused,
        "operation not permitted on the default exchange",
    ),
    (
        errors.reserved_prefix("exchange", "amq.x"),
        errors.AccessRefused,
        "exchange name 'amq.x' contains reserved prefix 'amq.*'",
    ),
    (
        errors.system_exchange("amq.x", "/"),
        errors.AccessRefused,
        "deletion of system exchange 'amq.x' in vhost '/' not allowed",
    ),
    (
        errors.internal_exchange("x", "/"),
        errors.AccessRefused,
        "cannot publish to internal exchange 'x' in vhost '/'",
    ),
    (
        errors.volatile_queue(),
        errors.AccessRefused,
        "cannot bind or unbind to a volatile (direct reply-to) queue",
    ),
    (
        errors.unknown_exchange_type("foo"),
        errors.PreconditionFailed,
        "unknown exchange type 'foo'",
    ),
    (errors.unknown_exchange_type(""), errors.PreconditionFailed, "invalid exchange type ''"),
    (
        errors.unknown_exchange_type("queue"),
        errors.PreconditionFailed,
        "invalid exchange type 'queue'",
    ),
    (errors.exclusive_locked("q", "/"), errors.ResourceLocked, LOCKED),
    (
        errors.exclusive_use("q", "/"),
        errors.AccessRefused,
        "queue 'q' in vhost '/' in exclusive use",
    ),
    (
        errors.in_use(errors.exchange_text("x", "/")),
        errors.PreconditionFailed,
        "exchange 'x' in vhost '/' in use",
    ),
    (
        errors.not_empty(errors.queue_text("q", "/")),
        errors.PreconditionFailed,
        "queue 'q' in vhost '/' not empty",
    ),
    (
        errors.server_named("quorum"),
        errors.PreconditionFailed,
        "Cannot declare a server-named queue for type rabbit_quorum_queue",
    ),
    (
        errors.name_prefix_too_long("p"),
        errors.PreconditionFailed,
        "Queue name prefix 'p' exceeds the 64-byte limit",
    ),
    (
        errors.access_refused("read", "exchange", "", "/", "u"),
        errors.AccessRefused,
        "read access to exchange 'amq.default' in vhost '/' refused for user 'u'",
    ),
    (errors.vhost_not_found("v"), errors.NotAllowed, "vhost v not found"),
    (
        errors.vhost_refused("v", "u"),
        errors.NotAllowed,
        "access to vhost 'v' refused for user 'u'",
    ),
]


@pytest.mark.parametrize(("error", "kind", "text"), TEXTS, ids=[text for *_, text in TEXTS])
def test_text(error, kind, text):
    assert type(error) is kind
    assert isinstance(error, errors.BrokerError)
    assert error.text == str(error) == text


def test_names_are_printed_raw():
    assert errors.no_queue("it's\n", "v'").text == "no queue 'it's\n' in vhost 'v''"
