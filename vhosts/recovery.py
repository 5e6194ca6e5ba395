"""Bringing back what the store holds of one virtual host (spec 9.3).

What cannot be made any more is reported by name and left alone; the rest comes up. All is done a
bit at a time (persistence/steps.py), on a virtual host that nobody can reach yet.
"""

import logging

from exchanges.registry import EXCHANGE_TYPES
from persistence.contents import Contents
from persistence.definition_store import BindingRow, ExchangeRow, QueueRow
from persistence.steps import Steps
from vhosts import errors, naming
from vhosts.interfaces import PAUSED, Q
from vhosts.vhost import VirtualHost

logger = logging.getLogger("leveret.vhosts")

# Queues that are made before others may have their turn: each takes some 50 us.
FEW = 10


def recover(vhost: VirtualHost[Q], contents: Contents) -> Steps[None]:
    """Make the durable exchanges, queues and bindings of `vhost`; messages come later."""
    yield from vhost.enforcement.restore(contents)
    # The predeclared ones are there already.
    vhost.enforcement.changed()
    queues: list[QueueRow] = []
    rooms: dict[str, int] = {}
    yield from contents.queues(
        lambda row: (
            rooms.setdefault(row.name, row.id)
            if row.name.startswith(naming.ROOM_PREFIX)
            else queues.append(row)
        )
    )
    yield from contents.exchanges(
        lambda row: _exchange(vhost, row, rooms.get(naming.ROOM_PREFIX + row.name))
    )
    for number, row in enumerate(queues):
        queue = vhost.add_queue(row.name, row.id, True, None, row.auto_delete, row.arguments)
        queue.creator = row.creator
        queue.restore_marks(row.delivered)
        if not number % FEW:
            yield None
    yield from contents.parameters(PAUSED, lambda row: _pause(vhost, row[0]))
    yield from contents.bindings(lambda row: _binding(vhost, row))


def _pause(vhost: VirtualHost[Q], name: str) -> None:
    if name in vhost.queues:
        vhost.queues[name].hold()


def _exchange(vhost: VirtualHost[Q], row: ExchangeRow, room_id: int | None) -> None:
    resource = errors.exchange_text(row.name, vhost.name)
    if row.type not in EXCHANGE_TYPES:
        logger.error("%s is left out: its type '%s' is unknown", resource, row.type)
        return
    try:
        exchange = vhost.add_exchange(
            row.name, row.type, True, row.auto_delete, row.internal, row.arguments, room_id
        )
        exchange.creator = row.creator
    except errors.PreconditionFailed as error:
        logger.error("%s is left out: %s", resource, error.text)


def _binding(vhost: VirtualHost[Q], row: BindingRow) -> None:
    source = vhost.exchanges.get(row.source)
    ends = vhost.queues if row.destination_type == "queue" else vhost.exchanges
    destination = ends.get(row.destination)
    try:
        if source is None:
            raise errors.no_exchange(row.source, vhost.name)
        if destination is None:
            raise errors.NotFound(f"no {row.destination_type} '{row.destination}'")
        vhost.bindings.restore(
            source, destination, row.destination_type, row.routing_key, row.arguments
        )
    except errors.BrokerError as error:
        logger.error(
            "binding '%s' from exchange '%s' to %s '%s' in vhost '%s' is left out: %s",
            row.routing_key,
            row.source,
            row.destination_type,
            row.destination,
            vhost.name,
            error.text,
        )
