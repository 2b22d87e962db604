"""Extras: the parts of this package that can be deleted, and added back from the template.

An extra is found by being there, under the name of its folder or module: a capability (`metrics`),
a kind of store (`stores/s3`), a model format (`models/onnx`), a codec (`codecs/table_xls`), and
`client`.
Only the standard library is imported here: the template's hook uses this module, too.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import MMFError

_SINGLE = ("client.py",)
_CORE = {"models/joblib", "models/pickle", "stores/file"}
_MODULES = (("stores", "_store"), ("models", "_format"))
PROJECT_FILES = {
    "metrics": ("deploy/grafana", "deploy/prometheus"),
    "tasks": ("deploy/kubernetes/worker",),
}
"""Folders of a project, outside of this package, that belong to an extra alone."""
_REQUIRES = {"requires", "_REQUIRES"}
_HOSTS = {"gh": "github.com", "gl": "gitlab.com", "bb": "bitbucket.org"}
"""Abbreviations in the address of a template."""
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)


class ExtrasError(MMFError):
    """An extra cannot be removed, or not be added."""


@dataclass(frozen=True, slots=True)
class Extra:
    """One extra: its files and folders, the first line of its documentation, what it imports."""

    name: str
    paths: tuple[Path, ...]
    summary: str
    requires: tuple[str, ...] = ()


def find_extras(package: Path) -> dict[str, Extra]:
    """Return the extras in a copy of this package, by name."""
    extras = [*_capabilities(package), *_modules(package), *_codecs(package), *_single(package)]
    return {extra.name: extra for extra in sorted(extras, key=lambda extra: extra.name)}


def remove_extras(package: Path, names: Iterable[str]) -> None:
    """Delete extras; ExtrasError, before anything is deleted, if one is not there."""
    present = find_extras(package)
    for extra in [_find_extra(name, present) for name in names]:
        for path in extra.paths:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def with_required(names: Iterable[str], package: Path, template: Path) -> list[str]:
    """Return the names of extras, and of what they require that a project's package lacks."""
    present, offered = find_extras(package), find_extras(template)
    complete = list(dict.fromkeys(names))
    for name in complete:  # grows
        required = _find_extra(name, offered).requires
        complete += [other for other in required if other not in {*present, *complete}]
    return complete


def imports_of(paths: Iterable[Path]) -> dict[str, str]:
    """Return the packages that files and folders import: their names on the index, by the modules.

    A module that no `requires` maps to a package has the name of its package. Files that are not
    Python, or of another version of it, import nothing.
    """
    imported: dict[str, str] = {}
    required: dict[str, str] = {}
    for path in paths:
        for file in path.rglob("*.py") if path.is_dir() else [path]:
            for node in ast.walk(_parsed(file)):
                imported.update((module, _normal(module)) for module in _modules_in(node))
                required.update(_required(node))
    return imported | required


def package_of(requirement: str) -> str:
    """Return the package that a line of a requirements.in is about; empty for a comment."""
    match = _REQUIREMENT.match(requirement)
    return _normal(match[0]) if match else ""


def repository_of(template: str) -> str:
    """Return the URL of a template's repository, for git; a path stays as it is."""
    template = template.removeprefix("git+")  # what pip writes before an address
    host, _, path = template.partition(":")
    return f"https://{_HOSTS[host]}/{path}.git" if host in _HOSTS else template


def version_of(package: Path) -> str:
    """Return the version of a copy of this package; empty if it has none."""
    return version_in((package / "__init__.py").read_text(encoding="utf-8"))


def version_in(source: str) -> str:
    """Return the version in the text of `mmf_core/__init__.py`; empty if it has none."""
    match = _VERSION.search(source)
    return match[1] if match else ""


def _parsed(file: Path) -> ast.AST:
    try:
        return ast.parse(file.read_bytes() if file.suffix == ".py" and file.is_file() else b"")
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def _modules_in(node: ast.AST) -> Iterable[str]:
    match node:
        case ast.Import():
            yield from (alias.name.partition(".")[0] for alias in node.names)
        case ast.ImportFrom(module=str(module), level=0):
            yield module.partition(".")[0]


def _required(node: ast.AST) -> Iterable[tuple[str, str]]:
    match node:
        case (
            ast.Assign(targets=[ast.Name(name)], value=ast.Dict(keys, values))
            | ast.AnnAssign(target=ast.Name(name), value=ast.Dict(keys, values))
        ) if name in _REQUIRES:
            for module, package in zip(keys, values, strict=True):
                if isinstance(module, ast.Constant) and isinstance(package, ast.Constant):
                    yield str(module.value), package_of(str(package.value))


def _normal(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()


def _find_extra(name: str, extras: Mapping[str, Extra]) -> Extra:
    if name not in extras:
        raise ExtrasError(f"unknown extra: {name}; available: {', '.join(extras) or 'none'}")
    return extras[name]


def _capabilities(package: Path) -> Iterable[Extra]:
    for file in package.glob("*/capability.py"):
        yield Extra(file.parent.name, (file.parent,), _summary(file), _requirements(file))


def _modules(package: Path) -> Iterable[Extra]:
    for folder, suffix in _MODULES:
        for file in (package / folder).glob(f"*{suffix}.py"):
            kind = file.stem.removesuffix(suffix)
            if (name := f"{folder}/{kind}") not in _CORE:
                yield Extra(name, tuple(sorted(file.parent.glob(f"{kind}_*.py"))), _summary(file))


def _codecs(package: Path) -> Iterable[Extra]:
    for file in (package / "codecs").glob("*.py"):
        if re.search(r"^CODECS\b", file.read_text(encoding="utf-8"), re.MULTILINE):
            yield Extra(f"codecs/{file.stem}", (file,), _summary(file))


def _single(package: Path) -> Iterable[Extra]:
    for file in (package / name for name in _SINGLE):
        if file.exists():
            yield Extra(file.stem, (file,), _summary(file))


def _requirements(file: Path) -> tuple[str, ...]:
    """Return the `requires` of a capability, without importing it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "requires":
            names: tuple[str, ...] = ast.literal_eval(node.value)
            return names
    return ()


def _summary(file: Path) -> str:
    documentation = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return documentation.partition("\n")[0]
