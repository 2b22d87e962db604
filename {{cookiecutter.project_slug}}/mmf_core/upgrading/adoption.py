"""Where a project without a record comes from: its commit by checksums, its answers by files."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from ..extras import find_extras
from .git import git, names
from .record import CORE, Record, UpgradeError, parse_version
from .template import Payload, Template

_MODEL = re.compile(r"\bmodel\.(joblib|pkl|skops|onnx|pmml|mlflow)\b")
_NAMES_MODEL = ("train.py", "main.py", "Makefile")
_LOCKED = {"requirements.txt", "requirements-dev.txt"}
"""Included from the template's locks."""


def infer_record(project: Path, template: Template, source: str, revision: str) -> Record:
    """Return the record that a project without one would have.

    `revision` is a commit, a tag or a branch; or a version, which many commits may have: then it
    is the one that has most of the project's files. UpgradeError if none has any.
    """
    if not (project / CORE).is_dir():
        raise UpgradeError(
            f"{project / CORE} is missing: expected a project that was generated from the template"
        )
    if parse_version(revision):
        payload = _nearest(project, template, revision.removeprefix("v"))
    else:
        payload = template.payload_of(template.require_commit(revision))
    questions = template.questions_of(payload.commit)
    answers = {name: text for name, text in _answers(project) if name in questions}
    return Record(source, template.version_of(payload), payload.commit, answers)


def _nearest(project: Path, template: Template, version: str) -> Payload:
    """Return the payload of this version with most of a project's files.

    A file with answers in it equals none of the template: of payloads with equally many files, it
    is the one with most of the project's lines; then a tagged one, and the newest.
    """
    payloads = [
        payload for payload in template.payloads() if template.version_of(payload) == version
    ]
    offered = {path for payload in payloads for path in payload.files}
    paths = offered.intersection(names(git(project, "ls-files", "-z")))
    own = {path: _blobs(project / path) for path in paths}
    equal = {
        payload: {path for path, blobs in own.items() if payload.files.get(path) in blobs}
        for payload in payloads
    }
    most = max(map(len, equal.values()), default=0)
    if not most:
        raise UpgradeError(
            f"no commit of the template has version {version} and a file of this project: "
            f"expected the __version__ in {CORE}/__init__.py, or a commit"
        )
    best = [payload for payload, files in equal.items() if len(files) == most]
    changed = {path for path in paths if any(path not in equal[payload] for payload in best)}
    lines = {path: _lines((project / path).read_bytes()) for path in changed}
    tagged = template.tagged_commits()
    return max(
        best,
        key=lambda payload: (_likeness(payload, template, lines), payload.commit in tagged),
    )


def _likeness(payload: Payload, template: Template, own: Mapping[str, Counter[bytes]]) -> int:
    """Count the lines that files have in common with the template's, less those that they lack."""
    likeness = 0
    for path, lines in own.items():
        sources = payload.locks if path in _LOCKED else [payload.files.get(path, "")]
        offered = [_lines(template.contents(blob)) for blob in sources if blob]
        likeness += max(
            ((lines & other).total() - (other - lines).total() for other in offered), default=0
        )
    return likeness


def _lines(contents: bytes) -> Counter[bytes]:
    return Counter(contents.splitlines())


def _blobs(file: Path) -> set[str]:
    """Return git's names of a file's contents, as they are and with line feeds alone."""
    contents = file.read_bytes() if file.is_file() else b""
    return {_blob(contents), _blob(contents.replace(b"\r\n", b"\n"))}


def _blob(contents: bytes) -> str:
    head = b"blob %d\0" % len(contents)
    return hashlib.sha1(head + contents, usedforsecurity=False).hexdigest()


def _answers(project: Path) -> Iterator[tuple[str, str]]:
    """Yield what a project's files show of the answers that it was generated from."""
    with suppress(OSError, ValueError, LookupError, TypeError):
        table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        yield "project_slug", str(table["name"])
        yield "description", str(table["description"])
        yield "author", str(table["authors"][0]["name"])
    with suppress(OSError, ValueError, LookupError, TypeError):
        app = json.loads((project / "app.json").read_text(encoding="utf-8"))
        yield "project_name", str(app["name"])
    with suppress(OSError, ValueError):
        yield "python_version", (project / ".python-version").read_text(encoding="utf-8").strip()
    if suffix := _model_suffix(project):
        yield "model_format", "pickle" if suffix == "pkl" else suffix
    yield "sample", "wine" if (project / "tests" / "test_wine.py").exists() else "none"
    is_whole = (project / "deploy" / "grafana").exists() or "metrics" in find_extras(project / CORE)
    yield "extras", "all" if is_whole else "core"


def _model_suffix(project: Path) -> str:
    """Return the suffix of the model file that is named by a file, or is there; else nothing."""
    for name in _NAMES_MODEL:
        with suppress(OSError, ValueError):
            if match := _MODEL.search((project / name).read_text(encoding="utf-8")):
                return match[1]
    return next(
        (match[1] for file in project.iterdir() if (match := _MODEL.fullmatch(file.name))), ""
    )
