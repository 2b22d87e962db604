"""The schema of the model, for tables that declare none.

It is used only where a trial proves that the function leaves the table alone and passes it on to
the model: a function that renames, derives, drops or inspects columns may accept tables that the
model does not. The trial is made in a fork, as a call may start threads, which no fork survives.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, NamedTuple

from ..codecs import Kind, json_of
from ..descriptors import Column, DataFrame, declared_columns
from ..errors import DeclarationError, DescriptorError, InvalidValue, RejectedInput, TargetError
from ..execution import example_values, function_call, validate_arguments
from ..execution.timings import Timings
from ..models import ModelInputs
from ..registry import Registry
from ..target import Target
from .calls import encoded
from .forks import Fork, set_alarm
from .watched_tables import watched

SECONDS = 10.0  # for the calls of one target
_EXTRA = "mmf_extra_column"
_MOST_SHOWN = 10  # columns in a message
_log = logging.getLogger("mmf.schema")


def use_model_schemas(registry: Registry, *, may_call: bool = True) -> None:
    """Give each table without `schema=` that of the only model, if a trial allows it.

    DeclarationError if a declared schema and the model contradict each other. `may_call`: whether
    functions may be called with examples.
    """
    for route, target in list(registry.targets.items()):
        if target.trains:  # on other columns, and a call is not for trial
            continue
        tables = {
            name: descriptor
            for name, descriptor in target.arguments.items()
            if isinstance(descriptor, DataFrame)
        }
        if any(table.is_automatic for table in tables.values()):
            registry.targets[route] = _with_schema(registry, target, tables, may_call=may_call)
        elif len(tables) == 1 and may_call:
            ((name, table),) = tables.items()
            _compare(registry, target, name, table)


def _with_schema(
    registry: Registry, target: Target, tables: Mapping[str, DataFrame], *, may_call: bool
) -> Target:
    """Return a target with the model's schema for its table, or as it is; log which."""
    try:
        inputs = _only_model(registry)
        reason = inputs.doubt
        if len(tables) > 1:
            reason = f"it has {len(tables)} tables"
        elif not may_call:
            reason = "MMF_WARM_UP=0 forbids the trial"
        name = next(iter(tables))
        candidate = target.with_argument(name, lambda table: _with_inputs(table, inputs))
        reason = reason or _in_fork(partial(_prove, candidate, name))
    except DescriptorError as error:
        reason = str(error)
    if reason and target.kept:
        raise DeclarationError(
            f"{target.route}: extra='keep' needs the function's columns, and those of the model "
            f"are not used: {reason}; write schema="
        )
    if reason:
        _log.info(
            "%s: tables are not checked before the call: %s; write schema= to have them checked, "
            "or schema=None",
            target.route,
            reason,
        )
        return target
    columns = len(inputs.columns)
    _log.info("%s: %s has the schema of the model, %d columns", target.route, name, columns)
    return candidate


def _with_inputs(table: Any, inputs: ModelInputs) -> DataFrame:
    changed: DataFrame = replace(table, schema=inputs)
    return changed


def _only_model(registry: Registry) -> ModelInputs:
    """Return what the only model of a registry takes; DescriptorError says why there is none."""
    artifacts = registry.artifacts.values()
    if later := [artifact.name for artifact in artifacts if not artifact.is_loaded]:
        raise DescriptorError(f"{', '.join(later)} is loaded by each worker (preload=False)")
    models = [inputs for artifact in artifacts for inputs in artifact.inputs]
    if len(models) != 1:
        raise DescriptorError(f"expected one model from mmf.artifact, got {len(models) or 'none'}")
    (inputs,) = models
    if isinstance(inputs, DescriptorError):
        raise inputs
    return inputs


def _prove(target: Target, name: str) -> str:
    """Return why a function does more than to pass the table `name` on to the model, or ""."""
    arguments = validate_arguments(target, example_values(target.arguments))
    table = arguments[name]
    example = _call(target, arguments, name, table)
    if example.error:
        return f"the function fails on the model's example: {_cause(example.error)}"
    if example.uses:
        return f"the function uses {name}.{example.uses[0]} itself"
    first = table.columns[0]
    less = _call(target, arguments, name, table.iloc[:, 1:])
    if not less.complaint:
        how = f"fails by itself: {_cause(less.error)}" if less.error else "succeeds"
        return f"without {first} the function {how}"
    more = _call(target, arguments, name, table.assign(**{_EXTRA: 0.5}))
    if more.complaint or more.summary(target) == example.summary(target):
        return ""
    return "its result depends on other columns, too"


def _cause(error: Exception) -> str:
    cause = error.__cause__ if type(error) is TargetError and error.__cause__ else error
    return f"{type(cause).__name__}: {' '.join(str(cause).split())}"


class _Call(NamedTuple):
    """The outcome of a call, and what its code did with the table."""

    result: Any
    error: Exception | None
    uses: list[str]

    @property
    def complaint(self) -> str:
        """The model's complaint about this very table; "" without one, or for another table."""
        error = self.error
        if isinstance(error, RejectedInput) and error.is_untouched:
            return error.errors[0].message
        return ""

    def summary(self, target: Target) -> Any:
        """Return what shows that a result has other columns; predictions may be random."""
        result = self.result
        if self.error:
            return None
        return list(result.columns) if hasattr(result, "columns") else encoded(target, result)


def _call(target: Target, arguments: Mapping[str, Any], name: str, table: Any) -> _Call:
    """Call a function with a table and note what its code does with it."""
    table, uses = watched(table)
    try:
        result = function_call(target)({**arguments, name: table}, Timings())
    except Exception as error:  # noqa: BLE001 - every error counts
        return _Call(None, error, uses)
    return _Call(result, None, uses)


def _compare(registry: Registry, target: Target, name: str, table: DataFrame) -> None:
    """Raise DeclarationError if tables fit the declared schema that the model refuses."""
    try:
        expected = declared_columns(_only_model(registry))
    except DescriptorError:
        return
    declared = table.columns
    different = _different(declared, expected) if declared else []
    if not different:
        return
    matching = {column: expected[column] for column in expected if column not in different}
    row = {column: matching.get(column, declared[column]).example() for column in declared}
    complaint = _in_fork(partial(_complaint, target, name, row), otherwise="")
    if complaint:
        raise DeclarationError(
            f"{target.route}: the schema of {name} contradicts the model: the schema has "
            f"{_shown(declared, different)}, the model takes {_shown(expected, different)} and "
            f"says: {complaint}; correct the schema, or write schema=model"
        )


def _different(declared: Mapping[str, Column], expected: Mapping[str, Column]) -> list[str]:
    """Return the columns that only one has, or that are text in one and numbers in the other."""
    return [
        name
        for name in dict.fromkeys([*expected, *declared])
        if name not in declared
        or name not in expected
        or (declared[name].kind is str) is not (expected[name].kind is str)
    ]


def _shown(columns: Mapping[str, Column], names: Sequence[str]) -> str:
    """Return those of the columns that there are; "no 'age'" if there are none."""
    present = [name for name in names if name in columns]
    if not present:
        return f"no {_listed([repr(name) for name in names])}"
    return f"{{{_listed([f'{name!r}: {columns[name].summary}' for name in present])}}}"


def _listed(texts: Sequence[str]) -> str:
    return ", ".join([*texts[:_MOST_SHOWN], *["…"] * (len(texts) > _MOST_SHOWN)])


def _complaint(target: Target, name: str, row: Mapping[str, Any]) -> str:
    """Return the model's complaint about a table that it got unchanged; "" without one."""
    values = example_values(target.arguments)
    values[name] = json_of(Kind.TABLE).from_plain([row], target.arguments[name].options)
    try:
        arguments = validate_arguments(target, values)
    except InvalidValue:
        return ""
    outcome = _call(target, arguments, name, arguments[name])
    return "" if outcome.uses else outcome.complaint


def _in_fork(work: Callable[[], str], otherwise: str | None = None) -> str:
    """Return what `work` returns in another process; `otherwise`, or why, if it does not."""
    if not hasattr(os, "fork"):
        return work()
    fork = Fork(partial(_report, work))
    try:
        if fork.reader.poll(SECONDS):
            succeeded, text = fork.reader.recv()
            return text if succeeded or otherwise is None else otherwise
        reason = f"its example takes longer than {SECONDS:g} seconds"
    except (EOFError, OSError):
        reason = "the process of the trial ended"
    finally:
        fork.end()
    return reason if otherwise is None else otherwise


def _report(work: Callable[[], str], to: Connection) -> None:
    """Send what `work` returns; it runs in a thread, as in the service, and prints nothing."""
    set_alarm(SECONDS)
    logging.disable()
    silent = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):  # also what libraries print that are not in Python
        os.dup2(silent, stream)
    results: list[tuple[bool, str]] = []

    def run() -> None:
        try:
            results.append((True, work()))
        except BaseException as error:  # noqa: BLE001 - every error is reported
            results.append((False, f"{type(error).__name__}: {error}"))

    thread = Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    to.send(results[0])
