"""The one way a target is called."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from .descriptors import Descriptor
from .errors import Fault, InvalidValue, MMFError, RequestError, ResultError, TargetError
from .target import Target


def run(target: Target, values: Mapping[str, Any]) -> Any:
    """Check decoded values, call the function, and return its result ready for a codec.

    InvalidValue lists what is wrong in every argument at once. TargetError stands for whatever
    the function raised, ResultError for a result that `returns=` cannot send. Errors of this
    package that the function raises itself, such as InvalidValue, pass as they are.
    """
    arguments = _check(target, values)
    try:
        result = target.function(**arguments)
    except MMFError:
        raise
    except (Exception, SystemExit) as error:
        raise TargetError(f"{target.route} failed") from error
    return _present(target, result)


def _check(target: Target, values: Mapping[str, Any]) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    problems: dict[str, RequestError] = {}
    for name, descriptor in target.arguments.items():
        if name not in values and not descriptor.required:
            arguments[name] = deepcopy(descriptor.default)  # the function may change what it gets
            continue
        try:
            arguments[name] = descriptor.check(_given(name, values, descriptor))
        except InvalidValue as error:
            problems[name] = error.within(name)
    if problems:
        faults = [fault for problem in problems.values() for fault in problem.faults]
        raise InvalidValue(_summary(problems, of=len(target.arguments)), faults)
    return arguments


def _summary(problems: Mapping[str, RequestError], of: int) -> str:
    """Join what is wrong; where there are several arguments, with their names."""
    return "; ".join(
        problem.detail if of == 1 else f"{name}: {problem.detail}"
        for name, problem in problems.items()
    )


def _given(name: str, values: Mapping[str, Any], descriptor: Descriptor[Any]) -> Any:
    if name not in values:
        raise InvalidValue("missing", [Fault(f"{descriptor.class_name} is wanted")])
    return values[name]


def _present(target: Target, result: Any) -> Any:
    if target.returns is None:
        if result is not None:
            raise ResultError(
                f"{target.route} returned a {type(result).__name__} but declares no returns="
            )
        return None
    try:
        return target.returns.present(result)
    except InvalidValue as error:
        raise ResultError(f"{target.route}: {error.detail}") from error
