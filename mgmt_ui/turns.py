"""How long work lets go of the event loop, so that messages do not wait for who looks at them."""

import types
from collections.abc import Generator


@types.coroutine
def next_turn() -> Generator[None, None, None]:
    """Lets every other task and socket have its turn."""
    # A bare yield in a task comes back at the next turn of the loop.
    yield
