"""Where the records of a text end, so that it can be cut into pieces that are read by themselves.

A quote begins a quoted cell only at the start of the cell, as for pandas' parser. In a quoted cell
separators and line breaks are text, and a quote is written twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Any

from ..errors import quoted
from .chunks import Limits
from .errors import BatchError

if TYPE_CHECKING:
    import numpy as np

_LF, _CR, _QUOTE = b'\n\r"'
_SHOWN = 60  # bytes of a record in a message
_QUOTED = rb'"(?:(?<=[%b\r\n]")|(?<=\A"))(?:[^"]++|"")*+(?:"|\Z)[^%b\r\n]*+'


class Records:
    """Finds the ends of records: of CSV with this separator, or, without one, of lines."""

    def __init__(self, separator: bytes = b"") -> None:
        self._separator = separator
        sign = re.escape(separator)
        self._quoted = re.compile(_QUOTED % (sign, sign))

    def ends(self, text: bytes) -> np.ndarray[Any, Any]:
        """Return where each complete record ends, its line break included.

        `text` begins with a record. A return at its very end may be half of a line break.
        """
        import numpy as np

        characters = np.frombuffer(text, np.uint8)
        ends = np.flatnonzero(characters == _LF) + 1
        if b"\r" in text:
            returns = np.flatnonzero(characters == _CR) + 1
            returns = returns[returns < len(text)]
            ends = np.sort(np.append(ends, returns[characters[returns] != _LF]))
        if not self._separator or b'"' not in text:
            return ends
        starts, stops = self._quoted_cells(text, characters)
        if not len(starts):
            return ends
        before = np.searchsorted(starts, ends - 1, side="right") - 1
        return ends[(before < 0) | (stops[before] <= ends - 1)]

    def split(self, text: bytes) -> list[bytes]:
        """Return the records, the last of which may lack its line break."""
        ends = [0, *self.ends(text).tolist()]
        if ends[-1] < len(text):
            ends.append(len(text))
        return [text[start:end] for start, end in pairwise(ends)]

    def blocks(self, stream: IO[bytes], start: bytes, limits: Limits, name: str) -> Iterator[bytes]:
        """Yield the records of a stream, as many at a time as the limits allow.

        `start` are bytes that have been read already. BatchError for a record that is too long.
        """
        import numpy as np

        text = start
        while True:
            read = stream.read(limits.size)
            text += read
            ends = self.ends(text)
            if not read and text and (not len(ends) or ends[-1] < len(text)):
                ends = np.append(ends, len(text))
            begin = 0
            for end in ends[limits.rows - 1 :: limits.rows].tolist():
                yield text[begin:end]
                begin = end
            complete = int(ends[-1]) if len(ends) else 0
            if complete > begin and (not read or len(text) - begin >= limits.size):
                yield text[begin:complete]
                begin = complete
            text = text[begin:]
            if len(text) > limits.longest_record:
                raise _too_long(text, limits.longest_record, name)
            if not read:
                return

    def _quoted_cells(
        self, text: bytes, characters: np.ndarray[Any, Any]
    ) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Return where quoted cells begin and end."""
        import numpy as np

        quotes = np.flatnonzero(characters == _QUOTE)
        opening, closing = quotes[::2], quotes[1::2]
        is_delimiter = np.zeros(256, bool)
        is_delimiter[[*self._separator, _LF, _CR]] = True
        after = closing[closing + 1 < len(text)] + 1
        begins = is_delimiter[characters[opening - 1]] | (opening == 0)
        if begins.all() and is_delimiter[characters[after]].all():  # no quote inside of a cell
            is_open = len(opening) > len(closing)
            return opening, np.append(closing, len(text)) if is_open else closing
        spans = [match.span() for match in self._quoted.finditer(text)]
        cells = np.array(spans, np.int64).reshape(-1, 2)
        return cells[:, 0], cells[:, 1]


def _too_long(text: bytes, longest: int, name: str) -> BatchError:
    start = text[:_SHOWN].decode(errors="replace")
    return BatchError(
        f"{name}: the record that begins with {quoted(start)} has more than {longest:,} bytes; "
        f"a closing quote may be missing (set MMF_MAX_BODY_MIB)"
    )
