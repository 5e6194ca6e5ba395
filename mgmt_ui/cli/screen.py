"""A terminal that is drawn again and again: the other screen, keys, and back as it was."""

import os
import select
import shutil
import sys
import threading
from typing import Any, Self

OTHER_SCREEN, OWN_SCREEN = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
TOP, TO_LINE_END, TO_SCREEN_END = "\x1b[H", "\x1b[K", "\x1b[J"


class Screen:
    """The whole terminal while the block lasts; what was there before is there again after it."""

    def __init__(self) -> None:
        self._keys: Any = None

    def __enter__(self) -> Self:
        if sys.stdin.isatty():
            self._keys = _one_by_one(sys.stdin.fileno())
        sys.stdout.write(OTHER_SCREEN)
        return self

    def __exit__(self, *_: object) -> None:
        sys.stdout.write(OWN_SCREEN)
        sys.stdout.flush()
        if self._keys is not None:
            import termios  # it is there: _one_by_one has used it

            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._keys)

    @property
    def size(self) -> os.terminal_size:
        """Columns and lines, as they are now."""
        return shutil.get_terminal_size()

    def draw(self, lines: list[str]) -> None:
        """These lines and nothing else; no longer and no more than `size`."""
        sys.stdout.write(TOP + f"{TO_LINE_END}\r\n".join(lines) + TO_LINE_END + TO_SCREEN_END)
        sys.stdout.flush()

    def key(self, seconds: float, wake: int | None = None) -> str:
        """The key that is pressed within this time, or nothing; nothing, too, when `wake`
        becomes readable."""
        keys = [sys.stdin.fileno()] if self._keys is not None else []
        watched = keys if wake is None else [*keys, wake]
        if not watched:
            threading.Event().wait(seconds)
            return ""
        ready, _, _ = select.select(watched, [], [], seconds)
        if not set(keys) & set(ready):
            return ""
        return os.read(keys[0], 64).decode("utf-8", "replace")


def _one_by_one(terminal: int) -> Any:
    # Keys come as they are pressed and are not shown; what is given back undoes it.
    try:
        import termios  # not on Windows
        import tty
    except ImportError:
        return None
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    return before
