"""gRPC compared with our own REST and MLServer's gRPC.

    make bench-grpc            # KEEP=1 also writes docs/grpc.md

One row by 32 callers, and 1,000 rows by 4, to the ElasticNet of `make bench`. Both services of gRPC
get the rows as raw contents of one tensor of FP64, on a connection for each caller (grpc_load.py);
REST gets them as JSON, by wrk. Each server has a core, the callers another; in each round all
are measured in turns, the idle ones stopped. Ends with 1 if a goal is not reached.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import environments
import processes
from documents import write_table
from paths import BODIES, BUILD, HERE
from servers import BY_NAME, HOST, Server, Start, Task, column, free_port, tool
from workloads import WORKLOADS

from server import Running, running

ROUNDS, SECONDS = 5, 5
ONE, THOUSAND = "one-row-32", "thousand-rows-4"
OVER_MLSERVER, OVER_JSON = 2.0, 1.3
_WORK = {workload.name: workload for workload in WORKLOADS}
MESSAGE = """
import json, sys
from pathlib import Path
import numpy
from mmf_core.grpc.messages import message_class

model, name, file = sys.argv[1:]
rows = json.load(sys.stdin)
request = message_class("inference.ModelInferRequest")(model_name=model)
values = numpy.array([list(row.values()) for row in rows])
request.inputs.add(name=name, datatype="FP64", shape=values.shape)
request.raw_input_contents.append(values.tobytes())
Path(file).write_bytes(request.SerializeToString())
"""
CALL = """
import sys
from pathlib import Path
import grpc, json, numpy
from mmf_core.grpc.messages import message_class

address, file = sys.argv[1:]
with grpc.insecure_channel(address) as channel:
    infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
    data = infer(Path(file).read_bytes(), timeout=10, wait_for_ready=True)
response = message_class("inference.ModelInferResponse").FromString(data)
if response.raw_output_contents:
    values = numpy.frombuffer(response.raw_output_contents[0]).tolist()
else:
    values = list(response.outputs[0].contents.fp64_contents)
print(json.dumps(values))
"""


@dataclass(frozen=True)
class Contender:
    """A contender: a server, and how it is called for a workload."""

    name: str
    service: Running
    measure: Callable[[str], Any]


def main() -> int:
    """Measure; print the table and whether the goals are reached."""
    environments.prepare({"grpc", "mlserver"})
    expected = environments.rows_and_answers()
    rows = expected["rows"]
    ours_port, theirs_port = free_port(), free_port()
    with ExitStack() as stack:
        ours = stack.enter_context(running(_ours(ours_port), "elasticnet", 1, rows))
        theirs = stack.enter_context(running(_mlserver(theirs_port), "elasticnet", 1, rows))
        contenders = [
            _grpc("ours, gRPC", ours, ours_port, "elasticnet", "data", expected),
            Contender("ours, REST", ours, lambda work: _rest(ours, rows, work)),
            _grpc("MLServer, gRPC", theirs, theirs_port, "wines", "predict", expected),
        ]
        results = {work: _rounds(contenders, work) for work in (ONE, THOUSAND)}
    return _report(results)


def _ours(port: int) -> Server:
    def start(task: Task) -> Start:
        start = BY_NAME["ours"].start(task)
        command = [tool("grpc", "gunicorn"), *start.command[1:]]
        return Start(command, start.folder, start.settings | {"MMF_GRPC_PORT": str(port)})

    return Server("ours-grpc", "", "grpc", start, "/{model}", predictions=column)


def _mlserver(port: int) -> Server:
    theirs = BY_NAME["mlserver"]

    def start(task: Task) -> Start:
        start = theirs.start(task)
        settings = start.settings | {"MLSERVER_GRPC_PORT": str(port)}
        return Start(start.command, start.folder, settings)

    return Server(
        "mlserver-grpc",
        "",
        "mlserver",
        start,
        theirs.route,
        body=theirs.body,
        predictions=theirs.predictions,
    )


def _grpc(
    name: str, service: Running, port: int, model: str, tensor: str, expected: dict[str, Any]
) -> Contender:
    """Return the caller of a server by gRPC, once its response was correct."""
    address = f"{HOST}:{port}"
    files = {}
    for work in (ONE, THOUSAND):
        rows = expected["rows"][: _WORK[work].rows]
        file = files[work] = BODIES / f"{service.server.name}-{len(rows)}.binpb"
        file.parent.mkdir(parents=True, exist_ok=True)
        _python(MESSAGE, model, tensor, str(file), sent=json.dumps(rows))
        actual = json.loads(_python(CALL, address, str(file)))
        right = expected["elasticnet"][: len(rows)]
        if len(actual) != len(right) or any(
            abs(value - other) > abs(other) * 1e-9
            for value, other in zip(actual, right, strict=True)
        ):
            raise SystemExit(f"{name}: expected {right[:3]}…, got {actual[:3]}…")

    def measure(work: str) -> dict[str, float]:
        callers, seconds = _WORK[work].connections, str(SECONDS)
        spent = processes.cpu_seconds(service.process.pid)
        command = [
            *processes.pinned(1, processes.cores()[1]),
            *(tool("grpc", "python"), str(HERE / "grpc_load.py")),
            *(address, str(files[work]), str(callers), seconds),
        ]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        load = json.loads(done.stdout)
        if load["failed"]:
            raise SystemExit(f"{name}: {load['failed']} calls failed")
        spent = processes.cpu_seconds(service.process.pid) - spent
        return {
            "rps": load["requests"] / load["seconds"],
            "p50_ms": load["p50_ms"],
            "p99_ms": load["p99_ms"],
            "cpu_us": spent / load["requests"] * 1e6,
        }

    return Contender(name, service, measure)


def _python(code: str, *arguments: str, sent: str = "") -> str:
    """Run a program in the environment of our service; return what it prints."""
    done = subprocess.run(
        [tool("grpc", "python"), "-c", code, *arguments],
        cwd=BUILD / "ours",
        input=sent,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def _rest(service: Running, rows: list[Any], work: str) -> dict[str, float]:
    sample = service.measure(_WORK[work], rows, SECONDS)
    names = ("rps", "p50_ms", "p99_ms", "cpu_us")
    return {name: getattr(sample, name) for name in names}


def _rounds(contenders: list[Contender], work: str) -> list[dict[str, dict[str, float]]]:
    """Measure all contenders in each round, starting with another one each time."""
    services = {contender.service.process.pid for contender in contenders}
    rounds = []
    for number in range(-1, ROUNDS):  # the first warms up
        turn = number % len(contenders)
        samples = {}
        for contender in contenders[turn:] + contenders[:turn]:
            with ExitStack() as stack:
                for pid in services - {contender.service.process.pid}:
                    stack.enter_context(processes.paused(pid))
                samples[contender.name] = contender.measure(work)
        if number >= 0:
            rounds.append(samples)
    return rounds


def _report(results: dict[str, list[dict[str, dict[str, float]]]]) -> int:
    """Print the table and the goals; return 1 if one is missed."""
    about = f"Python {platform.python_version()}, {processes.processor()}, {ROUNDS} rounds of"
    lines = [
        f"{about} {SECONDS} s; medians, and the range of each ratio.",
        "",
        "| | | calls/s | median ms | 99th percentile ms | CPU µs/call | ours by gRPC ÷ it |",
        "|---|---|---|---|---|---|---|",
    ]
    medians: dict[tuple[str, str], float] = {}
    for work, rounds in results.items():
        for name in rounds[0]:
            ratios = [each["ours, gRPC"]["rps"] / each[name]["rps"] for each in rounds]
            medians[work, name] = statistics.median(ratios)
            ratio = f"{medians[work, name]:.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            samples = [each[name] for each in rounds]
            middle = {key: statistics.median(s[key] for s in samples) for key in samples[0]}
            cells = [
                _WORK[work].label,
                name,
                f"{middle['rps']:,.0f}",
                f"{middle['p50_ms']:.2f}",
                f"{middle['p99_ms']:.2f}",
                f"{middle['cpu_us']:,.0f}",
                "" if name == "ours, gRPC" else ratio,
            ]
            lines.append(f"| {' | '.join(cells)} |")
    goals = {
        f"One row, at least {OVER_MLSERVER:g} times MLServer's gRPC": (
            medians[ONE, "MLServer, gRPC"] >= OVER_MLSERVER
        ),
        f"1,000 rows, at least {OVER_JSON:g} times our JSON": (
            medians[THOUSAND, "ours, REST"] >= OVER_JSON
        ),
    }
    lines += ["", *(f"- {goal}: {'' if met else 'not '}reached" for goal, met in goals.items())]
    print("\n".join(lines))
    if os.environ.get("KEEP") == "1":
        write_table("grpc.md", "make bench-grpc KEEP=1", "\n".join(lines))
    return 0 if all(goals.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
