"""Malicious tables of more than 50 MiB, as tasks, and feedback: what is kept of calls meanwhile.

The service counts drift, records responses and writes the payload log while all inputs are sent.
"""

from collections.abc import Callable, Iterator
from functools import partial

from hostile_inputs import ANY, CSV, JSON, MIB, REFUSED, HostileInput

LINES = "application/x-ndjson"
LARGE = 51 * MIB
"""Bytes of a table that is stored, and read in pieces."""
WAIT = {"Prefer": "respond-async, wait=60"}
FEEDBACK = REFUSED | {200, 202, 404, 409}


def repeated(head: bytes, piece: bytes, size: int = LARGE) -> bytes:
    """Return a body that begins with `head`, and then has a piece again and again."""
    return head + piece * (1 + (size - len(head)) // len(piece))


def large_tables() -> Iterator[HostileInput]:
    """Yield large tables; most are refused by their first rows, before they are queued."""
    wide = ",".join(["a", *(f"c{number}" for number in range(5_000))]).encode() + b"\n"
    for name, media_type, body in (
        ("a quote that does not end", CSV, partial(repeated, b'a,b\n1,"', b"x,1\n")),
        ("a header without end", CSV, partial(repeated, b"a", b",b")),
        ("a header of quotes", CSV, partial(repeated, b"a,", b'"b",')),
        ("quotes", CSV, partial(repeated, b"a,b\n1,", b'"')),
        ("short rows under 5,001 names", CSV, partial(repeated, wide, b"1\n")),
        ("empty rows", CSV, partial(repeated, b"a,b\n", b"\n")),
        ("a line of JSON", LINES, partial(repeated, b'{"a":1,"b":"', b"x")),
        ("lines of JSON with other names", LINES, other_names),
    ):
        yield large_table(name, media_type, body)
    rows = partial(repeated, b"a,b\n", b"1.5,x\n")
    yield large_table("valid rows", CSV, rows, seconds=60)


def large_table(
    name: str, media_type: str, body: Callable[[], bytes], seconds: float = 5
) -> HostileInput:
    """Return a large table; the process of its task is a fork, whose memory counts, too."""
    return HostileInput(
        f"a large table of {name}",
        "/rows",
        media_type,
        body,
        ANY | {202, 406},
        seconds=seconds,
        mib=12 * 50,
        headers=WAIT,
    )


def other_names() -> bytes:
    """Return lines that each name a column that no other has."""
    return b"".join(b'{"a":1,"b%08d":"%b"}\n' % (row, b"x" * 480) for row in range(LARGE // 500))


def feedback() -> Iterator[HostileInput]:
    """Yield feedback for a response that does not exist, in large or invalid bodies."""
    head = b'{"request_id":"none","rows":['
    for name, seconds, mib, body in (
        ("of 1,000,000 rows", 5, 300, lambda: many(head, b'{"row":0,"reward":1}', 1_000_000)),
        ("of 10,000 texts", 2, 64, lambda: many(head, b'{"row":0,"truth":"x"}', 10_000)),
        ("of 100,000 lists", 2, 64, lambda: b"[" * 100_000 + b"]" * 100_000),
        ("with an id of 10 MiB", 2, 64, lambda: b'{"request_id":"' + b"x" * 10 * MIB + b'"}'),
        ("with a truth of 10 MiB", 2, 64, lambda: one(b'"truth":"' + b"x" * 10 * MIB + b'"')),
        ("with a row of 5,000 digits", 2, 64, lambda: one(b'"reward":1', b"9" * 5_000)),
        ("with a reward of 1e999", 2, 64, lambda: one(b'"reward":1e999')),
        ("of 49 MiB of spaces", 2, 128, lambda: b" " * (49 * MIB)),
    ):
        yield HostileInput(
            f"feedback {name}", "/feedback", JSON, body, FEEDBACK, seconds=seconds, mib=mib
        )


def many(head: bytes, row: bytes, count: int) -> bytes:
    """Return feedback with a row again and again."""
    return head + b",".join([row] * count) + b"]}"


def one(value: bytes, row: bytes = b"0") -> bytes:
    """Return feedback for one row."""
    return b'{"request_id":"none","rows":[{"row":%b,%b}]}' % (row, value)


def batches() -> Iterator[HostileInput]:
    """Yield all inputs of this module."""
    yield from large_tables()
    yield from feedback()
