"""No cache grows with requests: each is listed with its keys, or is bounded."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import mmf_core

UNBOUNDED = {
    "capabilities.capabilities": "nothing",
    "codecs.arrow_size._plain_ids": "nothing",
    "codecs.arrow_size.type_ids": "nothing",
    "codecs.parquet_patterns.patterns": "nothing",
    "codecs.base._parameters": "functions of pandas",
    "execution.calls.succeeds": "nothing",
    "execution.streams._worker_slots": "the setting",
    "codecs.image_pillow._ignore_warnings": "nothing",
    "grpc.messages.message_class": "messages of the protocol",
    "grpc.messages.pool": "nothing",
    "page.routes.token_form": "languages of the page",
    "page.routes.whole_page": "languages of the page",
    "payload_log.outcomes._counter": "nothing",
    "page.translations.errors._keys": "languages of the page",
    "retraining.outcomes._counter": "nothing",
    "server.connections._probe": "nothing",
    "server.tls_connections._context": "the settings of gunicorn",
    "probes.probes": "nothing",
    "processes._malloc_trim": "nothing",
    "stores.over_http._opener": "nothing",
    "codecs.charset_names._charsets": "nothing",
    "web.http.content_encoding._codings": "nothing",
    "web.logs.json_formatter": "nothing",
    "web.openapi.document.encoded_document": "nothing",
}
"""The keys of unbounded caches."""
BOUNDED = {
    "access.tokens._verified": 1024,
    "codecs.json_yaml._dumper": 1,
    "codecs.number_format._pattern": 16,
    "metrics.request_metrics._counts": 256,
    "v2.tensors.datatype_of": 64,
    "web.app._server_name": 256,
    "web.http.content_encoding._preferred_coding": 256,
    "web.http.negotiation._accepted": 256,
    "web.http.requests.parse_content_type": 256,
}
"""The maximum entries of a cache with keys from requests: headers have at most 8 KiB."""


def caches() -> Iterator[tuple[str, int | None]]:
    """Yield each cached function of the service with its maximum size."""
    root = Path(mmf_core.__file__).parent
    for path in sorted(root.rglob("*.py")):
        module = ".".join(path.relative_to(root).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for decorator in node.decorator_list:
                    text = ast.unparse(decorator).removeprefix("functools.")
                    if text == "cache" or text.startswith("lru_cache"):
                        size = text.partition("maxsize=")[2].rstrip(")")
                        yield f"{module}.{node.name}", int(size) if size.isdigit() else None


def test_every_cache_is_listed() -> None:
    sizes = dict(caches())
    assert {name for name, size in sizes.items() if size is None} == UNBOUNDED.keys()
    assert {name: size for name, size in sizes.items() if size is not None} == BOUNDED
