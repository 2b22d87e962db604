"""Compares our worker with gunicorn's own gthread at several numbers of threads, interleaved.

    python benchmarks/workers.py --rounds 5 --seconds 3 --workload one-row-32

All services run from the start, two workers each; in every round each is measured in turn, with
the others stopped. So a machine that is busy for a while slows all of them down.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from contextlib import ExitStack

import environments
import processes
from servers import SERVERS, Server
from workloads import WORKLOADS, Workload

from load import wrk
from server import Running, Sample, running

WORKERS = 2
NAMES = ("ours", "gthread-4", "gthread-16", "gthread-32")


def measure(
    servers: list[Server], workload: Workload, rounds: int, seconds: int
) -> dict[str, list[Sample]]:
    """Return the samples of each server, one a round."""
    expected = environments.rows_and_answers()
    samples: dict[str, list[Sample]] = {server.name: [] for server in servers}
    with ExitStack() as stack:
        services: list[Running] = []
        for server in servers:
            service = stack.enter_context(
                running(server, workload.model, WORKERS, expected["rows"])
            )
            service.check(expected["rows"], expected[workload.model])
            services.append(service)
        for number in range(rounds):
            first = number % len(services)
            for service in services[first:] + services[:first]:
                with ExitStack() as others:
                    for other in services:
                        if other is not service:
                            others.enter_context(processes.paused(other.process.pid))
                    sample = service.measure(workload, expected["rows"], seconds)
                samples[service.server.name].append(sample)
                print(f"round {number + 1}  {service.server.name}: {sample.rps:,.0f}/s", flush=True)
    return samples


def report(samples: dict[str, list[Sample]]) -> str:
    """Return a table of medians, and our requests/s by the best gthread's."""
    lines = [
        "| worker | requests/s | p50 ms | p99 ms | CPU µs a request |",
        "|---|---|---|---|---|",
    ]
    medians = {}
    for name, values in samples.items():
        figures = [
            statistics.median(getattr(value, figure) for value in values)
            for figure in ("rps", "p50_ms", "p99_ms", "cpu_us")
        ]
        medians[name] = figures[0]
        lines.append("| {} | {:,.0f} | {:.1f} | {:.1f} | {:,.0f} |".format(name, *figures))
    best = max(value for name, value in medians.items() if name != "ours")
    return "\n".join([*lines, "", f"ours ÷ the best gthread: {medians['ours'] / best:.2f}"])


def main() -> int:
    """Prepare, measure, print."""
    workloads = {workload.name: workload for workload in WORKLOADS}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of one measurement")
    parser.add_argument("--workload", choices=workloads, default="one-row-32")
    parser.add_argument("--json", action="store_true", help="print every sample, too")
    options = parser.parse_args()
    wrk()
    environments.prepare({"ours"})
    servers = [server for server in SERVERS if server.name in NAMES]
    samples = measure(servers, workloads[options.workload], options.rounds, options.seconds)
    if options.json:
        print(json.dumps({name: [value.rps for value in samples[name]] for name in samples}))
    print(report(samples))
    return 0


if __name__ == "__main__":
    sys.exit(main())
