"""Commands that take the global options anywhere, and end as exits.py says.

`brokerctl -V shop queue list` and `brokerctl queue list -V shop` mean the same.
"""

import json
from collections.abc import Callable
from textwrap import wrap
from typing import Any, NamedTuple, TypeVar

import click

from mgmt_ui.cli.exits import MEANINGS, OK, TEMPORARY, USAGE, Failure
from mgmt_ui.cli.output import one_line
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.settings import FORMATS, Settings

F = TypeVar("F", bound=Callable[..., Any])
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
# Of what the help says of a noun, behind its name.
INDENT = 18
SEEN_BY_ALL = (
    "all who list processes see a password on the command line;"
    " BROKERCTL_PASSWORD, --password-file, -P - and profiles keep it"
)
SETTINGS = """A flag wins over its variable, a variable over the profile file, the file over the
default. The file is ~/.config/brokerctl/config.toml (or BROKERCTL_CONFIG): sections such as
[default] with url, amqp_url, user, password or password_file, vhost, output, timeout, cacert,
cert, cert_key."""


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


def _vhosts(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    from mgmt_ui.cli.completing import VHOSTS  # by those only who press Tab

    return VHOSTS(context, parameter, begun)


# A row for each option that every command takes.
GLOBAL = (
    _option("--url", metavar="URL", help="The management API. [BROKERCTL_URL]"),
    _option("--amqp-url", metavar="URL", help="The AMQP listener. [BROKERCTL_AMQP_URL]"),
    _option("-u", "--user", metavar="NAME", help="Who asks. [BROKERCTL_USER]"),
    _option(
        "-P",
        "--password",
        metavar="PASSWORD",
        help="Seen by all who list processes: better [BROKERCTL_PASSWORD], or `-`, which asks.",
    ),
    _option("--password-file", metavar="FILE", help="Its first line. [BROKERCTL_PASSWORD_FILE]"),
    _option(
        "-V",
        "-p",
        "--vhost",
        metavar="NAME",
        help="Virtual host; default /.",
        shell_complete=_vhosts,
    ),
    _option("--profile", metavar="NAME", help="Section of the profile file. [BROKERCTL_PROFILE]"),
    _option("-o", "--output", type=click.Choice(FORMATS), help="Default: table on a terminal."),
    _option("--columns", metavar="A,B", help="What a list shows; paths with dots."),
    _option("--sort", metavar="A,-B", help="Order of a list; - for falling."),
    _option("--filter", metavar="TEXT", help="Only rows with this in their name."),
    _option("--limit", type=click.IntRange(0), metavar="N", help="So many rows at most."),
    _option("--no-headers", is_flag=True, help="A list without its head."),
    _option("--no-color", is_flag=True, help="No colours on a terminal. [NO_COLOR]"),
    _option("-q", "--quiet", is_flag=True, help="Nothing but data."),
    _option("-y", "--yes", is_flag=True, help="Do not ask before destroying."),
    _option("--dry-run", is_flag=True, help="Show the requests that would change something."),
    _option("--timeout", type=float, metavar="SECONDS", help="Wait so long for an answer."),
    _option("--cacert", metavar="FILE", help="Who vouches for the broker's certificate."),
    _option("--cert", metavar="FILE", help="A certificate of one's own, where it asks for one."),
    _option("--cert-key", metavar="FILE", help="Its private key."),
    _option("--insecure", is_flag=True, help="Take any certificate."),
)


class Noun(NamedTuple):
    """Where a noun is ("module of commands:attribute") and what the help says of it."""

    where: str
    told: str


def _examples(context: click.Context, formatter: click.HelpFormatter) -> None:
    from mgmt_ui.cli.examples import EXAMPLES  # by those only who ask for help

    found = EXAMPLES.get(context.command_path.partition(" ")[2], ())
    if found:
        with formatter.section("Examples"):
            for line in found:
                formatter.write(f"  {line}\n")


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
            if isinstance(parameter, click.Option)  # the usage has the arguments
            and parameter.name not in every
            and (record := parameter.get_help_record(context))
        ]
        with formatter.section("Options"):
            formatter.write_dl(records)
        formatter.write_paragraph()
        formatter.write_text("And those of every command: brokerctl --help.")

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, where there are any."""
        _examples(context, formatter)


class Group(click.Group):
    """A noun; a unique beginning of a verb will do on the command line."""

    command_class = Command
    group_class = type

    def __init__(self, *arguments: Any, **given: Any) -> None:
        given.setdefault("context_settings", CONTEXT)
        given.setdefault("subcommand_metavar", "VERB [ARGUMENTS]")
        super().__init__(*arguments, **given)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """By its name, or what no other begins with."""
        found = super().get_command(context, name)
        if found is not None:
            return found
        begins = [each for each in self.list_commands(context) if each.startswith(name)]
        return super().get_command(context, begins[0]) if len(begins) == 1 else None

    def list_commands(self, context: click.Context) -> list[str]:
        """In the order in which they were written down."""
        return list(self.commands)

    def resolve_command(
        self, context: click.Context, words: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's; a word that is none is answered with those there are."""
        try:
            return super().resolve_command(context, words)
        except click.UsageError:
            begins = [each for each in self.list_commands(context) if each.startswith(words[0])]
            known = ", ".join(begins or self.list_commands(context))
            context.fail(f"no command '{words[0]}' here: {known}")

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, where there are any."""
        _examples(context, formatter)


class Root(Group):
    """`brokerctl`: imports a noun's module when it is asked for, so that starting is quick."""

    def __init__(self, nouns: dict[str, dict[str, Noun]], **given: Any) -> None:
        super().__init__(**given)
        self.params += [make() for make in GLOBAL]
        # Heading -> name -> where it is.
        self._headings = nouns
        self._nouns = {name: noun for each in nouns.values() for name, noun in each.items()}

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """What there is, by heading."""
        for heading, nouns in self._headings.items():
            with formatter.section(heading):
                for name, noun in nouns.items():
                    # Not write_dl, which breaks verbs at their hyphens.
                    room = max(formatter.width - INDENT - 2, 20)
                    lines = wrap(noun.told, room, break_on_hyphens=False)
                    formatter.write(f"  {name:<{INDENT}}{lines[0]}\n")
                    for line in lines[1:]:
                        formatter.write(f"  {'':<{INDENT}}{line}\n")

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The options behind the commands, which people look for first."""
        self.format_commands(context, formatter)
        records = [each.get_help_record(context) for each in self.get_params(context)]
        with formatter.section("Options of every command"):
            formatter.write_dl([record for record in records if record])

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Where settings come from, examples, and what the exit codes mean."""
        with formatter.section("Settings"):
            formatter.write_text(SETTINGS)
        _examples(context, formatter)
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
                module, _, attribute = self._nouns[wanted].where.partition(":")
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
    settings.check()
    if settings.given.get("password") == "-":
        settings.given["password"] = click.prompt("Password", hide_input=True, err=True)
    elif settings.shows_secret and not session.out.quiet:
        click.echo(f"Warning: {SEEN_BY_ALL}", err=True)
    if settings.exposed and not session.out.quiet:
        click.echo(f"Warning: others can read the passwords in {settings.exposed}", err=True)
    context = click.get_current_context()
    if settings.colourless:
        context.color = False


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
    except SystemExit:
        # What click makes of a closed pipe, and of nothing else here: who read has seen enough.
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
