"""`X-Cells-Read`: which texts in cells a lenient table has read as what."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from flask import Flask, Response

from ..descriptors import CellsRead, DataFrame, cells_read
from ..target import Target

HEADER = "X-Cells-Read"
MAX_LENGTH = 2_000  # characters; proxies refuse a head of a few thousand
MAX_TEXT = 40


def install(app: Flask, targets: Iterable[Target]) -> None:
    """Have responses say what was read, if a target has a lenient table; others pay nothing."""
    if any(map(is_lenient, targets)):
        app.before_request(_begin)
        app.after_request(_report)
        app.teardown_request(_end)


def is_lenient(target: Target) -> bool:
    """Return whether a table of a target is read leniently."""
    tables = (argument for argument in target.arguments.values() if isinstance(argument, DataFrame))
    return any(table.lenient for table in tables)


def _begin() -> None:
    cells_read.set([])


def _end(_error: BaseException | None) -> None:
    cells_read.set(None)


def _report(response: Response) -> Response:
    if notes := cells_read.get():
        response.headers[HEADER] = _listed(notes)
    return response


def _listed(notes: Iterable[CellsRead]) -> str:
    """Return a JSON list, in ASCII, of as many columns as there is room for."""
    entries, length = [], 0
    for note in notes:
        texts = {"column": note.column, "text": note.text, "value": note.value}
        short = {name: text[:MAX_TEXT] for name, text in texts.items()}
        entries.append(entry := json.dumps({**asdict(note), **short}))
        length += len(entry)
        if length > MAX_LENGTH:
            entries[-1] = json.dumps({"column": "and others"})
            break
    return f"[{', '.join(entries)}]"
