"""Private names of other packages: a new version without them fails here first.

Their behaviour is tested where they are used.
"""

import ast
import inspect
import io
import textwrap
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import clear_cache, urlsplit  # type: ignore[attr-defined]

import gunicorn.arbiter
import gunicorn.http.body
import gunicorn.http.message
import gunicorn.workers.base
import gunicorn.workers.gthread
import numpy as np
import pandas as pd
import pytest
import xlrd
from gunicorn.workers.gthread import TConn, ThreadWorker
from prometheus_client import Counter, Gauge, Histogram
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import StandardScaler
from werkzeug.sansio.multipart import MultipartDecoder
from werkzeug.wrappers import Response

from mmf_core.codecs import Format, Kind
from mmf_core.server import connections, tls_connections, worker
from samples import BODIES

OURS = {
    "Worker": (worker.Worker, ThreadWorker),
    "Connection": (connections.Connection, TConn),
    "TLSConnection": (tls_connections.TLSConnection, TConn),
    "_Request": (connections._Request, gunicorn.http.message.Request),
    "_Chunks": (connections._Chunks, gunicorn.http.body.ChunkedReader),
}


def _attributes(class_: type, owner: str) -> tuple[set[str], set[str]]:
    """Return the attributes of `owner` (`self`, `conn`) that a class sets, and that it reads."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(class_)))
    attributes = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == owner
    ]
    stored = {node.attr for node in attributes if isinstance(node.ctx, ast.Store)}
    return stored, {node.attr for node in attributes if isinstance(node.ctx, ast.Load)}


def _calls_of_super(class_: type) -> set[str]:
    tree = ast.parse(textwrap.dedent(inspect.getsource(class_)))
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Call)
        and getattr(node.value.func, "id", "") == "super"
    }


def _names(*classes: type) -> set[str]:
    """Return the attributes that classes have, on themselves or by their own `self.name = …`."""
    bases = {base for class_ in classes for base in class_.__mro__ if base is not object}
    return {name for class_ in classes for name in dir(class_)}.union(
        *(_attributes(base, "self")[0] for base in bases)
    )


@pytest.mark.parametrize(("ours", "theirs"), OURS.values(), ids=OURS)
def test_gunicorn_has_the_attributes_that_subclasses_use(ours: type, theirs: type) -> None:
    assert _calls_of_super(ours) - _names(theirs) == set()
    stored, read = _attributes(ours, "self")
    assert read - stored - _names(ours) == set()
    conn = _attributes(ours, "conn")[1]
    assert conn - _names(tls_connections.TLSConnection, connections.Connection) == set()


def test_gunicorn_calls_overridden_methods() -> None:
    """A method that is no longer called would silently be dead code."""
    modules = (
        *(gunicorn.workers.gthread, gunicorn.workers.base, gunicorn.arbiter),
        *(gunicorn.http.message, gunicorn.http.body),
    )
    source = "".join(map(inspect.getsource, modules))
    for ours, theirs in OURS.values():
        own = {name for name, value in vars(ours).items() if inspect.isfunction(value)}
        overridden = {name for name in own & set(dir(theirs)) if not name.startswith("__")}
        assert {name for name in overridden if f".{name}" not in source} == set()


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("pandas.io.excel._util", ["maybe_convert_usecols"]),
        ("pandas.io.parsers", ["TextParser"]),
        ("prometheus_client.values", ["ValueClass"]),
        ("prometheus_client.multiprocess", ["mark_process_dead"]),
        ("gunicorn.sock", ["is_http2_negotiated", "ssl_context"]),
    ],
)
def test_modules_have_the_names_that_we_import(module: str, names: list[str]) -> None:
    assert [name for name in names if not hasattr(import_module(module), name)] == []


def test_prometheus_mmap_dict_internals(tmp_path: Path) -> None:
    from prometheus_client.mmap_dict import MmapedDict

    file: Any = MmapedDict(str(tmp_path / "a.db"))
    file.write_value("key", 1.0, 2.0)
    assert (file._positions.keys(), file._used > 0) == ({"key"}, True)
    assert file._capacity >= file._used
    assert (file._f.closed, len(file._m)) == (False, file._capacity)
    file._init_value("another")
    assert file.read_value("another") == (0.0, 0.0)
    file.close()


def test_prometheus_histogram_internals() -> None:
    from bisect import bisect_left

    histogram: Any = Histogram("observed", "As by `observe`.", registry=None)
    for amount in (0.0, 0.005, 0.0051, 1e9):
        bucket = histogram._buckets[bisect_left(histogram._upper_bounds, amount)]
        before = bucket.get(), histogram._sum.get()
        histogram.observe(amount)
        assert (bucket.get(), histogram._sum.get()) == (before[0] + 1, before[1] + amount)
    counter, gauge = Counter("counted", "A.", registry=None), Gauge("gauged", "A.", registry=None)
    for metric in (counter, gauge):
        metric._value.inc(2)
        assert metric._value.get() == 2


def test_werkzeug_multipart_decoder_internals() -> None:
    assert "self._parse_headers(" in inspect.getsource(MultipartDecoder.next_event)
    assert "self.buffer" in inspect.getsource(MultipartDecoder.receive_data)


def test_werkzeug_response_internals() -> None:
    response = Response("a", headers={"X-Own": "a"})
    assert response.headers._list == response.headers.to_wsgi_list()
    assert response._on_close == []
    response.call_on_close(close := list)
    assert response._on_close == [close]


def test_xlrd_reads_visibility_and_formats_on_open() -> None:
    body = BODIES[Kind.TABLE][Format.XLS]([{"a": 1.5}])
    with xlrd.open_workbook(file_contents=body, on_demand=True) as book:
        assert book._sheet_visibility == [0]
        types = book._xf_index_to_xl_type_map
        assert {style.xf_index for style in book.xf_list} == types.keys()


def test_scikit_learn_column_transformer_internals() -> None:
    table = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    transformer = make_column_transformer((StandardScaler(), ["b"])).fit(table)
    indices = transformer._transformer_to_input_indices["standardscaler"]
    assert np.array_equal(indices, [1])


def test_botocore_body_internals() -> None:
    from botocore.response import StreamingBody
    from urllib3 import HTTPResponse

    raw = HTTPResponse(body=io.BytesIO(b"abc"), preload_content=False)
    body: Any = StreamingBody(raw, 3)
    assert body._raw_stream.read1(2) == b"ab"
    body.close()


def test_urllib_forgets_addresses() -> None:
    """Of callers: it keeps the last ones, and the memory around them."""
    urlsplit("http://127.0.0.1/forgotten")
    clear_cache()
    assert urlsplit.cache_info().currsize == 0  # type: ignore[attr-defined]
