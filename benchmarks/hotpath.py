"""Where the microseconds of a one-row request go, without a server: `make bench-hotpath`.

The application is called as WSGI servers call it, in this process; then each part alone, on the
same request. CPU time, so that a busy machine matters less; the best of five, so that it hardly
matters at all. What is left of the whole is ours round the parts: reading, negotiation, routing.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from flask import Flask
from sklearn.datasets import load_wine

CALLS = 500
RUNS = 5


def microseconds(call: Callable[[], object]) -> float:
    """Return the CPU time of one call: the best run's mean."""
    best = float("inf")
    for _ in range(RUNS):
        started = time.process_time()
        for _ in range(CALLS):
            call()
        best = min(best, (time.process_time() - started) / CALLS)
    return best * 1e6


def request(body: bytes) -> dict[str, Any]:
    """Return a WSGI environment that posts `body` to /score and wants JSON."""
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/score",
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_ACCEPT": "application/json",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
    }


def parts(body: bytes) -> dict[str, float]:
    """Time each part alone."""
    import main
    from mmf_core.codecs import Format, find
    from mmf_core.execution.calls import serialize, validate_arguments
    from mmf_core.registry import default

    target = default.targets["score"]
    (name, descriptor), *_ = target.arguments.items()
    codec = find(descriptor.kind, Format.JSON)
    returns = target.returns
    if codec is None or returns is None:
        raise SystemExit("score takes and returns a table in the sample; it does not here")
    table = codec.decode(body, descriptor.options)
    data = validate_arguments(target, {name: table})[name]
    prediction = main.score(data)
    result = serialize(target, prediction)
    return {
        "JSON to a table": microseconds(lambda: codec.decode(body, descriptor.options)),
        "the schema": microseconds(lambda: validate_arguments(target, {name: table})),
        "the function: predict": microseconds(lambda: main.score(data)),
        "the result to a table": microseconds(lambda: serialize(target, prediction)),
        "the table to JSON": microseconds(lambda: codec.encode(result, {})),
    }


def empty_view(body: bytes) -> float:
    """Time a Flask application that does nothing with the same request."""
    app = Flask("empty")
    app.post("/score")(lambda: "[]")
    return microseconds(lambda: b"".join(app.wsgi_app(request(body), lambda *_: None)))  # type: ignore[arg-type]


def main() -> None:
    """Print the whole, with and without the access line, and the parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path, help="the folder of a generated project, trained")
    os.chdir(parser.parse_args().project)
    sys.path.insert(0, str(Path.cwd()))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.stdout, terminal = io.TextIOWrapper(io.BytesIO()), sys.stdout  # where the log goes

    from app import app

    def call() -> None:
        b"".join(app.wsgi_app(request(body), lambda *_: None))  # type: ignore[arg-type]

    body = orjson.dumps(load_wine(as_frame=True).data.head(1).to_dict("records"))
    microseconds(call)  # the first ones are slower, with or without a log
    logged = microseconds(call)
    logging.getLogger("mmf.access").setLevel(logging.ERROR)
    whole = microseconds(call)
    rows = {"Flask and Werkzeug: an empty view": empty_view(body)} | parts(body)
    rows["reading the body, negotiation, the request id"] = whole - sum(rows.values())
    rows["the access line of the log"] = logged - whole
    sys.stdout = terminal
    print("| part of a one-row request | CPU µs |\n|---|---|")
    for what, value in rows.items():
        print(f"| {what} | {value:.0f} |")
    print(f"| **total** | **{logged:.0f}** |")


if __name__ == "__main__":
    main()
