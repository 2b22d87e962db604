"""Repeats all operations on rollouts, and writes a table of docs/reliability.md.

`make soak-rollouts` does each 20 times, `TIMES=5` fewer, `ONLY="sticky steps"` some. Ends with 1 if
a response was wrong or lost, a share improbable, a caller moved back, or a decision wrong.
"""

import os
import sys
from contextlib import redirect_stdout

from faults_page import RATE, folder, write
from rollout_faults import ROLLOUT_FAULTS, RolloutEnv, RolloutFault

TIMES = int(os.environ.get("TIMES") or 20)


def main(names: list[str]) -> int:
    """Run the selected operations, write the table, and return the exit code."""
    is_bad = False
    for fault in ROLLOUT_FAULTS:
        if names and fault.happen.__name__ not in names:
            continue
        print(f"{fault.happen.__name__} …", flush=True)
        env = RolloutEnv(folder(f"rollouts-{fault.happen.__name__}"), RATE, TIMES)
        with (env.folder / "output").open("w") as output, redirect_stdout(output):
            fault.happen(env)
        write("rollout faults", cells(fault, env))
        print("\n".join(f"  {line}" for line in env.faults()[:10]), flush=True)
        is_bad = is_bad or bool(env.faults())
    return int(is_bad)


def cells(fault: RolloutFault, env: RolloutEnv) -> list[str]:
    """Return a row: what happened, and what callers have received."""
    tally = env.tally
    seconds = f"{min(env.decisions):.1f} to {max(env.decisions):.1f}" if env.decisions else ""
    return [
        fault.title,
        str(env.times),
        f"{tally.sent:,}",
        f"{tally.rate:.0f}",
        str(len(tally.wrong)),
        str(len(tally.lost)),
        str(env.errors_seen()),
        f"{1000 * tally.p99:.0f}",
        seconds,
        f"{len(env.problems)} of {env.times}" if env.problems else "as expected",
    ]


if __name__ == "__main__":
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    sys.exit(main(sys.argv[1:]))
