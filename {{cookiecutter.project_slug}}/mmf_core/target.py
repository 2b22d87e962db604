"""Targets: the functions that clients may call."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from .call_options import CallOptions, batch_argument, check_scheduled
from .descriptors import DataFrame, Descriptor, ModelFile, Stream
from .errors import DeclarationError, DescriptorError, quoted

RESERVED = frozenset(
    [
        *("docs", "feedback", "health", "invocations", "metrics", "openapi.json", "page"),
        *("ping", "rollout", "static", "task", "tasks", "log", "v2", "version"),
    ]
)
"""Routes of the service itself, which no target may have."""

FORMAT_QUERY = "format"
"""The query parameter that chooses the response's format."""

SHEET_QUERY = "sheet"
"""The query parameter that chooses a workbook's sheet."""

HEADER_QUERY = "header_row"
"""The query parameter that says in which row of a workbook's sheet the column names are."""

ERRORS_QUERY = "errors"
"""The query parameter that chooses how errors are reported."""

_QUERIES = {
    FORMAT_QUERY: "the response's format",
    SHEET_QUERY: "a workbook's sheet",
    HEADER_QUERY: "the row of a workbook's column names",
    ERRORS_QUERY: "how errors are reported",
}

DEFAULT_OPTIONS = CallOptions()
_Change = Callable[[Descriptor[Any]], Descriptor[Any]]
_BY_KEYWORD = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}


@dataclass(frozen=True, slots=True)
class Target:
    """A function, its route, and a descriptor for each argument.

    `route` is the function's name; `name` and `description` are for people. `default` marks the
    target that protocols for a single model serve. `examples` are the author's, by name: the
    arguments, each with its value in that example; the first of them are `arguments`.
    """

    function: Callable[..., Any]
    route: str
    name: str
    description: str
    arguments: Mapping[str, Descriptor[Any]]
    returns: Descriptor[Any] | None
    call_options: CallOptions = DEFAULT_OPTIONS
    default: bool = False
    examples: Mapping[str, Mapping[str, Descriptor[Any]]] = field(default_factory=dict)

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
                f"{route}: returns={returns!r}: expected a descriptor; write "
                f"returns={_written(returns)}, for example"
            )
        _check_stream(function, route, returns)
        if isinstance(returns, ModelFile):
            call_options = replace(call_options, background=True)
        arguments = _descriptors(function)
        if call_options.batch:
            batch_argument(arguments, returns)
        _check_kept(route, arguments, returns)
        check_scheduled(route, arguments, call_options)
        has_example = any(descriptor.example is not None for descriptor in arguments.values())
        return cls(
            function=function,
            route=route,
            name=name or route,
            description=description or inspect.getdoc(function) or "",
            arguments=arguments,
            returns=returns,
            call_options=call_options,
            default=default,
            examples={"": arguments} if has_example else {},
        )

    @property
    def is_stream(self) -> bool:
        """Whether the function is a generator, whose pieces are sent as they come."""
        return isinstance(self.returns, Stream)

    @property
    def trains(self) -> bool:
        """Whether the function returns a model, which becomes the next one of the service."""
        return isinstance(self.returns, ModelFile)

    @property
    def is_tried(self) -> bool:
        """Whether it is called on its example, to warm up and to try a new version."""
        return bool(self.required) and not self.trains

    @property
    def has_single_result(self) -> bool:
        """Whether a call returns a single value immediately."""
        return not (self.is_stream or self.call_options.background)

    @property
    def required(self) -> dict[str, Descriptor[Any]]:
        """The arguments that a request must have."""
        return {
            name: descriptor for name, descriptor in self.arguments.items() if descriptor.required
        }

    @property
    def body_argument(self) -> str | None:
        """The argument that a whole body is: the only required one; without any, the first.

        None if several are required, or if there is no argument: a body is an object by name then.
        An optional argument that is added at the end changes nothing.
        """
        names = list(self.required) or list(self.arguments)[:1]
        return names[0] if len(names) == 1 else None

    @property
    def kept(self) -> str | None:
        """The table whose other columns go back to the caller beside the result."""
        return next(_kept(self.arguments), None)

    @property
    def example_is_valid(self) -> bool:
        """Whether the author or the declarations guarantee valid examples of required arguments."""
        return all(
            descriptor.example is not None or descriptor.example_is_valid
            for descriptor in self.required.values()
        )

    @property
    def has_examples(self) -> bool:
        """Whether the author wrote an example of every required argument; else some is a guess."""
        are_written = all(descriptor.example is not None for descriptor in self.required.values())
        return bool(self.examples) and are_written

    def with_examples(self, examples: Mapping[str, Mapping[str, Any]]) -> Self:
        """Return this target with the author's examples: values of arguments, by example.

        DeclarationError names the example that is invalid.
        """
        if not isinstance(examples, Mapping):
            raise DeclarationError(
                f"{self.route}: examples={quoted(examples)}: expected {{name: {{argument: value}}}}"
            )
        named = {
            name: _with_values(self.route, name, self.arguments, values)
            for name, values in examples.items()
        }
        return replace(self, arguments=next(iter(named.values()), self.arguments), examples=named)

    def with_argument(self, name: str, change: _Change) -> Self:
        """Return this target with a descriptor changed, in its examples, too."""
        examples = {
            label: {**arguments, name: change(arguments[name])}
            for label, arguments in self.examples.items()
        }
        arguments = {**self.arguments, name: change(self.arguments[name])}
        return replace(self, arguments=arguments, examples=examples)

    @property
    def descriptors(self) -> list[Descriptor[Any]]:
        """The descriptors of the arguments and of the result, if there is one."""
        return [*self.arguments.values(), *([self.returns] if self.returns else [])]

    def meta(self) -> dict[str, Any]:
        """Describe this target with the keys of MMF's `mmf.json`; None for what was not given."""
        return {
            "name": self.name,
            "route": self.route,
            "description": self.description or None,
            "returns": self.returns.meta() if self.returns else None,
            "descriptors": [
                {**descriptor.meta(), "name": descriptor.name or argument, "id": argument}
                for argument, descriptor in self.arguments.items()
            ],
        }


def _kept(arguments: Mapping[str, Descriptor[Any]]) -> Iterator[str]:
    for name, table in arguments.items():
        if isinstance(table, DataFrame) and table.keeps_others:
            yield name


def _check_kept(
    route: str, arguments: Mapping[str, Descriptor[Any]], returns: Descriptor[Any] | None
) -> None:
    tables = list(_kept(arguments))
    if tables and not isinstance(returns, DataFrame):
        raise DeclarationError(
            f"{route}: extra='keep' puts columns beside the result: write returns=mmf.DataFrame()"
        )
    if len(tables) > 1:
        raise DeclarationError(f"{route}: extra='keep' is for one table, got {', '.join(tables)}")


def _with_values(
    route: str, name: str, arguments: Mapping[str, Descriptor[Any]], values: Any
) -> Mapping[str, Descriptor[Any]]:
    """Return the arguments with the values of an example; DeclarationError if one is invalid."""
    where = f"{route}: example {name!r}" if name else f"{route}: example"
    if not isinstance(values, Mapping):
        raise DeclarationError(f"{where}: expected {{argument: value}}, got {quoted(values)}")
    if unknown := [str(key) for key in values if key not in arguments]:
        raise DeclarationError(
            f"{where}: unknown argument {', '.join(unknown)}; expected "
            f"{', '.join(arguments) or 'none'}"
        )
    try:
        changed = {key: arguments[key].with_example(value) for key, value in values.items()}
    except DescriptorError as error:
        raise DescriptorError(f"{where}: {error}") from None
    return {**arguments, **changed}


def _check_function(function: Callable[..., Any], route: str) -> None:
    if not route.isidentifier() or keyword.iskeyword(route):
        raise DeclarationError(f"{route}: expected a named function; its name becomes the route")
    if route in RESERVED:
        raise DeclarationError(f"{route}: the service itself has this route; rename the function")
    if inspect.iscoroutinefunction(function):
        raise DeclarationError(f"{route}: expected a function without async")


def _written(declared: Any) -> str:
    """Return the descriptor that may be meant: that of a class whose parentheses are missing."""
    is_class = inspect.isclass(declared) and issubclass(declared, Descriptor)
    return f"mmf.{declared.__name__ if is_class else 'DataFrame'}()"


def _check_stream(
    function: Callable[..., Any], route: str, returns: Descriptor[Any] | None
) -> None:
    yields = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
    if yields and not isinstance(returns, Stream):
        raise DeclarationError(
            f"{route}: a function with yield returns a stream; "
            f"write @mmf.target(returns=mmf.Stream(mmf.String())), or return a value"
        )
    if isinstance(returns, Stream) and not yields:
        raise DeclarationError(
            f"{route}: returns=mmf.Stream(…) needs a function with yield; "
            f"yield each piece, or write returns=mmf.{returns.item.class_name}()"
        )


def _descriptors(function: Callable[..., Any]) -> dict[str, Descriptor[Any]]:
    parameters = inspect.signature(function).parameters
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    bare = [name for name, default in defaults.items() if not isinstance(default, Descriptor)]
    if bare:
        raise DescriptorError(
            f"{function.__qualname__}: arguments without a descriptor: {', '.join(bare)}; "
            f"write {bare[0]}={_written(defaults[bare[0]])}, for example"
        )
    for kind, label in ((Stream, "a stream"), (ModelFile, "a model")):
        if results := [name for name, default in defaults.items() if isinstance(default, kind)]:
            raise DescriptorError(
                f"{function.__qualname__}: {', '.join(results)}: {label} can only be a result"
            )
    for query in _QUERIES.keys() & parameters:
        raise DeclarationError(
            f"{function.__qualname__}: ?{query}= chooses {_QUERIES[query]}; rename the argument"
        )
    kinds = {name: parameter.kind for name, parameter in parameters.items()}
    if positional := [name for name, kind in kinds.items() if kind not in _BY_KEYWORD]:
        raise DeclarationError(
            f"{function.__qualname__}: arguments that cannot be passed by name: "
            f"{', '.join(positional)}"
        )
    return defaults
