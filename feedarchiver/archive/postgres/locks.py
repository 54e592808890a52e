"""Advisory locks of PostgreSQL: numbers that a session holds until it gives them back, or ends, however it does."""

import hashlib

from feedarchiver.archive.postgres.session import Session

HELD = """(
    SELECT pid, classid::bigint << 32 | objid::bigint AS number FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
) AS held"""
"""The locks that somebody holds in this database, as something to select from: pid and number."""


def lock_number(name: str) -> int:
    """Name a lock by 64 bits."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


def try_lock(session: Session, number: int) -> bool:
    """Take a lock, unless somebody else holds it. Tells whether it is held now."""
    return bool(session.execute("SELECT pg_try_advisory_lock(?)", (number,)).fetchone()[0])


def unlock(session: Session, number: int) -> None:
    """Give back a lock, which was taken once."""
    session.execute("SELECT pg_advisory_unlock(?)", (number,))


def is_held(session: Session, number: int) -> bool:
    """Tell whether this session holds a lock."""
    query = f"SELECT 1 FROM {HELD} WHERE held.pid = pg_backend_pid() AND held.number = ?"
    return session.execute(query, (number,)).fetchone() is not None


def holder(session: Session, number: int) -> str:
    """Name who holds a lock, and since when he is connected."""
    query = (
        "SELECT a.application_name, to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') "
        f"FROM {HELD} JOIN pg_stat_activity a USING (pid) WHERE held.number = ?"
    )
    row = session.execute(query, (number,)).fetchone()
    return "another process" if row is None else f"{row[0]} since {row[1]} UTC"
