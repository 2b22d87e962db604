"""`mmfmeta predict` compared with hand-written pandas, polars, and `mlflow models predict`.

    make bench-batch                                    # ROWS=1000000 SHEET_ROWS=100000 ROUNDS=3
    make bench-batch KEEP=1                             # also writes docs/performance.md

A million rows of eleven columns, by a linear model and a forest, from Parquet to Parquet and from
CSV to CSV; a workbook of a hundred thousand. Every way is a process of its own, on one core, and
they take turns; ours once more with two processes on two cores. Printed are the best round's
seconds from the loaded model to the complete file (of MLflow, which does not say, of the whole
command), of the whole command with its imports, and the peak memory (PSS) of each way.
Ends with 1 unless ours takes `MOST` times what is written by hand, at most, two processes are
`LEAST` times as fast as one, and MLflow's whole command takes `MLFLOW` times ours, or more.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import environments
import processes
from documents import write_table
from paths import BUILD, HERE, PAYLOAD

sys.path.insert(0, str(PAYLOAD))

import joblib
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression

from mmf_core.processes import process_tree, pss

ROWS = int(os.environ.get("ROWS", "1000000"))
SHEET_ROWS = min(ROWS, int(os.environ.get("SHEET_ROWS", "100000")))
ROUNDS = int(os.environ.get("ROUNDS", "3"))
PEERS = os.environ.get("PEERS", "polars mlflow").split()
MOST, LEAST, MLFLOW = 1.15, 1.8, 10.0
COLUMNS = [f"x{number}" for number in range(11)]
FOLDER = BUILD / "batch"
BATCH = HERE / "batch"
ONE, TWO = "0", "0,1"
ENVIRONMENT = {
    **environments.QUIET,
    "PYTHONPATH": str(PAYLOAD),
    "PYTHONPYCACHEPREFIX": str(FOLDER / "pycache"),
}


@dataclass
class Way:
    """One way: its command, its cores, and its figures in each round."""

    name: str
    command: Callable[[str, str, str], list[str]]
    cores: str = ONE
    work: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    memory: int = 0


def main() -> None:
    """Measure and print."""
    make()
    ways = dict(all_ways())
    failed, lines = [], head()
    print(f"{ROWS:,} rows, best of {ROUNDS}: seconds of work, seconds of the command, MiB")
    for model, source, target in (
        ("linear", "in.parquet", "out.parquet"),
        ("forest", "in.parquet", "out.parquet"),
        ("linear", "in.csv", "out.csv"),
        ("forest", "in.csv", "out.csv"),
        ("linear", "in.xlsx", "out.xlsx"),
    ):
        chosen = [way for way in ways.values() if takes(way.name, source)]
        for way in chosen:
            way.work, way.whole, way.memory = [], [], 0
        for number in range(ROUNDS):
            for way in chosen[number % len(chosen) :] + chosen[: number % len(chosen)]:
                run(way, model, source, f"{way.name.replace(' ', '-')}-{target}")
        print(f"\n{model}, {source} → {target}")
        for way in chosen:
            work = f"{min(way.work):8.2f}" if way.work else " " * 8
            print(f"  {way.name:20}{work}{min(way.whole):8.2f}{way.memory / 2**20:8.0f}")
            lines.append(line(model, source, target, way))
        failed += verdict(f"{model} {source}", {way.name: way for way in chosen})
    goals = failed or ["All goals are reached."]
    print("\n" + "\n".join(goals))
    if os.environ.get("KEEP") == "1":
        write_table("performance.md", "make bench-batch KEEP=1", "\n".join([*lines, "", *goals]))
    raise SystemExit(bool(failed))


def head() -> list[str]:
    """Return what a reader must know of the machine, and the head of the table."""
    machine = (
        f"Python {platform.python_version()}, {processes.processor()}: {ROWS:,} rows of "
        f"{len(COLUMNS)} columns ({SHEET_ROWS:,} as XLSX), the best of {ROUNDS} rounds."
    )
    return [
        machine,
        "",
        "| model, files | by | seconds of work | seconds of the command | peak MiB |",
        "|---|---|---|---|---|",
    ]


def line(model: str, source: str, target: str, way: Way) -> str:
    """Return a line of the table."""
    files = f"{source.partition('.')[2]} → {target.partition('.')[2]}"
    work = f"{min(way.work):.2f}" if way.work else ""
    return (
        f"| {model}, {files} | {way.name} | {work} | {min(way.whole):.2f} | "
        f"{way.memory / 2**20:.0f} |"
    )


def verdict(name: str, ways: dict[str, Way]) -> Iterator[str]:
    """Print the ratios; yield those that miss their goal."""
    ours, by_hand = min(ways["ours"].work), min(ways["by hand"].work)
    print(f"  ours ÷ by hand: {ours / by_hand:.2f}")
    if ours > MOST * by_hand:
        yield f"{name}: {ours / by_hand:.2f} times the script by hand, goal {MOST}"
    if "ours, 2 processes" in ways:
        gain = ours / min(ways["ours, 2 processes"].work)
        print(f"  two processes: {gain:.2f} times as fast")
        if gain < LEAST:
            yield f"{name}: two processes are {gain:.2f} times as fast, goal {LEAST}"
    if "mlflow" in ways:
        gain = min(ways["mlflow"].whole) / min(ways["ours"].whole)
        print(f"  MLflow: {gain:.1f} times as long")
        if gain < MLFLOW:
            yield f"{name}: MLflow takes {gain:.1f} times as long, goal {MLFLOW:g}"


def all_ways() -> Iterator[tuple[str, Way]]:
    """Yield each way by its name."""
    for way in (
        Way("by hand", script(sys.executable, "by_hand.py")),
        Way("ours", ours()),
        Way("ours, 2 processes", ours("--workers", "2"), TWO),
        *(
            [Way("polars", script(environment("polars"), "with_polars.py"))]
            if "polars" in PEERS
            else []
        ),
        *([Way("mlflow", mlflow)] if "mlflow" in PEERS else []),
    ):
        yield way.name, way


def takes(name: str, source: str) -> bool:
    """Return whether a way can read a format."""
    kind = source.rpartition(".")[2]
    return kind in {
        "ours, 2 processes": "parquet csv",
        "polars": "parquet csv",
        "mlflow": "csv",
    }.get(name, "parquet csv xlsx")


def ours(*options: str) -> Callable[[str, str, str], list[str]]:
    """Return the factory of our command."""
    return lambda _model, source, target: [
        *(sys.executable, "-m", "mmf_core", "predict", "-i", source, "-o", target),
        *("--overwrite", "--summary", "summary.json", *options),
    ]


def script(python: str, name: str) -> Callable[[str, str, str], list[str]]:
    """Return the factory of a script's command."""
    return lambda model, source, target: [
        *(python, str(BATCH / name), f"{model}.joblib", source, target)
    ]


def mlflow(model: str, source: str, target: str) -> list[str]:
    """Return MLflow's own command."""
    program = str(Path(environment("mlflow")).with_name("mlflow"))
    options = ("-i", source, "-o", target, "-t", "csv", "--env-manager", "local")
    return [program, "models", "predict", "-m", f"mlflow-{model}", *options]


def environment(name: str) -> str:
    """Return the interpreter of a peer's environment."""
    return str(BUILD / name / ".venv" / "bin" / "python")


def run(way: Way, model: str, source: str, target: str) -> None:
    """Run a way once; its memory is sampled every few milliseconds from the other core."""
    command = ["taskset", "-c", way.cores, *way.command(model, source, target)]
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=FOLDER,
        env={**os.environ, **ENVIRONMENT, "MODEL": f"{model}.joblib"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None:
        with suppress(OSError, ValueError):
            way.memory = max(way.memory, sum(map(pss, process_tree(process.pid))))
        time.sleep(0.05)
    whole = time.perf_counter() - started
    printed, errors = process.communicate()
    if process.returncode:
        raise SystemExit(f"{way.name}: {errors}")
    way.whole.append(whole)
    if way.name.startswith("ours"):
        way.work.append(json.loads((FOLDER / "summary.json").read_text("utf-8"))["seconds"])
    elif way.name != "mlflow":
        way.work.append(float(printed))


def make() -> None:
    """Create the models, the files and the environments, unless they exist."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "main.py").write_text((BATCH / "main.py").read_text("utf-8"), encoding="utf-8")
    stamp, contents = FOLDER / "made", f"{ROWS} {SHEET_ROWS}"
    if not stamp.is_file() or stamp.read_text("utf-8") != contents:
        print("== making models and files", flush=True)
        random = np.random.default_rng(0)
        sample = pd.DataFrame(random.normal(size=(5_000, len(COLUMNS))), columns=COLUMNS)
        truth = sample.sum(axis=1) + random.normal(size=len(sample))
        forest = RandomForestRegressor(50, max_depth=8, random_state=0)
        joblib.dump(LinearRegression().fit(sample, truth), FOLDER / "linear.joblib")
        joblib.dump(forest.fit(sample, truth), FOLDER / "forest.joblib")
        table = pd.DataFrame(random.normal(size=(ROWS, len(COLUMNS))), columns=COLUMNS)
        table.to_parquet(FOLDER / "in.parquet", index=False)
        table.to_csv(FOLDER / "in.csv", index=False)
        table.head(SHEET_ROWS).to_excel(FOLDER / "in.xlsx", index=False)
        stamp.write_text(contents, encoding="utf-8")
    if "polars" in PEERS:
        environments.install("polars", BATCH / "requirements.txt")
    if "mlflow" in PEERS:
        environments.install("mlflow", HERE / "peers" / "mlflow" / "requirements.txt")
        for model in ("linear", "forest"):
            if not (FOLDER / f"mlflow-{model}").is_dir():
                arguments = (str(FOLDER / f"{model}.joblib"), str(FOLDER / f"mlflow-{model}"))
                environments.python("mlflow", str(BATCH / "save_for_mlflow.py"), *arguments)


if __name__ == "__main__":
    main()
