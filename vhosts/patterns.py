"""The regular expressions that administrators give: compiled, or refused (spec 10.3)."""

import re
import warnings

from vhosts import errors


def compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern ready to search; None for the empty one, which matches nothing.

    Raises InvalidValue for what is no regular expression.
    """
    if not pattern:
        return None
    try:
        with warnings.catch_warnings():
            # Python warns of patterns that it may read differently one day.
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise errors.InvalidValue(f"invalid regular expression '{pattern}': {error}") from None
