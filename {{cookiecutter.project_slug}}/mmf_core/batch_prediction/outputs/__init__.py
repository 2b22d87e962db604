"""Outputs: one module for each way to make a file of parts.

A process encodes the table of each chunk as a part. When the parts are there, they are appended in
order. Formats that are not here are encoded whole at the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...codecs import Format
from .arrow import ArrowOutput, ParquetOutput
from .base import Output as Output
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


def output_of(format: Format, compression: str, options: Mapping[str, Any]) -> Output:
    """Return what writes a format; BatchError if it cannot be compressed so."""
    return OUTPUTS.get(format, WholeOutput)(format, compression, options)
