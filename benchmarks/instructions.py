"""Count the instructions of a request, without a server: `make bench-instructions`.

Requests of 1 and of 1,000 rows go through Flask's test client in this process, under valgrind's
callgrind, which counts only between the marks that this script sets: neither start-up nor warm-up
is in the figures. The same code gives the same figures to a few thousandths, on a busy machine as
on a quiet one, so that two versions can be compared.

    python benchmarks/instructions.py [FOLDER] [--against FOLDER] [--only json,csv]

FOLDER holds mmf_core; without it, the template's own. Needs valgrind, its headers and a C compiler.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import io
import logging
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from paths import BUILD, PAYLOAD

if TYPE_CHECKING:
    import pandas as pd

REQUESTS = {1: 20, 1000: 4}
"""Rows of a request → how many are counted."""
WARM_UP = 3
FLOATS: dict[str, Any] = {f"f{i}": float for i in range(12)}
MIXED: dict[str, Any] = {
    **{f"f{i}": float for i in range(3)},
    **{f"i{i}": int for i in range(3)},
    **{f"s{i}": str for i in range(3)},
    **{f"d{i}": datetime for i in range(3)},
}
JSON, CSV, BINARY = "application/json", "text/csv", "application/octet-stream"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PARQUET = "application/vnd.apache.parquet"
_MARKS = """
#include <valgrind/callgrind.h>
void start(void) { CALLGRIND_START_INSTRUMENTATION; CALLGRIND_ZERO_STATS; }
void stop(const char *name) { CALLGRIND_DUMP_STATS_AT(name); CALLGRIND_STOP_INSTRUMENTATION; }
"""


def rows_of(schema: dict[str, Any], count: int) -> pd.DataFrame:
    """Return a table of clean cells, the same at each call."""
    import pandas as pd

    first = datetime(2026, 1, 31, 12)  # noqa: DTZ001
    make: dict[type, Callable[[int], Any]] = {
        float: lambda n: n * 0.37 + 0.5,
        int: lambda n: n * 7 + 1,
        str: lambda n: f"text {n}",
        datetime: lambda n: first + timedelta(minutes=n),
    }
    return pd.DataFrame(
        {name: list(map(make[kind], range(count))) for name, kind in schema.items()}
    )


def bodies(table: pd.DataFrame) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield a name, a path's prefix and the arguments of the test client for each kind of body."""
    import orjson

    texts = table.assign(
        **{name: table[name].dt.strftime("%Y-%m-%dT%H:%M:%S") for name in table.select_dtypes("M")}
    )
    split = {"columns": list(texts.columns), "data": texts.to_numpy().tolist()}
    yield "json", "/", _body(orjson.dumps(texts.to_dict("records")), JSON)
    yield "json split", "/", _body(orjson.dumps(split), JSON)
    yield "csv", "/", _body(texts.to_csv(index=False).encode(), CSV)
    yield "xlsx", "/", _body(_written(table, "to_excel"), XLSX)
    yield "parquet", "/", _body(_written(table, "to_parquet"), PARQUET)
    yield "mlflow split", "/invocations/", _body(orjson.dumps({"dataframe_split": split}), JSON)
    yield "mlflow csv", "/invocations/", _body(texts.to_csv(index=False).encode(), CSV)
    tensors = [_tensor(name, column) for name, column in texts.items()]
    yield "v2", "/v2/models/{}/infer", _body(orjson.dumps({"inputs": tensors}), JSON)
    yield "v2 binary", "/v2/models/{}/infer", _v2_binary(texts)


def _body(data: bytes, content_type: str, **headers: str) -> dict[str, Any]:
    headers = {"Accept": JSON, **headers}
    return {"data": data, "content_type": content_type, "headers": headers}


def _written(table: pd.DataFrame, method: str) -> bytes:
    file = io.BytesIO()
    getattr(table, method)(file, index=False)
    return file.getvalue()


def _tensor(name: str, column: Any) -> dict[str, Any]:
    datatype = {"f": "FP64", "i": "INT64"}.get(column.dtype.kind, "BYTES")
    return {
        "name": name,
        "shape": [len(column)],
        "datatype": datatype,
        "data": column.tolist(),
    }


def _v2_binary(table: pd.DataFrame) -> dict[str, Any]:
    import orjson

    entries, data = [], b""
    for name, column in table.items():
        tensor = _tensor(str(name), column)
        cells = tensor.pop("data")
        own = (
            b"".join(len(cell).to_bytes(4, "little") + cell.encode() for cell in cells)
            if tensor["datatype"] == "BYTES"
            else column.to_numpy().tobytes()
        )
        entries.append({**tensor, "parameters": {"binary_data_size": len(own)}})
        data += own
    head = orjson.dumps({"inputs": entries})
    length = {"Inference-Header-Content-Length": str(len(head))}
    return _body(head + data, BINARY, **length)


def make_client() -> Any:
    """Serve three targets: a schema of floats, a mixed one, none; each returns a column."""
    import mmf_core as mmf
    from mmf_core.web import create_app

    registry = mmf.Registry()

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON))
    def floats(data: Any = mmf.DataFrame(schema=FLOATS)) -> Any:  # noqa: B008
        return data["f0"].to_numpy()

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON))
    def mixed(data: Any = mmf.DataFrame(schema=MIXED)) -> Any:  # noqa: B008
        return data["f0"].to_numpy()

    @registry.target(returns=mmf.DataFrame(format=mmf.JSON))
    def undeclared(data: Any = mmf.DataFrame()) -> Any:  # noqa: B008
        return data["f0"].to_numpy()

    return create_app(registry).test_client()


def cases() -> Iterator[tuple[str, int, str, dict[str, Any]]]:
    """Yield a name, rows, a path and the arguments of the test client for each request."""
    for rows in REQUESTS:
        for target, schema in (("floats", FLOATS), ("mixed", MIXED), ("undeclared", MIXED)):
            for name, prefix, arguments in bodies(rows_of(schema, rows)):
                path = prefix.format(target) if "{}" in prefix else prefix + target
                yield f"{target}, {name}, {rows}", rows, path, arguments


def count(folder: Path, marks: Path, only: list[str]) -> None:
    """Send every request, marking what callgrind shall count; runs under valgrind."""
    sys.path.insert(0, str(folder))
    library = ctypes.CDLL(str(marks))
    logging.disable()
    with redirect_stdout(io.StringIO()):
        client = make_client()
        for name, rows, path, arguments in cases():
            if only and name.split(", ")[1] not in only:
                continue
            for _ in range(WARM_UP):
                response = client.post(path, **arguments)
            if response.status_code != 200:  # noqa: PLR2004
                raise SystemExit(f"{name}: {response.text}")
            gc.collect()
            gc.disable()
            library.start()
            for _ in range(REQUESTS[rows]):
                client.post(path, **arguments)
            library.stop(name.encode())
            gc.enable()


def measure(folder: Path, only: list[str]) -> dict[str, float]:
    """Return the instructions of one request by name."""
    marks = _build_marks()
    dumps = BUILD / "instructions" / re.sub(r"\W+", "-", str(folder))
    shutil.rmtree(dumps, ignore_errors=True)
    dumps.mkdir(parents=True)
    setarch = ["setarch", platform.machine(), "-R"]  # the same addresses at each run
    valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no"]
    out = f"--callgrind-out-file={dumps}/calls"
    script = [
        sys.executable,
        __file__,
        str(folder),
        "--marks",
        str(marks),
        "--only",
        ",".join(only),
    ]
    environment = {**os.environ, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [*setarch, *valgrind, out, *script],
        env={**environment, "OPENBLAS_NUM_THREADS": "1", "MMF_LOG_LEVEL": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise SystemExit(run.stderr)
    return dict(_read(dumps.glob("calls.*")))


def _build_marks() -> Path:
    source = BUILD / "instructions" / "marks.c"
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(_MARKS)
    library = source.with_suffix(".so")
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source)],  # noqa: S607
        check=True,
    )
    return library


def _read(files: Iterable[Path]) -> Iterator[tuple[str, float]]:
    for file in sorted(files, key=lambda file: int(file.suffix[1:])):
        text = file.read_text()
        if trigger := re.search(r"^desc: Trigger: Client Request: (.*)$", text, re.MULTILINE):
            total = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
            name = trigger[1]
            yield name, int(total[1]) / REQUESTS[int(name.rsplit(", ", 1)[1])] if total else 0


def main() -> None:
    """Print millions of instructions by request; beside another folder's, and the difference."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path, nargs="?", default=PAYLOAD)
    parser.add_argument("--against", type=Path, help="another folder that holds mmf_core")
    parser.add_argument("--only", default="", help="kinds of body, such as json,csv")
    parser.add_argument("--marks", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    folder, only = arguments.folder.resolve(), [*filter(None, arguments.only.split(","))]
    if arguments.marks:
        count(folder, arguments.marks, only)
        return
    folders = [folder, *([arguments.against.resolve()] if arguments.against else [])]
    with ThreadPoolExecutor() as pool:
        figures, *others = pool.map(lambda folder: measure(folder, only), folders)
    print("| schema, body, rows | million instructions |" + " before | change |" * len(others))
    print("|---|---|" + "---|---|" * len(others))
    for name, value in figures.items():
        row = f"| {name} | {value / 1e6:.3f} |"
        for other in others:
            row += f" {other[name] / 1e6:.3f} | {100 * (value / other[name] - 1):+.1f} % |"
        print(row)


if __name__ == "__main__":
    main()
