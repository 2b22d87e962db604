"""How values travel: every codec there is, by kind of value and format.

A new format is one module with one `Codec` class, and its name in `_ALL`.
"""

from __future__ import annotations

from typing import Any, cast

from .array_csv import ArrayCSV
from .array_json import ArrayJSON
from .array_npy import ArrayNPY
from .base import Codec as Codec
from .base import JSONCodec as JSONCodec
from .base import Kind as Kind
from .base import Options as Options
from .column_labels import column_index as column_index
from .decoded_size import check_decoded_size as check_decoded_size
from .file_binary import FileBinary, FileJSON
from .file_bytes import FileBytes as FileBytes
from .formats import Format as Format
from .image_pillow import ImageBMP, ImageGIF, ImageJPEG, ImageJSON, ImagePNG, ImageTIFF, ImageWEBP
from .scalar_json import ScalarJSON
from .scalar_text import ScalarText
from .table_arrow import TableArrow, TableFeather
from .table_csv import TableCSV, TableTSV
from .table_html import TableHTML
from .table_json import TableJSON
from .table_jsonl import TableJSONL
from .table_ods import TableODS
from .table_parquet import TableParquet
from .table_xls import TableXLS
from .table_xlsx import TableXLSX
from .table_xml import TableXML
from .tree_json import TreeJSON
from .tree_msgpack import TreeMsgpack
from .tree_protobuf import TreeProtobuf
from .tree_xml import TreeXML
from .tree_yaml import TreeYAML
from .workbooks import WORKBOOKS as WORKBOOKS

_ALL: tuple[Codec[Any], ...] = (
    TableCSV(),
    TableJSON(),
    TableXLSX(),
    TableTSV(),
    TableJSONL(),
    TableXLS(),
    TableODS(),
    TableXML(),
    TableParquet(),
    TableArrow(),
    TableFeather(),
    TableHTML(),
    ArrayJSON(),
    ArrayCSV(),
    ArrayNPY(),
    TreeJSON(),
    TreeXML(),
    TreeYAML(),
    TreeMsgpack(),
    TreeProtobuf(),
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
)

_BY_KIND: dict[Kind, dict[Format, Codec[Any]]] = {kind: {} for kind in Kind}
for _codec in _ALL:
    _BY_KIND[_codec.kind][_codec.format] = _codec


def formats(kind: Kind) -> list[Format]:
    """Return the formats that a kind of value can travel in, with what is installed here."""
    return [format for format, codec in _BY_KIND[kind].items() if codec.is_available]


def readable(kind: Kind) -> list[Format]:
    """Return those of its formats that can be read."""
    return [format for format in formats(kind) if _BY_KIND[kind][format].reads]


def writable(kind: Kind) -> list[Format]:
    """Return those of its formats that can be written."""
    return [format for format in formats(kind) if _BY_KIND[kind][format].writes]


def find(kind: Kind, format: Format) -> Codec[Any] | None:
    """Return the codec, or None where there is none; MissingPackage if it lacks a library."""
    codec = _BY_KIND[kind].get(format)
    if codec is not None:
        codec.require(f"{format.name} as a {kind.name.lower()}")
    return codec


def preload(kind: Kind) -> None:
    """Import the libraries that this kind of value needs, in whatever format it comes."""
    for codec in _BY_KIND[kind].values():
        codec.preload()


def json_of(kind: Kind) -> JSONCodec[Any]:
    """Return what reads and writes this kind as a part of a JSON text; every kind has one."""
    return cast("JSONCodec[Any]", _BY_KIND[kind][Format.JSON])
