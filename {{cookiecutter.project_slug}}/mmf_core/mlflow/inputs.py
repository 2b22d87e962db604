"""From a body of MLflow's protocol to the values of a target's arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Request

from ..codecs import Format, Kind, find, json_of
from ..descriptors import DataFrame, Descriptor
from ..errors import ErrorDetail, InvalidValue, RequestError
from ..target import Target
from ..web.http.bodies import read_whole
from ..web.http.codec_options import options_of
from . import columns
from .bodies import WRAPPERS, body_format, loads

CHAT = {"messages", "prompt", "input"}
"""Keys of a body that is itself the argument, where that is an object: MLflow's unified LLM."""
_SPLIT = {"columns", "data", "index"}
_RANKS = {Kind.TABLE: 0, Kind.SCALAR: 2}
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Input:
    """The argument that a body brings, and the other scalars, which are its `params`."""

    name: str
    descriptor: Descriptor[Any]
    params: Mapping[str, Descriptor[Any]]

    @classmethod
    def of(cls, target: Target) -> Input | None:
        """Take the first table, else what is no scalar, else the first; None without arguments."""
        given = sorted(target.arguments.items(), key=lambda item: _RANKS.get(item[1].kind, 1))
        if not given:
            return None
        (name, descriptor), *others = given
        scalars = {name: one for name, one in others if one.kind is Kind.SCALAR}
        return cls(name, descriptor, scalars)

    def read(self, request: Request) -> tuple[dict[str, Any], bool]:
        """Return values by argument, and whether the body was the argument itself, unwrapped.

        UnsupportedFormat if the Content-Type is none of MLflow's, RequestError if the body cannot
        be read, InvalidValue if a Parquet file's columns are of other types than declared.
        """
        format = body_format(request.environ.get("CONTENT_TYPE", ""))
        body = read_whole(request)
        if format is not Format.JSON:
            return {self.name: self._file(body, format)}, False
        plain = loads(body)
        params = plain.pop("params", None)
        if self.descriptor.kind is Kind.JSON and not CHAT.isdisjoint(plain):
            return {self.name: self._value(plain), **self._params(params)}, True
        wrappers = [key for key in WRAPPERS if key in plain]
        if len(wrappers) != 1:
            found = ", ".join(wrappers) or "none of them"
            raise RequestError(f"send exactly one of {', '.join(WRAPPERS)}; there is {found}")
        (key,) = wrappers
        value = self._wrapped(key, plain[key])
        return ({self.name: value, **self._params(params)} if params else {self.name: value}), False

    def _file(self, body: bytes, format: Format) -> Any:
        one, options = self.descriptor, options_of(self.descriptor)
        codec = find(one.kind, format)
        if codec is None:
            raise RequestError(f"{self.name} cannot be sent as {format.name}; send JSON")
        if not isinstance(one, DataFrame):
            return _readable(lambda: codec.decode(body, options))
        if format is Format.CSV:
            options["dtype"] = columns.reading(one.columns, options.get("dtype", {}))
        table = _readable(lambda: codec.decode(body, options))
        if format is Format.PARQUET:
            columns.check_types(table, one.columns)
        return columns.with_optional(table, one.columns)

    def _wrapped(self, key: str, plain: Any) -> Any:
        one = self.descriptor
        if not isinstance(one, DataFrame):
            return self._value(plain)
        table = self._value({key: _shaped(key, plain, list(one.columns))})
        return (
            table
            if one.is_homogeneous and columns.is_floats(table, one.columns)
            else (columns.with_optional(columns.cast(table, one.columns), one.columns))
        )

    def _value(self, plain: Any) -> Any:
        one = self.descriptor
        return _readable(lambda: json_of(one.kind).from_plain(plain, options_of(one)))

    def _params(self, params: Any) -> dict[str, Any]:
        """Return those that the target knows; null is none."""
        if params is None or not self.params:
            return {}
        if not isinstance(params, dict):
            hint = "params is an object: name → value"
            raise InvalidValue(hint, [ErrorDetail(hint, where="params")])
        known = ((name, params.get(name)) for name in self.params)
        return {name: value for name, value in known if value is not None}


def _readable(read: Callable[[], V]) -> V:
    """Read a value; what is wrong with its form is told as unreadable, not as a wrong value."""
    try:
        return read()
    except InvalidValue as error:
        raise RequestError(error.detail, error.errors) from None


def _shaped(key: str, plain: Any, names: list[str]) -> Any:
    """Return what TableJSON reads under this key; RequestError where MLflow's rules are broken."""
    if key == "dataframe_split":
        return _split(plain)
    if key == "dataframe_records":
        if not isinstance(plain, list):
            raise RequestError("dataframe_records is a list of records")
        return plain
    if isinstance(plain, dict):  # column → list, or one row of scalars
        return plain if any(isinstance(one, list) for one in plain.values()) else [plain]
    if plain is None:
        raise RequestError(f"{key} is a list of rows, or an object: column → list; not null")
    rows = plain if isinstance(plain, list) else [plain]
    if rows and isinstance(rows[0], dict):
        return rows
    return _rows({"data": rows, **({"columns": names} if len(names) == 1 else {})})


def _split(plain: Any) -> Any:
    if not isinstance(plain, dict) or "data" not in plain or not plain.keys() <= _SPLIT:
        raise RequestError("dataframe_split has data, and maybe columns and index, nothing else")
    if not isinstance(plain["data"], list):
        raise RequestError("data is a list of rows")
    return _rows(plain)


def _rows(split: dict[str, Any]) -> dict[str, Any]:
    """Return a table whose rows are lists; a bare value is a row of one."""
    if all(isinstance(row, list) for row in split["data"]):
        return split
    return {**split, "data": [row if isinstance(row, list) else [row] for row in split["data"]]}
