"""`make fuzz`: every decoder in turn, for MINUTES in total (60); ONLY="xls v2" selects by name.

The corpus stays in .cache/fuzz/<decoder>/corpus, so that the next run starts where this one ended.
It exits with 1 if there is a failure in .cache/fuzz/<decoder>/failures: delete it once it is fixed
and has a test.
"""

import os
import re
import sys
import time
from pathlib import Path

from guided import DECODERS, fuzz

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".cache" / "fuzz"
EXECUTIONS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
ROUND = 30.0
"""Seconds per decoder in a round: an interrupted run has tested all of them."""


def chosen(words: list[str]) -> list[str]:
    """Return the names of decoders that contain one of these words; all of them without words."""
    names = [name for name in DECODERS if not words or any(word in name for word in words)]
    if not names:
        raise SystemExit(f"expected ONLY to be among {', '.join(DECODERS)}, got {' '.join(words)}")
    return names


def run(name: str, seconds: float) -> int:
    """Fuzz a decoder in a fork, which starts quickly; return the number of bodies."""
    log = FOLDER / name / "log"
    log.parent.mkdir(parents=True, exist_ok=True)
    pid = os.fork()
    if not pid:
        with log.open("wb") as file:
            os.dup2(file.fileno(), sys.stderr.fileno())
        fuzz(name, max(1, int(seconds)), FOLDER / name)
        os._exit(1)  # libFuzzer has ended the process before
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]):
        log.replace(FOLDER / name / "failures" / "ended.txt")
        log = FOLDER / name / "failures" / "ended.txt"
    count = EXECUTIONS.search(log.read_text(encoding="utf-8", errors="replace"))
    return int(count[1]) if count else 0


def failures(name: str) -> list[Path]:
    """Return the failures of a decoder, from this run and from earlier ones."""
    return sorted((FOLDER / name).glob("failures/*.txt"))


def main(minutes: float, words: list[str]) -> int:
    """Fuzz the selected decoders, print a row for each, and return whether there are failures."""
    names = chosen(words)
    end = time.monotonic() + 60 * minutes
    executions = dict.fromkeys(names, 0)
    while time.monotonic() < end:
        for index, name in enumerate(names):
            share = (end - time.monotonic()) / (len(names) - index)
            if share > 0:
                executions[name] += run(name, min(share, ROUND))
                corpus = len(list((FOLDER / name / "corpus").iterdir()))
                print(
                    f"{name}: {executions[name]:,} bodies, {corpus:,} kept, "
                    f"{len(failures(name))} faults",
                    flush=True,
                )
    faults = [fault for name in names for fault in failures(name)]
    print("\n".join(map(str, faults)) or "no faults")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(float(os.environ.get("MINUTES") or 60), sys.argv[1:]))
