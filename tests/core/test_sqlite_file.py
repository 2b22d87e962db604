"""A SQLite file whose descriptors a function has closed, or that was replaced."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmf_core.processes import DescriptorsClosed, open_descriptors
from mmf_core.sqlite_file import SQLiteFile

MIGRATIONS = ("CREATE TABLE names (name TEXT)",)


def add(file: SQLiteFile, name: str) -> None:
    file.run(lambda connection: connection.execute("INSERT INTO names VALUES (?)", [name]))


def names(file: SQLiteFile) -> list[str]:
    return file.run(
        lambda connection: [name for (name,) in connection.execute("SELECT name FROM names")]
    )


def test_nothing_is_written_to_files_that_have_the_descriptors_of_the_database(
    tmp_path: Path,
) -> None:
    file = SQLiteFile(tmp_path / "names.db", MIGRATIONS)
    add(file, "kept")
    numbers = open_descriptors(tmp_path.iterdir())
    assert len(numbers) == 3  # the file, its log, and the index of the log
    for number in numbers:
        os.close(number)
    others = [(tmp_path / f"{number}.txt").open("w+b") for number in range(3)]
    assert {other.fileno() for other in others} == numbers
    for _ in range(2):
        with pytest.raises(DescriptorsClosed, match="a function has closed file descriptors"):
            add(file, "lost")
    file.close()
    for other in others:
        assert other.read() == b""
        other.close()
    # This process cannot open it again: SQLite shares the descriptors with a new connection.
    script = "import sqlite3; print(*sqlite3.connect('names.db').execute('SELECT * FROM names'))"
    command = [sys.executable, "-c", script]
    assert subprocess.check_output(command, cwd=tmp_path) == b"('kept',)\n"


def test_second_connection_of_a_process_does_not_miss_the_first(tmp_path: Path) -> None:
    first, second = (SQLiteFile(tmp_path / "names.db", MIGRATIONS) for _ in range(2))
    add(first, "one")
    add(second, "two")
    first.close()
    assert names(second) == ["one", "two"]
    add(first, "three")
    second.close()
    assert names(first) == ["one", "two", "three"]
    first.close()
    assert not open_descriptors(tmp_path.iterdir())


def test_file_that_was_deleted_is_created_again(tmp_path: Path) -> None:
    file = SQLiteFile(tmp_path / "names.db", MIGRATIONS)
    add(file, "old")
    for path in tmp_path.iterdir():
        path.unlink()
    assert names(file) == []
    file.close()
