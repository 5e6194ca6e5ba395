"""What a handler returns when 200 with a body is not enough."""

from dataclasses import dataclass


@dataclass(slots=True)
class Answer:
    """A body with a status of its own."""

    body: object
    status: int = 200
