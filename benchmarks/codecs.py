"""Tables in and out of every format, beside the best library call on the same data, in turns.

`make bench-codecs` prints the table in a few minutes. Each cell is our time, ours ÷ that of the
fastest of the others, and which that is; the best of several runs, which alternate, or the only
one of what takes longer than a second. A target gets a pandas DataFrame and returns one, so the
others, too, end with one and start from one.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import environments
from paths import BUILD, HERE, PAYLOAD

ROWS = (1, 100, 100_000)
COLUMNS = 13
LEAST = 0.2  # seconds that a cell is measured for, at least
LONG = 1.0  # seconds of a call that is made once only
LIMITS = {"max_body": 1 << 30, "max_decompressed": 1 << 30}  # ODS takes a hundred bytes a cell
RUNS = 3  # of each other one, at least
Action = Callable[[], object]


def measure() -> None:
    """Print the table; in the environment that has all libraries."""
    sys.path.insert(0, str(PAYLOAD))
    sys.path.insert(0, str(HERE / "codecs"))
    import libraries  # here they can be imported

    from mmf_core.codecs import Format, Kind, find

    print("| format | | " + " | ".join(f"{rows:,} row{'s' * (rows > 1)}" for rows in ROWS) + " |")
    print("|---|---|" + "---|" * len(ROWS))
    for name, (readers, writers) in libraries.OTHERS.items():
        codec: Any = find(Kind.TABLE, Format[name])
        for what, others in (("in", readers), ("out", writers)):
            if others:
                cells = [cell(libraries, name, codec, what, others, rows) for rows in ROWS]
                print(f"| {name} | {what} | " + " | ".join(cells) + " |", flush=True)


def cell(
    libraries: Any, name: str, codec: Any, what: str, others: dict[str, Any], rows: int
) -> str:
    """Measure a format in one direction, with so many rows."""
    if rows > libraries.MOST_ROWS.get(name, rows):
        return "does not hold so many"
    value = table = libraries.table(rows, COLUMNS)
    ours = codec.encode
    if what == "in":
        value = libraries.sample(name, table, codec)
        ours = codec.decode
    spent = turns(
        {"ours": lambda: ours(value, LIMITS)}
        | {other: lambda call=call: call(value) for other, call in others.items()}
    )
    mine = spent.pop("ours")
    best = min(spent, key=lambda other: spent[other])
    return f"{format_seconds(mine)} · {mine / spent[best]:.2f}\N{MULTIPLICATION SIGN} {best}"


def turns(actions: dict[str, Action]) -> dict[str, float]:
    """Return the least seconds of each action; all take turns."""
    least = {name: seconds(action, 1) for name, action in actions.items()}
    for _ in range(RUNS):
        for name, action in actions.items():
            if least[name] < LONG:
                count = max(1, int(LEAST / RUNS / max(least[name], 1e-7)))
                least[name] = min(least[name], seconds(action, count))
    return least


def seconds(action: Action, count: int) -> float:
    """Return the mean seconds of so many calls."""
    began = time.perf_counter()
    for _ in range(count):
        action()
    return (time.perf_counter() - began) / count


def format_seconds(seconds: float) -> str:
    """Write a time with three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def main() -> None:
    """Make the environment, and measure in it."""
    if "--measure" in sys.argv:
        measure()
        return
    environments.install("codecs", HERE / "codecs" / "requirements.txt")
    interpreter = str(BUILD / "codecs" / ".venv" / "bin" / "python")
    command = [interpreter, str(Path(__file__)), "--measure"]
    done = subprocess.run(command, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
