"""Drives every server with the same workload, in turns, and writes RESULTS.md and results.svg.

    python benchmarks/run.py --peers fastapi,mlserver --only one-row-32 --rounds 3 --seconds 2

Each server is measured beside this template's: started, checked against the model's own answers,
driven through its workloads pair by pair, ended. So are all of them in each round.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import NoReturn

import environments
import figures
import processes
import report
from servers import SERVERS, Server
from workloads import MODELS, WORKLOADS, Workload

from load import wrk
from server import Running, running

WORKERS = 2
# Before a round: seconds to watch the machine, the share of a core that others may use, and how
# often to wait for them.
WATCHED, BUSY, ATTEMPTS = 2.0, 0.1, 3


@dataclass(frozen=True)
class Plan:
    """What is asked for on the command line."""

    servers: list[Server]
    workloads: list[Workload]
    rounds: int
    seconds: int


class Bench:
    """One run: the plan, the rows, and what has been measured so far."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.expected = environments.rows_and_answers()
        self.run = figures.Run(about=report.about(WORKERS, plan.rounds, plan.seconds))
        self.run.about["others"] = []

    def all(self) -> None:
        """Go through all rounds."""
        for number in range(self.plan.rounds):
            self.run.about["others"].append(others_share())
            for model in MODELS:
                for beside, servers in self.groups(number, model).items():
                    self.group(number, model, figures.BY_NAME[beside], servers)

    def groups(self, number: int, model: str) -> dict[str, list[Server]]:
        """Return the servers by the one that stands beside; each round begins with another."""
        servers = [server for server in self.plan.servers if self.workloads(server, model)]
        first = number % max(1, len(servers))
        groups = defaultdict(list)
        for server in servers[first:] + servers[:first]:
            groups[server.beside].append(server)
        return groups

    def workloads(self, server: Server, model: str) -> list[Workload]:
        """Return what a server has to do with a model."""
        return [
            workload
            for workload in self.plan.workloads
            if workload.model == model and workload.name in (server.workloads or (workload.name,))
        ]

    def group(self, number: int, model: str, beside: Server, servers: list[Server]) -> None:
        """Measure servers of a model one after the other, each beside the same other one."""
        with running(beside, model, WORKERS, self.expected["rows"]) as other:
            self.check(other)
            for server in servers:
                with running(server, model, WORKERS, self.expected["rows"]) as service:
                    self.check(service)
                    for workload in self.workloads(server, model):
                        self.pair(number, workload, service, other)
                    self.note_start(service)
            self.note_start(other)

    def check(self, server: Running) -> None:
        """Compare the answers with the model's; warm up."""
        server.check(self.expected["rows"], self.expected[server.task.model])
        warm = next(
            workload
            for workload in WORKLOADS
            if workload.model == server.task.model and workload.rows == 1
        )
        server.measure(warm, self.expected["rows"], 1)

    def pair(self, number: int, workload: Workload, service: Running, other: Running) -> None:
        """Measure both, in turns the one or the other first."""
        order = [(service, other), (other, service)][:: 1 if number % 2 else -1]
        samples = {}
        for measured, idle in order:
            with processes.paused(idle.process.pid):
                sample = measured.measure(workload, self.expected["rows"], self.plan.seconds)
            samples[measured.server.name] = sample
        names = {"server": service.server.name, "beside": other.server.name}
        pair = {"one": asdict(samples[names["server"]]), "other": asdict(samples[names["beside"]])}
        self.run.pairs.append({"round": number, "work": workload.name} | names | pair)
        speeds = " · ".join(f"{name} {sample.rps:,.0f}/s" for name, sample in samples.items())
        print(f"round {number + 1}  {workload.label}: {speeds}", flush=True)

    def note_start(self, server: Running) -> None:
        """Keep how long the start took, and the memory after the workload."""
        if server.task.model == MODELS[0]:
            start = {"seconds": server.seconds_to_start, "bytes": server.memory()}
            self.run.starts.append({"server": server.server.name} | start)


def others_share() -> float:
    """Return the share of a core that others use before a round, while no server of ours runs."""
    for _ in range(ATTEMPTS):
        share = processes.busy_share(WATCHED)
        if share <= BUSY:
            break
    print(f"other processes use {share:.0%} of a core", flush=True)
    return share


def chosen(text: str, available: list[str]) -> list[str]:
    """Read names separated by commas; none means all."""
    names = text.split(",") if text else available
    unknown = sorted(set(names) - set(available))
    if unknown:
        raise SystemExit(f"no such name: {', '.join(unknown)}; there are {', '.join(available)}")
    return names


def plan() -> Plan:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    servers = {server.name: server for server in SERVERS}
    workloads = {workload.name: workload for workload in WORKLOADS}
    parser.add_argument("--peers", default="", help=", ".join(servers))
    parser.add_argument("--only", default="", help=", ".join(workloads))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=1, help="of one measurement")
    options = parser.parse_args()
    return Plan(
        [servers[name] for name in chosen(options.peers, list(servers)) if name != "ours"],
        [workloads[name] for name in chosen(options.only, list(workloads))],
        options.rounds,
        options.seconds,
    )


def stop(_signal: int, _frame: object) -> NoReturn:
    """End as after Ctrl-C, so that every server is ended on the way out."""
    raise KeyboardInterrupt


def main() -> int:
    """Prepare, measure, report."""
    signal.signal(signal.SIGTERM, stop)
    wrk()
    bench_plan, began = plan(), time.monotonic()
    environments.prepare({server.environment for server in bench_plan.servers})
    bench = Bench(bench_plan)
    try:
        bench.all()
    except KeyboardInterrupt:
        print("== stopped: nothing is written", file=sys.stderr)
        return 130
    bench.run.about["minutes"] = round((time.monotonic() - began) / 60, 1)
    figures.save("run", vars(bench.run))
    print(report.write())
    return 0


if __name__ == "__main__":
    sys.exit(main())
