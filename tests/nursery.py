"""The program started warm: forked off a process that has loaded it, which costs a fifth of a start from nothing.

Nearly all that a short command costs is loading libraries. So each process that tests has a *nursery* beside it: an
interpreter without threads, in which no command ever ran, that has loaded the program and what it stands on. What is
asked of it comes with a folder, arguments, an environment and two files for the output; it forks, and the fork does
what `python -m feedarchiver` does there: our own code has run no further than it does when it is imported.

What only a start from nothing shows is proven elsewhere: test_startup.py loads each command by itself, whatever stays,
is traced or is killed is started from nothing (`living`, `crash`), and `make soak` starts everything so.
"""

import atexit
import contextlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple, NoReturn

LIBRARIES = (  # what most commands load when they need it
    "apscheduler.schedulers.asyncio", "bs4", "dateutil.parser", "feedgen.feed", "feedparser", "filelock", "jinja2",
    "lxml.html", "nh3", "prometheus_client", "protego", "readability", "requests", "rich.console", "rich.progress",
    "selectolax.lexbor", "sqlite3", "starlette.applications", "tomlkit", "urllib3", "uvicorn", "w3lib.encoding",
)  # fmt: skip
READ_AT_START = (
    "PYTHON",
    "LANG",
    "LC_",
    "LD_",
    "TZ",
)  # what an interpreter reads but once
PROJECT = Path(__file__).resolve().parent.parent


class Ran(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


def suits(environment: Mapping[str, str]) -> bool:
    """Tell whether a program that has been loaded already can be given these variables. On Linux only."""
    return hasattr(os, "pidfd_open") and not any(name.startswith(READ_AT_START) for name in environment)


def run(folder: Path, arguments: Sequence[str], environment: Mapping[str, str], timeout_s: float) -> Ran:
    """Run a command in a folder. Raises TimeoutError, with the command ended, if it takes too long."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with TemporaryFile() as out, TemporaryFile() as err, ours:
        with theirs:
            said = json.dumps([os.fspath(folder), arguments, dict(environment)]).encode()
            socket.send_fds(_nursery(), [said], [out.fileno(), err.fileno(), theirs.fileno()])
        begun = ours.recv(16)
        assert begun, "the nursery has ended; what it printed says why"
        pid = int(begun)
        ours.settimeout(timeout_s)
        try:
            status = int(ours.recv(16))
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise
        out.seek(0)
        err.seek(0)
        return Ran(status, out.read().decode(), err.read().decode())


@cache
def _nursery() -> socket.socket:
    """Start this process's nursery, and return what to ask it by. It ends with this process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, __file__, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
        )

    def close() -> None:
        ours.close()
        process.wait(20)

    atexit.register(close)
    return ours


def _serve(asked: socket.socket) -> None:
    """Fork a program for each that is asked for, and tell of each its id, and how it ended, until nobody can ask."""
    with selectors.DefaultSelector() as events:
        events.register(asked, selectors.EVENT_READ)
        while True:
            for event, _ in events.select():
                if event.fileobj is not asked:
                    events.unregister(event.fileobj)
                    os.close(event.fileobj)
                    _tell_the_end(*event.data)
                    continue
                said, files, _, _ = socket.recv_fds(asked, 2**20, 3)
                if not said:
                    return
                if not (pid := os.fork()):
                    events.close()
                    asked.close()
                    _become(*json.loads(said), files)
                for file in files[:2]:
                    os.close(file)
                os.write(files[2], b"%d" % pid)
                events.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, files[2]))


def _tell_the_end(pid: int, told: int) -> None:
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(BrokenPipeError):  # whoever asked has lost patience
        os.write(told, b"%d" % os.waitstatus_to_exitcode(status))
    os.close(told)


def _become(folder: str, arguments: list[str], environment: dict[str, str], files: list[int]) -> NoReturn:
    """Be `python -m feedarchiver`, to the end of the interpreter."""
    for number, file in enumerate(files[:2], start=1):
        os.dup2(file, number)
    for file in files:
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = folder
    sys.argv[1:] = arguments
    status = 1

    def leave() -> None:
        """Leave when all that was registered is done, and not take apart what was loaded: that costs most of all."""
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

    atexit.register(leave)
    try:
        runpy.run_module("feedarchiver", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code
        raise
    raise AssertionError("it always says how it ended")


def _load() -> None:
    import gc
    import importlib
    import pkgutil

    import feedarchiver
    from feedarchiver.publish import templating

    ours = [module.name for module in pkgutil.walk_packages(feedarchiver.__path__, "feedarchiver.")]
    for name in (*LIBRARIES, *ours):
        if not name.endswith("__main__"):
            with contextlib.suppress(ModuleNotFoundError):  # of an extra that is not installed
                importlib.import_module(name)
    for path in Path(templating.__file__).with_name("templates").glob("*.html"):
        templating.template(path.name)
    assert len(os.listdir("/proc/self/task")) == 1, "what has threads cannot be forked"
    gc.freeze()


if __name__ == "__main__":
    _load()
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        _serve(connection)
