"""A cluster of PostgreSQL for tests: on a socket in a temporary folder, ended with the process that made it."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path

import psycopg
import pytest

_WAIT_S = 60


class Cluster:
    """A running server. It is not durable, and ends with the process that started it."""

    def __init__(self) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if Path("/usr/lib/postgresql").is_dir() else []
        self._programs = found[-1] if found else Path(shutil.which("initdb") or "/missing/initdb").parent
        if not (self._programs / "initdb").exists():
            pytest.skip("PostgreSQL is not installed")
        self._numbers = count(1)
        self._folder = tempfile.TemporaryDirectory(prefix="feedarchiver-postgresql-")
        self.folder = Path(self._folder.name)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._rights = ["setpriv", "--pdeathsig", "INT"]
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            os.chown(self.folder, 65534, 65534)
            self.folder.chmod(0o755)
            self._rights += ["--reuid", "65534", "--regid", "65534", "--clear-groups"]
        rights = ["--auth-local=trust", "--auth-host=scram-sha-256"]
        self._run("initdb", "-D", "data", "-U", "feed", *rights, "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "16MB", "autovacuum": "off"}
        settings |= {"listen_addresses": "127.0.0.1", "port": str(self.port)}
        said = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self._rights, self._programs / "postgres", "-D", "data", "-k", self.folder, *said],
                cwd=self.folder, stdout=log, stderr=log,
            )  # fmt: skip
        end = time.monotonic() + _WAIT_S
        while True:
            try:
                psycopg.connect(self.address("postgres")).close()
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < end, "PostgreSQL does not answer"
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """End it at once, as a power cut would."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(_WAIT_S)

    def close(self) -> None:
        """End it and forget what it kept."""
        if self.process.poll() is None:
            self.stop()
        self._folder.cleanup()

    def address(self, database: str) -> str:
        """Name a database."""
        return f"postgresql://feed@/{database}?host={self.folder}&port={self.port}"

    def database(self) -> str:
        """Make an empty database. Returns its address."""
        name = f"feeds{next(self._numbers)}"
        self.run("postgres", f"CREATE DATABASE {name}")
        return self.address(name)

    def run(self, database: str, statement: str) -> list[tuple]:
        """Carry out a statement."""
        with psycopg.connect(self.address(database), autocommit=True) as connection:
            done = connection.execute(statement)
            return done.fetchall() if done.description else []

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*self._rights, self._programs / program, *arguments], cwd=self.folder, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
