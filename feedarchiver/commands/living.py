"""serve and daemon: programs that stay."""

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

import click

from feedarchiver.archive.archive import Archive
from feedarchiver.commands.console import Console, common
from feedarchiver.commands.log import Log, Relay
from feedarchiver.commands.rounds import hub_of, rounds
from feedarchiver.commands.trouble import said
from feedarchiver.config import Config, load

if TYPE_CHECKING:
    import socket

    from feedarchiver.daemon import Daemon
    from feedarchiver.server import Known, Server
    from feedarchiver.watching.overview import Overseer

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _serving(command: _Command) -> _Command:
    """Give a command the options of a server that stays."""
    for option in (
        click.option("--log", type=click.Choice(["text", "json"]), default="text", help="How log lines are written."),
        click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0: any free one."),
        click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on."),
    ):
        command = option(command)
    return command


@click.command("serve")
@common
@_serving
def serve_command(console: Console, host: str, port: int, log: str) -> int:
    """Serve the published folder over HTTP, for feed readers and browsers. It can only be read."""
    from feedarchiver.server import Server, listen
    from feedarchiver.watching.overview import Overseer

    config = load(console.config_path)
    told = log_of(console, log)
    sock = listen(host, port)
    overseer = Overseer()
    server = Server(config.published, lambda: _known(config, overseer), lambda: None, hub=hub_of(config))
    if not any(config.published.glob("*/rss.xml")):
        told.warn(f"no feed is published in {config.published} yet; call `feedarchiver run`", event="empty")
    asyncio.run(_live(None, server, sock, lambda: _say_where(told, config, host, sock)))
    told.say("stopped", event="stopped")
    return 0


@click.command("daemon")
@common
@_serving
@click.option("--no-serve", is_flag=True, help="Leave out the HTTP server.")
def daemon_command(console: Console, host: str, port: int, log: str, *, no_serve: bool) -> int:
    """Do what `run` does whenever something is new or due, and serve the published folder over HTTP.

    A new seed file is in the feeds within seconds. SIGTERM ends it, SIGHUP reads the configuration again.
    """
    hung_up = Event()  # which else ends who has not begun to wait for it
    signal.signal(signal.SIGHUP, lambda _number, _frame: hung_up.set())
    from feedarchiver.daemon import Daemon

    config = load(console.config_path)
    told = log_of(console, log)
    work = rounds(told, config)
    daemon = Daemon(work, asking_s=work.asking_s)
    work.published = daemon.published
    server, sock = None, None
    if not no_serve:
        from feedarchiver.server import Known, Server, listen
        from feedarchiver.watching.overview import Overseer

        overseer = Overseer()

        def known() -> Known:
            found = _known(work.config, overseer)
            facts = {**daemon.facts(), **work.facts()}
            return found._replace(facts=facts, trouble=(*found.trouble, *work.account.troubles()))

        sock = listen(host, port)
        server = Server(config.published, known, daemon.ill, daemon.ticking, hub_of(config))
        work.moved = server.published.show

    def begin() -> None:
        if hung_up.is_set():
            daemon.reload()
        _say_where(told, config, host, sock)

    asyncio.run(_live(daemon, server, sock, begin))
    told.say("stopped", event="stopped")
    return 0


async def _live(
    daemon: "Daemon | None", server: "Server | None", sock: "socket.socket | None", announce: Callable[[], None]
) -> None:
    """Let them run until a signal ends them."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def end() -> None:
        ended.set()
        if daemon:
            daemon.stop()
        if server:
            server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    if daemon:
        loop.add_signal_handler(signal.SIGHUP, daemon.reload)
    announce()
    async with AsyncExitStack() as stack:
        if server and sock:
            await server.serve(sockets=[sock])
        elif daemon:
            await stack.enter_async_context(daemon.ticking())
            await ended.wait()


def log_of(console: Console, how: str) -> Log:
    """Make a log of a console, and let the libraries speak through it."""
    log = Log(console.config_path, console.level, json=console.json or how == "json")
    logging.basicConfig(handlers=[Relay(log)], level=logging.ERROR, force=True)
    return log


def _say_where(log: Log, config: Config, host: str, sock: "socket.socket | None") -> None:
    if sock is None:
        log.say("running without a server", event="running")
        return
    port = sock.getsockname()[1]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    text = f"serving {config.published} on {address}"
    text += "" if config.base_url == address else f"; the feeds name {config.base_url} (base_url)"
    log.say(text, event="serving", address=address, base_url=config.base_url, folder=str(config.published))


def _known(config: Config, overseer: "Overseer") -> "Known":
    """See how everything is, as far as the archive can be read."""
    from feedarchiver.commands import watching
    from feedarchiver.server import Known

    try:
        with Archive.open(config.store, config.index) as archive:
            return Known(watching.overview(config, archive, overseer), {})
    except Exception as error:
        text = said(error)
        if text is None:
            raise
        return Known(None, {}, (text,))
