"""A project in the current folder, as the commands find it: nothing of another test is loaded."""

import sys
from pathlib import Path

import pytest

from mmf_core.registry import default


def make_current(folder: Path, main: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write main.py, make the folder the current one, and empty the default registry."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("targets", "artifacts", "fingerprints"):
        monkeypatch.setattr(default, name, {})
    monkeypatch.setattr(default, "folder", Path())
    for module in ("main", "mmf_meta"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    (folder / "main.py").write_text(main, encoding="utf-8")
    return folder
