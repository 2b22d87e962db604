"""The table of limits in docs/formats.md has the figures of the code."""

from pathlib import Path

import pytest

from mmf_core.codecs import (
    array_csv,
    array_json,
    decoded_size,
    encoded_size,
    image_blocks,
    json_msgpack,
    json_protobuf,
    json_values,
    json_xml,
    json_yaml,
    object_fields,
    parquet_pages,
    repeated_names,
    sheet_formulas,
    table_csv,
    table_html,
    table_json,
    table_ods,
    table_xlsx,
    table_xml,
    xml_text,
    zipped,
)
from mmf_core.descriptors import lenient_cells, lists, schema
from mmf_core.grpc import message_size
from mmf_core.grpc import settings as grpc_settings
from mmf_core.server import connections
from mmf_core.v2 import messages
from mmf_core.web.http import (
    content_encoding,
    multipart,
    request_parts,
    requests,
)

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
LIMITS = {
    "anything that is sent": [decoded_size.MAX_GROWTH],
    "JSON, YAML": [json_values.MAX_DEPTH],
    "a table |": [decoded_size.MAX_COLUMNS, decoded_size.DENSE_CELLS],
    "an array": [decoded_size._EMPTY_CELLS],
    "JSON with a name": [repeated_names._MOST_OBJECTS],
    "XLSX, ODS": [zipped.MAX_ROWS],
    "XLSX |": [zipped.MAX_TAGS, sheet_formulas._MAX_CHANGED],
    "ODS": [table_ods._MAX_TAGS, table_ods._MAX_CHANGED],
    "`?header_row=`": [request_parts.MAX_HEADER_ROW],
    "columns of numbers": [schema.MAX_TEXTS],
    "a table with": [lenient_cells._MAX_CELLS],
    "YAML": [json_yaml.MAX_REPEATED, json_yaml.TEXT_UNIT],
    "MessagePack": [json_msgpack.MAX_LENGTH],
    "XML |": [xml_text._MOST_NAMESPACE],
    "Parquet": [parquet_pages._MAX_STRUCTURES],
    "a picture": [
        image_blocks._MAX_BLOCKS,
        image_blocks._MAX_EXIF,
        image_blocks._MAX_SCANNED,
        image_blocks._MAX_RUN_LENGTH // decoded_size.MIB,
    ],
    "`mmf.List`": [lists.MAX_ITEMS],
    "V2": [messages.MAX_ID],
    "gRPC": [
        message_size.MAX_FIELDS,
        message_size.LARGEST_GROWTH,
        decoded_size.MAX_GROWTH,
        grpc_settings.MAX_STREAMS,
        grpc_settings.MAX_CALLS,
        grpc_settings.PUBLIC_READS,
    ],
    "a form": [
        requests._MAX_FIELDS,
        requests._MAX_ESCAPES,
        multipart.MAX_HEADERS // 1024,
        multipart.MAX_ALL_HEADERS // 1024,
    ],
    "`Accept`": [requests.MAX_HEADER // 1024],
    "a body in chunks": [connections._MAX_CHUNKS],
    "`Content-Encoding`": [content_encoding.MAX_CODINGS, content_encoding.MAX_MEMBERS],
    "**any table": [decoded_size.MAX_COLUMNS, decoded_size.MAX_GROWTH],
    "characters that are escaped": [encoded_size._BYTES_PER_ESCAPE],
    "as XLSX": [table_xlsx.MAX_ROWS, table_xlsx._MOST_CELLS, table_xlsx.MAX_TEXT],
    "as XML": [table_xml._MOST_CELLS, table_html._MOST_CELLS],
    "as CSV": [table_csv._MOST_CELLS, table_json._MOST_CELLS],
    "objects in the cells": [decoded_size.MAX_COLUMNS, object_fields._MOST_CELLS],
    "an array that": [array_json._MOST_VALUES, array_csv._MOST_VALUES],
    "a JSON value that": [json_yaml._MOST_VALUES],
    "a JSON value as": [
        json_protobuf._MOST_VALUES,
        json_xml._MOST_VALUES,
        json_msgpack._MOST_VALUES,
    ],
}


@pytest.mark.parametrize("name", LIMITS)
def test_documented_limits_match_the_code(name: str) -> None:
    table = PAGE.read_text(encoding="utf-8").partition("## Limits that no setting changes")[2]
    row = next(line for line in table.splitlines() if line.startswith((f"| {name}", f"| **{name}")))
    assert all(f"{limit:,}" in row for limit in LIMITS[name]), row


def test_documented_cell_weights_match_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"counts for {encoded_size._SLOW_CELL} cells" in text
    assert f"a time in a zone for {encoded_size._ZONED_CELL}." in text
