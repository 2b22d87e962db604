"""Public names of the package, the cost of its import, and the direction of its imports."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import mmf_core
from mmf_core.capabilities import capabilities, names

PACKAGE = Path(mmf_core.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
PUBLIC = {
    *("target", "artifact", "fast_path", "load_model", "save_model", "schema_of", "Registry"),
    *("Array", "Batch", "Bool", "Column", "DataFrame", "Date", "Datetime"),
    *("Dict", "File", "FileBytes"),
    *("Float", "Image", "Img", "Integer", "JsonFile", "List", "Stream", "String"),
    *("ColorMode", "DataFrameFormat", "Format", "ImageFormat"),
    *("CSV", "JSON", "PARQUET", "PROTOBUF", "XLS", "XLSX", "XML"),
    *("DescriptorError", "ErrorDetail", "InvalidValue", "Unavailable"),
    *("cancelled", "progress"),
    *("ModelFile", "TrainedModel"),
}
FROM_MMF = [
    *("target", "artifact", "DescriptorError"),
    *("DataFrame", "Dict", "Img", "Image", "String", "Integer", "Float", "Bool", "Datetime"),
    *("JsonFile", "DataFrameFormat", "ColorMode", "ImageFormat"),
    *("XLSX", "XLS", "CSV", "JSON", "XML", "PARQUET", "PROTOBUF"),
]
HEAVY = ["flask", "werkzeug", "pandas", "numpy", "orjson", "openpyxl", "PIL", "click"]

# Each part imports only parts on earlier lines, or itself.
CAPABILITIES = set(names(PACKAGE))
LAYERS = [
    {"client"},  # meant to be copied alone
    {"error_texts"},
    {"errors"},
    {
        "settings",
        "packages",
        "fingerprints",
        "shared_memory",
        "readiness",
        "reporting",
        "processes",
        "column_dtypes",
        "projects",
        "cron",
        "blocking",
        "text_files",
    },
    {"capabilities", "extras", "sqlite_file"},
    {"codecs", "models", "stores", "probes"},
    {"descriptors", "artifact", "backups"},
    {"call_options"},
    {"target"},
    {"registry", "execution"},
    {"example_calls"},
    {"web", "cli"},
    {"server"},
    CAPABILITIES,
    {"__main__", "__init__"},
]
LEVEL = {part: level for level, parts in enumerate(LAYERS) for part in parts}
EVERYWHERE_IN = {
    "web": {"flask", "werkzeug"},
    **{key: {"flask", "werkzeug", "click"} for key in CAPABILITIES},
    "drift": {"flask", "werkzeug", "click", "numpy"},
    "grpc": {"flask", "werkzeug", "google", "grpc", "grpc_reflection"},
    "metrics": {"flask", "prometheus_client"},
    "tracing": {"opentelemetry"},
    "cli": {"click"},
    "server": {"gunicorn"},
}


def _part(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(file: Path, *, top_only: bool = False) -> Iterator[str]:
    """Yield every module that a file imports; relative ones as `.part`."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    here = ("mmf_core", *file.relative_to(PACKAGE).with_suffix("").parts)
    for node in _running(tree, at_import=top_only):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
        elif isinstance(node, ast.ImportFrom):
            base = here[: -node.level]
            modules = [node.module] if node.module else [alias.name for alias in node.names]
            for module in modules:
                full = (*base, *module.split("."))
                yield "." + full[1]


def _running(node: ast.AST, *, at_import: bool) -> Iterator[ast.AST]:
    """Yield the nodes that run, at import only or ever; none under TYPE_CHECKING does."""
    for child in ast.iter_child_nodes(node):
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if at_import and is_function:
            continue
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from _running(child, at_import=at_import)


def _name(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


PARTS = {file: _part(file) for file in FILES}


def test_public_names() -> None:
    shown = {
        name
        for name, value in vars(mmf_core).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert shown == PUBLIC
    assert PUBLIC.issuperset(FROM_MMF)


@pytest.mark.parametrize("name", FROM_MMF)
def test_every_mmf_name_exists(name: str) -> None:
    assert getattr(mmf_core, name) is not None


def test_img_is_an_alias_of_image() -> None:
    assert mmf_core.Img is mmf_core.Image


def test_import_is_light_and_silent(tmp_path: Path) -> None:
    code = f"import sys, mmf_core; print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    assert _fresh(code, tmp_path) == "[]"


def _fresh(code: str, cache: Path) -> str:
    """Return the output of a new interpreter; its compiled modules are kept in `cache`."""
    environment = {
        key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "PYTHONPYCACHEPREFIX": str(cache)},
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.strip()


def test_every_module_has_a_layer() -> None:
    assert set(PARTS.values()) == LEVEL.keys()


def test_imports_point_one_way() -> None:
    wrong = []
    for file, part in PARTS.items():
        for module in _imports(file):
            other = module.removeprefix(".")
            if not module.startswith(".") or other == part:
                continue
            if other == "__version__":  # `from .. import __version__`, a constant of the package
                assert part in {"web", "cli", *CAPABILITIES}
            elif part in CAPABILITIES and other in capabilities()[part].requires:
                continue
            elif LEVEL[other] >= LEVEL[part]:
                wrong.append((_name(file), other))
    assert wrong == []


def test_only_the_standard_library_is_imported_eagerly() -> None:
    wrong = {}
    for file, part in PARTS.items():
        allowed = sys.stdlib_module_names | EVERYWHERE_IN.get(part, set())
        at_once = {
            module.partition(".")[0] for module in _imports(file, top_only=True) if module[0] != "."
        }
        wrong[_name(file)] = at_once - allowed
    assert {name: names for name, names in wrong.items() if names} == {}


def test_only_web_imports_flask() -> None:
    for file, part in PARTS.items():
        if part not in {"web", *CAPABILITIES}:
            assert "flask" not in {module.partition(".")[0] for module in _imports(file)}, file
            # mmfmeta starts without Flask
            assert ".web" not in set(_imports(file, top_only=True)), file


def test_no_jinja() -> None:
    for file, part in PARTS.items():
        text = file.read_text(encoding="utf-8")
        marks = ("{%", "{#", "{{ ") if part == "upgrading" else ("{%", "{#", "{{ ", "cookiecutter")
        assert [mark for mark in marks if mark in text] == [], file
        assert "jinja2" not in {module.partition(".")[0] for module in _imports(file)}, file
