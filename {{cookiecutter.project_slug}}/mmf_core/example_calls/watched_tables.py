"""A table that notes what the author's code does with it, other than to pass it on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from inspect import isfunction
from typing import TYPE_CHECKING, Any

from ..execution import is_author

if TYPE_CHECKING:
    import pandas as pd

_HARMLESS = {"__class__", "__len__", "empty", "index", "shape", "size"}
"""Members that depend on no column, or do not show which."""
_UNWATCHED = {"__getattribute__", "__init__", "__init_subclass__", "__new__", *_HARMLESS}


def watched(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return a copy of a table, and the list of members to which the author's code will turn."""
    import pandas as pd

    uses: list[str] = []

    def members_watched(self: Any, name: str) -> Any:
        if name not in _HARMLESS and is_author(sys._getframe(1)):  # noqa: SLF001 - the only way
            uses.append(name)
        return ordinary_member(self, name)

    def operator_watched(name: str, ordinary: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(ordinary)
        def operator(self: Any, *args: Any, **options: Any) -> Any:
            if is_author(sys._getframe(1)):  # noqa: SLF001
                uses.append(name)
            return ordinary(self, *args, **options)

        return operator

    ordinary_member = pd.DataFrame.__getattribute__
    operators = {
        name: operator_watched(name, member)
        for name in dir(pd.DataFrame)
        if name.startswith("__")
        and name not in _UNWATCHED
        and isfunction(member := getattr(pd.DataFrame, name))
    }
    # By the name and the module some libraries recognise a DataFrame.
    namespace = {
        "__module__": pd.DataFrame.__module__,
        "__getattribute__": members_watched,
        **operators,
    }
    return type("DataFrame", (pd.DataFrame,), namespace)(table), uses
