"""The innermost call: validated arguments in, a serialized result out.

Every step of execution wraps a `Call` in another, at start-up; a target pays for no step that it
does not use.
"""

from __future__ import annotations

import logging
from asyncio import CancelledError
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from time import perf_counter
from typing import Any

from ..codecs import json_of
from ..descriptors import Descriptor
from ..errors import (
    ErrorDetail,
    InvalidValue,
    MMFError,
    RequestError,
    ResultError,
    TargetError,
    Unavailable,
)
from ..target import Target
from .rejections import rejected_input
from .timings import Timings

_log = logging.getLogger("mmf.target")
Arguments = dict[str, Any]
Call = Callable[[Arguments, Timings], Any]
FAILURES = (Exception, SystemExit, CancelledError)
"""What a function may raise. Anything else, such as KeyboardInterrupt, is for its process."""


def validate_arguments(target: Target, values: Mapping[str, Any]) -> Arguments:
    """Return the arguments of the function; InvalidValue lists the errors in all of them."""
    arguments: Arguments = {}
    errors: dict[str, RequestError] = {}
    for name, descriptor in target.arguments.items():
        if name in values:
            try:
                arguments[name] = descriptor.validate(values[name])
            except InvalidValue as error:
                errors[name] = error.within(name)
        elif descriptor.required:
            missing = [ErrorDetail(f"expected a {descriptor.class_name}", where=name)]
            errors[name] = InvalidValue("missing", missing)
        else:
            arguments[name] = deepcopy(descriptor.default)  # the function may change it
    if errors:
        details = [detail for error in errors.values() for detail in error.errors]
        failures = [check for error in errors.values() for check in error.failures]
        raise InvalidValue(_summary(errors, len(target.arguments)), details).failing(failures)
    return arguments


def function_call(target: Target) -> Call:
    """Return the call of a target's function, timed; its result is serialized.

    Errors of this package that the function raises, such as InvalidValue, pass as they are.
    RejectedInput stands for a complaint of the model's library about what it was given, TargetError
    for any other exception.
    """
    is_proven: Callable[[], bool] = lambda: True  # noqa: E731 - training is not a trial
    if not target.trains:
        is_proven = example_trial(
            target, lambda arguments: serialize(target, target.function(**arguments))
        )

    def call(arguments: Arguments, timings: Timings) -> Any:
        started = perf_counter()
        try:
            return serialize(target, target.function(**arguments))
        except MMFError:
            raise
        except FAILURES as error:
            raise failure(target, error, arguments, is_proven) from error
        finally:
            timings.queue = started - timings.entered
            timings.call = perf_counter() - started

    return call


def example_values(arguments: Mapping[str, Descriptor[Any]]) -> dict[str, Any]:
    """Return the decoded examples: those of the author, and those of required arguments."""
    return {
        name: json_of(descriptor.kind).from_plain(descriptor.plain_example, descriptor.options)
        for name, descriptor in arguments.items()
        if descriptor.required or descriptor.example is not None
    }


def example_trial(target: Target, function: Callable[[Arguments], Any]) -> Callable[[], bool]:
    """Return whether a target succeeds on its example, so that other input is to blame.

    `function` runs it and serializes its result, once, when that is first needed. Unavailable if an
    upstream of it does not respond, so that the next call tries again.
    """

    @cache
    def succeeds() -> bool:
        try:
            function(validate_arguments(target, example_values(target.arguments)))
        except Unavailable:
            raise
        except FAILURES:
            return False
        return True

    return succeeds


def failure(
    target: Target, error: BaseException, arguments: Arguments, is_proven: Callable[[], bool]
) -> MMFError:
    """Return the error that stands for what a function has raised."""
    if rejected := rejected_input(error, arguments, is_proven):
        _log.info("%s: %s", target.route, rejected)
        return rejected
    return TargetError(f"{target.route} failed")


def serialize(target: Target, result: Any) -> Any:
    """Return a result as codecs accept it, or a `NumberTable`.

    ResultError if `returns=` cannot send it.
    """
    if target.returns is None:
        if result is not None:
            raise ResultError(
                f"{target.route} returned a {type(result).__name__} but declares no returns=; "
                "write @mmf.target(returns=mmf.DataFrame()), for example"
            )
        return None
    try:
        return target.returns.to_encodable(result)
    except InvalidValue as error:
        raise ResultError(f"{target.route}: {error.detail}") from error


def _summary(errors: Mapping[str, RequestError], arguments: int) -> str:
    """Join the errors; those of one argument among several begin with its name."""
    return "; ".join(
        error.detail if arguments == 1 else f"{name}: {error.detail}"
        for name, error in errors.items()
    )
