"""Optional libraries: detected, named if missing, preloaded."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from mmf_core.errors import MissingPackage
from mmf_core.packages import OptionalDependency, find_declared


class Reader(OptionalDependency):
    """Needs one installed library and two missing ones."""

    requires: ClassVar = {"pandas": "pandas", "no_such_a": "a-dist", "no_such_b": "b-dist"}


def test_available_without_requirements() -> None:
    assert OptionalDependency().is_available
    OptionalDependency().require("this")


def test_unavailable_without_a_library() -> None:
    assert not Reader().is_available


def test_only_missing_packages_are_named() -> None:
    with pytest.raises(MissingPackage, match=r"reading needs: pip install a-dist b-dist$"):
        Reader().require("reading")


def test_submodule_of_a_missing_package_is_missing() -> None:
    class Deep(OptionalDependency):
        requires: ClassVar = {"no_such_a.b": "a-dist"}

    Deep().preload()
    with pytest.raises(MissingPackage, match="a-dist"):
        Deep().require("reading")


def test_availability_is_rechecked(without: Callable[..., None]) -> None:
    class Tables(OptionalDependency):
        requires: ClassVar = {"pandas": "pandas"}

    assert Tables().is_available
    without("pandas")
    assert not Tables().is_available


def test_preload_imports_installed_packages_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Late(OptionalDependency):
        requires: ClassVar = {"late_library": "late", "no_such_library": "none"}

    (tmp_path / "late_library.py").write_text("LOADED = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "late_library", raising=False)
    Late().preload()
    assert sys.modules["late_library"].LOADED is True
    monkeypatch.delitem(sys.modules, "late_library")


def test_declarations_of_all_modules_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "parts_of_a_test"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "b_part.py").write_text("PART = 2\n")
    (package / "a_part.py").write_text("PART = 1\n")
    (package / "c_part.py").touch()
    (package / "broken.py").write_text("raise RuntimeError\n")
    monkeypatch.syspath_prepend(tmp_path)
    declared = find_declared("parts_of_a_test", "PART", "_part")
    assert list(declared.items()) == [("a_part", 1), ("b_part", 2)]


_USE_EVERY_FORMAT = """
import sys
import numpy as np
import pandas as pd
from mmf_core.codecs import Kind, find, preload, readable, writable

values = {
    Kind.TABLE: pd.DataFrame({"a": [1.5], "b": ["x"], "c": pd.to_datetime(["2026-01-31"])}),
    Kind.JSON: {"a": [1, None, "\\u00e9"]},
    Kind.ARRAY: np.zeros((2, 2)),
    Kind.IMAGE: np.zeros((8, 8, 3), np.uint8),
}
for kind in values:
    preload(kind)
before = set(sys.modules)
for kind, value in values.items():
    for format in writable(kind):
        body = find(kind, format).encode(value, {})
        if format in readable(kind) and not (kind is Kind.IMAGE and format.name == "JSON"):
            find(kind, format).decode(body, {})
late = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(late - {"encodings", "pandas", "pyarrow"}))
print(len(set(sys.modules) - before))
"""


def test_request_imports_no_library_that_could_have_been_preloaded() -> None:
    """What a request imports is in each worker's own memory, among what a large body leaves."""
    command = [sys.executable, "-c", _USE_EVERY_FORMAT]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    run = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    late, count = run.stdout.splitlines()
    assert late == "PIL orjson"  # a format that only Pillow itself uses, and a small module
    assert int(count) < 10
