"""Each optional codec is a file: without it the service runs, and does not mention the format."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from long_parameters import long_except, selected
from mmf_core import codecs
from mmf_core.codecs import Format, Kind

PACKAGE = Path(codecs.__file__).parent.parent
MODULES = sorted(codecs.OPTIONAL)
_ALL = "all of them"
_APP = """
import json, os, sys
import flask, numpy, pandas, orjson  # once for all copies of the package

def report():
    import mmf_core as mmf
    from mmf_core import codecs
    from mmf_core.web import create_app

    descriptors = {
        "table": mmf.DataFrame, "array": mmf.Array, "json": mmf.Dict, "image": mmf.Img,
        "scalar": mmf.String, "file": mmf.File,
    }
    registry = mmf.Registry()
    for name, descriptor in descriptors.items():
        def run(data=descriptor()):
            return data
        run.__name__ = name
        registry.target(returns=descriptor())(run)
    client = create_app(registry).test_client()

    def text(path, **request):
        response = client.open(path, **request)
        return f"{response.status_code} {response.get_data(as_text=True)}"

    unknown = "application/x-nothing"
    pages = [text(path) for path in ("/", "/openapi.json", *(f"/{name}" for name in descriptors))]
    for name in descriptors:
        pages.append(text(f"/{name}", method="POST", data=b"?", content_type=unknown))
        pages.append(text(f"/{name}?format=nothing", method="POST", json={}))
        pages.append(text(f"/{name}", method="POST", json={}, headers={"Accept": unknown}))
    pages.append(text("/invocations", method="POST", data=b"?", content_type=unknown))
    try:
        mmf.DataFrame(format="nothing")
    except mmf.DescriptorError as error:
        pages.append(str(error))
    formats = {kind.name: [format.name for format in codecs.formats(kind)] for kind in codecs.Kind}
    table = client.post("/table?format=json", data=b"a\\n1.5\\n", content_type="text/csv").json
    return {"pages": pages, "formats": formats, "table": table}

for folder in sys.argv[1:]:
    if os.fork() == 0:
        os.chdir(folder)
        sys.path.insert(0, folder)
        with open("report.json", "w") as file:
            json.dump(report(), file)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def reports(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """Return the reports of services without the modules that the selected tests delete."""
    names = selected(request, "name").union(MODULES[:2])
    folders = {name: tmp_path_factory.mktemp(name.split()[0]) for name in names}
    for name, folder in folders.items():
        package = folder / PACKAGE.name
        shutil.copytree(PACKAGE, package)
        for module in _deleted(name):
            (package / "codecs" / f"{module}.py").unlink()
    command = [sys.executable, "-c", _APP, *map(str, folders.values())]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return {
        name: json.loads((folder / "report.json").read_bytes()) for name, folder in folders.items()
    }


def _deleted(name: str) -> list[str]:
    return MODULES if name == _ALL else [name]


def remaining(deleted: list[str]) -> dict[Kind, list[Format]]:
    """Return the formats that are left, in the order of preference."""
    gone = {(codec.kind, codec.format) for module in deleted for codec in codecs.OPTIONAL[module]}
    return {
        kind: [format for format in codecs.formats(kind) if (kind, format) not in gone]
        for kind in Kind
    }


@pytest.mark.parametrize("name", long_except([*MODULES, _ALL], [_ALL]))
def test_service_does_not_mention_a_deleted_codec(
    name: str, reports: dict[str, dict[str, Any]]
) -> None:
    report, deleted = reports[name], _deleted(name)
    left = remaining(deleted)
    assert report["formats"] == {
        kind.name: [format.name for format in formats] for kind, formats in left.items()
    }
    assert report["table"] == [{"a": 1.5}]
    gone = {codec.format for module in deleted for codec in codecs.OPTIONAL[module]}
    others = next(reports[other] for other in MODULES[:2] if other != name)
    for format in gone - {format for formats in left.values() for format in formats}:
        pattern = rf"(?<![\w./]){format.name}(?![\w/])|{re.escape(format.media_type)}"
        mentions = [page for page in report["pages"] if re.search(pattern, page)]
        assert mentions == []
        assert name == _ALL or any(re.search(pattern, page) for page in others["pages"])


def test_optional_codecs() -> None:
    assert set(MODULES) == {
        *("array_npy", "json_msgpack", "json_protobuf", "json_xml", "json_yaml"),
        *("table_html", "table_jsonl", "table_ods", "table_pyarrow", "table_xls", "table_xml"),
    }
