"""The packages that a model needs, for requirements.in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from ..models import format_of
from ..models.provenance import made_with

_SOURCE, _PINS = Path("requirements.in"), Path("requirements.txt")
_PIN = re.compile(r"(?m)^([\w.-]+)==([\w.+!-]+)\s*$")
_NAME = re.compile(r"(?m)^[A-Za-z0-9][\w.-]*")
# Whose package has another name than the module that a pickle wants.
_PACKAGES = {"sklearn": "scikit-learn", "cv2": "opencv-python-headless", "PIL": "pillow"}


def package_of(module: str) -> str:
    """Return the package that provides a module, which is not installed."""
    top = module.partition(".")[0]
    return _PACKAGES.get(top, top)


def recorded_versions(folder: Path) -> dict[str, str]:
    """Return the versions that an MLflow folder pins, of packages that are installed in others."""
    recorded = folder / "requirements.txt"
    if not recorded.exists():
        return {}
    pins = dict(_PIN.findall(recorded.read_text(encoding="utf-8")))
    return {name: pin for name, pin in pins.items() if _version(name) not in {pin, ""}}


def add_requirements(model: Any, file: str, saved_with: Mapping[str, str]) -> list[str]:
    """Add to requirements.in what a model needs; return the new lines.

    `saved_with` are versions that the file records and that are not installed: they replace any
    other. A package that is pinned already stays as it is.
    """
    if not _SOURCE.exists():
        return []
    text = _SOURCE.read_text(encoding="utf-8")
    pinned = _PINS.read_text(encoding="utf-8") if _PINS.exists() else ""
    installed = _readers(file) | made_with(model)
    lines = list(_new_lines(installed, saved_with, _names(text) | _names(pinned)))
    for line in lines:
        name = re.escape(line.partition("==")[0])
        text, count = re.subn(rf"(?m)^{name}\b(?![-\w.])[^#\n]*?(?=\s*(#|$))", line, text)
        if not count:
            text = f"{text.rstrip()}\n{line}  # the model's own code\n"
    if lines:
        _SOURCE.write_text(text, encoding="utf-8")
    return lines


def _readers(file: str) -> dict[str, str]:
    """Return the packages that read a file's format, which its objects need not be from."""
    packages = packages_distributions()
    readers = {}
    model_format = format_of(file)
    for module, package in (model_format.requires if model_format else {}).items():
        names = packages.get(module, [])
        if names:
            name = package if package in names else names[0]
            readers[name] = version(name)
    return readers


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _new_lines(
    installed: Mapping[str, str], saved_with: Mapping[str, str], listed: set[str]
) -> Iterator[str]:
    for package, number in installed.items():
        if package in saved_with:
            yield f"{package}=={saved_with[package]}"
        elif _normalized(package) not in listed:
            yield f"{package}=={number}"


def _names(requirements: str) -> set[str]:
    return {_normalized(name) for name in _NAME.findall(requirements)}


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
