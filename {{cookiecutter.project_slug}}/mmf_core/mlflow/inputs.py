"""From a body of MLflow's protocol to the values of a target's arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Request

from ..codecs import MLFLOW_WRAPPERS, SPLIT_KEYS, Format, Kind, find, json_of, with_repeated_names
from ..descriptors import DataFrame, Descriptor
from ..errors import ErrorDetail, InvalidValue, RequestError
from ..target import Target
from ..web.http.bodies import read_whole
from ..web.http.charsets import to_utf8
from ..web.http.codec_options import limits, options_of
from . import columns
from .bodies import body_format, loads

CHAT = {"messages", "prompt", "input"}
"""Keys of a body that is itself the argument, if that is an object: MLflow's unified LLM."""
_PREFERENCE = {Kind.TABLE: 0, Kind.SCALAR: 2}
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Input:
    """The argument that a body carries; the target's other scalars are its `params`."""

    name: str
    descriptor: Descriptor[Any]
    params: Mapping[str, Descriptor[Any]]

    @classmethod
    def of(cls, target: Target) -> Input | None:
        """Choose the first table, else the first non-scalar, else the first; None if no argument.

        All other scalars become `params`.
        """
        arguments = sorted(
            target.arguments.items(), key=lambda item: _PREFERENCE.get(item[1].kind, 1)
        )
        if not arguments:
            return None
        (name, descriptor), *others = arguments
        return cls(name, descriptor, {key: each for key, each in others if each.fits_query})

    def read(self, request: Request) -> tuple[dict[str, Any], bool]:
        """Return values by argument, and whether the body was the argument itself, unwrapped.

        UnsupportedFormat if the Content-Type is not one of MLflow's, RequestError if the body
        cannot be read, InvalidValue if the types of a Parquet file's columns do not fit.
        """
        format = body_format(request.environ.get("CONTENT_TYPE", ""))
        body = read_whole(request)
        if format is not Format.JSON:
            return {self.name: self._from_file(body, format)}, False
        if self.descriptor.kind is Kind.TABLE:
            plain = with_repeated_names(body, loads(body, limits()))
        else:
            plain = loads(body, limits())
        params = plain.pop("params", None)
        if self.descriptor.kind is Kind.JSON and not CHAT.isdisjoint(plain):
            return {self.name: self._from_plain(plain), **self._from_params(params)}, True
        wrappers = [key for key in MLFLOW_WRAPPERS if key in plain]
        if len(wrappers) != 1:
            received = ", ".join(wrappers) or "none of them"
            raise RequestError(
                f"expected exactly one of {', '.join(MLFLOW_WRAPPERS)}, got {received}"
            )
        (key,) = wrappers
        return {self.name: self._unwrap(key, plain[key]), **self._from_params(params)}, False

    def _from_file(self, body: bytes, format: Format) -> Any:
        descriptor, options = self.descriptor, options_of(self.descriptor)
        codec = find(descriptor.kind, format)
        if codec is None:
            raise RequestError(f"{self.name} cannot be sent as {format.name}; send JSON")
        if not isinstance(descriptor, DataFrame):
            return _readable(lambda: codec.read(body, options))
        if format is Format.CSV:  # a body of this protocol is always UTF-8
            body = to_utf8(body, "utf-8")
        table = _readable(lambda: codec.read(body, options))
        is_declared = list(table) == list(descriptor.columns)
        if not (is_declared and descriptor.is_homogeneous and columns.is_floats(table)):
            if format is Format.CSV:
                table = columns.convert(table, descriptor.columns, lenient=descriptor.lenient)
            if format is Format.PARQUET:
                columns.check_types(table, descriptor.columns)
        return columns.with_optional(table, descriptor.columns)

    def _unwrap(self, key: str, plain: Any) -> Any:
        descriptor = self.descriptor
        if not isinstance(descriptor, DataFrame):
            return self._from_plain(plain)
        declared = descriptor.columns
        table = self._from_plain({key: _table_shape(key, plain, list(declared))})
        if not (descriptor.is_homogeneous and columns.is_floats(table)):
            table = columns.convert(table, declared, lenient=descriptor.lenient)
        return columns.with_optional(table, declared)

    def _from_plain(self, plain: Any) -> Any:
        codec, options = json_of(self.descriptor.kind), options_of(self.descriptor)
        return _readable(lambda: codec.from_plain(plain, options))

    def _from_params(self, params: Any) -> dict[str, Any]:
        """Return the parameters that the target has; null means the default."""
        if params is None or not self.params:
            return {}
        if not isinstance(params, dict):
            hint = "expected an object: name → value"
            raise InvalidValue(f"params: {hint}", [ErrorDetail(hint, where="params")])
        return {name: params[name] for name in self.params if params.get(name) is not None}


def _readable(read: Callable[[], V]) -> V:
    """Read a value; one of the wrong form counts as unreadable, not as an invalid value."""
    try:
        return read()
    except InvalidValue as error:
        raise RequestError(error.detail, error.errors) from None


def _table_shape(key: str, plain: Any, names: list[str]) -> Any:
    """Return a shape that the table codec reads; RequestError if it breaks MLflow's rules."""
    if key == "dataframe_split":
        return _split(plain)
    if key == "dataframe_records":
        if not isinstance(plain, list):
            raise RequestError("dataframe_records: expected a list of records")
        return plain
    if isinstance(plain, dict):  # column → list, or one row of scalars
        return plain if any(isinstance(cells, list) for cells in plain.values()) else [plain]
    if plain is None:
        raise RequestError(f"{key}: expected a list of rows or an object column → list, got null")
    rows = plain if isinstance(plain, list) else [plain]
    if rows and isinstance(rows[0], dict):
        return rows
    return _with_row_lists({"data": rows, **({"columns": names} if len(names) == 1 else {})})


def _split(plain: Any) -> Any:
    if not isinstance(plain, dict) or "data" not in plain or not plain.keys() <= SPLIT_KEYS:
        raise RequestError(
            "dataframe_split: expected an object with data and, optionally, columns and index"
        )
    if not isinstance(plain["data"], list):
        raise RequestError("dataframe_split: expected data to be a list of rows")
    return _with_row_lists(plain)


def _with_row_lists(split: dict[str, Any]) -> dict[str, Any]:
    """Return a table in which every row is a list; a bare value becomes a row of one cell."""
    if all(isinstance(row, list) for row in split["data"]):
        return split
    return {**split, "data": [row if isinstance(row, list) else [row] for row in split["data"]]}
