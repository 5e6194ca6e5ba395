"""VirtualHost: one world of exchanges, queues and bindings (spec 4, 5.1, 5.2).

Every declaration, binding and deletion goes through here, whoever wants it: the order of checks
and what a change brings with it are the same for AMQP, the management API and timers. Routing is
in `exchanges/`, what a queue does with messages in `broker/`.
"""

from collections.abc import Iterable
from typing import Any, Generic

from exchanges.base import Binding, Exchange
from exchanges.default import DefaultExchange
from exchanges.registry import EXCHANGE_TYPES
from persistence.commit import GroupCommit
from persistence.definition_store import DefinitionStore, ExchangeRow
from persistence.message_log import MessageLog
from vhosts import errors, naming
from vhosts.argument_checks import Table
from vhosts.arguments import (
    check_queue_properties,
    queue_type_of,
    validate_queue_arguments,
)
from vhosts.bindings import Bindings
from vhosts.declarations import (
    check_outlet,
    check_same_exchange,
    check_same_queue,
    make_exchange,
)
from vhosts.enforcement import Enforcement, Later
from vhosts.interfaces import PAUSED, Furnish, Q, QueueFactory, QueueLike, Replay
from vhosts.permissions import ANYONE, BROKER, Authorise
from vhosts.statistics import Statistics

TOPIC = "topic"
"""The type of exchange that topic permissions are for, and no other."""

PREDECLARED = (
    ("amq.direct", "direct", False),
    ("amq.fanout", "fanout", False),
    ("amq.headers", "headers", False),
    ("amq.match", "headers", False),
    ("amq.rabbitmq.trace", "topic", True),
    ("amq.topic", "topic", False),
)
"""Name, type and whether internal; with the default exchange, every virtual host's (spec 6.1)."""


class VirtualHost(Generic[Q]):
    """Everything with a name in one virtual host.

    `topology` rises with every change of what exists, is bound or is permitted here: what was
    looked up under an older number must be looked up again. `store`, `commit` and `log` are where
    it survives. `running` is False while it is down: then it is empty, and nothing can be made.

    Methods that take `authorise` call it in the spec's order of checks; it raises AccessRefused.
    `owner` is the connection that an exclusive queue belongs to, or that asks for it.
    """

    def __init__(
        self,
        name: str,
        queue_factory: QueueFactory[Q],
        *,
        store: DefinitionStore,
        commit: GroupCommit,
        log: MessageLog,
        replay: Replay | None = None,
        furnish: Furnish | None = None,
        later: Later | None = None,
        statistics: Statistics | None = None,
    ) -> None:
        self.name = name
        self.store = store
        self.commit = commit
        self.log = log
        self.running = True
        # Why it could not be recovered, if that is why it is down.
        self.trouble = ""
        self.statistics = statistics or Statistics()
        # As of limits.py, None for any number; and why publishers have to wait, if they have.
        self.max_queues: int | None = None
        self.max_stored_bytes: int | None = None
        self.max_publish_rate: int | None = None
        self.held_up = ""
        self.topology = 0
        self.queues: dict[str, Q] = {}
        self.bindings = Bindings(name, store)
        self.exchanges: dict[str, Exchange] = {"": DefaultExchange(self.queues)}
        for exchange, type_name, internal in PREDECLARED:
            self.exchanges[exchange] = make_exchange(exchange, type_name, True, False, internal, {})
        self.describe({})
        self._queue_factory = queue_factory
        self._replay = replay
        self._furnish = furnish
        self._exclusive: dict[object, dict[Q, None]] = {}
        self.enforcement = Enforcement(self, later)
        self.policies = self.enforcement.policies()
        self.operator_policies = self.enforcement.operator_policies()

    def describe(self, metadata: dict[str, Any]) -> None:
        """What is said of it, as it is stored; what is missing is as in a new one (spec 10.1)."""
        self.metadata = metadata
        self.description: str = metadata.get("description", "")
        self.tags: tuple[str, ...] = tuple(metadata.get("tags", ()))
        self.default_queue_type: str = metadata.get("default_queue_type", "classic")
        self.tracing: bool = metadata.get("tracing", False)
        self.protected: bool = metadata.get("protected_from_deletion", False)
        # Of the virtual host, and so of what every one has.
        self.creator: str = metadata.get("creator", BROKER)
        for name in ("", *(row[0] for row in PREDECLARED)):
            self.exchanges[name].creator = self.creator

    @property
    def rationed(self) -> bool:
        """Whether there is a limit to what is published here."""
        return self.max_stored_bytes is not None or self.max_publish_rate is not None

    # -- exchanges -----------------------------------------------------------------------------

    def exchange(self, name: str) -> Exchange:
        """Raises NotFound."""
        exchange = self.exchanges.get(name)
        if exchange is None:
            raise errors.no_exchange(name, self.name)
        return exchange

    def declare_exchange(
        self,
        name: str,
        type_name: str,
        *,
        durable: bool,
        auto_delete: bool,
        internal: bool,
        arguments: Table,
        authorise: Authorise | None = None,
    ) -> Exchange:
        """The exchange of that name, made if need be (spec 4.1).

        Raises PreconditionFailed for unknown types, inequivalent properties and bad arguments,
        AccessRefused for reserved names, the default exchange and for want of permission.
        """
        authorise = authorise or ANYONE
        if type_name not in EXCHANGE_TYPES:
            raise errors.unknown_exchange_type(type_name)
        name = naming.clean(name)
        if not name:
            raise errors.default_exchange()
        authorise("configure", "exchange", name)
        existing = self.exchanges.get(name)
        if existing is not None:
            check_same_exchange(
                existing, self.name, type_name, durable, auto_delete, internal, arguments
            )
            return existing
        naming.check_not_reserved("exchange", name)
        check_outlet("alternate-exchange", "exchange", name, self.name, arguments, authorise)
        exchange = self.add_exchange(name, type_name, durable, auto_delete, internal, arguments)
        exchange.creator = authorise.user
        if durable:
            row = ExchangeRow(name, type_name, auto_delete, internal, arguments, exchange.creator)
            self.store.save_exchange(self.name, row)
            if exchange.room is not None:
                room = exchange.room
                self.store.save_queue(self.name, room.name, room.id, False, {}, exchange.creator)
        return exchange

    def add_exchange(
        self,
        name: str,
        type_name: str,
        durable: bool,
        auto_delete: bool,
        internal: bool,
        arguments: Table,
        room_id: int | None = None,
    ) -> Exchange:
        """A new exchange of a free name; the store does not learn of it here.

        Raises PreconditionFailed for arguments that its type cannot take.
        """
        exchange = make_exchange(name, type_name, durable, auto_delete, internal, arguments)
        if self._furnish is not None:
            self._furnish(self, exchange, room_id)
        self.exchanges[name] = exchange
        self.enforcement.apply_to_exchange(exchange)
        self.topology += 1
        return exchange

    def passive_declare_exchange(self, name: str, authorise: Authorise | None = None) -> Exchange:
        """Raises NotFound when it is missing, AccessRefused without any permission on it."""
        name = naming.clean(name)
        if not name:
            raise errors.default_exchange()
        (authorise or ANYONE)("any", "exchange", name)
        return self.exchange(name)

    def delete_exchange(
        self, name: str, if_unused: bool, authorise: Authorise | None = None
    ) -> None:
        """Delete the exchange if it is there (spec 4.2).

        Raises AccessRefused for predeclared and reserved names and for want of permission,
        PreconditionFailed when it is the source of a binding and `if_unused` was asked.
        """
        name = naming.clean(name)
        if not name:
            raise errors.default_exchange()
        if name.startswith(naming.RESERVED_PREFIX):
            raise errors.system_exchange(name, self.name)
        (authorise or ANYONE)("configure", "exchange", name)
        exchange = self.exchanges.get(name)
        if exchange is None:
            return
        if if_unused and exchange.bindings:
            raise errors.in_use(errors.exchange_text(name, self.name))
        self._remove_exchanges([exchange])

    def _remove_exchanges(self, doomed: list[Exchange]) -> None:
        """Remove these, and every auto-delete exchange that loses its last binding by it."""
        while doomed:
            exchange = doomed.pop()
            if self.exchanges.get(exchange.name) is not exchange:
                continue
            del self.exchanges[exchange.name]
            for binding in list(exchange.bindings.values()):
                self.bindings.remove(binding)
            doomed += _unused(self.bindings.remove_all(exchange))
            if exchange.durable:
                self.store.delete_exchange(self.name, exchange.name)
            if exchange.room is not None:
                exchange.room.close()
                self.store.delete_queue(self.name, exchange.room.name)
            exchange.let_go()
            self.topology += 1

    # -- bindings ------------------------------------------------------------------------------

    def bind(
        self,
        source: str,
        destination: str,
        destination_type: str,
        routing_key: str,
        arguments: Table,
        owner: object | None,
        authorise: Authorise | None = None,
    ) -> Binding | None:
        """Bind `destination` to the exchange `source`; None when it was so before (spec 4.3).

        `destination_type` is 'queue' or 'exchange'. Raises NotFound, ResourceLocked (`owner` does
        not own the exclusive queue), AccessRefused, and PreconditionFailed for what the type of
        exchange cannot take.
        """
        source, destination = self._binding_ends(
            source, destination, destination_type, routing_key, authorise
        )
        exchange = self.exchange(source)
        target: Q | Exchange
        if destination_type == "queue":
            target = self.queue(destination, owner)
        else:
            target = self.exchange(destination)
        binding = self.bindings.add(exchange, target, destination_type, routing_key, arguments)
        if binding is None:
            return None
        self.topology += 1
        if self._replay is not None and (due := exchange.on_bound(binding)):
            self._replay(self, binding, due)
        return binding

    def unbind(
        self,
        source: str,
        destination: str,
        destination_type: str,
        routing_key: str,
        arguments: Table,
        owner: object | None,
        authorise: Authorise | None = None,
    ) -> None:
        """Undo `bind`; fine when there is no such binding, queue or exchange (spec 4.3)."""
        source, destination = self._binding_ends(
            source, destination, destination_type, routing_key, authorise
        )
        exchange = self.exchanges.get(source)
        target: Q | Exchange | None
        if destination_type == "queue":
            target = self.queues.get(destination)
        else:
            target = self.exchanges.get(destination)
        if exchange is None or target is None:
            return
        binding = exchange.find(target, destination_type, routing_key, arguments)
        if binding is None:
            return
        if destination_type == "queue":
            self.queue(destination, owner)
        self.bindings.remove(binding)
        self.topology += 1
        self._remove_exchanges(_unused([exchange]))

    def _binding_ends(
        self,
        source: str,
        destination: str,
        destination_type: str,
        routing_key: str,
        authorise: Authorise | None,
    ) -> tuple[str, str]:
        """The cleaned names of both ends, after the checks that come before existence."""
        authorise = authorise or ANYONE
        source, destination = naming.clean(source), naming.clean(destination)
        if destination_type == "queue" and destination.startswith(naming.REPLY_PREFIX):
            raise errors.volatile_queue()
        authorise("write", destination_type, destination)
        if not source or (destination_type == "exchange" and not destination):
            raise errors.default_exchange()
        authorise("read", "exchange", source)
        exchange = self.exchanges.get(source)
        if exchange is not None and exchange.type == TOPIC:
            authorise.topic("read", source, routing_key)
        return source, destination

    # -- queues --------------------------------------------------------------------------------

    def queue(self, name: str, owner: object | None = None) -> Q:
        """Raises NotFound, and ResourceLocked when it is exclusive to another than `owner`."""
        queue = self.queues.get(name)
        if queue is None:
            raise errors.no_queue(name, self.name)
        if queue.owner is not None and queue.owner is not owner:
            raise errors.exclusive_locked(name, self.name)
        return queue

    def passive_declare_queue(
        self, name: str, owner: object | None, authorise: Authorise | None = None
    ) -> Q:
        """`queue` for a passive declare: cleans the name, wants any permission on it."""
        name = naming.clean(name)
        (authorise or ANYONE)("any", "queue", name)
        return self.queue(name, owner)

    def declare_queue(
        self,
        name: str,
        *,
        durable: bool,
        owner: object | None,
        auto_delete: bool,
        arguments: Table,
        authorise: Authorise | None = None,
    ) -> Q:
        """The queue of that name, made if need be; an empty name asks for a new one (spec 5.1).

        With an `owner` it is exclusive, and never durable. Raises AccessRefused (reserved names,
        permission), ResourceLocked (the exclusive property differs), PreconditionFailed
        (inequivalent properties and arguments, bad arguments).
        """
        authorise = authorise or ANYONE
        name = naming.clean(name)
        exclusive = owner is not None
        stored = durable and not exclusive
        queue_type = queue_type_of(
            arguments, self.default_queue_type, fits_any_type=stored and not auto_delete
        )
        if name:
            naming.check_not_reserved("queue", name)
        else:
            name, arguments = naming.server_named(queue_type, arguments)
        authorise("configure", "queue", name)
        if "x-queue-type" not in arguments:
            arguments = {**arguments, "x-queue-type": ("S", queue_type)}
        existing = self.queues.get(name)
        if existing is not None:
            check_same_queue(existing, self.name, stored, owner, auto_delete, arguments)
            self.statistics.queue_declared += 1
            return existing
        if self.max_queues is not None and len(self.queues) >= self.max_queues:
            raise errors.too_many_queues(name, self.name, self.max_queues)
        check_outlet("x-dead-letter-exchange", "queue", name, self.name, arguments, authorise)
        validate_queue_arguments(arguments, queue_type, name, self.name)
        check_queue_properties(
            arguments,
            queue_type,
            errors.queue_text(name, self.name),
            durable=durable,
            exclusive=exclusive,
            auto_delete=auto_delete,
        )
        self.statistics.queue_declared += 1
        self.statistics.queue_created += 1
        queue_id = self.store.next_queue_id()
        creator = authorise.user
        if stored:
            self.store.save_queue(self.name, name, queue_id, auto_delete, arguments, creator)
        queue = self.add_queue(name, queue_id, stored, owner, auto_delete, arguments)
        queue.creator = creator
        return queue

    def add_queue(
        self,
        name: str,
        queue_id: int,
        durable: bool,
        owner: object | None,
        auto_delete: bool,
        arguments: Table,
    ) -> Q:
        """A new queue of a free name, all checks done; the store does not learn of it here."""
        queue = self._queue_factory(
            self,
            name,
            durable=durable,
            owner=owner,
            auto_delete=auto_delete,
            arguments=arguments,
            queue_id=queue_id,
        )
        self.queues[name] = queue
        self.enforcement.apply_to_queue(queue)
        if owner is not None:
            self._exclusive.setdefault(owner, {})[queue] = None
        self.topology += 1
        return queue

    def delete_queue_checked(
        self,
        name: str,
        owner: object | None,
        if_unused: bool,
        if_empty: bool,
        authorise: Authorise | None = None,
    ) -> int:
        """Delete the queue if it is there; how many ready messages went with it (spec 5.2).

        Raises AccessRefused, ResourceLocked, and PreconditionFailed when it is not as empty or
        unused as was asked.
        """
        name = naming.clean(name)
        (authorise or ANYONE)("configure", "queue", name)
        if name not in self.queues:
            return 0
        queue = self.queue(name, owner)
        if _is_stream(queue):  # never counted as empty or in use (spec 8.2)
            self.delete_queue(queue)
            return 0
        if if_empty and queue.message_count:
            raise errors.not_empty(errors.queue_text(name, self.name))
        if if_unused and queue.consumer_count:
            raise errors.in_use(errors.queue_text(name, self.name))
        messages = queue.message_count
        self.delete_queue(queue)
        return messages

    def delete_queue(self, queue: Q) -> None:
        """The one end of every queue, whatever the cause; does nothing the second time."""
        if self.queues.get(queue.name) is not queue:
            return
        # Gone by name before it closes: the end of its last consumer would delete it again.
        del self.queues[queue.name]
        self.statistics.queue_deleted += 1
        if queue.owner is not None:
            self._exclusive.get(queue.owner, {}).pop(queue, None)
        self.topology += 1
        queue.close()
        unused = _unused(self.bindings.remove_all(queue))
        if queue.durable:
            self.store.delete_queue(self.name, queue.name)
            if queue.paused:
                self.store.delete_parameter(self.name, PAUSED, queue.name)
        self._remove_exchanges(unused)

    def delete_exclusive_queues(self, owner: object) -> None:
        """The connection `owner` is gone, and its queues with it (spec 5.1.3)."""
        for queue in self._exclusive.pop(owner, {}):
            self.delete_queue(queue)


def _is_stream(queue: QueueLike) -> bool:
    return queue.arguments.get("x-queue-type") == ("S", "stream")


def _unused(exchanges: Iterable[Exchange]) -> list[Exchange]:
    """Those that go when their last binding went (spec 4.4)."""
    return [each for each in exchanges if each.auto_delete and not each.bindings]
