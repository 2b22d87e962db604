"""What the type of a column may be: Python's types, and the dtypes of NumPy and pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from ..errors import DescriptorError
from .zones import NAIVE

_TYPES = {type_.__name__: type_ for type_ in (str, int, float, bool, date, datetime)}
_NULL = " | None"
_INT64, _DOUBLE = 64, 8  # bits, and bytes
_DTYPES = (
    'a dtype such as "float64", "Int64", "datetime64[us]" or a CategoricalDtype with its categories'
)


@dataclass(frozen=True, kw_only=True)
class DeclaredType:
    """A Python type, and what a dtype declares besides.

    `dtype` is what the function gets, None for that of the Python type.
    """

    kind: type
    nullable: bool = False
    dtype: Any = None
    bounds: Mapping[str, int] = field(default_factory=dict)
    choices: tuple[Any, ...] | None = None
    tz: str | None = None


def parse_type(declared: Any, choices: Sequence[Any] | None = None) -> DeclaredType:
    """Return what a declared type is; DescriptorError lists what it may be.

    `choices` are those of "category", which has none of its own.
    """
    is_union = get_origin(declared) in {Union, UnionType}
    kinds = (set(get_args(declared)) if is_union else {declared}) - {NoneType}
    if len(kinds) == 1 and kinds <= set(_TYPES.values()):
        return DeclaredType(kind=kinds.pop(), nullable=is_union)
    if isinstance(declared, str):
        return _of_name(declared, choices)
    if _is_dtype(declared):
        return _of_dtype(declared)
    raise _unknown(declared)


def _of_name(name: str, choices: Sequence[Any] | None) -> DeclaredType:
    base = name.removesuffix(_NULL)
    nullable = base != name
    if base in _TYPES:
        return DeclaredType(kind=_TYPES[base], nullable=nullable)
    if nullable:
        raise _unknown(name)
    if name == "category" and choices:
        return _of_categories(tuple(choices))
    return _of_dtype(name)


def _is_dtype(declared: Any) -> bool:
    import numpy as np
    from pandas.api.extensions import ExtensionDtype

    is_numpy = isinstance(declared, type) and issubclass(declared, np.generic)
    return is_numpy or isinstance(declared, np.dtype | ExtensionDtype)


def _of_dtype(declared: Any) -> DeclaredType:
    import pandas as pd

    try:
        dtype: Any = pd.api.types.pandas_dtype(declared)
    except (TypeError, ValueError):
        raise _unknown(declared) from None
    if isinstance(dtype, pd.CategoricalDtype):
        categories: Any = dtype.categories
        if categories is None or not len(categories):
            raise DescriptorError(
                f'{declared!r}: expected its categories: mmf.Column("category", choices=[…]), or '
                'the dtype of a column that has them, X.dtypes["city"]'
            )
        return _of_categories(tuple(categories.tolist()), dtype)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return DeclaredType(kind=datetime, tz=str(dtype.tz))
    is_plain = not isinstance(dtype, pd.api.extensions.ExtensionDtype)
    if dtype == "str" or (is_plain and dtype.kind == "U"):
        return DeclaredType(kind=str)
    if isinstance(dtype, pd.StringDtype):
        return DeclaredType(kind=str, nullable=True, dtype=dtype)
    if isinstance(dtype, pd.ArrowDtype | pd.SparseDtype) or dtype.kind not in "biufM":
        raise _unknown(declared)
    return _of_numbers(dtype, declared, nullable=not is_plain)


def _of_numbers(dtype: Any, declared: Any, *, nullable: bool) -> DeclaredType:
    if dtype.kind == "M":
        return DeclaredType(kind=datetime, tz=NAIVE)
    if dtype.kind == "b":
        return DeclaredType(kind=bool, nullable=nullable)
    if dtype.kind == "f":
        if dtype.itemsize > _DOUBLE:
            raise _unknown(declared)
        own = None if dtype == "float64" else dtype
        return DeclaredType(kind=float, nullable=nullable, dtype=own)
    bits = 8 * dtype.itemsize
    bounds = {"ge": -(2 ** (bits - 1)), "le": 2 ** (bits - 1) - 1}
    if dtype.kind == "u":
        bounds = {"ge": 0, "le": 2**bits - 1}
    if bits == _INT64:  # of int64 alone are all numbers of the Python type
        bounds = {"ge": 0} if dtype.kind == "u" else {}
    own = None if dtype in {"int64", "Int64"} else dtype
    return DeclaredType(kind=int, nullable=nullable, dtype=own, bounds=bounds)


def _of_categories(categories: tuple[Any, ...], dtype: Any = None) -> DeclaredType:
    choices = tuple(map(python_value, categories))
    kinds = set(map(type, choices))
    if kinds == {int, float}:
        kinds, choices = {float}, tuple(map(float, choices))
    if len(kinds) != 1 or not kinds <= set(_TYPES.values()):
        names = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise DescriptorError(f"category: expected categories of one type, got {names}")
    kind = kinds.pop()
    return DeclaredType(kind=kind, dtype=None if kind is date else dtype, choices=choices)


def python_value(value: Any) -> Any:
    """Return the Python value of a pandas or NumPy scalar."""
    if hasattr(value, "to_pydatetime"):
        return value.to_pydatetime()
    return value.item() if hasattr(value, "item") else value


def _unknown(declared: Any) -> DescriptorError:
    if str(declared) in {"object", "O", "<class 'numpy.object_'>"}:
        return DescriptorError(
            f"{declared!r} does not say what the cells are: use mmf.schema_of(table), which reads "
            "them, or write str"
        )
    names = ", ".join(_TYPES)
    return DescriptorError(
        f"{declared!r}: expected one of {names}, optionally with | None, or {_DTYPES}"
    )
