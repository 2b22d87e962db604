"""The workloads: the number of rows and of connections, and the model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """One kind of load."""

    name: str
    label: str
    model: str
    rows: int
    connections: int


WORKLOADS = (
    Workload("one-row-1", "one row, 1 connection", "elasticnet", 1, 1),
    Workload("one-row-32", "one row, 32 connections", "elasticnet", 1, 32),
    Workload("one-row-100", "one row, 100 connections", "elasticnet", 1, 100),
    Workload("hundred-rows-16", "100 rows, 16 connections", "elasticnet", 100, 16),
    Workload("thousand-rows-4", "1,000 rows, 4 connections", "elasticnet", 1000, 4),
    Workload("forest-32", "random forest, one row, 32 connections", "forest", 1, 32),
)
ONE_ROW = ("one-row-1", "one-row-32", "one-row-100")
MODELS = ("elasticnet", "forest")
