"""A connection to PostgreSQL with the methods that the index uses of sqlite3's (`archive.database`).

Between `begin` and `commit` statements are sent without waiting for the answers of those that give no rows; what went
wrong with one is raised by the next that gives rows, and by `commit` at the latest. Closing drops what is not
committed. psycopg's errors pass as they are; `reason` says what they mean.
"""

import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import Any

import psycopg
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumper, TextBinaryLoader

from feedarchiver.archive.database import IndexAddress, Rows
from feedarchiver.archive.postgres.dialect import escaped, translated, unescaped
from feedarchiver.errors import ArchiveError, StorageError

_CONNECT_S = 10
_SILENT_S = 60  # a server that has lost its power says nothing, and neither does a client
_PROBING = f"""
SET tcp_keepalives_idle = {_SILENT_S // 2}; SET tcp_keepalives_interval = {_SILENT_S // 6};
SET tcp_keepalives_count = 3; SET tcp_user_timeout = {_SILENT_S * 1000}
"""
_KEPT = "no article is lost; try again when it answers"
_AT_ONCE = 2_000
_MEANINGS = {
    "53100": "no space left on the disk of the server",
    "53300": "the server has no connection left",
    "57P01": "the server was stopped",
    "25006": "the database can only be read",
}
_DOUBTFUL = ("XX", "22", "23", "3F000", "42P01", "42703")  # damage, contradictions, a schema, table or column lacks
_PREFIX = "connection failed: "
FAILURES = (StorageError, psycopg.Error)
"""All that a session raises when PostgreSQL does not do something."""


class _Text(StrDumper):
    """Texts, with what PostgreSQL refuses in them escaped."""

    def dump(self, obj: str) -> Any:
        return super().dump(escaped(obj))


class _Told(TextBinaryLoader):
    """Texts as they were before they were escaped."""

    def load(self, data: Any) -> str:
        return unescaped(str(data, "utf-8"))


class Session:
    """A connection, not in a transaction unless `begin` was called."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._batch = ExitStack()
        self._streams = 0

    @classmethod
    def open(cls, at: IndexAddress) -> "Session":
        """Connect. Raises StorageError where that fails, ArchiveError where texts do not fit in."""
        try:
            connection = psycopg.connect(
                at.url,
                autocommit=True,
                cursor_factory=psycopg.RawCursor,
                connect_timeout=_CONNECT_S,
                tcp_user_timeout=_SILENT_S * 1000,
                keepalives_idle=_SILENT_S // 2,
                keepalives_interval=_SILENT_S // 6,
                keepalives_count=3,
                client_encoding="utf8",
                application_name=f"feedarchiver, process {os.getpid()} on {socket.gethostname()}",
            )
            connection.execute(_PROBING)  # else the locks of a machine that has lost its power are held for hours
        except psycopg.Error as error:
            raise StorageError("use", f"the index {at}", reason(error), _KEPT) from None
        if (encoding := connection.info.parameter_status("server_encoding")) != "UTF8":
            connection.close()
            raise ArchiveError(f"the database {at} is in {encoding}; make one with ENCODING 'UTF8'; nothing was done")
        connection.adapters.register_dumper(str, _Text)
        connection.adapters.register_dumper(int, Int8Dumper)
        connection.adapters.register_loader("text", _Told)
        return cls(connection)

    def execute(self, query: str, values: Sequence[Any] = ()) -> Rows:
        return self._connection.execute(translated(query), values, binary=True)

    def executemany(self, query: str, rows: Iterable[Sequence[Any]]) -> None:
        known = translated(query)
        for row in rows:
            self._connection.execute(known, row)

    def stream(self, query: str, values: Sequence[Any] = ()) -> "Rows":
        """Have the server keep the rows, and fetch some at a time. They stay as they are through a commit."""
        self._streams += 1
        name = f"rows_{self._streams}"
        self.execute(f"DECLARE {name} NO SCROLL CURSOR WITH HOLD FOR {query}", values)
        return _Stream(self._connection, name)

    def script(self, statements: str) -> None:
        """Carry out statements that know no values. Needs `transaction`."""
        self._connection.execute(statements.encode())

    def copy(self, statement: str) -> AbstractContextManager[psycopg.Copy]:
        """Send rows by the COPY that `statement` says. Not between `begin` and `commit`: use `transaction`."""
        return self._connection.cursor().copy(statement.encode())

    def transaction(self) -> AbstractContextManager[psycopg.Transaction]:
        """Do all that is done within, or nothing."""
        return self._connection.transaction()

    def begin(self) -> None:
        self._connection.execute(b"BEGIN")
        self._batch.enter_context(self._connection.pipeline())

    def commit(self) -> None:
        ended = self._connection.execute(b"COMMIT")
        self._batch.close()
        if ended.statusmessage != "COMMIT":
            raise psycopg.OperationalError("the batch could not be committed")

    @property
    def is_closed(self) -> bool:
        """Tell whether the connection is known to be lost."""
        return bool(self._connection.closed)

    def close(self) -> None:
        with suppress(psycopg.Error):  # what went wrong has been said
            self._batch.close()
        self._connection.close()


class _Stream:
    """Rows that the server keeps."""

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._connection, self._name = connection, name
        self._rows = self._fetch()

    def __iter__(self) -> Iterator[Any]:
        yield from self._rows

    def fetchone(self) -> Any:
        return next(self._rows, None)

    def fetchall(self) -> list[Any]:
        return list(self._rows)

    def close(self) -> None:
        self._rows.close()
        if self._name:
            with suppress(psycopg.Error):  # it goes with the connection, or with the transaction that has failed
                self._connection.execute(f"CLOSE {self._name}".encode(), prepare=False)
            self._name = ""

    def _fetch(self) -> Any:
        query = f"FETCH {_AT_ONCE} FROM {self._name}".encode()
        while rows := self._connection.execute(query, binary=True, prepare=False).fetchall():
            yield from rows


def reason(error: psycopg.Error) -> str:
    """Say in one line what went wrong. The words of PostgreSQL name users and databases, never a password."""
    said = (
        _MEANINGS.get(error.sqlstate or "") or error.diag.message_primary or str(error).strip() or "it gave no reason"
    )
    return said.splitlines()[0].removeprefix(_PREFIX)


def told(error: BaseException) -> str | None:
    """Say in one line what went wrong, if it is PostgreSQL that it went wrong with."""
    return reason(error) if isinstance(error, psycopg.Error) else None


def is_away(error: BaseException | None) -> bool:
    """Tell whether an error says that the server was not there, or did not do it for now: trying again may help."""
    return isinstance(error, StorageError | psycopg.OperationalError | psycopg.InterfaceError)


def is_doubtful(error: BaseException | None) -> bool:
    """Tell whether an error says that the index is not what it should be: damaged, or other tables than its own."""
    return isinstance(error, psycopg.Error) and (error.sqlstate or "").startswith(_DOUBTFUL)
