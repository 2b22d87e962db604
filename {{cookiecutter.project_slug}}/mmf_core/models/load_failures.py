"""What to do about a model file that does not load."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

_POINTER = b"version https://git-lfs.github.com/"


def how_to_mend(path: Path, error: Exception) -> str:
    """Return what to do, for the end of an error message."""
    if path.is_file() and _is_pointer(path):
        return "it is a pointer of Git LFS in place of the file: git lfs pull"
    if isinstance(error, ModuleNotFoundError) and not _is_installed(error.name or ""):
        return (
            f"install the package that has the module {error.name} (make add PACKAGE=…), or put "
            "your own module of that name beside main.py"
        )
    if isinstance(error, AttributeError) and "__main__'" in str(error):
        return (
            "it needs a class or function of the notebook or script that saved it: move that to a "
            "module beside main.py, import it there, and save the model again"
        )
    return "check that the file is complete and was saved with the versions in requirements.txt"


def _is_pointer(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_POINTER)) == _POINTER


def _is_installed(module: str) -> bool:
    """Return whether the package is there, perhaps in a version without that module."""
    return find_spec(module.partition(".")[0] or "builtins") is not None
