"""Prints the responses of MLflow's server and of this service side by side: `make conformance`.

Exits with 1 if they differ in a way not listed in docs/mlflow.md.
"""

import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from mlflow_parity import both
from mlflow_parity.deltas import DELTAS, unexpected

WIDTH = 60


def row(*cells: str) -> str:
    """Return a row of a table in Markdown, long cells cut."""
    lines = (" ".join(cell.split()) for cell in cells)
    short = (line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…" for line in lines)
    return f"| {' | '.join(line.replace('|', chr(92) + '|') for line in short)} |"


def main() -> int:
    """Serve one model with both, send every case, print the table."""
    # The servers' logs would be printed, too.
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
        model = both.save_model(Path(folder))
        with both.serving(model) as port:
            answers = both.compare(model, port)
    wrong = unexpected(answers)
    print(row("request", "MLflow", "here", "why they differ"), row(*["---"] * 4), sep="\n")
    for name, (mlflows, here) in answers.items():
        same = "" if mlflows == here else DELTAS.get(name, ("", "", ""))[2]
        print(row(name, mlflows, here, "NOT EXPECTED" if name in wrong else same))
    print(f"\n{len(answers)} requests, {len(DELTAS)} answered otherwise on purpose", end="")
    print(f", {len(wrong)} not expected: {', '.join(wrong)}" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
