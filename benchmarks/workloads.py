"""The workloads: the model, the rows of a request, and how the requests come."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """One kind of load: a number of connections that wait for their responses, or a fixed rate.

    One worker has one core, and the load generator another. Several workers share all cores with
    it.
    """

    name: str
    label: str
    model: str = "elasticnet"
    rows: int = 1
    connections: int = 0
    rate: int = 0
    workers: int = 1


WORKLOADS = (
    Workload("one-row-1", "one row, 1 connection", connections=1),
    Workload("one-row-32", "one row, 32 connections", connections=32),
    Workload("two-workers-32", "one row, 32 connections, two workers", connections=32, workers=2),
    Workload("thousand-rows-4", "1,000 rows, 4 connections", rows=1000, connections=4),
    *(
        Workload(f"open-{rate}", f"one row, {rate:,} requests/s", rate=rate)
        for rate in (200, 500, 1000)
    ),
    Workload("forest-32", "random forest, one row, 32 connections", "forest", connections=32),
    Workload(
        "onnx-32", "the forest as ONNX, one row, 32 connections", "forest_onnx", connections=32
    ),
)
MODELS = ("elasticnet", "forest", "forest_onnx")
CEILINGS = ("one-row-1", "one-row-32", "two-workers-32")
CLOSED = (*CEILINGS, "thousand-rows-4", "forest-32")
BATCHED = ("one-row-32", "two-workers-32", "thousand-rows-4", "forest-32")
"""Where batching can help: more requests than one at a time."""
ALL = tuple(workload.name for workload in WORKLOADS)
