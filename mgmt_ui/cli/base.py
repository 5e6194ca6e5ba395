"""Commands that take the global options anywhere, and end as exits.py says.

`brokerctl -V shop queue list` and `brokerctl queue list -V shop` mean the same.
"""

import json
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from mgmt_ui.cli.exits import MEANINGS, OK, TEMPORARY, USAGE, Failure
from mgmt_ui.cli.output import one_line
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.settings import FORMATS, Settings

F = TypeVar("F", bound=Callable[..., Any])
HEADING = "Everywhere"
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _settings(context: click.Context) -> Settings:
    root = context.find_root()
    if not isinstance(root.obj, Session):
        root.obj = Session(Settings())
    session: Session = root.obj
    return session.settings


def _note(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None and value is not False and parameter.name:
        _settings(context).given[parameter.name] = value


def _option(*names: str, **given: Any) -> Callable[[], click.Option]:
    def make() -> click.Option:
        return click.Option(names, expose_value=False, callback=_note, **given)

    return make


# A row for each option that every command takes.
GLOBAL = (
    _option("--url", metavar="URL", help="The management API. [BROKERCTL_URL]"),
    _option("--amqp-url", metavar="URL", help="The AMQP listener. [BROKERCTL_AMQP_URL]"),
    _option("-u", "--user", metavar="NAME", help="Who asks. [BROKERCTL_USER]"),
    _option(
        "-P",
        "--password",
        metavar="PASSWORD",
        help="Better in BROKERCTL_PASSWORD; `-` asks for it.",
    ),
    _option("-V", "-p", "--vhost", metavar="NAME", help="Virtual host; default /."),
    _option("--profile", metavar="NAME", help="Section of the profile file. [BROKERCTL_PROFILE]"),
    _option("-o", "--output", type=click.Choice(FORMATS), help="Default: table on a terminal."),
    _option("--columns", metavar="A,B", help="What a list shows; paths with dots."),
    _option("--sort", metavar="A,-B", help="Order of a list; - for falling."),
    _option("--filter", metavar="TEXT", help="Only rows with this in their name."),
    _option("--limit", type=click.IntRange(0), metavar="N", help="So many rows at most."),
    _option("--no-headers", is_flag=True, help="A list without its head."),
    _option("-q", "--quiet", is_flag=True, help="Nothing but data."),
    _option("-y", "--yes", is_flag=True, help="Do not ask before destroying."),
    _option("--dry-run", is_flag=True, help="Show the requests that would change something."),
    _option("--timeout", type=float, metavar="SECONDS", help="Wait so long for an answer."),
    _option("--cacert", metavar="FILE", help="Who vouches for the broker's certificate."),
    _option("--insecure", is_flag=True, help="Take any certificate."),
)


class Command(click.Command):
    """A command with the global options."""

    def __init__(self, *arguments: Any, **given: Any) -> None:
        given.setdefault("context_settings", CONTEXT)
        super().__init__(*arguments, **given)
        self.own = len(self.params)
        self.params += [make() for make in GLOBAL]

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Its own options first; those of all commands are told once, by the root."""
        every = {parameter.name for parameter in self.params[self.own :]}
        records = [
            record
            for parameter in self.get_params(context)
            if parameter.name not in every and (record := parameter.get_help_record(context))
        ]
        with formatter.section("Options"):
            formatter.write_dl(records)
        formatter.write_paragraph()
        formatter.write_text("And those of every command: brokerctl --help.")


class Group(click.Group):
    """A noun; a unique beginning of a verb will do on the command line."""

    command_class = Command
    group_class = type

    def __init__(self, *arguments: Any, **given: Any) -> None:
        given.setdefault("context_settings", CONTEXT)
        super().__init__(*arguments, **given)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """By its name, or what no other begins with."""
        found = super().get_command(context, name)
        if found is not None:
            return found
        begins = [each for each in self.list_commands(context) if each.startswith(name)]
        return super().get_command(context, begins[0]) if len(begins) == 1 else None


class Root(Group):
    """`brokerctl`: imports a noun's module when it is asked for, so that starting is quick."""

    def __init__(self, nouns: dict[str, tuple[str, str]], **given: Any) -> None:
        super().__init__(**given)
        self.params += [make() for make in GLOBAL]
        # Name -> (module of commands, attribute).
        self._nouns = nouns

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """What the exit codes mean."""
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in MEANINGS.items()])

    def list_commands(self, context: click.Context) -> list[str]:
        """In the order of the table."""
        return [*self._nouns, *super().list_commands(context)]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """By name; `queues` means `queue`."""
        from importlib import import_module

        for wanted in (name, name.removesuffix("s"), name.removesuffix("ies") + "y"):
            if wanted in self._nouns:
                module, attribute = self._nouns[wanted]
                found: click.Command = getattr(
                    import_module(f"mgmt_ui.cli.commands.{module}"), attribute
                )
                return found
        if "_" in name or name == "ping":
            from mgmt_ui.cli.commands import alias

            return alias.command(name)
        return super().get_command(context, name)


def group(name: str) -> Callable[[Callable[..., Any]], Group]:
    """A noun."""

    def make(function: Callable[..., Any]) -> Group:
        made: Group = click.group(name, cls=Group)(function)
        return made

    return make


def prepare(session: Session) -> None:
    """What can be done only when all options are known: profile, a password from the terminal."""
    settings = session.settings
    settings.load_profile(settings.given.get("profile"))
    if settings.given.get("password") == "-":
        settings.given["password"] = click.prompt("Password", hide_input=True, err=True)


def run(root: click.Group, arguments: list[str] | None = None) -> int:
    """Runs the command line; the exit code. Errors are one line on standard error."""
    session = Session(Settings())
    try:
        code = root.main(arguments, "brokerctl", standalone_mode=False, obj=session)
    except Failure as failure:
        return _fail(session, failure)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx else "brokerctl"
        text = f"{error.format_message()} (see {where} --help)"
        return _fail(session, Failure(text, USAGE, "usage"))
    except click.ClickException as error:
        return _fail(session, Failure(error.format_message(), USAGE, "usage"))
    except (click.Abort, KeyboardInterrupt):
        return _fail(session, Failure("interrupted", TEMPORARY, "interrupted"))
    except BrokenPipeError:
        sys.stderr.close()  # whoever read has seen enough
        return OK
    return code if isinstance(code, int) else OK


def _fail(session: Session, failure: Failure) -> int:
    if session.settings.given.get("output") in ("json", "jsonl"):
        text = json.dumps({"error": failure.error, "reason": failure.text}, ensure_ascii=False)
    else:
        text = f"Error: {one_line(failure.text)}"
    click.echo(text, err=True)
    return failure.code


def with_session(function: F) -> F:
    """Gives a command its Session as the first argument."""

    def call(context: click.Context, /, **given: Any) -> Any:
        session: Session = context.find_root().obj
        prepare(session)
        return context.invoke(function, session, **given)

    call.__name__ = function.__name__
    call.__doc__ = function.__doc__
    # Decorators below have left their parameters on the function.
    call.__click_params__ = getattr(function, "__click_params__", [])  # type: ignore[attr-defined]
    return click.pass_context(call)  # type: ignore[return-value]
