"""Writes RESULTS.md and results.svg from what was kept.

`python benchmarks/report.py` writes them once more, without measuring.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import chart
from figures import BY_NAME, Run, kept, kept_run
from paths import HERE, LOCK, RESULTS
from targets import TARGETS, TIMES, verdict
from workloads import WORKLOADS, Workload

SHOWN = re.compile(
    r"(flask|gunicorn|orjson|pandas|numpy|scikit-learn|fastapi|uvicorn|litserve|bentoml|mlserver"
    r"|mlflow)==([\w.]+)"
)
MIB = 2**20


def about(workers: int, rounds: int, seconds: int) -> dict[str, Any]:
    """Return what a reader must know of the machine and of the run."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "workers": workers,
        "rounds": rounds,
        "seconds": seconds,
    }


def write() -> str:
    """Write both files from what is kept and return the text."""
    run = kept_run() or Run()
    text = "\n".join(page(run)) + "\n"
    RESULTS.write_text(text, encoding="utf-8")
    if run.pairs:
        chart.write(run)
    return text


def page(run: Run) -> Iterator[str]:
    """Give the lines of RESULTS.md."""
    yield from (
        "# Results",
        "",
        "Written by `make bench`; [README.md](README.md) says how to read it.",
    )
    if run.pairs:
        yield from machine(run.about)
        yield from ("", "## Targets", "", *targets(run))
        for workload in WORKLOADS:
            if any(pair["work"] == workload.name for pair in run.pairs):
                yield from (
                    "",
                    f"## {workload.label[0].upper()}{workload.label[1:]}",
                    "",
                    *speed(run, workload),
                )
        yield from ("", "## Start and memory", "", *starts(run))
        yield from ("", "## Even load", "", *even(run))
    for title, lines in (("Memory with a 300 MB model", memory()), ("Excel", excel())):
        if lines:
            yield from ("", f"## {title}", "", *lines)
    yield from ("", "## Versions", "", *versions())


def machine(about: dict[str, Any]) -> Iterator[str]:
    """Say what it was measured on and how long."""
    yield ""
    yield (
        f"{about['cores']} cores, {about['memory']} GiB, {about['system']}, "
        f"Python {about['python']}. {about['workers']} workers each, "
        f"{about['rounds']} rounds of {about['seconds']} s a measurement, "
        f"{about['minutes']} minutes in all. The load generator runs on the same cores."
    )
    if others := about.get("others"):
        yield (
            f"Other processes used {min(others):.0%} to {max(others):.0%} of one core before the "
            "rounds; a target is reached only where the whole range of its rounds reaches it."
        )


def targets(run: Run) -> Iterator[str]:
    """Give the table of targets."""
    others = run.about.get("others")
    share = f"{max(others):.0%}" if others else ""
    yield from table("workload", "against", "at least", "median", "rounds", "others' CPU", "")
    for target in TARGETS:
        medians, ranges, reached = verdict(target, run)
        yield row(
            target.workload,
            target.against,
            target.required,
            medians,
            ranges,
            share if ranges else "",
            reached,
        )


def speed(run: Run, workload: Workload) -> Iterator[str]:
    """Give one workload's table; of a server's variants the better one."""
    yield from table("", "requests/s", "p50 ms", "p99 ms", "CPU µs/request", "ours ÷ it", "rounds")
    for server in run.servers(workload):
        figures = [
            run.median(server.name, workload.name, key) for key in ("rps", "p50_ms", "p99_ms")
        ]
        spent = run.median(server.name, workload.name, "cpu_us")
        failed = sum(sample["failed"] for sample in run.of(server.name, workload.name))
        name = server.label + (f" ({failed:,} failed)" if failed else "")
        cells = (f"{figures[0]:,.0f}", f"{figures[1]:.2f}", f"{figures[2]:.2f}", f"{spent:,.0f}")
        spread = run.ratios(server.name, workload.name)
        around = f"{spread[0]:.2f} to {spread[-1]:.2f}" if spread else ""
        ratio = times(1 / run.relative(server, workload.name)) if spread else ""
        yield row(name, *cells, ratio, around)


def starts(run: Run) -> Iterator[str]:
    """Give seconds to the first prediction, and memory after the workloads of the linear model."""
    yield from table("", "start, s", "memory, MiB")
    for name in dict.fromkeys(start["server"] for start in run.starts):
        seconds, size = run.start(name, "seconds"), run.start(name, "bytes")
        yield row(label(name), f"{seconds:.1f}", f"{(size or 0) / MIB:,.0f}")


def even(run: Run) -> Iterator[str]:
    """Say how the requests to our own service spread over its workers."""
    yield "The busiest worker's share of the requests, of this template, over all measurements."
    yield from ("", *table("", "median", "worst", "measurements"))
    for workload in WORKLOADS:
        shares = sorted(
            sample["shares"][0] for sample in run.of("ours", workload.name) if sample["shares"]
        )
        if shares:
            middle = shares[len(shares) // 2]
            yield row(workload.label, f"{middle:.0%}", f"{shares[-1]:.0%}", str(len(shares)))


def memory() -> list[str]:
    """Give memory by workers, absolute and by that of one worker."""
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
    """Give seconds for a workbook in and out."""
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
    """Give the versions that matter, from the pinned requirements."""
    yield from table("environment", "versions")
    pins = {"ours": LOCK} | {
        folder.name: folder / "requirements.txt" for folder in sorted((HERE / "peers").iterdir())
    }
    for name, file in pins.items():
        yield row(name, ", ".join(_versions(file)))


def _versions(pins: Path) -> list[str]:
    text = pins.read_text(encoding="utf-8")
    return [f"{pin[1]} {pin[2]}" for pin in re.finditer(rf"^{SHOWN.pattern}", text, re.MULTILINE)]


def times(ratio: float) -> str:
    """Write a ratio."""
    return f"**{ratio:.2f}{TIMES}**"


def label(name: str) -> str:
    """Return a server's label."""
    return BY_NAME[name].label


def table(*names: str) -> Iterable[str]:
    """Give the head of a table."""
    return row(*names), row("---", *("---" for _ in names[1:]))


def row(*cells: str) -> str:
    """Write a line of a table."""
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    print(write())
