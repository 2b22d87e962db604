"""Drives every server with the same workloads, in turns, and writes RESULTS.md and results.svg.

    python benchmarks/run.py --servers fastapi,mlserver --only one-row-32 --rounds 3 --seconds 2
    python benchmarks/run.py --quick

A few servers are started beside this template's and checked against the model itself. Then
each round measures all of them once, one after the other, with the others stopped by a signal.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, NoReturn, TypeVar

import environments
import figures
import processes
import report
from servers import BY_NAME, SERVERS, Server
from workloads import WORKLOADS, Workload

from load import wrk
from server import Running, running

Samples = TypeVar("Samples")
TOGETHER = 3
"""Servers beside ours at a time: none is stopped for so long that its supervisor gives it up."""
WATCHED, BUSY, REPEATS = 2.0, 0.1, 3
"""Seconds for which the machine is watched before a round; the share of a core that others may use;
how often a round is repeated where they use more."""
MAX_REPEATS = 20
"""In a whole run, which shall end within the hour."""
QUICK_SERVERS = ("fastapi", "fastapi-onnx", "mlserver", "flask", "empty-view")
QUICK_WORKLOADS = ("one-row-1", "one-row-32", "thousand-rows-4", "open-500", "forest-32", "onnx-32")


@dataclass(frozen=True)
class Plan:
    """The options of the command line."""

    servers: list[Server]
    workloads: list[Workload]
    rounds: int
    seconds: int
    page: str
    repeats: int

    def groups(self) -> Iterator[tuple[list[Workload], list[Server]]]:
        """Yield the workloads of a model and a number of workers, with servers to start."""

        def kind(workload: Workload) -> tuple[int, str]:
            return workload.workers, workload.model

        for _, same in groupby(sorted(self.workloads, key=kind), kind):
            workloads = list(same)
            names = {workload.name for workload in workloads}
            servers = [server for server in self.servers if names & {*server.workloads}]
            servers.sort(key=lambda server: server.workloads)  # those of the same work together
            for start in range(0, len(servers), TOGETHER):
                yield workloads, servers[start : start + TOGETHER]


class Bench:
    """One run: the plan, the rows, and what has been measured so far."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.repeats_left = plan.repeats
        self.expected = environments.rows_and_answers()
        self.run = figures.Run(about=report.about(plan.rounds, plan.seconds))

    def all(self) -> None:
        """Measure group by group."""
        for workloads, servers in self.plan.groups():
            self.group(workloads, servers)

    def group(self, workloads: list[Workload], servers: list[Server]) -> None:
        """Measure some servers and ours, all workloads in each round."""
        first = workloads[0]
        with ExitStack() as stack:
            services: list[Running] = []
            for server in (BY_NAME["ours"], *servers):
                start = running(server, first.model, first.workers, self.expected["rows"])
                service = stack.enter_context(start)
                service.check(self.expected["rows"], self.expected[first.model])
                service.measure(first, self.expected["rows"], 1)  # warms up
                services.append(service)
            for number in range(self.plan.rounds):
                for workload in workloads:
                    takes_part = [
                        each for each in services if workload.name in each.server.workloads
                    ]
                    turn = number % len(takes_part)
                    if len(takes_part) > 1:
                        self.round(workload, services, takes_part[turn:] + takes_part[:turn])
            if first.workers == 1 and first.model == "elasticnet":
                for service in services:
                    start = {"seconds": service.seconds_to_start, "bytes": service.memory()}
                    self.run.starts.append({"server": service.server.name} | start)

    def round(self, workload: Workload, services: list[Running], order: list[Running]) -> None:
        """Keep the quietest of one round's repetitions."""

        def others() -> float:
            with ExitStack() as stack:
                for service in services:
                    stack.enter_context(processes.paused(service.process.pid))
                return processes.busy_share(WATCHED)

        def measured() -> dict[str, Any]:
            return {each.server.name: asdict(self.turn(workload, services, each)) for each in order}

        def may_repeat() -> bool:
            self.repeats_left -= 1
            return self.repeats_left >= 0

        share, samples = quietest(others, measured, may_repeat)
        self.run.rounds.append({"work": workload.name, "others": share, "samples": samples})
        speeds = " · ".join(f"{name} {sample['rps']:,.0f}/s" for name, sample in samples.items())
        print(f"{workload.label}, others use {share:.0%}: {speeds}", flush=True)

    def turn(self, workload: Workload, services: list[Running], service: Running) -> Any:
        """Measure one server while the others are stopped."""
        with ExitStack() as stack:
            for other in services:
                if other is not service:
                    stack.enter_context(processes.paused(other.process.pid))
            return service.measure(workload, self.expected["rows"], self.plan.seconds)


def quietest(
    others: Callable[[], float], measure: Callable[[], Samples], may_repeat: Callable[[], bool]
) -> tuple[float, Samples]:
    """Measure a round, again while others were busy before it; return the one with the least.

    `others` returns the share of a core that they use. It is measured at most REPEATS times more.
    """
    rounds = [(others(), measure())]
    while rounds[-1][0] > BUSY and len(rounds) <= REPEATS and may_repeat():
        rounds.append((others(), measure()))
    return min(rounds, key=lambda each: each[0])


def chosen(text: str, available: list[str]) -> list[str]:
    """Read names separated by commas; none means all."""
    names = text.split(",") if text else available
    unknown = sorted(set(names) - set(available))
    if unknown:
        raise SystemExit(f"no such name: {', '.join(unknown)}; there are {', '.join(available)}")
    return names


def plan(arguments: list[str]) -> Plan:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    workloads = {workload.name: workload for workload in WORKLOADS}
    parser.add_argument("--servers", default="", help=", ".join(BY_NAME))
    parser.add_argument("--only", default="", help=", ".join(workloads))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=int, help="of one measurement")
    parser.add_argument("--quick", action="store_true", help="a part of it, not for RESULTS.md")
    options = parser.parse_args(arguments)
    if options.quick:
        options.servers = options.servers or ",".join(QUICK_SERVERS)
        options.only = options.only or ",".join(QUICK_WORKLOADS)
    names = chosen(options.servers, list(BY_NAME))
    return Plan(
        [server for server in SERVERS if server.name in names and server.name != "ours"],
        [workload for workload in WORKLOADS if workload.name in chosen(options.only, [*workloads])],
        options.rounds or (2 if options.quick else 5),
        options.seconds or (2 if options.quick else 5),
        "quick" if options.quick else "run",
        0 if options.quick else MAX_REPEATS,
    )


def stop(_signal: int, _frame: object) -> NoReturn:
    """End as after Ctrl-C, so that every server is ended on the way out."""
    raise KeyboardInterrupt


def main() -> int:
    """Prepare, measure, report."""
    signal.signal(signal.SIGTERM, stop)
    wrk()
    bench_plan, began = plan(sys.argv[1:]), time.monotonic()
    environments.prepare({server.environment for server in bench_plan.servers})
    bench = Bench(bench_plan)
    try:
        bench.all()
    except KeyboardInterrupt:
        print("== stopped: nothing is written", file=sys.stderr)
        return 130
    bench.run.about["minutes"] = round((time.monotonic() - began) / 60, 1)
    figures.save(bench_plan.page, vars(bench.run))
    print(report.write(bench_plan.page))
    return 0


if __name__ == "__main__":
    sys.exit(main())
