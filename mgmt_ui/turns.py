"""How long work lets go of the event loop: as in the broker."""

from broker.yielding import next_turn

__all__ = ["next_turn"]
