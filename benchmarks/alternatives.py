"""Parts of the service compared with libraries for the same: `make bench-alternatives`.

CPU time in one process; all ways take turns, and each figure is the best round's mean.
docs/decisions.md says what follows from it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import environments
from paths import BUILD, HERE, PAYLOAD

FOLDER = HERE / "alternatives"
ROUNDS = 15
SMALL, LARGE = 1, 10_000  # rows


def measure() -> None:
    """Print the tables; in the environment that has all libraries."""
    sys.path[:0] = [str(PAYLOAD), str(FOLDER)]
    import middleware
    import parsers
    import workbooks

    spent = seconds(middleware.ACTIONS, 300)
    empty = spent.pop("an empty view")
    print("| added to a request | CPU µs |\n|---|---|")
    for name, value in spent.items():
        print(f"| {name} | {(value - empty) * 1e6:.0f} |")
    print("\n| a request is parsed by | CPU µs |\n|---|---|")
    for name, value in seconds(parsers.ACTIONS, 300).items():
        print(f"| {name} | {value * 1e6:.0f} |")
    small, large = (of_workbooks(workbooks, rows) for rows in (SMALL, LARGE))
    print(f"\n| a workbook | {SMALL} row, ms | {LARGE:,} rows, ms | changes |\n|---|---|---|---|")
    for name, write in workbooks.WRITERS.items():
        changes = ", ".join(workbooks.changed(write)) or "nothing"
        print(f"| {name} | {small[name] * 1e3:.1f} | {large[name] * 1e3:.0f} | {changes} |")


def of_workbooks(workbooks: Any, rows: int) -> dict[str, float]:
    """Return the CPU time of each way to write a workbook of `rows` rows."""
    table = workbooks.table(rows)
    return seconds(
        {name: partial(write, table) for name, write in workbooks.WRITERS.items()},
        calls=10 if rows == SMALL else 1,
    )


def seconds(actions: Mapping[str, Callable[[], object]], calls: int) -> dict[str, float]:
    """Return the CPU time of a call of each action, the actions in turns."""
    best = dict.fromkeys(actions, float("inf"))
    for _ in range(ROUNDS if calls > 1 else 3):
        for name, action in actions.items():
            started = time.process_time()
            for _ in range(calls):
                action()
            best[name] = min(best[name], (time.process_time() - started) / calls)
    return best


def main() -> None:
    """Create the environment, and measure in it."""
    if "--measure" in sys.argv:
        measure()
        return
    environments.install("alternatives", FOLDER / "requirements.txt")
    interpreter = str(BUILD / "alternatives" / ".venv" / "bin" / "python")
    done = subprocess.run([interpreter, str(Path(__file__)), "--measure"], check=False)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
