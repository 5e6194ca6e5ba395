"""What is checked when queues and exchanges are declared, and exchanges made (spec 4.1, 5.1).

The order in which these come is in `vhost.py`; what arguments may be is in `arguments.py`.
"""

from exchanges.base import Exchange, InvalidArgument
from exchanges.registry import class_of
from vhosts import errors
from vhosts.argument_checks import Table
from vhosts.arguments import check_equivalent, exchange_argument
from vhosts.equivalence import check_same_arguments, check_same_property
from vhosts.interfaces import QueueLike
from vhosts.permissions import Authorise


def check_same_exchange(
    existing: Exchange,
    vhost: str,
    type_name: str,
    durable: bool,
    auto_delete: bool,
    internal: bool,
    arguments: Table,
) -> None:
    """Raises PreconditionFailed when `existing` was declared otherwise."""
    resource = errors.exchange_text(existing.name, vhost)
    check_same_property("type", existing.type, type_name, resource)
    check_same_property("durable", existing.durable, durable, resource)
    check_same_property("auto_delete", existing.auto_delete, auto_delete, resource)
    check_same_property("internal", existing.internal, internal, resource)
    check_same_arguments(("alternate-exchange",), existing.arguments, arguments, resource)


def check_same_queue(
    existing: QueueLike,
    vhost: str,
    durable: bool,
    owner: object | None,
    auto_delete: bool,
    arguments: Table,
) -> None:
    """Raises ResourceLocked or PreconditionFailed when `existing` was declared otherwise."""
    if existing.owner is not owner:
        raise errors.exclusive_locked(existing.name, vhost)
    resource = errors.queue_text(existing.name, vhost)
    check_same_property("durable", existing.durable, durable, resource)
    check_same_property("auto_delete", existing.auto_delete, auto_delete, resource)
    check_equivalent(existing.arguments, arguments, resource)


def check_outlet(
    key: str, kind: str, name: str, vhost: str, arguments: Table, authorise: Authorise
) -> None:
    """The argument `key` sends to another exchange what is not kept here (spec 10.3).

    To write there, one must read here. Raises PreconditionFailed when it is no string,
    AccessRefused from `authorise`.
    """
    outlet = exchange_argument(arguments, key, f"{kind} '{name}' in vhost '{vhost}'")
    if outlet is not None:
        authorise("read", kind, name)
        authorise("write", "exchange", outlet)


def make_exchange(
    name: str,
    type_name: str,
    durable: bool,
    auto_delete: bool,
    internal: bool,
    arguments: Table,
) -> Exchange:
    """A new exchange of a known type; PreconditionFailed for arguments its type cannot take."""
    exchange = class_of(type_name, arguments)(name, durable, auto_delete, internal, arguments)
    try:
        exchange.validate()
    except InvalidArgument as error:
        raise errors.PreconditionFailed(str(error)) from None
    return exchange
