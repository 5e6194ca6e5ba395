"""The domain exceptions, and the explanation texts that clients and tests look for.

An exception here says what went wrong, never how a protocol answers: reply codes belong to
`broker/replies.py`, HTTP statuses to `mgmt_ui/errors.py`. `text` is the explanation without the
`CODE_NAME - ` in front of it (spec 0.3). The functions below the classes build one exception
each, ready to be raised.
"""


class BrokerError(Exception):
    """Root of everything the broker refuses. `text` is the explanation for the client."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


# Refusals that cost the channel (spec 0.4).
class AccessRefused(BrokerError):
    """Not permitted to this user, or to anyone (reserved names, the default exchange)."""


class NotFound(BrokerError):
    """No such queue or exchange."""


class ResourceLocked(BrokerError):
    """The queue belongs exclusively to another connection."""


class PreconditionFailed(BrokerError):
    """Arguments or state do not allow it."""


# Refusals that cost the connection.
class NotAllowed(BrokerError):
    """Virtual host access, limits, reused consumer tags."""


class NotImplementedByBroker(BrokerError):
    """A part of AMQP that this broker does not offer."""


class CommandInvalid(BrokerError):
    """A method that makes no sense where it was sent."""


class ConnectionForced(BrokerError):
    """An operator or a shutdown ends the connection."""


class ChannelError(BrokerError):
    """The channel is not in a state for this method."""


class UnexpectedFrame(BrokerError):
    """Frames in the wrong order."""


class FrameError(BrokerError):
    """Frames that cannot be read."""


class SyntaxError_(BrokerError):  # noqa: N801 -- the protocol's name, not Python's
    """Arguments that cannot be read."""


class InternalError(BrokerError):
    """The broker's own failure."""


class ResourceError(BrokerError):
    """Not enough of something on the broker's side."""


# Refusals that only administration can meet: no AMQP method leads here.
class InvalidValue(BrokerError):
    """A value that an administrator gave cannot be used."""


def queue_text(name: str, vhost: str) -> str:
    """How a queue is named in texts (spec 0.2)."""
    return f"queue '{name}' in vhost '{vhost}'"


def exchange_text(name: str, vhost: str) -> str:
    """How an exchange is named in texts (spec 0.2)."""
    return f"exchange '{name}' in vhost '{vhost}'"


# -- what is missing ---------------------------------------------------------------------------


def no_queue(name: str, vhost: str) -> NotFound:
    return NotFound(f"no {queue_text(name, vhost)}")


def no_exchange(name: str, vhost: str) -> NotFound:
    return NotFound(f"no {exchange_text(name, vhost)}")


def no_previously_declared_queue() -> NotFound:
    return NotFound("no previously declared queue")


# -- names and predeclared things (spec 4.1, 4.2, 4.3, 5.1.1) ----------------------------------


def default_exchange() -> AccessRefused:
    return AccessRefused("operation not permitted on the default exchange")


def reserved_prefix(kind: str, name: str) -> AccessRefused:
    """`kind` is 'queue' or 'exchange'."""
    return AccessRefused(f"{kind} name '{name}' contains reserved prefix 'amq.*'")


def system_exchange(name: str, vhost: str) -> AccessRefused:
    return AccessRefused(f"deletion of system {exchange_text(name, vhost)} not allowed")


def internal_exchange(name: str, vhost: str) -> AccessRefused:
    return AccessRefused(f"cannot publish to internal {exchange_text(name, vhost)}")


def volatile_queue() -> AccessRefused:
    return AccessRefused("cannot bind or unbind to a volatile (direct reply-to) queue")


def unknown_exchange_type(type_name: str) -> PreconditionFailed:
    # Two words are known to RabbitMQ without being types, and it says so.
    word = "invalid" if type_name in ("", "queue") else "unknown"
    return PreconditionFailed(f"{word} exchange type '{type_name}'")


# -- locks and use (spec 5.1.3, 5.2, 5.4) ------------------------------------------------------


def exclusive_locked(name: str, vhost: str) -> ResourceLocked:
    return ResourceLocked(
        f"cannot obtain exclusive access to locked {queue_text(name, vhost)}. It could be "
        "originally declared on another connection or the exclusive property value does not "
        "match that of the original declaration."
    )


def exclusive_use(name: str, vhost: str) -> AccessRefused:
    return AccessRefused(f"{queue_text(name, vhost)} in exclusive use")


def no_get_beside_single_active_consumer(name: str, vhost: str) -> ResourceLocked:
    return ResourceLocked(
        f"cannot obtain access to locked {queue_text(name, vhost)}. basic.get operations are not "
        "supported by quorum queues with single active consumer"
    )


def ack_timeout(channel: int, timeout_ms: int) -> PreconditionFailed:
    return PreconditionFailed(
        f"delivery acknowledgement on channel {channel} timed out. Timeout value used: "
        f"{timeout_ms} ms. This timeout value can be configured, see consumers doc guide to "
        "learn more"
    )


def in_use(resource: str) -> PreconditionFailed:
    """`resource` as `queue_text` or `exchange_text` give it; so in all functions below."""
    return PreconditionFailed(f"{resource} in use")


def not_empty(resource: str) -> PreconditionFailed:
    return PreconditionFailed(f"{resource} not empty")


# -- arguments and properties (spec 5.1.1, 5.1.4, 7.1) -----------------------------------------


def inequivalent(key: str, resource: str, received: str, current: str) -> PreconditionFailed:
    """A redeclaration that differs; `received` and `current` are already worded."""
    return PreconditionFailed(
        f"inequivalent arg '{key}' for {resource}: received {received} but current is {current}"
    )


def invalid_argument(key: str, resource: str, reason: str) -> PreconditionFailed:
    return PreconditionFailed(f"invalid arg '{key}' for {resource}: {reason}")


def foreign_argument(key: str, resource: str, queue_type: str) -> PreconditionFailed:
    """An argument that only another type of queue knows; `queue_type` as in x-queue-type."""
    return PreconditionFailed(
        f"invalid arg '{key}' for {resource} of queue type rabbit_{queue_type}_queue"
    )


def invalid_type(type_name: str, key: str, resource: str) -> PreconditionFailed:
    return PreconditionFailed(f"invalid type '{type_name}' for arg '{key}' in {resource}")


def invalid_property(property_name: str, resource: str) -> PreconditionFailed:
    return PreconditionFailed(f"invalid property '{property_name}' for {resource}")


def server_named(queue_type: str) -> PreconditionFailed:
    return PreconditionFailed(
        f"Cannot declare a server-named queue for type rabbit_{queue_type}_queue"
    )


def name_prefix_too_long(prefix: str) -> PreconditionFailed:
    return PreconditionFailed(f"Queue name prefix '{prefix}' exceeds the 64-byte limit")


# -- streams (spec 5.2, 5.6, 8.3) ---------------------------------------------------------------


def not_for_streams(method: str, resource: str) -> NotImplementedByBroker:
    """`method` as basic.get, queue.purge."""
    return NotImplementedByBroker(f"{method} not supported by stream queues {resource}")


def no_prefetch_for_stream(resource: str) -> PreconditionFailed:
    return PreconditionFailed(f"consumer prefetch count is not set for stream {resource}")


def no_ack_from_stream(resource: str) -> NotImplementedByBroker:
    return NotImplementedByBroker(f"automatic acknowledgement not supported by stream {resource}")


def no_global_qos(resource: str) -> NotImplementedByBroker:
    return NotImplementedByBroker(f"{resource} does not support global qos")


# -- permissions (spec 2.6, 10.3) --------------------------------------------------------------


def access_refused(permission: str, kind: str, name: str, vhost: str, user: str) -> AccessRefused:
    """`permission` is configure, write, read, or 'any' where each would have done."""
    # Only here does the default exchange have a name (spec 0.2).
    if kind == "exchange" and not name:
        name = "amq.default"
    access = "access" if permission == "any" else f"{permission} access"
    return AccessRefused(
        f"{access} to {kind} '{name}' in vhost '{vhost}' refused for user '{user}'"
    )


def topic_refused(permission: str, key: str, exchange: str, vhost: str, user: str) -> AccessRefused:
    """`permission` is write or read."""
    return AccessRefused(
        f"{permission} access to topic '{key}' in {exchange_text(exchange, vhost)} "
        f"refused for user '{user}'"
    )


def vhost_not_found(vhost: str) -> NotAllowed:
    return NotAllowed(f"vhost {vhost} not found")


def vhost_down(vhost: str) -> ResourceError:
    return ResourceError(f"vhost '{vhost}' is down")


def too_fast(vhost: str) -> ResourceError:
    return ResourceError(f"vhost '{vhost}' has reached its limit of messages a second")


def vhost_down_for(vhost: str, user: str) -> InternalError:
    return InternalError(
        f"access to vhost '{vhost}' refused for user '{user}': vhost '{vhost}' is down"
    )


def vhost_protected(vhost: str) -> PreconditionFailed:
    return PreconditionFailed(f"vhost '{vhost}' is protected from deletion")


def vhost_refused(vhost: str, user: str) -> NotAllowed:
    return NotAllowed(f"access to vhost '{vhost}' refused for user '{user}'")


# -- limits (spec 2.6, 2.12) -------------------------------------------------------------------


def broker_full(limit: int) -> NotAllowed:
    return NotAllowed(f"connection refused: node connection limit ({limit}) is reached")


def vhost_full(vhost: str, user: str, limit: int) -> NotAllowed:
    return NotAllowed(
        f"access to vhost '{vhost}' refused for user '{user}': "
        f"connection limit ({limit}) is reached"
    )


def too_many_connections(user: str, limit: int) -> NotAllowed:
    return NotAllowed(
        f"connection refused for user '{user}': user connection limit ({limit}) is reached"
    )


def too_many_channels(user: str, limit: int) -> NotAllowed:
    return NotAllowed(
        f"number of channels opened for user '{user}' has reached the maximum allowed "
        f"user limit of ({limit})"
    )


def too_many_consumers(limit: int) -> NotAllowed:
    return NotAllowed(f"reached maximum ({limit}) of consumers per channel")


def too_many_queues(name: str, vhost: str, limit: int) -> PreconditionFailed:
    return PreconditionFailed(
        f"cannot declare queue '{name}': queue limit in vhost '{vhost}' ({limit}) is reached"
    )


# -- policies and parameters (spec 10.4) -------------------------------------------------------


def validation_failed(*reasons: str) -> InvalidValue:
    return InvalidValue("Validation failed\n\n" + "".join(f"{reason}\n" for reason in reasons))
