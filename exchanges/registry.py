"""The table of exchange types."""

from exchanges.base import Exchange, Table
from exchanges.consistent_hash import ConsistentHashExchange
from exchanges.deduplication import DeduplicationExchange, deduplicating, wants
from exchanges.delayed import DelayedExchange
from exchanges.direct import DirectExchange
from exchanges.fanout import FanoutExchange
from exchanges.headers import HeadersExchange
from exchanges.modulus_hash import ModulusHashExchange
from exchanges.random_exchange import LocalRandomExchange, RandomExchange
from exchanges.recent_history import RecentHistoryExchange
from exchanges.topic import TopicExchange

EXCHANGE_TYPES: dict[str, type[Exchange]] = {
    exchange_type.type: exchange_type
    for exchange_type in (
        DirectExchange,
        FanoutExchange,
        TopicExchange,
        HeadersExchange,
        ConsistentHashExchange,
        ModulusHashExchange,
        RandomExchange,
        LocalRandomExchange,
        RecentHistoryExchange,
        DelayedExchange,
        DeduplicationExchange,
    )
}
"""What exchange.declare may ask for, by name. Made as (name, durable, auto_delete, internal,
arguments)."""

# What waits is routed twice, and would be a duplicate of itself; a delayed exchange drops
# duplicates by its own argument.
DelayedExchange.inner_types = {
    name: each for name, each in EXCHANGE_TYPES.items() if each is not DeduplicationExchange
}


def class_of(type_name: str, arguments: Table) -> type[Exchange]:
    """What an exchange of this type with these arguments is made of; KeyError for no type."""
    base = EXCHANGE_TYPES[type_name]
    if wants(arguments) and base is not DeduplicationExchange:
        return deduplicating(base)
    return base
