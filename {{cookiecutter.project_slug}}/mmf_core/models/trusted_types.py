"""The types that a model file may create when it is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Set

TRUSTED = {"numpy", "scipy", "sklearn"}
_TOOLS = {"testing", "tests", "_private", "distutils", "f2py", "datasets", "conftest"}
"""Modules of these packages for developers, which compile, fetch or run what they are given."""


def check_trusted(types: Iterable[str], listed: Set[str] = frozenset()) -> list[str]:
    """Return `types`, sorted; TypeError names those neither in TRUSTED packages nor `listed`."""
    types = sorted(types)
    untrusted = [name for name in types if not _is_trusted(name) and name not in listed]
    if untrusted:
        raise TypeError(
            f"untrusted types (not in {', '.join(sorted(TRUSTED))}): {', '.join(untrusted)}; "
            f"if you trust them: mmfmeta lock --trust {' --trust '.join(untrusted)}"
        )
    return types


def _is_trusted(name: str) -> bool:
    package, *modules = name.split(".")
    return package in TRUSTED and _TOOLS.isdisjoint(modules)
