"""Why a database cannot be used at all, as exceptions; nothing else.

Each carries a line for the user as args[0].  What a database refuses later
comes as SQLAlchemy's errors.
"""


class DatabaseRefused(Exception):
    """The database cannot be used."""


class NewerSchema(DatabaseRefused):
    """It was written by a later version of Leveret."""


class DatabaseInUse(DatabaseRefused):
    """Another broker uses it."""


class DriverMissing(DatabaseRefused):
    """Its driver is not installed, or the URL is none."""
