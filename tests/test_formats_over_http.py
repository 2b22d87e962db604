"""Every cell of the README's table of formats, over HTTP against a running gunicorn.

A listed format must be accepted or returned; a registered one must be listed.
Bodies are written, and responses read, by libraries that the service does not use, if any.
"""

import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from baking import ROOT
from mmf_core.codecs import Format, Kind, formats, readable, writable
from samples import BODIES, READERS, VALUES
from services import Service, serve

MAIN = """
import mmf_core as mmf
from mmf_core.web import create_app


@mmf.target(returns=mmf.DataFrame())
def table(data=mmf.DataFrame()):
    return data


@mmf.target(returns=mmf.Array())
def array(data=mmf.Array()):
    return data


@mmf.target(returns=mmf.Dict())
def tree(data=mmf.Dict()):
    return data


@mmf.target(returns=mmf.Img())
def image(data=mmf.Img()):
    return data


@mmf.target(returns=mmf.String())
def string(data=mmf.String()):
    return data


@mmf.target(returns=mmf.Integer())
def integer(data=mmf.Integer()):
    return data


@mmf.target(returns=mmf.Float())
def float_(data=mmf.Float()):
    return data


@mmf.target(returns=mmf.Bool())
def bool_(data=mmf.Bool()):
    return data


@mmf.target(returns=mmf.Date())
def date(data=mmf.Date()):
    return data


@mmf.target(returns=mmf.Datetime())
def datetime(data=mmf.Datetime()):
    return data


@mmf.target(returns=mmf.File())
def file(data=mmf.File()):
    return data


app = create_app()
"""
ROWS = {
    "tables": Kind.TABLE,
    "arrays": Kind.ARRAY,
    "objects": Kind.JSON,
    "pictures": Kind.IMAGE,
    "scalars": Kind.SCALAR,
    "files": Kind.FILE,
}
ROUTES = {
    Kind.TABLE: {"DataFrame": "table"},
    Kind.ARRAY: {"Array": "array"},
    Kind.JSON: {"Dict": "tree"},
    Kind.IMAGE: {"Img": "image"},
    Kind.SCALAR: {
        "String": "string",
        "Integer": "integer",
        "Float": "float_",
        "Bool": "bool_",
        "Date": "date",
        "Datetime": "datetime",
    },
    Kind.FILE: {"File": "file"},
}
QUERY = "in the query string"
WORDS = {
    "JSON lines": "JSONL",
    ".npy": "NPY",
    "plain text": "TEXT",
    "anything": "BINARY",
    "MessagePack": "MSGPACK",
}
# In JSON these are base64; the table lists formats of whole bodies.
KINDS = set(Kind) - {Kind.STREAM}  # result only: docs/streams.md lists its formats
IN_JSON = {(Kind.IMAGE, Format.JSON), (Kind.FILE, Format.JSON)}


class Cell(NamedTuple):
    """A format in the table, of one descriptor."""

    kind: Kind
    descriptor: str
    form: Format

    def __str__(self) -> str:
        return f"{self.descriptor}-{self.form.name}"

    @property
    def route(self) -> str:
        """The route that accepts and returns this kind."""
        return ROUTES[self.kind][self.descriptor]


class Table(NamedTuple):
    """The table in the README."""

    accepted: list[Cell]
    returned: list[Cell]
    in_query: set[Kind]


def _read_table() -> Table:
    table = Table([], [], set())
    section = (ROOT / "README.md").read_text(encoding="utf-8").split("## Supported formats")[1]
    for line in re.findall(r"(?m)^\| (\w+: .*) \|$", section.split("\n## ")[0]):
        row, both, accepted, returned = (cell.strip() for cell in f"{line} ".split("|"))
        name, _, descriptors = row.partition(":")
        for descriptor in re.findall(r"`(\w+)`", descriptors):
            assert descriptor in ROUTES[ROWS[name]], f"{descriptor} has no target in this test"
            for text in _words(both):
                if text == QUERY:
                    table.in_query.add(ROWS[name])
                else:
                    cell = Cell(ROWS[name], descriptor, _format(text))
                    table.accepted.append(cell)
                    table.returned.append(cell)
            for cells, texts in ((table.accepted, accepted), (table.returned, returned)):
                cells += [Cell(ROWS[name], descriptor, _format(text)) for text in _words(texts)]
    return table


def _words(cell: str) -> list[str]:
    bare = re.sub(r"with \w+(?: packages)? |base64 in |`", "", cell)
    return [word.strip() for word in re.split("[,;]", bare) if word.strip()]


def _format(word: str) -> Format:
    return Format[WORDS.get(word, word).upper()]


README_TABLE = _read_table()
each_accepted = pytest.mark.parametrize("cell", README_TABLE.accepted, ids=str)
each_returned = pytest.mark.parametrize("cell", README_TABLE.returned, ids=str)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder: Path = tmp_path_factory.mktemp("formats")
    (folder / "main.py").write_text(MAIN, encoding="utf-8")
    with serve("gunicorn", folder, subprocess.DEVNULL, "from main import app\n") as running:
        yield running


def _post(url: str, body: bytes, headers: dict[str, str]) -> tuple[Any, bytes]:
    request = urllib.request.Request(url, body, headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.headers, response.read()
    except urllib.error.HTTPError as error:
        pytest.fail(f"{error.code}: {error.read().decode()}")


def _form(name: str, body: bytes) -> tuple[dict[str, str], bytes]:
    """Return an upload as sent by a browser that does not know the file's type."""
    start = (
        f'--b\r\nContent-Disposition: form-data; name="data"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return {"Content-Type": "multipart/form-data; boundary=b"}, (
        start.encode() + body + b"\r\n--b--\r\n"
    )


def _neutral(cell: Cell) -> Format:
    """Return a lossless format, to check what arrived."""
    return {Kind.IMAGE: Format.PNG, Kind.FILE: Format.BINARY}.get(cell.kind, Format.JSON)


def _assert_value(cell: Cell, response: bytes, read_as: Format, lossy: Format) -> None:
    READERS[cell.kind].check(
        READERS[cell.kind].read[read_as](response), VALUES[cell.descriptor], lossy
    )


def test_table_lists_every_format() -> None:
    for listed, registered in (
        (README_TABLE.accepted, readable),
        (README_TABLE.returned, writable),
    ):
        there = {(kind, form) for kind in KINDS for form in registered(kind)}
        named = {(cell.kind, cell.form) for cell in listed}
        assert named | IN_JSON == there


def test_every_kind_has_a_row() -> None:
    assert {cell.kind for cell in README_TABLE.accepted} == KINDS
    for kind, routes in ROUTES.items():
        assert {cell.descriptor for cell in README_TABLE.accepted if cell.kind is kind} == set(
            routes
        )


@each_accepted
@pytest.mark.parametrize("how", ["by Content-Type", "by the file's name"])
def test_format_is_accepted(service: Service, cell: Cell, how: str) -> None:
    body = BODIES[cell.kind][cell.form](VALUES[cell.descriptor])
    headers = {"Content-Type": cell.form.media_type}
    if how == "by the file's name":
        headers, body = _form(f"файл.{cell.form.extension}", body)
    neutral = _neutral(cell)
    headers["Accept"] = neutral.media_type
    _, response = _post(f"{service.url}/{cell.route}", body, headers)
    _assert_value(cell, response, neutral, cell.form)


@each_returned
@pytest.mark.parametrize("how", ["by Accept", "by ?format="])
def test_format_is_returned(service: Service, cell: Cell, how: str) -> None:
    neutral = _neutral(cell)
    body = BODIES[cell.kind][neutral](VALUES[cell.descriptor])
    headers, query = {"Content-Type": neutral.media_type}, ""
    if how == "by Accept":
        headers["Accept"] = cell.form.media_type
    else:
        query = f"?format={cell.form.extension}"
    got, response = _post(f"{service.url}/{cell.route}{query}", body, headers)
    assert got["Content-Type"].partition(";")[0] == cell.form.media_type
    _assert_value(cell, response, cell.form, cell.form)


@pytest.mark.parametrize("descriptor", ROUTES[Kind.SCALAR])
def test_scalar_in_the_query_string(service: Service, descriptor: str) -> None:
    assert README_TABLE.in_query == {Kind.SCALAR}
    value = VALUES[descriptor]
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    url = f"{service.url}/{ROUTES[Kind.SCALAR][descriptor]}?data={quote(text)}"
    _, response = _post(url, b"", {})
    assert json.loads(response) == {"result": value}


@pytest.mark.parametrize("kind", [Kind.IMAGE, Kind.FILE])
def test_base64_in_json_round_trip(service: Service, kind: Kind) -> None:
    assert Format.JSON in formats(kind)
    (descriptor,) = ROUTES[kind]
    cell = Cell(kind, descriptor, Format.JSON)
    body = BODIES[kind][Format.JSON](VALUES[descriptor])
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    _, response = _post(f"{service.url}/{cell.route}", body, headers)
    _assert_value(cell, response, Format.JSON, Format.JSON)
