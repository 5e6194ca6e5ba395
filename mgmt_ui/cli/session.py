"""What a command works with: settings, the API, the output, and asking before destroying."""

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mgmt_ui.cli.exits import USAGE, Failure
from mgmt_ui.cli.output import Output, Row, at
from mgmt_ui.cli.settings import Settings
from mgmt_ui.cli.values import path

if TYPE_CHECKING:
    from mgmt_ui.cli.client import Api

T = TypeVar("T")
# Fewer things than this are done before a bar could be read.
MANY = 10


class Session:
    """One run of `brokerctl`; the connection is made when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._api: Api | None = None

    @property
    def api(self) -> "Api":
        """The management API."""
        if self._api is None:
            from mgmt_ui.cli.client import Api  # HTTP and TLS take half of the start

            self._api = Api(self.settings)
        return self._api

    @property
    def out(self) -> Output:
        """By the format that was asked for."""
        return Output(self.settings)

    @property
    def vhost(self) -> str:
        """The virtual host that the command is about."""
        return self.settings.vhost

    def below(self, kind: str, *names: str) -> str:
        """The path of what is in the virtual host: /queues/VHOST/NAME."""
        return path(kind, self.vhost, *names)

    def fetch(self, where: str, columns: tuple[str, ...], **query: str) -> None:
        """Prints a list, by the filter, order and number that were asked for."""
        rows = self.api.get(where, **query)
        self.show(rows, columns)

    def show(self, rows: list[Row], columns: tuple[str, ...], *, plain: str = "") -> None:
        """Prints rows that are here already, likewise; `plain`: the member for that format."""
        wanted = self.settings.value("filter")
        if wanted:
            rows = [row for row in rows if wanted.lower() in str(row.get("name", row)).lower()]
        for key in reversed((self.settings.value("sort") or "").split(",")):
            if key := key.strip():
                rows = sorted(
                    rows, key=lambda row: _order(at(row, key.lstrip("-"))), reverse=key[0] == "-"
                )
        limit = self.settings.value("limit")
        kept = rows if limit is None else rows[:limit]
        if plain and self.out.format == "plain":
            self.out.raw(str(at(row, plain)) for row in kept)
        else:
            self.out.rows(kept, columns)

    def change(self, method: str, where: str, body: Any = None, *, done: str = "") -> None:
        """A change, and a word on what came of it: created, updated, or `done`."""
        status, _ = self.api.call(method, where, body)
        self.out.note(done or ("created" if status == 201 else "unchanged or updated"))

    def delete(self, where: str, *, missing_ok: bool = False, **query: str) -> None:
        """A deletion; Failure where there is nothing, unless that is as good."""
        status, _ = self.api.call("DELETE", where, query=query, accept=(404,) if missing_ok else ())
        self.out.note("not found" if status == 404 else "deleted")

    def progress(self, items: Sequence[T], label: str) -> Iterator[T]:
        """The items, with a bar on standard error while people look at long work."""
        if len(items) < MANY or self.out.quiet or not sys.stderr.isatty():
            yield from items
            return
        with click.progressbar(items, label=label, file=sys.stderr) as bar:
            yield from bar

    def confirm(self, question: str) -> None:
        """Asks before something is destroyed; Failure without a yes."""
        if self.settings.flag("yes") or self.settings.flag("dry_run"):
            return
        if not sys.stdin.isatty():
            raise Failure(f"{question} Say --yes to do it without being asked", USAGE)
        if not click.confirm(question):
            raise Failure("left alone", USAGE)


def _order(value: Any) -> tuple[int, Any]:
    if isinstance(value, bool | int | float):
        return 0, value
    return (1, "") if value is None else (2, str(value))
