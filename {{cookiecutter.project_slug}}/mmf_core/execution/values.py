"""Values into a function and out of it: checked by their descriptors, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from ..descriptors import Descriptor
from ..errors import ErrorDetail, InvalidValue, RequestError, ResultError
from ..target import Target
from .calls import Arguments


def validate_arguments(target: Target, values: Mapping[str, Any]) -> Arguments:
    """Return the arguments that the function gets; InvalidValue lists what is wrong in all."""
    arguments: Arguments = {}
    problems: dict[str, RequestError] = {}
    for name, descriptor in target.arguments.items():
        if name not in values and not descriptor.required:
            arguments[name] = deepcopy(descriptor.default)  # the function may change what it gets
            continue
        try:
            arguments[name] = descriptor.validate(_given(name, values, descriptor))
        except InvalidValue as error:
            problems[name] = error.within(name)
    if problems:
        faults = [fault for problem in problems.values() for fault in problem.errors]
        raise InvalidValue(_summary(problems, of=len(target.arguments)), faults)
    return arguments


def serialize(target: Target, result: Any) -> Any:
    """Return a result as codecs take it; ResultError if `returns=` cannot send it."""
    if target.returns is None:
        if result is not None:
            raise ResultError(
                f"{target.route} returned a {type(result).__name__} but declares no returns="
            )
        return None
    try:
        return target.returns.to_output(result)
    except InvalidValue as error:
        raise ResultError(f"{target.route}: {error.detail}") from error


def _given(name: str, values: Mapping[str, Any], descriptor: Descriptor[Any]) -> Any:
    if name not in values:
        raise InvalidValue("missing", [ErrorDetail(f"{descriptor.class_name} is wanted")])
    return values[name]


def _summary(problems: Mapping[str, RequestError], of: int) -> str:
    """Join what is wrong; where there are several arguments, with their names."""
    return "; ".join(
        problem.detail if of == 1 else f"{name}: {problem.detail}"
        for name, problem in problems.items()
    )
