"""Repeats every task fault, and writes a table of docs/reliability.md.

`make soak-tasks` takes five minutes, `MINUTES=60` for longer, `ONLY="stops reloads"` for some. Ends
with 1 if an accepted task was lost, a result is not its own, an end was stored twice, or a function
ran more often than it may.
"""

import os
import sys
from contextlib import redirect_stdout

from faults_page import folder, write
from task_faults import TASK_FAULTS, TaskEnv, TaskFault

MINUTES = float(os.environ.get("MINUTES") or 5)


def main(names: list[str]) -> int:
    """Run the selected faults, write the table, and return the exit code."""
    chosen = [fault for fault in TASK_FAULTS if not names or fault.happen.__name__ in names]
    problems = []
    for fault in chosen:
        print(f"{fault.happen.__name__} …", flush=True)
        if reason := fault.lacks():
            print(f"  left out: {reason}")
            continue
        env = TaskEnv(folder(f"tasks-{fault.happen.__name__}"), 60 * MINUTES / len(chosen))
        with (env.folder / "output").open("w") as output, redirect_stdout(output):
            fault.happen(env)
        write("task faults", cells(fault, env))
        errors = [line for lines in env.tally.problems.values() for line in lines]
        print("\n".join(f"  {line}" for line in errors[:10]))
        problems += errors
    return int(bool(problems))


def cells(fault: TaskFault, env: TaskEnv) -> list[str]:
    """Return a row: the fault and the outcomes of the tasks."""
    tally = env.tally
    reasons = [f"{count}: {reason}" for reason, count in tally.reasons.most_common()]
    ended = (tally.count(status) for status in ("succeeded", "failed", "canceled"))
    return [
        fault.title,
        f"{env.times:,}",
        f"{len(tally.accepted):,}",
        *(f"{count:,}" for count in ended),
        *(str(len(lines)) for lines in tally.problems.values()),
        f"{tally.refused + tally.without_response:,}",
        "; ".join(reasons),
    ]


if __name__ == "__main__":
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    sys.exit(main(sys.argv[1:]))
