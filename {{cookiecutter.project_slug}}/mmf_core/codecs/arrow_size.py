"""How many bytes the cells of an Arrow array count for, once each stands by itself.

Arrow stores what repeats only once: a text that a million indices or views refer to, a run of equal
values, nulls without a buffer. In pandas, and in every response, each cell has its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

from ..errors import RequestError

CELL_SIZE, OBJECT_SIZE = 8, 40
"""The fewest bytes that a cell counts for, and a cell that becomes a Python object."""
_LIST_SIZE, _STRUCT_SIZE, _ENTRY_SIZE = 80, 180, 64
_TIME_SIZE = 80  # of one that becomes an object, which takes time, too
_VIEW_SIZE = 16  # of which the first four bytes are the length


class TypeIds(NamedTuple):
    """Arrow's types by what pandas makes of them."""

    integers: frozenset[int]
    exact: frozenset[int]
    """Those that pandas has as they are; integers only without nulls."""
    small: frozenset[int]
    """Those of cells that do not become Python objects."""
    fixed: frozenset[int]
    """Those of which every cell takes its place and nothing else."""


@cache
def type_ids() -> TypeIds:
    """Return the ids that pyarrow gives to its types."""
    from pyarrow import lib

    def ids(*names: str) -> frozenset[int]:
        return frozenset(getattr(lib, f"Type_{name}") for name in names)

    integers = ids(*(f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)))
    numbers = integers | ids("BOOL", "HALF_FLOAT", "FLOAT", "DOUBLE", "TIMESTAMP", "DURATION")
    small = numbers | ids("STRING", "LARGE_STRING", "STRING_VIEW")
    return TypeIds(integers, small, small | ids("DICTIONARY"), numbers)


@cache
def _plain_ids() -> frozenset[int]:
    """Return the ids of the types that every table has, with a value for each cell."""
    from pyarrow import lib

    return type_ids().exact - {lib.Type_STRING_VIEW}


class Leaf(NamedTuple):
    """A column of values that nothing is in, as Parquet stores them."""

    slots: int
    """The places for each value, if a null in its place is a whole list of a fixed length."""
    size: int
    """The fewest bytes of a place."""
    in_list: bool
    """Whether a row may have any number of values."""


def leaves(kinds: Iterable[Any], slots: int = 1, *, in_list: bool = False) -> Iterator[Leaf]:
    """Yield the leaves of types, in their order."""
    import pyarrow as pa
    from pyarrow import types

    for kind in kinds:
        if isinstance(kind, pa.BaseExtensionType):
            yield from leaves([kind.storage_type], slots, in_list=in_list)
        elif types.is_fixed_size_list(kind):
            yield from leaves([kind.value_type], slots * kind.list_size, in_list=in_list)
        elif types.is_map(kind):
            yield from leaves([kind.key_type, kind.item_type], slots, in_list=True)
        elif types.is_struct(kind):
            fields = map(kind.field, range(kind.num_fields))
            yield from leaves((field.type for field in fields), slots, in_list=in_list)
        elif types.is_nested(kind):  # any other list
            yield from leaves([kind.value_type], slots, in_list=True)
        else:
            yield Leaf(slots, _place_size(kind) + in_list * _object_size(kind), in_list)


def _place_size(kind: Any) -> int:
    from pyarrow import types

    if types.is_fixed_size_binary(kind):
        return OBJECT_SIZE + int(kind.byte_width)
    return OBJECT_SIZE if types.is_decimal(kind) else CELL_SIZE


def has_fixed_cells(schema: Any) -> bool:
    """Return whether all columns are numbers, flags or times, which hide nothing."""
    return type_ids().fixed.issuperset(kind.id for kind in schema.types)


def is_flat(schema: Any) -> bool:
    """Return whether no column has lists, structs or an extension, which may have them inside."""
    import pyarrow as pa
    from pyarrow import types

    return all(
        kind.id in type_ids().exact
        or not (types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType))
        for kind in schema.types
    )


def batch_size(batch: Any) -> int:
    """Return the bytes of a batch's cells; RequestError for a form of it that hides them."""
    if _plain_ids().issuperset(kind.id for kind in batch.schema.types):
        return max(int(batch.nbytes), int(batch.num_rows * batch.num_columns) * CELL_SIZE)
    return max(int(batch.nbytes), sum(map(array_size, batch.columns)))


def array_size(array: Any) -> int:
    """Return the bytes of an array's cells; RequestError for a form of it that hides them."""
    if array.type.id in _plain_ids():
        return max(int(array.nbytes), len(array) * CELL_SIZE)
    size = CELL_SIZE if array.type.id in type_ids().small else OBJECT_SIZE
    return len(array) * size + _content_size(array, array.type)


def _content_size(array: Any, kind: Any) -> int:  # noqa: PLR0911
    """Return the bytes of what the cells hold, in addition to themselves."""
    import pyarrow as pa
    from pyarrow import types

    if isinstance(kind, pa.BaseExtensionType):
        return array_size(array.storage)
    if types.is_dictionary(kind):
        return _total(array.dictionary, array.indices)
    if types.is_run_end_encoded(kind):
        return _runs(array)
    if types.is_string_view(kind) or types.is_binary_view(kind):
        return int(_view_lengths(array).sum())
    if types.is_list_view(kind) or types.is_large_list_view(kind):
        _refuse_overlap(array)
    if types.is_map(kind):
        entries = _inner_size(array.keys) + _inner_size(array.items)
        return len(array) * _LIST_SIZE + len(array.keys) * _ENTRY_SIZE + entries
    if types.is_list(kind) or types.is_large_list(kind) or hasattr(array, "values"):
        return len(array) * _LIST_SIZE + _inner_size(array.values)
    if types.is_struct(kind):
        fields = map(array.field, range(kind.num_fields))
        return len(array) * _STRUCT_SIZE + sum(map(_inner_size, fields))
    if types.is_union(kind):  # pandas has none
        raise RequestError("expected columns that pandas can hold, got a union; send another type")
    return int(array.nbytes)


def _inner_size(array: Any) -> int:
    """Return the bytes of cells inside others, where texts are objects.

    So are times, and whole numbers beside nulls.
    """
    from pyarrow import types

    has_nulls = types.is_integer(array.type) and array.null_count
    size = OBJECT_SIZE if has_nulls else _object_size(array.type)
    return array_size(array) + len(array) * size


def _object_size(kind: Any) -> int:
    """Return the bytes of the object that a cell inside others becomes, in addition."""
    from pyarrow import types

    if types.is_temporal(kind):
        return _TIME_SIZE
    texts = (types.is_string, types.is_large_string, types.is_string_view)
    return OBJECT_SIZE if any(is_text(kind) for is_text in texts) else 0


def _sizes(values: Any) -> Any:
    """Return the bytes of each value."""
    import numpy as np
    from pyarrow import compute, types

    kind = values.type
    if types.is_string_view(kind) or types.is_binary_view(kind):
        return _view_lengths(values)
    texts = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    if any(is_text(kind) for is_text in texts):
        return compute.fill_null(compute.binary_length(values), 0).to_numpy(zero_copy_only=False)
    # The size of all is a bound of each where values differ in size.
    size = 0 if types.is_primitive(kind) else array_size(values)
    return np.full(len(values), size, np.int64)


def _total(values: Any, indices: Any) -> int:
    """Return the bytes of the values that indices refer to, each counted every time."""
    import numpy as np

    sizes = _sizes(values)
    present = indices.drop_null().to_numpy()
    is_inside = present[(present >= 0) & (present < len(sizes))]  # `validate` reports the others
    return int(np.asarray(sizes, np.int64)[is_inside].sum())


def _runs(array: Any) -> int:
    import numpy as np

    values = array.values
    ends = np.clip(array.run_ends.to_numpy().astype(np.int64) - array.offset, 0, len(array))
    lengths = np.diff(ends, prepend=0)
    cells = array_size(values) // max(len(values), 1)
    return int((np.asarray(_sizes(values), np.int64) * lengths).sum()) + cells * len(array)


def _view_lengths(array: Any) -> Any:
    """Return the length of each text of an array of views; views may share their texts."""
    import numpy as np

    buffer = array.buffers()[1]
    words = np.frombuffer(buffer, np.int32) if buffer else np.empty(0, np.int32)
    lengths = words[:: _VIEW_SIZE // 4][array.offset : array.offset + len(array)]
    return np.where(array.is_valid().to_numpy(zero_copy_only=False), lengths, 0).astype(np.int64)


def _refuse_overlap(array: Any) -> None:
    """Raise RequestError for lists that share their values."""
    import numpy as np

    offsets = array.offsets.to_numpy().astype(np.int64)
    ends = offsets + array.sizes.to_numpy()
    order = np.argsort(offsets, kind="stable")
    is_empty = ends == offsets
    order = order[~is_empty[order]]
    if (ends[order][:-1] > offsets[order][1:]).any():
        raise RequestError("expected lists with values of their own, got views that overlap")
