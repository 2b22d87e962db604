"""The types that a model file may create when it is loaded."""

from __future__ import annotations

from collections.abc import Iterable, Set

TRUSTED = {"numpy", "scipy", "sklearn"}


def check_trusted(types: Iterable[str], listed: Set[str] = frozenset()) -> list[str]:
    """Return `types`, sorted; TypeError names those neither in TRUSTED packages nor `listed`."""
    types = sorted(types)
    untrusted = [
        name for name in types if name.partition(".")[0] not in TRUSTED and name not in listed
    ]
    if untrusted:
        raise TypeError(
            f"untrusted types (not in {', '.join(sorted(TRUSTED))}): {', '.join(untrusted)}; "
            f"if you trust them: mmfmeta lock --trust {' --trust '.join(untrusted)}"
        )
    return types
