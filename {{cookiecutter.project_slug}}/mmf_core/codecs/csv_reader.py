"""Separated text as a table of exact cells.

pandas' parser reads all columns. Where it may have lost something, such as the last digits of a
whole number beside an empty cell, a second pass reads these columns as text.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Set
from contextlib import suppress
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from ..errors import InvalidValue, RequestError
from .base import Options, supported_options
from .csv_text import too_many_cells
from .kept_columns import exact_texts, kept_names
from .number_format import (
    MAX_FLOAT_DIGITS,
    NumberFormat,
    any_number,
    cell_overflow_error,
    set_number_format,
)
from .typed_columns import typed_column
from .whole_numbers import MAX_EXACT_FLOAT, has_many_digits

if TYPE_CHECKING:
    import pandas as pd

# Words that pandas reads as null. They are null among numbers; among texts they are texts.
_NULL_WORDS = [
    *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
]
_NULL_OPTIONS = {"na_values", "keep_default_na", "na_filter"}
_NAME_OPTIONS = {"header", "names", "usecols", "index_col"}
_TYPE_OPTIONS = ("dtype", "converters", "parse_dates")
_READ_AS_TEXT = {str, bool}  # at once; for dates, the parser's guess takes half the time
# Where a column of a declared type is of such a kind, in NumPy's terms, nothing is lost.
_EXACT_KINDS: dict[type | None, str] = {
    float: "iuf",
    int: "iu",
    bool: "O",
    None: "iub",
}
_LONG_ROW = re.compile(r"Expected \d+ fields in line \d+, saw")
_NEGATIVE_ZERO = re.compile(rb"-0++(?![0-9.eE])")  # -0, which is 0 in a column of integers
_POINT = NumberFormat()
MAX_REPLACED = 64
_FIRST_PASS_ONLY = {*_TYPE_OPTIONS, "date_format", "index_col", "usecols"}


def read(
    text: bytes, options: Options, name: str, number_format: NumberFormat = _POINT
) -> pd.DataFrame:
    """Read UTF-8; `name` is the format's in a RequestError."""
    import pandas as pd

    arguments = {"low_memory": False, **supported_options(pd.read_csv, options)}
    reader = _Reader(text, arguments, options.get("types", {}), number_format)
    try:
        table = reader.first_pass()
        if "index_col" not in arguments and not table.index.equals(pd.RangeIndex(len(table))):
            # pandas took the first cells for an index; every column's values are shifted by one.
            raise too_many_cells(text, name)
        names = table.columns.tolist()
        kept = kept_names(names, options)
        is_block = (
            not kept
            and options.get("floats")
            and reader.is_usual
            and table.to_numpy().dtype.kind in _EXACT_KINDS[float]
        )
        if not is_block and (inexact := reader.inexact_columns(table, names, kept)):
            table = _replaced(table, reader.second_pass(inexact, kept))
        reader.restore_names(table, names)
    except InvalidValue:  # of an author's converter, or a number that is too large
        raise
    except (ValueError, OverflowError) as error:  # pandas' parser errors are ValueErrors
        if str(error).endswith("C error: out of memory"):
            raise MemoryError from error  # not the client's fault
        if _LONG_ROW.search(str(error)):
            raise too_many_cells(text, name) from None
        raise RequestError(f"this {name} cannot be read: {str(error).strip()}") from None
    set_number_format(table, number_format)
    return table


class _Reader:
    """One text, the arguments of `pandas.read_csv`, and the declared types of columns."""

    def __init__(
        self,
        text: bytes,
        arguments: dict[str, Any],
        types: Mapping[str, type],
        number_format: NumberFormat,
    ) -> None:
        self._text = text
        self._arguments = {**arguments, "decimal": number_format.decimal}
        self._number_format = number_format
        self._signs = number_format.decimal, number_format.thousands
        self._chosen, self._chooses_all = _chosen_columns(arguments)
        if arguments.keys() & {"true_values", "false_values"}:
            types = {name: type_ for name, type_ in types.items() if type_ is not bool}
        self._types = {name: type_ for name, type_ in types.items() if name not in self._chosen}
        self._knows_nulls = not arguments.keys() & _NULL_OPTIONS
        self._exact_kinds = _EXACT_KINDS
        if number_format.thousands:  # pandas reads 1.5 as 15
            self._exact_kinds = {bool: "O", None: "b"}
        elif float in self._types.values() and _has_negative_zero(text):
            self._exact_kinds = _EXACT_KINDS | {float: "u"}
        elif not number_format.is_proven:
            self._exact_kinds = _EXACT_KINDS | {float: "iu"}
        self.is_usual = self._exact_kinds is _EXACT_KINDS

    def first_pass(self) -> pd.DataFrame:
        """Parse all columns: as text where texts, or true and false, are declared."""
        dtype = self._arguments.get("dtype", {})
        texts = {name: str for name, type_ in self._types.items() if type_ in _READ_AS_TEXT}
        return self._parse({"dtype": texts | dtype} if texts and not self._chooses_all else {})

    def inexact_columns(self, table: pd.DataFrame, names: list[Any], kept: Set[Any]) -> list[Any]:
        """Return the columns that the first pass may have changed."""
        if self._chooses_all:
            return []
        columns = enumerate(zip(names, table.dtypes.tolist(), strict=True))
        return [
            name
            for index, (name, dtype) in columns
            if (name in kept and name not in self._chosen)
            or (
                dtype.kind not in self._exact_kinds.get(self._types.get(name), "")
                and not self._is_exact(table, index, name, dtype)
            )
        ]

    def second_pass(self, columns: list[Any], kept: Set[Any]) -> dict[Any, Any]:
        """Return exact texts, or else the numbers that they show, of these columns."""
        arguments: dict[str, Any] = {"dtype": str, "usecols": columns}
        if self._knows_nulls:
            nulls = {
                name: [""] if self._types.get(name) in {str, None} else ["", *_NULL_WORDS]
                for name in columns
            }
            arguments |= {"keep_default_na": False, "na_values": nulls}
        texts = self._parse(arguments, without=_FIRST_PASS_ONLY)
        return {name: self._exact(texts[name], is_kept=name in kept) for name in columns}

    def _exact(self, column: pd.Series, *, is_kept: bool) -> Any:
        if column.name in self._types:
            return column.array  # the table's index may be the author's
        return exact_texts(column) if is_kept else self._guess(column)

    def restore_names(self, table: pd.DataFrame, names: list[Any]) -> None:
        """Give columns the names of the header, in which pandas makes duplicates unique: `a.1`."""
        if ".1" not in "".join(map(str, names)):
            return
        stems = {name.rpartition(".")[0] for name in map(str, names)}
        if stems.isdisjoint(names) or self._arguments.keys() & _NAME_OPTIONS:
            return
        first = {"dtype": str, "header": None, "nrows": 1, "na_filter": False}
        cells = self._parse(first, without=_FIRST_PASS_ONLY).iloc[0].tolist()
        if len(set(cells)) < len(cells) == len(names):
            table.columns = [cell or name for cell, name in zip(cells, names, strict=True)]

    def _is_exact(self, table: pd.DataFrame, index: int, name: Any, dtype: Any) -> bool:
        if name in self._chosen or index in self._chosen:
            return True
        type_ = self._types.get(name)
        # Making a Series takes as long as reading a small table.
        if type_ not in {str, None}:
            # The parser leaves null words in texts beside a whole number of more than 64 bits.
            has_nulls = self._has_long_number and self._has_null_word
            is_text = type_ is datetime and dtype == "str" and not has_nulls
            return is_text or (dtype.kind == "f" and bool(table.iloc[:, index].isna().all()))
        if self._number_format.thousands and dtype.kind in "iuf":
            return False
        if dtype.kind == "f":
            return not self._has_long_number or self._holds_digits(table.iloc[:, index])
        if dtype == "str":
            return self._holds_texts(table.iloc[:, index], type_)
        return type_ is not None or dtype.kind != "O" or not self._has_huge_number

    def _holds_digits(self, floats: pd.Series) -> bool:
        return not (floats.abs() >= MAX_EXACT_FLOAT).any()

    def _holds_texts(self, texts: pd.Series, type_: type | None) -> bool:
        """Return whether texts are neither null words nor numbers that no type of NumPy's holds."""
        if texts.hasnans and self._has_null_word:
            return False
        return type_ is str or not (self._has_long_number and self._begins_with_number(texts))

    def _guess(self, texts: pd.Series) -> Any:
        """Return numbers if all cells are numbers or null; else the texts."""
        nulls = {*_NULL_WORDS} if self._knows_nulls else set()
        numbers: list[Any] = []
        cells = texts.tolist()
        overflows = False
        for text in cells:
            is_null = not isinstance(text, str) or text in nulls
            try:
                numbers.append(None if is_null else any_number(text, *self._signs))
            except OverflowError:  # unless a word follows: then it is a text
                overflows = True
                continue
            if numbers[-1] is None and not is_null:
                return texts.array
        if overflows:
            name = str(texts.name)
            places = ((row, name, text) for row, text in enumerate(cells) if isinstance(text, str))
            raise cell_overflow_error(places, *self._signs)
        return typed_column(numbers)

    def _begins_with_number(self, texts: pd.Series) -> bool:
        text = texts.iat[0] if len(texts) else ""
        if not isinstance(text, str) or not text or text in _NULL_WORDS:
            return True
        with suppress(OverflowError):
            return any_number(text, *self._signs) is not None
        return True

    @cached_property
    def _has_null_word(self) -> bool:
        return self._knows_nulls and any(word.encode() in self._text for word in _NULL_WORDS)

    @cached_property
    def _has_long_number(self) -> bool:
        return bool(self._number_format.thousands) or has_many_digits(self._text)

    @cached_property
    def _has_huge_number(self) -> bool:
        """Whether there may be whole numbers that `integer` refuses, but not the parser."""
        return has_many_digits(self._text, MAX_FLOAT_DIGITS)

    def _parse(self, arguments: Mapping[str, Any], without: Set[str] = frozenset()) -> pd.DataFrame:
        import pandas as pd

        shared = {key: value for key, value in self._arguments.items() if key not in without}
        return cast("pd.DataFrame", pd.read_csv(io.BytesIO(self._text), **{**shared, **arguments}))


def _replaced(table: pd.DataFrame, columns: Mapping[Any, Any]) -> pd.DataFrame:
    """Return a table with these columns' cells in place of its own.

    Replacing one takes longer the more columns there are; a new table takes its time once.
    """
    import pandas as pd

    if len(columns) > MAX_REPLACED:
        own = {name: columns[name] if name in columns else table[name].array for name in table}
        return pd.DataFrame(own, index=table.index)
    for name, cells in columns.items():
        table[name] = cells
    return table


def _has_negative_zero(text: bytes) -> bool:
    # One byte is found ten times faster than two, and two than a pattern.
    return b"-" in text and b"-0" in text and _NEGATIVE_ZERO.search(text) is not None


def _chosen_columns(arguments: Mapping[str, Any]) -> tuple[set[Any], bool]:
    """Return the columns whose types the author chose in pandas' terms, and whether it is all."""
    chosen: set[Any] = set()
    for option in _TYPE_OPTIONS:
        columns = arguments.get(option)
        if type(columns) is dict or isinstance(columns, list | tuple):
            chosen.update(columns)
        elif columns is not None and option == "dtype":
            return set(), True
    return chosen, False
