"""Causes every fault in its long form, and writes the tables of docs/reliability.md.

`make soak` does all of it; names of faults, or `soak`, do these alone:
`make soak ONLY="hang_ups kills"`. Ends with 1 if a response was wrong, or lost that must not be, or
if memory or files grow.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterable
from contextlib import redirect_stdout
from pathlib import Path

from all_faults import FAULTS
from fault_env import Fault, FaultEnv
from soak import MINUTES, Soak, soak

RATE = 200.0
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
FOLDER = ROOT / ".cache" / "faults"


def main(names: list[str]) -> int:
    """Run the selected faults, write the tables, and return the exit code."""
    bad = False
    for fault in FAULTS:
        if names and fault.name not in names:
            continue
        print(f"{fault.name} …", flush=True)
        if reason := fault.lacks():
            print(f"  left out: {reason}")
            continue
        env = happen(fault)
        faults = env.faults()
        bad = bad or bool(faults)
        write("faults", cells(fault, env))
        print("\n".join(f"  {line}" for line in faults[:10]))
    if not names or "soak" in names:
        print(f"soak, {MINUTES:g} minutes …", flush=True)
        result = soak(folder("soak"), RATE)
        bad = bad or bool(result.faults())
        write("soak", soak_cells(result))
        print("\n".join(f"  {line}" for line in result.faults()[:10]))
    return int(bad)


def folder(name: str) -> Path:
    """Return a new folder, where what a service has written can be read afterwards."""
    path = FOLDER / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def happen(fault: Fault) -> FaultEnv:
    """Cause a fault under load."""
    env = FaultEnv(folder(fault.name), RATE, fault.long)
    with (env.folder / "output").open("w") as output, redirect_stdout(output):
        fault.happen(env)
    return env


def cells(fault: Fault, env: FaultEnv) -> list[str]:
    """Return a row: the fault and the outcomes of the requests."""
    tally = env.tally
    return [
        fault.title,
        f"{env.times:,}",
        f"{tally.sent:,}",
        f"{tally.rate:.0f}",
        str(len(tally.wrong)),
        str(len(tally.lost)),
        str(tally.again),
        str(tally.late),
        f"{1000 * tally.p99:.0f}",
        f"{1000 * tally.longest_gap:.0f}",
        env.note,
    ]


def soak_cells(result: Soak) -> list[str]:
    """Return a row: the duration, the outcomes of the requests, and the resources used."""
    tally = result.tally
    return [
        f"{MINUTES:g}",
        f"{tally.sent:,}",
        f"{tally.rate:.0f}",
        f"{len(tally.wrong)} / {len(tally.lost)} / {tally.late}",
        f"{result.memory[0]:.1f}",
        f"{result.memory[-1]:.1f}",
        f"{1024 * result.growth:+.0f}",
        f"{min(result.files)} to {max(result.files)}",
    ]


def write(table: str, row: Iterable[str]) -> None:
    """Replace the row with the same first cell, or append it to a table."""
    line = f"| {' | '.join(row)} |"
    print(f"  {line}", flush=True)
    page = PAGE.read_text(encoding="utf-8")
    match = re.search(rf"<!-- {table} -->\n(.*?)<!-- end -->", page, re.DOTALL)
    assert match, f"no <!-- {table} --> in {PAGE}"
    first = line.split(" | ", maxsplit=1)[0]
    old = match[1].splitlines()
    new = [line if old_line.split(" | ")[0] == first else old_line for old_line in old]
    new += [] if line in new else [line]
    PAGE.write_text(page.replace(match[1], "\n".join([*new, ""])), encoding="utf-8")


if __name__ == "__main__":
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    sys.exit(main(sys.argv[1:]))
