"""What the servers are asked: how many rows, over how many connections, of which model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """One kind of load."""

    name: str
    label: str
    model: str
    rows: int
    connections: int


WORKS = (
    Work("one-row-1", "one row, 1 connection", "elasticnet", 1, 1),
    Work("one-row-32", "one row, 32 connections", "elasticnet", 1, 32),
    Work("one-row-100", "one row, 100 connections", "elasticnet", 1, 100),
    Work("hundred-rows-16", "100 rows, 16 connections", "elasticnet", 100, 16),
    Work("thousand-rows-4", "1,000 rows, 4 connections", "elasticnet", 1000, 4),
    Work("forest-32", "random forest, one row, 32 connections", "forest", 1, 32),
)
ONE_ROW = ("one-row-1", "one-row-32", "one-row-100")
MODELS = ("elasticnet", "forest")
