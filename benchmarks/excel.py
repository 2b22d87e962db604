"""A workbook of 10,000 rows in and out: over HTTP, against plain pandas in process.

Both in the same environment, in turns; the ratio is taken pair by pair.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import subprocess
import time
import urllib.request

import environments
import figures
import report
from paths import BUILD
from run import stop
from servers import BY_NAME

from server import running

ROWS = 10_000
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAKE = f"""
import json, sys
import pandas
rows = json.load(open(sys.argv[1]))["rows"]
pandas.DataFrame((rows * 10)[:{ROWS}]).to_excel(sys.argv[2], index=False)
"""
# Prints seconds each time that it is sent a line.
PANDAS = """
import io, sys, time
import joblib, pandas
model, book = joblib.load("elasticnet.joblib"), open(sys.argv[1], "rb").read()
for _ in sys.stdin:
    began = time.perf_counter()
    table = pandas.read_excel(io.BytesIO(book), engine="openpyxl")
    table.assign(prediction=model.predict(table)).to_excel(buffer := io.BytesIO(), index=False)
    print(time.perf_counter() - began, flush=True)
"""


def service(url: str, book: bytes) -> float:
    """Send the workbook, read the response, return the seconds."""
    began = time.perf_counter()
    headers = {"Content-Type": XLSX, "Accept": XLSX}
    request = urllib.request.Request(url, book, headers)  # noqa: S310 - our own server
    with urllib.request.urlopen(request, timeout=120) as response:  # noqa: S310
        response.read()
    return time.perf_counter() - began


def in_process(worker: subprocess.Popen[str]) -> float:
    """Do the same with pandas once, return the seconds."""
    assert worker.stdin  # noqa: S101 - it was opened with pipes
    assert worker.stdout  # noqa: S101
    worker.stdin.write("\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


def measured(rounds: int) -> tuple[list[float], list[float]]:
    """Return the seconds of both, a pair per round; the first pair is the warm-up."""
    book = BUILD / "wines.xlsx"
    if not book.is_file():
        environments.python("ours", "-c", MAKE, str(BUILD / "models" / "rows.json"), str(book))
    interpreter = str(BUILD / "ours" / ".venv" / "bin" / "python")
    rows = environments.rows_and_answers()["rows"]
    ours, pandas = [], []
    with (
        running(BY_NAME["ours"], "elasticnet", 1, rows) as server,
        subprocess.Popen(
            [interpreter, "-c", PANDAS, str(book)],
            cwd=BUILD / "ours",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as worker,
    ):
        url = server.url.replace("elasticnet", "scored")
        for _ in range(rounds + 1):
            ours.append(service(url, book.read_bytes()))
            pandas.append(in_process(worker))
    return ours[1:], pandas[1:]


def main() -> None:
    """Measure, print, save."""
    signal.signal(signal.SIGTERM, stop)
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    environments.prepare({"ours"})
    ours, pandas = measured(rounds)
    results = {
        "rows": ROWS,
        "service": statistics.median(ours),
        "pandas": statistics.median(pandas),
        "ratio": statistics.median(theirs / own for own, theirs in zip(ours, pandas, strict=True)),
    }
    figures.save("excel", results)
    print("\n".join(report.excel()))
    report.write()


if __name__ == "__main__":
    main()
