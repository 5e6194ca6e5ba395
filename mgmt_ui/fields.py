"""Typed AMQP tables as JSON, and back: arguments, headers, client properties."""

from vhosts.plain_tables import Table, plain, plain_field, typed, typed_field

__all__ = ["Table", "plain", "plain_field", "typed", "typed_field"]
