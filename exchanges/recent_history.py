"""The recent-history exchange: a fanout that tells a new binding what it has missed (spec 6.7)."""

from collections import deque
from collections.abc import Collection, Iterable
from typing import Any

from exchanges.base import Binding, InvalidArgument, Routable, Table
from exchanges.fanout import FanoutExchange
from exchanges.tables import INTEGERS, term

LENGTH = "x-recent-history-length"
DEFAULT_LENGTH = 20
MAX_LENGTH = 2**63 - 1


class RecentHistoryExchange(FanoutExchange):
    """Keeps the last messages, in memory; `on_bound` hands them out."""

    __slots__ = ("_recent",)

    type = "x-recent-history"
    per_message = True

    def __init__(
        self, name: str, durable: bool, auto_delete: bool, internal: bool, arguments: Table
    ) -> None:
        super().__init__(name, durable, auto_delete, internal, arguments)
        tag, length = arguments.get(LENGTH, ("l", DEFAULT_LENGTH))
        valid = tag in INTEGERS and 0 < length <= MAX_LENGTH
        self._recent: deque[Routable] = deque(maxlen=length if valid else 0)

    def validate(self) -> None:
        if self._recent.maxlen == 0:
            raise InvalidArgument(
                f"Invalid argument {term(self.arguments[LENGTH])}, "
                f"'{LENGTH}' must be a positive integer"
            )

    def on_bound(self, binding: Binding) -> Iterable[Routable]:
        return tuple(self._recent)

    def route(self, message: Routable) -> Collection[Any]:
        unwanted = message.headers.get("x-recent-history-no-store") == ("t", True)
        if message.message is not None and not unwanted:
            self._recent.append(message)
        return super().route(message)
