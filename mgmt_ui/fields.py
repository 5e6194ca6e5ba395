"""Typed AMQP tables as JSON: queue arguments, client properties."""

import math
from typing import Any


def plain(table: dict[str, tuple[str, Any]]) -> dict[str, Any]:
    """A table without its type tags, as RabbitMQ shows it."""
    return {key: plain_field(*field) for key, field in table.items()}


def plain_field(tag: str, value: Any) -> Any:
    """One value: decimals become numbers, bytes text; not-a-number and infinities become null."""
    if tag == "F":
        return plain(value)
    if tag == "A":
        return [plain_field(*field) for field in value]
    if tag == "x":
        return bytes(value).decode("utf-8", "surrogateescape")
    if tag == "D":
        scale, digits = value
        return digits / 10**scale
    if tag in {"f", "d"}:
        return value if math.isfinite(value) else None
    return value
