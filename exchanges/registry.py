"""The table of exchange types."""

from exchanges.base import Exchange
from exchanges.consistent_hash import ConsistentHashExchange
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
    )
}
"""What exchange.declare may ask for, by name. Made as (name, durable, auto_delete, internal,
arguments)."""

DelayedExchange.inner_types = EXCHANGE_TYPES
