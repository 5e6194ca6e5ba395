"""What the values of runtime parameters may be, worded as RabbitMQ words it.

KEPT lists the components that nothing in this broker acts on. Their values are looked at as far as
shape and types go, so that what is stored can be exported to a broker that has the plug-ins.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from vhosts import errors
from vhosts.terms import printed, printed_pairs

Check = Callable[[str, Any], str | None]
"""Takes the name of a member and its value; what is wrong with it, None where nothing is."""

_SCHEMES = ("amqp", "amqps")


def check_object(name: str, value: Any) -> None:
    """Raises InvalidValue unless the value of parameter `name` is a JSON object."""
    if not isinstance(value, dict):
        raise errors.validation_failed(f"{name} not a list {printed(value)}")


def check_policy(name: str, value: Any) -> None:
    """An operator policy as a parameter: has the members it needs, and no others."""
    any_value = dict.fromkeys(("definition", "pattern", "priority", "apply-to"), _anything)
    _check(name, value, any_value, ("definition", "pattern", "priority"))


def _check(
    name: str, value: Any, members: Mapping[str, Check], required: tuple[str, ...] = ()
) -> None:
    check_object(name, value)
    wrong = []
    unknown = {key: value[key] for key in value if key not in members}
    if unknown:
        wrong.append(f"Unrecognised terms {printed_pairs(unknown)} in {name}")
    wrong += [f'Key "{key}" not found in {name}' for key in required if key not in value]
    for key, member_check in members.items():
        if key in value and (reason := member_check(key, value[key])) is not None:
            wrong.append(reason)
    if wrong:
        raise errors.validation_failed(*wrong)


def _anything(name: str, value: Any) -> str | None:
    return None


def _text(name: str, value: Any) -> str | None:
    return (
        None
        if isinstance(value, str)
        else f"{name} should be binary, actually was {printed(value)}"
    )


def _number(name: str, value: Any) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return None
    return f"{name} should be a number, actually was {printed(value)}"


def _boolean(name: str, value: Any) -> str | None:
    return (
        None
        if isinstance(value, bool)
        else f"{name} should be boolean, actually was {printed(value)}"
    )


def _table(name: str, value: Any) -> str | None:
    return (
        None
        if isinstance(value, dict)
        else f"{name} should be a map, actually was {printed(value)}"
    )


def _one_of(*allowed: str) -> Check:
    def check(name: str, value: Any) -> str | None:
        if value in allowed:
            return None
        return f"{name} should be one of {', '.join(allowed)}, actually was {printed(value)}"

    return check


def _uri(name: str, value: Any) -> str | None:
    # The value is not shown: there is a password in it.
    addresses = value if isinstance(value, list) else [value]
    if addresses and all(isinstance(each, str) and _is_amqp(each) for each in addresses):
        return None
    return f"{name} should be an AMQP URI or a list of such"


def _is_amqp(uri: str) -> bool:
    try:
        return urlsplit(uri).scheme in _SCHEMES
    except ValueError:
        return False


def _delete_after(name: str, value: Any) -> str | None:
    if isinstance(value, str):
        return _one_of("never", "queue-length")(name, value)
    return _number(name, value)


_ack_mode = _one_of("no-ack", "on-publish", "on-confirm")
_protocol = _one_of("amqp091", "amqp10", "local")

_SHOVEL: dict[str, Check] = {
    "src-protocol": _protocol,
    "src-uri": _uri,
    "src-queue": _text,
    "src-queue-args": _table,
    "src-exchange": _text,
    "src-exchange-key": _text,
    "src-prefetch-count": _number,
    "src-delete-after": _delete_after,
    "src-consumer-args": _table,
    "src-address": _text,
    "src-predeclared": _boolean,
    "dest-protocol": _protocol,
    "dest-uri": _uri,
    "dest-queue": _text,
    "dest-queue-args": _table,
    "dest-exchange": _text,
    "dest-exchange-key": _text,
    "dest-address": _text,
    "dest-predeclared": _boolean,
    "dest-add-forward-headers": _boolean,
    "dest-add-timestamp-header": _boolean,
    "dest-publish-properties": _table,
    "dest-properties": _table,
    "dest-application-properties": _table,
    "dest-message-annotations": _table,
    "ack-mode": _ack_mode,
    "reconnect-delay": _number,
    "delete-after": _delete_after,
    "prefetch-count": _number,
    "add-forward-headers": _boolean,
    "add-timestamp-header": _boolean,
    "publish-properties": _table,
}

_UPSTREAM: dict[str, Check] = {
    "uri": _uri,
    "expires": _number,
    "message-ttl": _number,
    "max-hops": _number,
    "prefetch-count": _number,
    "reconnect-delay": _number,
    "ack-mode": _ack_mode,
    "trust-user-id": _boolean,
    "exchange": _text,
    "queue": _text,
    "consumer-tag": _text,
    "queue-type": _one_of("classic", "quorum"),
    "resource-cleanup-mode": _one_of("default", "never"),
    "channel-use-mode": _one_of("multiple", "single"),
    "bind-nowait": _boolean,
    "ha-policy": _text,
}
_IN_SET: dict[str, Check] = {**_UPSTREAM, "upstream": _text}


def _check_shovel(name: str, value: Any) -> None:
    _check(name, value, _SHOVEL, ("src-uri", "dest-uri"))


def _check_upstream(name: str, value: Any) -> None:
    _check(name, value, _UPSTREAM, ("uri",))


def _check_upstream_set(name: str, value: Any) -> None:
    if not isinstance(value, list):
        raise errors.validation_failed(f"{name} not a list {printed(value)}")
    for each in value:
        _check(name, each, _IN_SET, ("upstream",))


KEPT: dict[str, Callable[[str, Any], None]] = {
    "shovel": _check_shovel,
    "federation-upstream": _check_upstream,
    "federation-upstream-set": _check_upstream_set,
}
"""By component, what raises InvalidValue for a bad value of the parameter of that name."""
