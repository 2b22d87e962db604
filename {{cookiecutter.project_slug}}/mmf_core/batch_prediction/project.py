"""The target of a batch, and the values of its arguments besides the table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from typing import TYPE_CHECKING, Any

from ..codecs import Kind, json_of, read_json
from ..descriptors import DataFrame, Descriptor
from ..errors import RequestError
from ..execution import in_order, is_named
from ..registry import Registry
from ..target import Target
from .errors import BatchError

if TYPE_CHECKING:
    import pandas as pd


def find_target(registry: Registry, name: str | None) -> Target:
    """Return a target; without a name the default one, or the only one that fits."""
    targets = registry.targets
    if name is not None:
        if name not in targets:
            raise BatchError(f"{name}: no such target; expected one of {', '.join(targets)}")
        return targets[name]
    if marked := [target for target in targets.values() if target.default]:
        return marked[0]
    fitting = [target for target in targets.values() if _fits(target)]
    if len(fitting) != 1:
        names = ", ".join(target.route for target in fitting) or "none"
        raise BatchError(f"name the target: those from a table to a table are {names}")
    return fitting[0]


def table_argument(target: Target) -> str:
    """Return the argument that gets the rows; BatchError if a target has no predictions by row."""
    if not _fits(target):
        raise BatchError(
            f"{target.route}: expected one argument that is a mmf.DataFrame, and "
            f"returns=mmf.DataFrame(), a row for each row"
        )
    (argument,) = _tables(target)
    for name, descriptor in {
        argument: target.arguments[argument],
        "returns": target.returns,
    }.items():
        if descriptor and descriptor.needs_whole_table:
            raise BatchError(
                f"{target.route}: {name}: rows=, unique= and monotonic= are about a whole table, "
                f"of which a file is read a part at a time; send the table to the service"
            )
    return argument


def check_rows(target: Target, result: pd.DataFrame, table: Sized) -> None:
    """Raise BatchError unless a result has a row for each row of the target's table, in order."""
    if len(result) != len(table):
        raise BatchError(
            f"{target.route}: expected a row for each row, got {len(result):,} for {len(table):,}"
        )
    if not is_named(result.index) and in_order(result) is None:
        raise BatchError(f"{target.route}: expected a row for each row, in the same order")


def argument_values(target: Target, table: str, texts: Iterable[str]) -> dict[str, Any]:
    """Return the values of `name=value` texts, decoded; a scalar is its text, others are JSON."""
    values: dict[str, Any] = {}
    others = {name: each for name, each in target.arguments.items() if name != table}
    for text in texts:
        name, _, value = text.partition("=")
        if name not in others or "=" not in text:
            if not others:
                raise BatchError(f"--set {text}: the target has no other arguments")
            raise BatchError(f"--set {text}: expected NAME=VALUE, NAME one of {', '.join(others)}")
        values[name] = _decoded(others[name], value, text)
    required = [name for name, each in others.items() if each.required and name not in values]
    if required:
        raise BatchError(f"{target.route} needs --set {required[0]}=VALUE")
    return values


def _decoded(descriptor: Descriptor[Any], value: str, text: str) -> Any:
    try:
        if descriptor.kind is Kind.SCALAR:
            decoded: Any = value
        else:
            plain = read_json(value.encode(), descriptor.options)
            decoded = json_of(descriptor.kind).from_plain(plain, descriptor.options)
        descriptor.validate(decoded)
    except RequestError as error:
        raise BatchError(f"--set {text}: {error.detail}") from error
    return decoded


def _tables(target: Target) -> list[str]:
    arguments: Mapping[str, Descriptor[Any]] = target.arguments
    return [name for name, each in arguments.items() if isinstance(each, DataFrame)]


def _fits(target: Target) -> bool:
    return isinstance(target.returns, DataFrame) and len(_tables(target)) == 1
