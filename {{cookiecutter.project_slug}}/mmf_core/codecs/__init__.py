"""How values travel: a codec for each kind of value in each format.

A codec turns bytes into a value and back. It knows nothing of HTTP, descriptors or targets, and
code outside of this folder uses only the names that are imported here with `as`.

**Core codecs** are listed in `_CORE`, in order of preference: JSON of every kind, CSV and TSV,
XLSX, plain text, files, and pictures.

**Optional codecs** are modules of this folder with a tuple `CODECS`. They are found by being there:
delete the file, and the format is gone from `Accept`, OpenAPI, the page and every error message;
drop a file in, and it is offered. Such a module

- is called `<kind>_<format or library>.py`, and holds everything that only its codecs need;
- defines `CODECS`, a tuple of `Codec` instances, each with a `kind`, a `format` of `Format` (add
  a member for a new format) and `requires`, the libraries that it imports inside its methods;
- is imported by no other module, so that nothing breaks when it is deleted;
- raises RequestError for bytes that cannot be read, and TypeError or ValueError for a value that
  the format cannot hold;
- declares `memory_weights` if small values of its text grow in memory (see `decoded_size`).

After the core codecs, optional ones come in the order of `Format`. `OPTIONAL` lists them by module.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, cast

from ..packages import find_declared
from . import csv_dialect as csv_dialect
from .array_csv import ArrayCSV
from .array_json import ArrayJSON
from .arrow_to_pandas import from_batches as from_batches
from .base import Codec as Codec
from .base import JSONCodec as JSONCodec
from .base import Kind as Kind
from .base import Options as Options
from .cell_text import naming_cells as naming_cells
from .charset_names import charset_codec as charset_codec
from .column_labels import column_index as column_index
from .column_labels import forget_labels as forget_labels
from .decoded_size import RECORD_WEIGHTS as RECORD_WEIGHTS
from .decoded_size import MemoryBudget as MemoryBudget
from .decoded_size import SparseTable as SparseTable
from .decoded_size import TooManyColumns as TooManyColumns
from .decoded_size import check_columns as check_columns
from .decoded_size import check_shape as check_shape
from .decoded_size import max_memory as max_memory
from .decoded_size import read_json as read_json
from .file_binary import FileBinary, FileJSON
from .file_bytes import FileBytes as FileBytes
from .formats import Format as Format
from .image_pillow import ImageBMP, ImageGIF, ImageJPEG, ImageJSON, ImagePNG, ImageTIFF, ImageWEBP
from .json import forget_keys as forget_keys
from .json_conversion import as_container as as_container
from .json_values import JSONValue
from .json_values import check_depth as check_depth
from .json_values import plain as plain
from .kept_columns import without_long_numbers as without_long_numbers
from .masked_arrays import is_masked as is_masked
from .masked_arrays import python_value as python_value
from .masked_arrays import unmasked as unmasked
from .number_format import NumberFormat as NumberFormat
from .number_format import any_number as any_number
from .number_format import is_ambiguous as is_ambiguous
from .number_format import number_format_of as number_format_of
from .number_format import real_number as real_number
from .number_format import whole_number as whole_number
from .number_table import NumberTable as NumberTable
from .number_table import as_frame as as_frame
from .number_table import number_table as number_table
from .number_table import prediction_names as prediction_names
from .repeated_names import RepeatedNames as RepeatedNames
from .repeated_names import with_repeated_names as with_repeated_names
from .row_text import is_block as is_block
from .scalar_text import ScalarJSON, ScalarText
from .stream_chunks import StreamCodec as StreamCodec
from .stream_chunks import StreamEvents, StreamLines, StreamText
from .table_csv import TableCSV, TableTSV
from .table_json import TableJSON
from .table_shapes import MLFLOW_WRAPPERS as MLFLOW_WRAPPERS
from .table_shapes import SPLIT_KEYS as SPLIT_KEYS
from .table_xlsx import TableXLSX as TableXLSX
from .typed_columns import table_of as table_of
from .typed_columns import typed_column as typed_column
from .whole_numbers import MAX_EXACT_FLOAT as MAX_EXACT_FLOAT
from .whole_numbers import exact_array as exact_array
from .whole_numbers import integers_with_nulls as integers_with_nulls
from .whole_numbers import max_exact_float as max_exact_float
from .workbooks import WORKBOOK_STARTS as WORKBOOK_STARTS
from .workbooks import WORKBOOKS as WORKBOOKS
from .workbooks import sheet_and_header as sheet_and_header
from .workbooks import workbook_format as workbook_format
from .xml_text import replace_invalid as replace_invalid
from .zipped import exceeds as exceeds

_CORE: tuple[Codec[Any], ...] = (
    TableCSV(),
    TableJSON(),
    TableXLSX(),
    TableTSV(),
    ArrayJSON(),
    ArrayCSV(),
    JSONValue(),
    ImagePNG(),
    ImageJPEG(),
    ImageWEBP(),
    ImageGIF(),
    ImageBMP(),
    ImageTIFF(),
    ImageJSON(),
    ScalarJSON(),
    ScalarText(),
    FileBinary(),
    FileJSON(),
    StreamEvents(),
    StreamText(),
    StreamLines(),
)


OPTIONAL: dict[str, tuple[Codec[Any], ...]] = find_declared(__name__, "CODECS")
"""Module → its codecs, for every optional module there is."""

_BY_KIND: dict[Kind, dict[Format, Codec[Any]]] = {kind: {} for kind in Kind}
for _codec in (
    *_CORE,
    *sorted(chain(*OPTIONAL.values()), key=lambda codec: list(Format).index(codec.format)),
):
    _BY_KIND[_codec.kind][_codec.format] = _codec


def formats(kind: Kind) -> list[Format]:
    """Return the formats of a kind of value whose libraries are installed, preferred ones first."""
    return [format for format, codec in _BY_KIND[kind].items() if codec.is_available]


def readable(kind: Kind) -> list[Format]:
    """Return the formats that can be read."""
    return [format for format in formats(kind) if _BY_KIND[kind][format].reads]


def writable(kind: Kind) -> list[Format]:
    """Return the formats that can be written."""
    return [format for format in formats(kind) if _BY_KIND[kind][format].writes]


def find(kind: Kind, format: Format) -> Codec[Any] | None:
    """Return the codec, or None if there is none; MissingPackage if it lacks a library."""
    codec = _BY_KIND[kind].get(format)
    if codec is not None:
        codec.require(format.name)
    return codec


def preload(kind: Kind) -> None:
    """Import the libraries that a kind of value needs, in any format."""
    for codec in _BY_KIND[kind].values():
        codec.preload()


def json_of(kind: Kind) -> JSONCodec[Any]:
    """Return the codec of this kind inside a JSON text; every kind but a stream has one."""
    return cast("JSONCodec[Any]", _BY_KIND[kind][Format.JSON])
