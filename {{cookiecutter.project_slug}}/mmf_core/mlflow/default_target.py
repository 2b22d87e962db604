"""Which target `/invocations` calls."""

from __future__ import annotations

from collections.abc import Mapping

from ..codecs import Kind
from ..descriptors import DataFrame, Descriptor
from ..execution import Execution
from ..target import Target

ROUTE = "invocations"


def default_execution(executions: Mapping[str, Execution]) -> Execution | None:
    """Return the default target, else the only one that takes a table, else the only one."""
    every = [execution for execution in executions.values() if execution.target.has_single_result]
    for candidates in (
        [execution for execution in every if execution.target.default],
        [execution for execution in every if tables_of(execution.target)],
        every,
    ):
        if len(candidates) == 1:
            return candidates[0]
    return None


def tables_of(target: Target) -> Mapping[str, Descriptor[DataFrame]]:
    """Return the target's arguments that are tables, by name."""
    return {
        name: descriptor
        for name, descriptor in target.arguments.items()
        if descriptor.kind is Kind.TABLE
    }
