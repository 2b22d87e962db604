"""Writes RESULTS.md and results.svg from what was kept.

`python benchmarks/report.py` writes them once more, without measuring.
"""

from __future__ import annotations

import os
import platform
import re
import statistics
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import chart
import processes
from figures import Run, kept
from paths import BUILD, HERE, LOCKS, RESULTS
from servers import BY_NAME
from targets import TARGETS, TIMES, verdict
from workloads import WORKLOADS, Workload

SHOWN = re.compile(
    r"(flask|gunicorn|orjson|pandas|numpy|scikit-learn|fastapi|uvicorn|litserve|bentoml|mlserver"
    r"|mlflow|granian|onnxruntime)==([\w.]+)"
)
MIB = 2**20


def about(rounds: int, seconds: int) -> dict[str, Any]:
    """Return what a reader must know of the machine and of the run."""
    return {
        "processor": processes.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "rounds": rounds,
        "seconds": seconds,
    }


def write(name: str = "run") -> str:
    """Write both files from what is kept under a name, and return the text.

    Of anything but the whole run, build/bench/NAME.md.
    """
    run = Run(**(kept(name) or {}))
    text = "\n".join(page(run)) + "\n"
    (RESULTS if name == "run" else BUILD / f"{name}.md").write_text(text, encoding="utf-8")
    if name == "run" and run.rounds:
        chart.write(run)
    return text


def page(run: Run) -> Iterator[str]:
    """Return the lines of RESULTS.md."""
    yield from (
        "# Results",
        "",
        "Written by `make bench`; [README.md](README.md) says how to read it.",
    )
    if run.rounds:
        yield from machine(run)
        yield from ("", "## Targets", "", *targets(run))
        for workload in WORKLOADS:
            if any(each["work"] == workload.name for each in run.rounds):
                yield from (
                    "",
                    f"## {workload.label[0].upper()}{workload.label[1:]}",
                    "",
                    *speed(run, workload),
                )
    if run.starts:
        yield from ("", "## Start and memory of one worker", "", *starts(run))
    for title, lines in (("Memory with a 300 MB model", memory()), ("Excel", excel())):
        if lines:
            yield from ("", f"## {title}", "", *lines)
    yield from ("", "## Versions", "", *versions())


def machine(run: Run) -> Iterator[str]:
    """Say what it was measured on and how long."""
    about, others = run.about, [each["others"] for each in run.rounds]
    yield ""
    yield (
        f"{about['processor']}, {about['cores']} cores, {about['memory']} GiB, {about['system']}, "
        f"Python {about['python']}. One worker on a core of its own, the load generator on another "
        f"one, where it does not say two workers; {about['rounds']} rounds of {about['seconds']} s "
        f"a measurement, {about['minutes']} minutes."
    )
    yield (
        f"Other processes used {min(others):.0%} to {max(others):.0%} of one core before the "
        "rounds; a target is reached only where the whole range of its rounds reaches it."
    )
    for workload in WORKLOADS:
        late = [
            sample["late_ms"]
            for each in run.rounds
            if each["work"] == workload.name
            for sample in each["samples"].values()
        ]
        if workload.rate and late:
            yield (
                f"At {workload.rate:,} requests/s, they were sent at most {max(late):,.2f} ms late "
                "(99.9 %)."
            )


def targets(run: Run) -> Iterator[str]:
    """Return the table of targets."""
    yield from table("work", "against", "target", "measured", "range", "others' CPU", "reached?")
    for target in TARGETS:
        medians, ranges, reached = verdict(target, run)
        share = f"{run.others(*target.workloads):.0%}" if ranges and target.workloads else ""
        row_ = (target.work, target.against, target.required, medians, ranges, share, reached)
        yield row(*row_)


def speed(run: Run, workload: Workload) -> Iterator[str]:
    """Return one workload's table, with the better of a server's variants."""
    compared = ("p99_ms", "ours ÷ its p99") if workload.rate else ("rps", "ours ÷ it")
    times_ = ("p50_ms", "p99_ms", "p999_ms") if workload.rate else ("p50_ms", "p99_ms")
    labels = {"p50_ms": "p50 ms", "p99_ms": "p99 ms", "p999_ms": "p99.9 ms"}
    heads = ("requests/s", *(labels[name] for name in times_), "CPU µs/request")
    yield from table("", *heads, compared[1], "range")
    for server in run.servers(workload):
        failed = sum(sample["failed"] for sample in run.of(server.name, workload.name))
        cells = [server.label + (f" ({failed:,} failed)" if failed else "")]
        for name in ("rps", *times_, "cpu_us"):
            digits = 2 if name in times_ else 0
            cells.append(f"{run.median(server.name, workload.name, name):,.{digits}f}")
        ratios = (
            run.ratios(server.name, workload.name, compared[0]) if server.name != "ours" else []
        )
        around = f"{ratios[0]:.2f} to {ratios[-1]:.2f}" if ratios else ""
        yield row(*cells, times(statistics.median(ratios)) if ratios else "", around)


def starts(run: Run) -> Iterator[str]:
    """Return the table of seconds to the first prediction, and of memory at the end."""
    yield from table("", "start, s", "memory, MiB")
    for name in dict.fromkeys(start["server"] for start in run.starts):
        seconds, size = run.start(name, "seconds"), run.start(name, "bytes")
        yield row(label(name), f"{seconds:.1f}", f"{(size or 0) / MIB:,.0f}")


def memory() -> list[str]:
    """Return the table of memory by workers, absolute and relative to one worker."""
    sizes: dict[str, dict[str, int]] = kept("memory") or {}
    counts = sorted({count for each in sizes.values() for count in each}, key=int)
    lines = list(table("PSS, MiB", *(f"{count} workers" for count in counts))) if sizes else []
    for name, used in sizes.items():
        cells = [
            f"{used[count] / MIB:,.0f} ({used[count] / used[counts[0]]:.2f}{TIMES})"
            for count in counts
        ]
        lines.append(row(label(name), *cells))
    return lines


def excel() -> list[str]:
    """Return the table of seconds for a workbook in and out."""
    results = kept("excel")
    if not results:
        return []
    return [
        f"{results['rows']:,} rows of 11 columns in, the same with a prediction out; medians.",
        "",
        *table("", "s"),
        row("this template, over HTTP", f"{results['service']:.2f}"),
        row("`read_excel`, `predict`, `to_excel` in process", f"{results['pandas']:.2f}"),
        row("time of pandas ÷ ours", times(results["ratio"])),
    ]


def versions() -> Iterator[str]:
    """Return the relevant versions, from the pinned requirements."""
    yield from table("environment", "versions")
    pins = {"ours": LOCKS} | {
        folder.name: (folder / "requirements.txt",) for folder in sorted((HERE / "peers").iterdir())
    }
    for name, files in pins.items():
        yield row(name, ", ".join(_versions(*files)))


def _versions(*pins: Path) -> list[str]:
    text = "".join(file.read_text(encoding="utf-8") for file in pins)
    versions = {pin[1]: pin[2] for pin in re.finditer(rf"^{SHOWN.pattern}", text, re.MULTILINE)}
    return [f"{name} {version}" for name, version in sorted(versions.items())]


def times(ratio: float) -> str:
    """Write a ratio."""
    return f"**{ratio:.2f}{TIMES}**"


def label(name: str) -> str:
    """Return a server's label."""
    return BY_NAME[name].label


def table(*names: str) -> Iterable[str]:
    """Return the head of a table."""
    return row(*names), row("---", *("---" for _ in names[1:]))


def row(*cells: str) -> str:
    """Write a line of a table."""
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(write())
