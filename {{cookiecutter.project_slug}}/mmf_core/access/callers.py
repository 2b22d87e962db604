"""Callers, and what each may do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import quoted
from ..web.authorization import ALL, GROUPS
from .errors import AccessError, out_of_scope
from .rates import Rate

MAX_NAME = 200
"""Characters of a caller's name, and of an id."""


@dataclass(frozen=True, slots=True)
class TokenCaller:
    """A caller: its name, what it may reach, and its own rate, if it has one.

    `targets` None: every target. `token_id` is that by which a token is revoked, `expires` is in
    seconds since 1970, and `claims` are those of the token; an API key has none but `sub`.
    """

    name: str
    targets: frozenset[str] | None = None
    groups: frozenset[str] = frozenset(GROUPS)
    rate: Rate | None = None
    token_id: str = ""
    expires: float | None = None
    claims: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def log_fields(self) -> dict[str, str]:
        """The fields of this caller in the log."""
        return {"caller": self.name} | ({"token_id": self.token_id} if self.token_id else {})

    def check_group(self, group: str) -> None:
        """Raise Forbidden for a route of a group that this caller does not have."""
        if group not in self.groups:
            raise _refused(self, f"the token is not for the group {group}", group)

    def check_target(self, route: str) -> None:
        """Raise Forbidden for a target that this caller may not reach."""
        if self.targets is None or route in self.targets:
            return
        if route == ALL:
            raise _refused(self, "the token is not for every target")
        raise _refused(self, f"the token is not for the target {quoted(route)}")


def _refused(caller: TokenCaller, detail: str, scope: str = "") -> AccessError:
    error = out_of_scope(detail, scope)
    error.log_fields = caller.log_fields
    return error


def is_name(text: Any) -> bool:
    """Return whether this can be the name of a caller, or an id: it is written to the log."""
    return isinstance(text, str) and 0 < len(text) <= MAX_NAME and text.isprintable()


def scope_of_targets(names: Iterable[str]) -> frozenset[str] | None:
    """Return the targets that are named; None for all of them, `*`."""
    targets = frozenset(names)
    return None if ALL in targets else targets
