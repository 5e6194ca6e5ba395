"""QueueSettings: what a queue's arguments and policy come to, ready for use.

The table in `arguments.py` says where a value comes from; here is only the finished object.
"""

from collections.abc import Mapping
from typing import Any

from vhosts.argument_checks import TEN_YEARS_MS, Table, interval_ms
from vhosts.arguments import effective_value, settings_rows

DEFAULT_DELIVERY_LIMIT = 20

_ROWS = tuple(settings_rows())


_last: "tuple[Table, Mapping[str, Any], QueueSettings] | None" = None


class QueueSettings:
    """Effective settings of one queue. Times are milliseconds; None means not set, no limit."""

    __slots__ = (
        "consumer_disconnected_timeout",
        "consumer_timeout",
        "dead_letter_exchange",
        "dead_letter_routing_key",
        "dead_letter_strategy",
        "delayed_retry_max",
        "delayed_retry_min",
        "delayed_retry_type",
        "delivery_limit",
        "expires",
        "filter_size_bytes",
        "max_age",
        "max_length",
        "max_length_bytes",
        "max_priority",
        "max_segment_size_bytes",
        "message_ttl",
        "overflow",
        "queue_type",
        "single_active_consumer",
    )

    def __init__(self) -> None:
        self.queue_type = "classic"
        self.message_ttl: int | None = None
        self.expires: int | None = None
        self.max_length: int | None = None
        self.max_length_bytes: int | None = None
        self.overflow = "drop-head"
        self.dead_letter_exchange: str | None = None
        self.dead_letter_routing_key: str | None = None
        self.dead_letter_strategy = "at-most-once"
        self.max_priority: int | None = None
        self.single_active_consumer = False
        self.delivery_limit: int | None = None
        self.consumer_timeout: int | None = None
        self.consumer_disconnected_timeout: int | None = None
        self.delayed_retry_type = "disabled"
        self.delayed_retry_min: int | None = None
        self.delayed_retry_max: int | None = None
        self.max_age: int | None = None
        self.max_segment_size_bytes: int | None = None
        self.filter_size_bytes: int | None = None

    @classmethod
    def shared(cls, arguments: Table, policy: Mapping[str, Any]) -> "QueueSettings":
        """As `of`, but those made last serve again for a queue that is declared alike.

        A policy is mostly for many queues of one kind; nobody may change what is shared.
        """
        global _last
        if _last is None or _last[0] != arguments or _last[1] != policy:
            _last = (arguments, policy, cls.of(arguments, policy))
        return _last[2]

    @classmethod
    def of(cls, arguments: Table, policy: Mapping[str, Any] | None = None) -> "QueueSettings":
        """The settings of a queue with these (valid) arguments under this policy definition."""
        settings = cls()
        queue_type = str(arguments.get("x-queue-type", ("S", "classic"))[1])
        for row in _ROWS:
            value = effective_value(row, arguments, policy or {}, queue_type)
            if value is not None and row.setting is not None:
                setattr(settings, row.setting, value)
        settings._finish()
        return settings

    @property
    def dead_letters_at_least_once(self) -> bool:
        """Only together with a dead-letter exchange and reject-publish (spec 7.5.3)."""
        return (
            self.dead_letter_strategy == "at-least-once"
            and self.overflow == "reject-publish"
            and self.dead_letter_exchange is not None
        )

    def _finish(self) -> None:
        """From values as they are declared to values as they are used."""
        if self.max_age is not None:
            self.max_age = interval_ms(str(self.max_age))
        if self.consumer_timeout == 0:
            self.consumer_timeout = None
        # Policies may give longer ones than arguments; no clock goes that far.
        if self.message_ttl is not None:
            self.message_ttl = min(self.message_ttl, TEN_YEARS_MS)
        if self.expires is not None:
            self.expires = min(self.expires, TEN_YEARS_MS)
        if self.queue_type == "quorum":
            if self.delivery_limit is None:
                self.delivery_limit = DEFAULT_DELIVERY_LIMIT
            if self.overflow == "reject-publish-dlx":
                self.overflow = "drop-head"
        if self.delivery_limit is not None and self.delivery_limit < 0:
            self.delivery_limit = None
