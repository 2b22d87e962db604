"""Replacing a file is atomic: it is the old or the new one, whatever happens."""

from pathlib import Path

import pytest

from mmf_core.artifact_commands.files import replaced
from mmf_core.errors import StoreError


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_leftover_copy_of_a_killed_process_is_replaced(tmp_path: Path, kind: str) -> None:
    path, source, left = (tmp_path / name for name in ("model", "source", ".model.new"))
    for place, text in ((path, "old"), (source, "new"), (left, "half")):
        if kind == "folder":
            place.mkdir()
            place = place / "file"  # noqa: PLW2901
        place.write_text(text)
    with replaced(path, source):
        assert (path / "file" if kind == "folder" else path).read_text() == "old"
    assert (path / "file" if kind == "folder" else path).read_text() == "new"
    assert not left.exists()


def test_error_in_the_block_changes_nothing(tmp_path: Path) -> None:
    path, source = tmp_path / "model", tmp_path / "source"
    path.write_text("old")
    source.write_text("new")
    with pytest.raises(RuntimeError), replaced(path, source):
        raise RuntimeError
    with pytest.raises(StoreError, match="cannot write"), replaced(path, tmp_path / "missing"):
        pass
    assert path.read_text() == "old"
    assert not list(tmp_path.glob(".model*"))
