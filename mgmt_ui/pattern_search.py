"""A search for a regular expression, as a program that ends in time whatever the pattern.

It reads (pattern, names) from its input, in Python's own serialisation as only `patterns.py`
writes there, and writes one octet a name: 1 where it matches. Imports nothing of ours.
"""

import re
import warnings

SECONDS = 1.0
"""How long it may take before it ends itself, with code 1."""

NO_PATTERN = 3
"""The code it ends with for what is no regular expression."""

ERRORS = (re.error, OverflowError, RecursionError)
"""What `compiled` raises for that."""


def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, for any case; raises one of ERRORS."""
    with warnings.catch_warnings():
        # Python warns of patterns that it may read differently one day.
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(pattern, re.IGNORECASE)


def main() -> int:
    """The exit code."""
    import faulthandler
    import marshal
    import os
    import sys

    # Its watchdog needs no interpreter, which the matcher never lets go of.
    with open(os.devnull, "wb") as nowhere:
        faulthandler.dump_traceback_later(SECONDS, exit=True, file=nowhere)
        pattern, names = marshal.loads(sys.stdin.buffer.read())  # noqa: S302 -- our own
        try:
            search = compiled(pattern).search
        except ERRORS:
            return NO_PATTERN
        sys.stdout.buffer.write(bytes([search(name) is not None for name in names]))
        faulthandler.cancel_dump_traceback_later()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
