"""Generated projects have the extras of a project, wherever the template has parts for one.

Some parts are files, which are in a project or are not; others are lines of files, such as of
compose.yaml: these the template generates by its answers.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..extras import PROJECT_FILES, find_extras, imports_of, package_of, remove_extras
from .git import git, names
from .record import ADDED_EXTRAS, CORE, REMOVED_EXTRAS, is_core
from .template import generate

REQUIREMENTS = "requirements.in"


def answers_with(answers: Mapping[str, str], extras: Iterable[str]) -> dict[str, str]:
    """Return the answers for files with the lines of these extras, too."""
    added, removed = _list(answers, ADDED_EXTRAS), _list(answers, REMOVED_EXTRAS)
    if answers.get("extras") != "all":
        added |= {*extras}
    return _with_lists(answers, added, removed - {*extras})


def answers_without(answers: Mapping[str, str], extras: Iterable[str]) -> dict[str, str]:
    """Return the answers for files without the lines of these extras."""
    added, removed = _list(answers, ADDED_EXTRAS), _list(answers, REMOVED_EXTRAS)
    if answers.get("extras") == "all":
        removed |= {*extras}
    return _with_lists(answers, added - {*extras}, removed)


def set_extras(
    made: Path, extras: Iterable[str], template: Path, answers: Mapping[str, str]
) -> None:
    """Give a generated project the files of these extras, and of no others."""
    add_missing_extras(made, extras, template, answers)
    others = find_extras(made / CORE).keys() - {*extras}
    remove_extras(made / CORE, others)
    for path in (path for name in others for path in PROJECT_FILES.get(name, ())):
        shutil.rmtree(made / path, ignore_errors=True)


def add_missing_extras(
    made: Path, extras: Iterable[str], template: Path, answers: Mapping[str, str]
) -> None:
    """Add the files of extras to a project that was generated without them.

    `template` is the one that it was generated from, and may not have all of them.
    """
    missing = {*extras} - find_extras(made / CORE).keys()
    (package,) = template.glob(f"*/{CORE}")
    if not missing & find_extras(package).keys():
        return
    folder = template.with_name(f"{template.name}-all")
    if not folder.exists():
        generate(template, {**answers, "extras": "all"}, folder)
    (whole,) = (folder / "made").iterdir()
    offered = find_extras(whole / CORE)
    for name in missing & offered.keys():
        files = [path.relative_to(whole) for path in offered[name].paths]
        for path in (*files, *map(Path, PROJECT_FILES.get(name, ()))):
            _copy(whole / path, made / path)


def separate_requirements(project: Path, less: Path, more: Path) -> None:
    """Remove the packages from `less` that only the extras of `more` need, and not the project."""
    core = find_extras(less / CORE)
    extras = [extra for name, extra in find_extras(more / CORE).items() if name not in core]
    imports = imports_of(path for extra in extras for path in extra.paths)
    used = imports_of([less / CORE]).values()
    tracked = names(git(project, "ls-files", "-z", "--", "*.py"))
    own = imports_of(project / path for path in tracked if not is_core(path)).keys()
    unused = set(imports.values()) - {*used} - {imports[name] for name in own & imports.keys()}
    file = less / REQUIREMENTS
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text(
        "".join(line for line in lines if package_of(line) not in unused), encoding="utf-8"
    )


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    elif source.exists():
        shutil.copy(source, target)


def _with_lists(
    answers: Mapping[str, str], added: Iterable[str], removed: Iterable[str]
) -> dict[str, str]:
    lists = {ADDED_EXTRAS: " ".join(sorted(added)), REMOVED_EXTRAS: " ".join(sorted(removed))}
    others = {name: text for name, text in answers.items() if name not in lists}
    return others | {name: text for name, text in lists.items() if text}


def _list(answers: Mapping[str, str], name: str) -> set[str]:
    return set(answers.get(name, "").split())
