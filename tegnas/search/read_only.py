"""Reading an SQLite file that may be somebody else's, on a medium that can't be written."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tegnas.errors import InputError


@contextmanager
def read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that reads what is committed and writes nothing beside the file.

    A write-ahead log needs files that SQLite writes beside its own. Where it can't, a copy of file
    and log is read; without a log there is nothing that a copy would tell more.

    Raises:
        InputError: there is no such file, or it is none.
        sqlite3.Error: it can't be read as a database.
    """
    if not path.is_file():
        raise InputError(f"{path} is no file")
    try:
        connection = _open(path, "mode=ro")
    except sqlite3.OperationalError:
        log = path.with_name(f"{path.name}-wal")
        if not log.exists() or log.stat().st_size == 0:
            connection = _open(path, "mode=ro&immutable=1")
        else:
            with tempfile.TemporaryDirectory() as folder:
                for each in (path, log):
                    shutil.copyfile(each, Path(folder) / each.name)
                with closing(_open(Path(folder) / path.name, "mode=rw")) as connection:
                    yield connection
            return
    with closing(connection):
        yield connection


def _open(path: Path, mode: str) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True)
    try:
        # Expressions in somebody else's schema call no functions with effects.
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection
