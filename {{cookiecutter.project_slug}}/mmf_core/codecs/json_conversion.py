"""Python values as the types that JSON has, without loss: every digit and every name is kept.

- NumPy's and pandas' numbers and arrays are numbers and lists, structured arrays lists of objects.
- A Series is a list, and a DataFrame a list of records; if the index is more than a count of the
  rows (any but a RangeIndex from 0), they are objects, label → value or record.
- Dates and times of any library are ISO 8601, to the nanosecond; durations, too.
- NaT, NA, NaN, infinity and masked values are null. A Decimal is a number of the same digits.
- A namedtuple, a dataclass and any mapping are objects; a set, deque, range, dict view and any
  other collection are lists; an Enum is its value; a path, a UUID, and pandas' interval
  and period are texts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from operator import attrgetter
from os import PathLike, fspath
from types import NoneType
from typing import Any
from uuid import UUID

from .masked_arrays import unmasked

_LEAVES = {float, bool, NoneType}
_MIN_INT, _MAX_INT = -(2**63), 2**64 - 1  # orjson writes no others
_BYTES = (bytes, bytearray, memoryview)
_SECOND = 10**9
_NANOSECONDS = {
    "W": 604_800 * _SECOND,
    "D": 86_400 * _SECOND,
    "h": 3_600 * _SECOND,
    "m": 60 * _SECOND,
    "s": _SECOND,
    "ms": 1_000_000,
    "us": 1_000,
    "ns": 1,
}
Path = tuple[Any, ...]
"""The keys and positions that lead to a value."""


def convert(value: Any) -> Any:
    """Return a value that orjson cannot write as a simpler one; TypeError if JSON has none.

    No library is imported but the value's own.
    """
    if type(value).__name__ in {"NaTType", "NAType"}:  # pandas' nulls; comparing them raises
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "__array_interface__") and hasattr(value, "dtype"):
        return _from_numpy(value)
    if type(value).__module__.partition(".")[0] == "pandas" and hasattr(value, "dtypes"):
        return _from_pandas(value)
    if hasattr(value, "tolist") and not isinstance(value, _BYTES):
        return value.tolist()
    return _from_python(value)


def to_plain(value: Any, path: Path = ()) -> Any:
    """Return a whole result as orjson can write it, whatever is inside.

    TypeError names the place of a value that JSON cannot hold, as in `result.a[3].b`.
    """
    if type(value) in _LEAVES or type(value).__name__ == "Fragment":
        return value
    match value:
        case str():
            return _text(value, path)
        case int():
            is_long = not _MIN_INT <= value <= _MAX_INT
            return _fragment(str(int(value))) if is_long else value
        case dict():
            return _object(value.items(), path)
        case list():
            return [
                item if type(item) in _LEAVES else to_plain(item, (*path, index))
                for index, item in enumerate(value)
            ]
    try:
        simpler = convert(value)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{_place(path)}: {error}") from None
    return to_plain(simpler, path)


def as_container(value: Any) -> Any:
    """Return what is an object or a list in JSON as a dict or a list, anything else as it is."""
    if isinstance(value, dict | list | str | int | float | NoneType):
        return value
    try:
        simpler = value if _is_array(value) else convert(value)
    except TypeError:
        return value
    if _is_array(simpler):
        return list(simpler)
    return simpler if isinstance(simpler, dict | list) else value


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array_interface__") and getattr(value, "ndim", 0) > 0


def _object(items: Iterable[tuple[Any, Any]], path: Path) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, item in items:
        name = key if type(key) is str else _name(key, path)
        if name in members:
            raise TypeError(f"{_place(path)}: two names are {name!r} in JSON; rename one of them")
        is_leaf = type(item) in _LEAVES
        members[_text(name, path)] = item if is_leaf else to_plain(item, (*path, name))
    return members


def _name(key: Any, path: Path) -> str:
    """Return a key as a name: a text as it is, a number, date, bool or null as JSON writes it."""
    import orjson

    text = orjson.dumps(to_plain(key, path))
    if text[:1] in {b"[", b"{"}:
        raise TypeError(
            f"{_place(path)}: expected names that are texts, numbers or dates, "
            f"got a {type(key).__name__}; reset_index() makes columns of pandas' labels"
        )
    return str(orjson.loads(text)) if text[:1] == b'"' else text.decode()


def _text(text: str, path: Path) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise TypeError(f"{_place(path)}: a text has half of a surrogate pair") from None
    return text


def _place(path: Path) -> str:
    """Return a path as Python would write it, as in `result.a[3]["unit price"]`."""
    return "result" + "".join(
        f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]" for key in path
    )


def _from_numpy(value: Any) -> Any:
    import numpy as np

    if value.dtype.names:
        is_row = not value.ndim
        return {name: value[name] for name in value.dtype.names} if is_row else list(value)
    array = np.asarray(unmasked(value))
    dtype = array.dtype
    match dtype.kind:
        case "M":
            return _mapped(array, date_texts(array))
        case "m":
            return _mapped(array, _durations(array))
        case "f" if dtype.itemsize > 8:  # noqa: PLR2004 - a long double
            return array.astype(np.float64).tolist()
        case "b" | "i" | "u" | "f":
            import orjson

            native = np.ascontiguousarray(array, dtype.newbyteorder("="))
            numbers = native if array.ndim else native[0]
            return orjson.Fragment(orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY))
    return array.tolist()


def _mapped(array: Any, cells: list[Any]) -> Any:
    """Return new cells, nested as those of an array are."""
    import numpy as np

    nested = np.empty(array.size, object)
    nested[:] = cells
    return nested.reshape(array.shape).tolist()


def date_texts(array: Any) -> list[str | None]:
    """Return NumPy's dates and times as ISO 8601, None for NaT."""
    import numpy as np

    if np.isnat(array).all():  # NaT alone may have no unit
        return [None] * array.size
    is_coarse = np.datetime_data(array.dtype)[0] in {"Y", "M", "W", "D", "h", "m"}
    texts = np.datetime_as_string(array.astype("M8[s]") if is_coarse else array)
    return [None if text == "NaT" else _with_fraction(text) for text in texts.ravel().tolist()]


def _durations(array: Any) -> list[str | None]:
    import numpy as np

    unit, count = np.datetime_data(array.dtype)
    nulls = np.isnat(array).ravel().tolist()
    if unit not in _NANOSECONDS and not all(nulls):
        raise TypeError(
            f"a {array.dtype} cannot be written as JSON; use a unit from weeks to nanoseconds"
        )
    length = count * _NANOSECONDS.get(unit, 1)
    counts = array.astype(np.int64).ravel().tolist()
    return [
        None if is_null else _duration(number * length)
        for number, is_null in zip(counts, nulls, strict=True)
    ]


def _duration(nanoseconds: int) -> str:
    """Return an ISO 8601 duration in pandas' form."""
    minutes, rest = divmod(nanoseconds, 60 * _SECOND)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    seconds = f"{rest // _SECOND}.{rest % _SECOND:09}".rstrip("0").removesuffix(".")
    return f"P{days}DT{hour}H{minute}M{seconds}S"


def _with_fraction(text: str) -> str:
    """Return a time with no, six or more digits after the point, as `isoformat` writes it."""
    whole, _, fraction = text.partition(".")
    digits = fraction.rstrip("0")
    if not digits:
        return whole
    return f"{whole}.{digits.ljust(6 if len(digits) <= 6 else 9, '0')}"  # noqa: PLR2004 - µs


def _from_pandas(value: Any) -> Any:
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        columns = [_cells(column) for _, column in value.items()]
        rows = zip(*columns, strict=True) if columns else [()] * len(value)
        names = _unique(value.columns.tolist(), "columns")
        return _labelled(value, [dict(zip(names, row, strict=True)) for row in rows])
    return _labelled(value, _cells(value)) if isinstance(value, pd.Series) else value.tolist()


def _cells(column: Any) -> Any:
    import numpy as np

    is_numbers = isinstance(column.dtype, np.dtype) and column.dtype.kind in "biuf"
    return column.to_numpy() if is_numbers else column.tolist()


def _labelled(value: Any, cells: Any) -> Any:
    import pandas as pd

    index = value.index
    if isinstance(index, pd.RangeIndex) and (index.start, index.step) == (0, 1):
        return cells
    return dict(zip(_unique(index.tolist(), "labels"), cells, strict=True))


def _unique(labels: list[Any], kind: str) -> list[Any]:
    if len(set(labels)) < len(labels):
        raise TypeError(f"expected {kind} that are all different; rename the duplicates")
    return labels


def _from_python(value: Any) -> Any:
    if type(value).__name__ in {"Interval", "Period"}:  # pandas', as it shows them
        return str(value)
    if hasattr(value, "_asdict"):  # a namedtuple
        return value._asdict()
    if is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in fields(value) if not field.name.startswith("_")]
        return {name: getattr(value, name) for name in names}
    if not isinstance(value, _BYTES):
        for type_, simplify in _SIMPLER:
            if isinstance(value, type_):
                return simplify(value)
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


def _number(value: Decimal) -> Any:
    return _fragment(str(value)) if value.is_finite() else None


def _length(value: timedelta) -> str:
    return _duration(value // timedelta(microseconds=1) * 1_000)


def _fragment(number: str) -> Any:
    import orjson

    return orjson.Fragment(number)


_SIMPLER: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (Enum, attrgetter("value")),
    (Decimal, _number),
    (timedelta, _length),
    (UUID, str),
    (PathLike, fspath),
    (float, float),
    (Mapping, dict),
    (Collection, list),
)
