"""A project's own modules, and a copy of a project in which some files are other ones."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

_OWN_PACKAGES = {__name__.partition(".")[0], "mmf_meta"}
_COMPILED = "__pycache__"
"""Of modules whose copies are newer, or of other ones."""
_NOT_PROJECT = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib")}


def own_modules() -> dict[str, ModuleType]:
    """Return the modules imported from the project's folder, without this package."""
    return {name: module for name, module in list(sys.modules.items()) if _is_own(name, module)}


def forget(modules: Mapping[str, ModuleType]) -> None:
    """Have modules imported again the next time."""
    for name in modules:
        del sys.modules[name]
    importlib.invalidate_caches()


@contextmanager
def imported_from(folder: Path) -> Iterator[None]:
    """Import another copy of the project in the block; afterwards its modules are as before.

    Files that it opens by relative paths meanwhile are those of `folder`.
    """
    modules, paths, here = own_modules(), list(sys.path), Path.cwd()
    forget(modules)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        forget(own_modules())
        os.chdir(here)
        sys.path[:] = paths
        sys.modules.update(modules)
        importlib.invalidate_caches()


def copy_project(folder: Path, others: Mapping[Path, Path | None], skip: str = "") -> None:
    """Fill a new folder with copies of the project's modules, and links to its other files.

    `others` are files in place of some, by their relative paths; None leaves one out. Entries whose
    names begin with `skip`, if it is not empty, are left out.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    _copy(Path.cwd(), folder, {path.parts: other for path, other in others.items()}, skip)


def _copy(
    source: Path, folder: Path, others: Mapping[tuple[str, ...], Path | None], skip: str
) -> None:
    inside = {parts[0] for parts in others if len(parts) > 1}
    for entry in source.iterdir() if source.is_dir() else ():
        name = entry.name
        is_other = (name,) in others or name in inside or name == _COMPILED
        if not is_other and not (skip and name.startswith(skip)):
            _put(entry, folder / name)
    for parts, other in others.items():
        if len(parts) == 1 and other is not None:
            _put(other, folder / parts[0])
    for name in inside:
        (folder / name).mkdir()
        below = {parts[1:]: other for parts, other in others.items() if parts[0] == name}
        _copy(source / name, folder / name, below, skip)


def _put(source: Path, target: Path) -> None:
    if source.suffix == ".py" and source.is_file():
        shutil.copyfile(source, target)  # a module's folder is that of the copy
    else:
        target.symlink_to(source.absolute())


def _is_own(name: str, module: ModuleType) -> bool:
    if name.startswith("__") or name.partition(".")[0] in _OWN_PACKAGES:
        return False
    file = getattr(module, "__file__", None)
    # A synthetic package, such as six.moves, has no path.
    path = Path(file or next(iter(getattr(module, "__path__", ())), "/"))
    return (
        path.is_relative_to(Path.cwd())
        and path.suffix in {"", ".py"}  # most extension modules cannot be imported twice
        and not any(path.is_relative_to(folder) for folder in _NOT_PROJECT)
    )
