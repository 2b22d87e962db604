"""Targets: the functions that outsiders may call."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .call_options import CallOptions, batch_argument
from .descriptors import Descriptor
from .errors import DeclarationError, DescriptorError

RESERVED = frozenset(
    [
        *("docs", "health", "invocations", "metrics", "openapi.json", "page", "ping"),
        *("static", "task", "tasks", "v2", "version"),
    ]
)
"""Routes of the service itself, which no target may take."""

FORMAT_QUERY = "format"
"""The query parameter for the answer's format."""

SHEET_QUERY = "sheet"
"""The query parameter that chooses a workbook's sheet."""

ERRORS_QUERY = "errors"
"""The query parameter for how faults are told."""

_QUERIES = {
    FORMAT_QUERY: "the answer's format",
    SHEET_QUERY: "a workbook's sheet",
    ERRORS_QUERY: "how faults are told",
}

DEFAULT_OPTIONS = CallOptions()
_BY_KEYWORD = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}


@dataclass(frozen=True, slots=True)
class Target:
    """A function, its route, and one descriptor for each argument.

    `route` is the function's own name; `name` and `description` are for people. `default` marks
    the one target that protocols of a single model serve.
    """

    function: Callable[..., Any]
    route: str
    name: str
    description: str
    arguments: Mapping[str, Descriptor[Any]]
    returns: Descriptor[Any] | None
    call_options: CallOptions = DEFAULT_OPTIONS
    default: bool = False

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        *,
        description: str = "",
        returns: Descriptor[Any] | None = None,
        name: str = "",
        call_options: CallOptions = DEFAULT_OPTIONS,
        default: bool = False,
    ) -> Target:
        """Read a function's signature; DeclarationError if it cannot be served."""
        route = getattr(function, "__name__", repr(function))
        _check_function(function, route)
        if returns is not None and not isinstance(returns, Descriptor):
            raise DescriptorError(
                f"{route}: returns={returns!r} is not a descriptor; write mmf.DataFrame()"
            )
        arguments = _descriptors(function)
        if call_options.batch:
            batch_argument(arguments, returns)
        return cls(
            function=function,
            route=route,
            name=name or route,
            description=description or inspect.getdoc(function) or "",
            arguments=arguments,
            returns=returns,
            call_options=call_options,
            default=default,
        )

    @property
    def required(self) -> dict[str, Descriptor[Any]]:
        """The arguments that a request must bring."""
        return {name: one for name, one in self.arguments.items() if one.required}

    @property
    def example_is_valid(self) -> bool:
        """Whether the function has to take the examples of what it requires."""
        return all(one.example_is_valid for one in self.required.values())

    @property
    def descriptors(self) -> list[Descriptor[Any]]:
        """Those of the arguments, and of the result if there is one."""
        return [*self.arguments.values(), *([self.returns] if self.returns else [])]

    def meta(self) -> dict[str, Any]:
        """Describe this target with the keys of MMF's `mmf.json`."""
        return {
            "name": self.name,
            "route": self.route,
            "description": self.description,
            "returns": self.returns.meta() if self.returns else None,
            "descriptors": [
                {**meta, "name": meta["name"] or argument, "id": argument}
                for argument, meta in ((key, one.meta()) for key, one in self.arguments.items())
            ],
        }


def _check_function(function: Callable[..., Any], route: str) -> None:
    if not route.isidentifier() or keyword.iskeyword(route):
        raise DeclarationError(
            f"{route}: a target is a function with a name, which becomes its route"
        )
    if route in RESERVED:
        raise DeclarationError(
            f"{route}: this route is the service's own; name the function otherwise"
        )
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise DeclarationError(f"{route}: a target is an ordinary function, without async")


def _descriptors(function: Callable[..., Any]) -> dict[str, Descriptor[Any]]:
    parameters = inspect.signature(function).parameters
    bare = [key for key, one in parameters.items() if not isinstance(one.default, Descriptor)]
    if bare:
        raise DescriptorError(
            f"{function.__qualname__}: these arguments have no descriptor: {', '.join(bare)}; "
            f"write {bare[0]}=mmf.DataFrame() or another"
        )
    for query in _QUERIES.keys() & parameters:
        raise DeclarationError(
            f"{function.__qualname__}: ?{query}= chooses {_QUERIES[query]}; "
            f"name the argument otherwise"
        )
    positional = [key for key, one in parameters.items() if one.kind not in _BY_KEYWORD]
    if positional:
        raise DeclarationError(f"{function.__qualname__}: positional-only: {', '.join(positional)}")
    return {key: one.default for key, one in parameters.items()}
