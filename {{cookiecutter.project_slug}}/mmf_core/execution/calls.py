"""A call: checked arguments in, a presented result out.

Every step of execution makes one `Call` of another, at start-up; a target pays for no step that
it does not use.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any

from ..errors import MMFError, TargetError
from .timings import Timings

Arguments = dict[str, Any]
Call = Callable[[Arguments, Timings], Any]


def plain_call(function: Callable[..., Any], route: str, present: Callable[[Any], Any]) -> Call:
    """Return the innermost call: the function, measured, and its result presented.

    Errors of this package that the function raises, such as InvalidValue, pass as they are;
    TargetError stands for all others.
    """

    def call(arguments: Arguments, timings: Timings) -> Any:
        started = perf_counter()
        try:
            return present(function(**arguments))
        except MMFError:
            raise
        except (Exception, SystemExit) as error:
            raise TargetError(f"{route} failed") from error
        finally:
            timings.started(started)
            timings.call = perf_counter() - started

    return call
