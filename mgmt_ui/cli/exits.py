"""How `brokerctl` ends: exit codes (those of sysexits, as rabbitmqctl has them) and failures.

Scripts rely on the table, which `brokerctl --help` ends with.
"""

from http import HTTPStatus

OK = 0
UNHEALTHY = 1
USAGE = 64
DATA = 65
NO_USER = 67
UNAVAILABLE = 69
SOFTWARE = 70
TEMPORARY = 75
REFUSED = 77
CONFIG = 78

MEANINGS = {
    OK: "done",
    UNHEALTHY: "a health check failed",
    USAGE: "the command line cannot be understood, or --yes is missing",
    DATA: "no such object or virtual host, or a value that cannot be used",
    NO_USER: "no such user",
    UNAVAILABLE: "no broker answers, or TLS failed",
    SOFTWARE: "the broker failed",
    TEMPORARY: "no answer in time, or interrupted; trying again may help",
    REFUSED: "login failed, or not permitted to this user",
    CONFIG: "a profile, a certificate or a password's file cannot be used",
}


class Failure(Exception):
    """One line for standard error that says what to do, and how to end."""

    def __init__(self, text: str, code: int = DATA, error: str = "failed") -> None:
        super().__init__(text)
        self.text = text
        self.code = code
        self.error = error


def of_status(status: int) -> int:
    """The exit code for an HTTP status that is no success."""
    if status == HTTPStatus.UNAUTHORIZED:
        return REFUSED
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT):
        return TEMPORARY
    return SOFTWARE if status >= HTTPStatus.INTERNAL_SERVER_ERROR else DATA
