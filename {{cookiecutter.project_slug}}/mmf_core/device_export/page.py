"""A page that runs a model by onnxruntime-web; all of it is in one file, which needs no network."""

from __future__ import annotations

import base64
import gzip
import html
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .exported_model import MODEL, ExportError

PAGE = "index.html"
_HERE = Path(__file__).parent
_SCRIPT, _WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"


def write_page(folder: Path, plan: Mapping[str, Any], runtime: Path) -> None:
    """Write the page; a browser loads no other file from a folder, so it holds all of them.

    ExportError if `runtime` is not the package onnxruntime-web.
    """
    script, wasm = (_of_runtime(runtime, name) for name in (_SCRIPT, _WASM))
    parts = {
        "TITLE": html.escape(plan["title"] or plan["target"]),
        "DESCRIPTION": html.escape(plan["description"] or ""),
        "PLAN": json.dumps(plan, ensure_ascii=False).replace("<", r"\u003c"),
        "MODEL": _compressed((folder / MODEL).read_bytes()),
        "WASM": _compressed(wasm),
        "RUNTIME": base64.b64encode(script).decode(),
        "SCRIPT": (_HERE / "page.js").read_text(encoding="utf-8"),
    }
    page = (_HERE / "page.html").read_text(encoding="utf-8")
    pieces = page.split("%%")  # text, name, text, …: what is put in is not searched again
    pieces[1::2] = [parts[name] for name in pieces[1::2]]
    (folder / PAGE).write_text("".join(pieces), encoding="utf-8")


def _of_runtime(runtime: Path, name: str) -> bytes:
    try:
        return (runtime / "dist" / name).read_bytes()
    except FileNotFoundError:
        raise ExportError(
            f"--runtime {runtime}: dist/{name} is missing; expected the npm package "
            f"onnxruntime-web: npm install onnxruntime-web"
        ) from None


def _compressed(data: bytes) -> str:
    return base64.b64encode(gzip.compress(data, mtime=0)).decode()
