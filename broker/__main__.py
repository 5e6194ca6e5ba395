"""`leveret`: from the command line to a running `Server`, its signals and its exit code.

`leveret backup` and `leveret restore` run without one (backup_command.py).

0 after a clean stop, 1 when the disk did not take everything at the stop, 2 when it could not
start: one line on standard error says why.  No part of the engine lives here.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TextIO

from broker import logs
from broker.option_sources import OptionError, load
from broker.options import Options
from broker.startup import DataDirectory, StartError

if TYPE_CHECKING:
    from broker.server import Server

logger = logging.getLogger("leveret.server")

EXIT_INCOMPLETE = 1
EXIT_REFUSED = 2
COMMANDS = ("backup", "restore")
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a broker until it is told to stop; returns the exit code of the process."""
    _open_standard_streams()
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        if arguments and arguments[0] in COMMANDS:
            # By name: what only these need is not imported for a start.
            command = importlib.import_module("broker.backup_command")
            _say(f"{command.run(arguments[0], arguments[1:])}\n", sys.stdout)
            return 0
        options = load(arguments)
        logs.set_up(options.log_level, options.log_format)
        with DataDirectory(options.data_dir):
            return _run(options, arguments)
    except (OptionError, StartError) as error:
        _say(f"leveret: {error}\n", sys.stderr)
        return EXIT_REFUSED
    except SystemExit as answered:  # argparse, after --help and --version
        _say("", sys.stdout)
        return int(answered.code or 0)
    except KeyboardInterrupt:  # before the loop took over the signals
        return 128 + signal.SIGINT


def _run(options: Options, arguments: Sequence[str]) -> int:
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(options, arguments))


async def _serve(options: Options, arguments: Sequence[str]) -> int:
    # Imported here: SQLAlchemy takes most of the time to start, and a wrong option
    # or a locked directory should be answered without it.
    from broker.clock import SystemClock
    from broker.server import Server

    stop = asyncio.Event()
    _on_signals(stop.set)
    # By name: the management plane looks into the broker, which does not know it.
    front = importlib.import_module("mgmt_ui.front")
    server = Server(options, SystemClock(), front.Front, front.MetricsFront)
    try:
        _on_hangup(lambda: _reload(server, arguments))
        await server.start()
        _say(
            f"leveret ready amqp={_shown(server.address('amqp'))}"
            f" http={_shown(server.address('http'))}{_shown_others(server)}"
            f" data={options.data_dir.absolute()} pid={os.getpid()}\n",
            sys.stdout,
        )
        await stop.wait()
    finally:
        complete = await server.stop()
    return 0 if complete else EXIT_INCOMPLETE


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # Windows, PyPy
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _on_signals(stop: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))


def _on_hangup(reload: Callable[[], None]) -> None:
    if hasattr(signal, "SIGHUP"):  # not on Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)


def _reload(server: Server, arguments: Sequence[str]) -> None:
    # Flags and environment are as they were: it is the file that may have changed.
    if not server.listeners:
        return  # not up yet, or no more
    try:
        options = load(arguments)
    except OptionError as error:
        logger.warning("cannot reload: %s", error)
        return
    server.reload(options)


def _shown(address: tuple[str, int] | None) -> str:
    if address is None:
        return "-"
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _shown_others(server: Server) -> str:
    found = {
        "amqps": server.address("amqp/ssl"),
        "https": server.address("https"),
        "prometheus": server.address("http/prometheus"),
    }
    return "".join(f" {name}={_shown(at)}" for name, at in found.items() if at is not None)


def _say(text: str, stream: TextIO | None) -> None:
    """Write to a standard stream at once; it is no error if nobody is there to read it."""
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        # What is left in the buffer would be an error again when Python closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _open_standard_streams() -> None:
    # A daemon may be started with descriptors 0 to 2 closed.  Whatever is opened next would get
    # their numbers, and a stray message would end up in the database.
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
