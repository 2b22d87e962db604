"""Malicious tasks: many queued ones, large ones, ids, the list, every format.

Where a response waits for its task, the process that runs it is measured as well; it is a fork, all
of whose pages are counted, though most are still shared. Tasks that must wait are behind a slow
one, until the last input cancels them.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from hostile_inputs import (
    ANY,
    ARROW,
    CSV,
    JSON,
    MIB,
    MSGPACK,
    NPY,
    PARQUET,
    REFUSED,
    XLSX,
    XML,
    YAML,
    HostileInput,
    as_parquet,
)

ACCEPTED = frozenset({202})
FOUND = frozenset({200})
GONE = frozenset({404, 414, 422, 431})
ASYNC = {"Prefer": "respond-async"}
WAIT = {"Prefer": "respond-async, wait=60"}
NUMBERS = b'{"a":[' + b"1," * 99_999 + b"1]}"
TABLE = b"a,b\n" + b"1.5,x\n" * 50_000
WAITING = 2_000
TABLE_FORMATS = {
    "CSV": CSV,
    "JSON": JSON,
    "lines of JSON": "application/x-ndjson",
    "XLSX": XLSX,
    "Parquet": PARQUET,
    "Arrow": ARROW,
    "HTML": "text/html",
}
TREE_FORMATS = {
    "JSON": JSON,
    "YAML": YAML,
    "MessagePack": MSGPACK,
    "XML": XML,
    "protobuf": "application/x-protobuf",
    ".npy": NPY,
}


def large() -> Iterator[HostileInput]:
    """Yield large requests; each is decoded by a worker, and again by the process of its task."""
    for name, size, path, media_type, content in (
        ("a CSV", 49, "/table", CSV, lambda: b"a,b\n" + b"1,2\n" * (49 * MIB // 4)),
        ("a CSV", 23, "/strict", CSV, lambda: b"a,b\n" + b"1,2\n" * 6_000_000),
        ("a JSON list", 49, "/tree", JSON, lambda: b'{"a":[' + b"1," * (24 * MIB) + b"1]}"),
        ("long texts", 49, "/table", CSV, lambda: b"a,b\n" + (b"x" * 1_000 + b",1\n") * 51_000),
        ("a text", 49, "/words", "text/plain", lambda: b"a" * (49 * MIB)),
    ):
        yield HostileInput(
            f"a task of {name}, {size} MiB",
            path,
            media_type,
            content,
            ANY,
            seconds=5,
            mib=12 * 50,  # in two processes, which decode it in turn
            headers=WAIT,
        )
    yield HostileInput(
        "a task of a Parquet bomb",
        "/table",
        PARQUET,
        lambda: as_parquet(pa.table({"a": np.zeros(50_000_000)})),
        REFUSED,
        headers=ASYNC,
    )


def formats() -> Iterator[HostileInput]:
    """Yield tasks whose results are written in every format."""
    for name, media_type in TABLE_FORMATS.items():
        yield HostileInput(
            f"the result of a task, 50,000 rows, as {name}",
            "/table",
            CSV,
            lambda: TABLE,
            seconds=5,
            mib=12 * 50,
            statuses=FOUND | {406, 413},
            headers=WAIT | {"Accept": media_type},
        )
    for name, media_type in TREE_FORMATS.items():
        yield HostileInput(
            f"the result of a task, 100,000 numbers, as {name}",
            "/tree",
            JSON,
            lambda: NUMBERS,
            seconds=5,
            mib=12 * 50,
            statuses=FOUND | {406, 413},
            headers=WAIT | {"Accept": media_type},
        )


def ids() -> Iterator[HostileInput]:
    """Yield ids of 10 kB, in headers and in URLs."""
    text = "text/plain"
    for name in ("TASK-ID", "Idempotency-Key"):
        yield HostileInput(
            f"{name} of 10 kB",
            "/words",
            text,
            lambda: b"a",
            GONE | REFUSED,
            headers=ASYNC | {name: "x" * 10_000},
        )
    for name, path in (
        ("task", f"/tasks/{'x' * 10_000}"),
        ("page after a task", f"/tasks?after={'x' * 10_000}"),
        ("log", f"/log/?task_id={'x' * 10_000}"),
    ):
        yield HostileInput(
            f"the {name} of an id of 10 kB", path, text, bytes, GONE | REFUSED, method="GET"
        )


def waiting() -> Iterator[HostileInput]:
    """Yield queued tasks, and requests that list all of them."""
    yield HostileInput(
        f"{WAITING:,} tasks that wait",
        "/pause",
        JSON,
        lambda: b"30",
        ACCEPTED,
        seconds=20,
        mib=12 * 50,
        times=WAITING,
        headers=ASYNC,
    )
    for name, path in (
        ("pages of 1,000 tasks", "/tasks?limit=1000"),
        ("pages of tasks of an unknown target", "/tasks?limit=1000&target=none"),
        ("pages of metrics, with those of tasks", "/metrics"),
    ):
        yield HostileInput(
            f"20 {name}", path, JSON, bytes, FOUND, seconds=5, times=20, method="GET"
        )
    yield HostileInput(
        f"{WAITING:,} tasks are cancelled", "/tasks", JSON, bytes, FOUND, method="DELETE"
    )


def tasks() -> Iterator[HostileInput]:
    """Yield all inputs of this module."""
    yield from large()
    yield from formats()
    yield from ids()
    yield from waiting()
