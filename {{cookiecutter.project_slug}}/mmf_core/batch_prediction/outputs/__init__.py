"""Outputs: one module for each way to make a file of parts.

A process encodes the table of each chunk as a part. When the parts are there, they are appended in
order. Formats that are not here are encoded whole at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...codecs import Format
from ..destination import Destination
from .arrow import ArrowOutput, ParquetOutput
from .base import Output as Output
from .sql import SQLOutput
from .text import TextOutput
from .whole import WholeOutput

OUTPUTS: dict[Format, type[Output]] = {
    Format.CSV: TextOutput,
    Format.TSV: TextOutput,
    Format.JSONL: TextOutput,
    Format.PARQUET: ParquetOutput,
    Format.ARROW: ArrowOutput,
    Format.FEATHER: ArrowOutput,
}


def output_of(destination: Destination, options: Mapping[str, Any]) -> Output:
    """Return what writes to a destination; BatchError if its format cannot be compressed so."""
    writer = SQLOutput if destination.place else OUTPUTS.get(destination.format, WholeOutput)
    return writer(destination.format, destination.compression, options)
