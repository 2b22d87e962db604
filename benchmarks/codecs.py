"""Tables in and out of every format, compared with the best library call on the same data.

`make bench-codecs` prints the table in a few minutes. Each cell is our time, ours ÷ that of the
fastest of the others, and which that is; the best of several turns, or the only one of what takes
longer than a second. A target gets a pandas DataFrame and returns one, so the others, too, end with
one and start from one. For the targets in RESULTS.md, the ratio of each turn is kept.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environments
import figures
from paths import BUILD, HERE, PAYLOAD

ROWS = (1, 100, 100_000)
COLUMNS = 13
LEAST = 0.2  # seconds that a cell is measured for, at least
LONG = 1.0  # seconds of a call that is made once only
LIMITS = {"max_body": 1 << 30, "max_decompressed": 1 << 30}  # ODS takes a hundred bytes a cell
RUNS = 3  # of each other one, at least
Action = Callable[[], object]
Clock = Callable[[], float]


def measure(rows: list[int], formats: list[str], clock: Clock) -> None:
    """Print the table, and save the figures of many rows; in the environment of all libraries."""
    sys.path.insert(0, str(PAYLOAD))
    sys.path.insert(0, str(HERE / "codecs"))
    import libraries  # here they can be imported

    from mmf_core.codecs import Format, Kind, find

    print(
        "| format | | "
        + " | ".join(f"{number:,} row{'s' * (number > 1)}" for number in rows)
        + " |"
    )
    print("|---|---|" + "---|" * len(rows))
    largest: dict[str, list[float]] = {}
    for name, (readers, writers) in libraries.OTHERS.items():
        if formats and name not in formats:
            continue
        codec: Any = find(Kind.TABLE, Format[name])
        for what, others in (("in", readers), ("out", writers)):
            if others:
                cells = [cell(name, codec, what, others, number, clock) for number in rows]
                if cells[-1]:
                    largest[f"{name} {what}"] = cells[-1].ratios
                texts = " | ".join(str(each or "cannot hold this many") for each in cells)
                print(f"| {name} | {what} | {texts} |", flush=True)
    if rows[-1] == ROWS[-1] and not formats and clock is time.perf_counter:
        figures.save("codecs", largest)


@dataclass(frozen=True)
class Cell:
    """Our shortest time, the shortest of all others and its library, and the ratio in each turn."""

    ours: float
    others: float
    best: str
    ratios: list[float]

    def __str__(self) -> str:
        ratio = self.ours / self.others
        return f"{format_seconds(self.ours)} · {ratio:.2f}\N{MULTIPLICATION SIGN} {self.best}"


def cell(
    name: str,
    codec: Any,
    what: str,
    others: dict[str, Any],
    rows: int,
    clock: Clock,
) -> Cell | None:
    """Measure a format in one direction, with `rows` rows; None: it cannot hold them."""
    import libraries

    if rows > libraries.MOST_ROWS.get(name, rows):
        return None
    value = table = libraries.table(rows, COLUMNS)
    ours = codec.encode
    if what == "in":
        value = libraries.sample(name, table, codec)
        ours = codec.decode
    spent = turns(
        {"ours": lambda: ours(value, LIMITS)}
        | {other: lambda call=call: call(value) for other, call in others.items()},
        clock,
    )
    least = {name: min(turn[name] for turn in spent) for name in spent[0]}
    best = min(others, key=lambda other: least[other])
    ratios = [turn["ours"] / min(turn[other] for other in others) for turn in spent]
    return Cell(least["ours"], least[best], best, ratios)


def turns(actions: dict[str, Action], clock: Clock) -> list[dict[str, float]]:
    """Return the seconds of each action, turn by turn; one that is long is called only once."""
    first = {name: seconds(action, 1, clock) for name, action in actions.items()}

    def again(name: str) -> float:
        if first[name] >= LONG:
            return first[name]
        return seconds(actions[name], max(1, int(LEAST / RUNS / max(first[name], 1e-7))), clock)

    return [{name: again(name) for name in actions} for _ in range(RUNS)]


def seconds(action: Action, count: int, clock: Clock) -> float:
    """Return the mean seconds of `count` calls."""
    began = clock()
    for _ in range(count):
        action()
    return (clock() - began) / count


def format_seconds(seconds: float) -> str:
    """Write a time with three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def main() -> None:
    """Make the environment, and measure in it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--formats", nargs="+", default=[])
    parser.add_argument("--processor-time", action="store_true")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        clock = time.process_time if options.processor_time else time.perf_counter
        measure(options.rows, options.formats, clock)
        return
    environments.install("codecs", HERE / "codecs" / "requirements.txt")
    interpreter = str(BUILD / "codecs" / ".venv" / "bin" / "python")
    command = [interpreter, str(Path(__file__)), "--measure", *sys.argv[1:]]
    done = subprocess.run(command, check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
