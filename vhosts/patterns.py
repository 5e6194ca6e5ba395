"""The regular expressions that administrators give: compiled, or refused (spec 10.3, 10.4)."""

import re
import warnings

from vhosts import errors


def regex(pattern: str) -> re.Pattern[str]:
    """The pattern ready to search; the empty one matches everything.

    Raises re.error, OverflowError or RecursionError for what is no regular expression.
    """
    with warnings.catch_warnings():
        # Python warns of patterns that it may read differently one day.
        warnings.simplefilter("ignore", FutureWarning)
        return re.compile(pattern)


def invalid_pattern(pattern: str) -> str | None:
    """Why this is no regular expression; None where it is one."""
    try:
        regex(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error)
    return None


def compiled(pattern: str) -> re.Pattern[str] | None:
    """The pattern ready to search; None for the empty one, which matches nothing.

    Raises InvalidValue for what is no regular expression.
    """
    if not pattern:
        return None
    if (reason := invalid_pattern(pattern)) is not None:
        raise errors.InvalidValue(f"invalid regular expression '{pattern}': {reason}")
    return regex(pattern)
