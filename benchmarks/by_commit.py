"""Count a one-row request after each commit that was made to shorten it.

    python benchmarks/by_commit.py

These are the commits whose message has `Instructions of a one-row JSON request`; others lie between
them, and are in the figures. The target has twelve columns of floats and no model, so that what is
left is the service: request, JSON or CSV, schema, metrics in files, access line. Under valgrind, as
instructions.py, which has the parts.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import platform
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import instructions
import one_row

MENTION = "Instructions of a one-row JSON request"
ROW = {f"f{number}": number * 0.37 + 0.5 for number in range(12)}
BODIES = {
    "application/json": json.dumps([ROW]).encode(),
    "text/csv": f"{','.join(ROW)}\n{','.join(map(str, ROW.values()))}\n".encode(),
}


def count(folder: Path, marks: Path) -> None:
    """Send requests of each kind between marks; runs under valgrind."""
    for name in one_row.NATIVE_THREADS:
        os.environ[name] = "1"
    sys.path.insert(0, str(folder))
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
    from mmf_core.capabilities import run_hooks

    run_hooks("before_load")  # metrics are counted in files, as under gunicorn
    import mmf_core as mmf
    from mmf_core.web import create_app

    registry = mmf.Registry()

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON))
    def score(data: Any = mmf.DataFrame(schema=dict.fromkeys(ROW, float))) -> Any:  # noqa: B008
        return data["f0"].to_numpy()

    application = create_app(registry).wsgi_app
    library = ctypes.PyDLL(str(marks))
    for content_type, body in BODIES.items():
        for _ in range(instructions.WARM_UP):
            one_row.send(application, body, content_type)
        gc.collect()
        gc.disable()
        library.start(0)
        for _ in range(instructions.REQUESTS):
            one_row.send(application, body, content_type)
        library.stop(content_type.encode())
        gc.enable()


def measure(commit: str) -> dict[str, int]:
    """Return the instructions of a request by kind of body."""
    marks = instructions._build_marks()  # noqa: SLF001 - the other script's
    with instructions.at_commit(commit) as folder, tempfile.TemporaryDirectory() as dumps:
        command = [
            *("setarch", platform.machine(), "-R"),
            *("valgrind", "--tool=callgrind", "--instr-atstart=no", "--collect-atstart=no"),
            f"--callgrind-out-file={dumps}/calls",
            *(sys.executable, __file__, str(folder), str(marks)),
        ]
        environment = {key: value for key, value in os.environ.items() if key[:4] != "MMF_"}
        environment |= {"PYTHONHASHSEED": "0", "MMF_LOG_FORMAT": "json"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stderr)
        counted: dict[str, int] = {}
        for file in Path(dumps).glob("calls.*"):
            dump = file.read_text(encoding="utf-8")
            for content_type in BODIES:
                if f"Client Request: {content_type}\n" in dump:
                    total = sum(instructions.attribute(dump).values())
                    counted[content_type] = total // instructions.REQUESTS
    return counted


def main() -> None:
    """Print a line for each commit, the oldest first."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("marks", type=Path, nargs="?", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.marks:
        count(arguments.folder, arguments.marks)
        return
    log = instructions.git("log", "--reverse", f"--grep={MENTION}", "--format=%h %s").decode()
    subjects = dict(line.split(" ", 1) for line in log.splitlines())
    first = next(iter(subjects))
    commits = {f"{first}^": "before these", **subjects}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        counted = list(pool.map(measure, commits))
    print("| commit | JSON | CSV |\n|---|---|---|")
    for subject, figures in zip(commits.values(), counted, strict=True):
        print(f"| {subject} | {' | '.join(f'{figures[kind]:,}' for kind in BODIES)} |")


if __name__ == "__main__":
    main()
