"""Access: the group of each route, and the one rule for targets of every protocol.

No request is refused until a capability has an authorizer: see `access/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Protocol

from flask import Flask, current_app

from ..capabilities import capabilities
from .blueprints import PREFIX
from .protocols import Service
from .request_context import Caller, current_context

PREDICT, DOCS, ADMIN = "predict", "docs", "admin"
GROUPS = (PREDICT, "tasks", "feedback", "metrics", ADMIN, DOCS)
"""What a caller may be allowed to do; each route is of exactly one group, or open."""
OPEN = "open"
"""The group of routes that need no token."""
ALL = "*"
"""Every target; no target has this name."""
_CORE = {"health": OPEN, "health.version": DOCS, "openapi": DOCS}
_EXTENSION = "mmf_authorization"
_NAMES_A_TARGET = ("target", "model")


class Authorizer(Protocol):
    """Decides on a request by the headers of HTTP or the metadata of gRPC."""

    needs_token: bool
    """Whether a request needs a token."""

    def check(self, metadata: Mapping[str, str], group: str | None, *, address: str = "") -> Caller:
        """Return the caller that has sent a request to a route of a group, without counting it.

        RequestError if that is not allowed. The names in `metadata` are in lower case.
        """


@dataclass(frozen=True, slots=True)
class Authorization:
    """The authorizer of an application, and the groups of its routes.

    `groups` are by blueprint or by endpoint, and `targets` the blueprints of the targets' routes.
    """

    authorizer: Authorizer | None
    groups: Mapping[str, str]
    targets: frozenset[str]

    def group_of(self, endpoint: str | None) -> str | None:
        """Return the group of a route; None for one that has none, and where there is no route.

        A route without a blueprint is the author's, whatever its endpoint is called.
        """
        blueprint = (endpoint or "").rpartition(".")[0]
        if not (endpoint and blueprint):
            return None
        return self.groups.get(endpoint) or self.groups.get(blueprint)

    def target_of(self, endpoint: str | None, arguments: Mapping[str, Any]) -> str | None:
        """Return the target that an address names, whether it exists or not; None for none.

        It is the route's own, or the value of its argument `target` or `model`.
        """
        blueprint = (endpoint or "").rpartition(".")[0]
        if blueprint in self.targets:
            return blueprint
        return next((arguments[name] for name in _NAMES_A_TARGET if name in arguments), None)


_NONE = Authorization(None, {}, frozenset())


def install(app: Flask, authorizer: Authorizer | None, targets: Iterable[str]) -> None:
    """Keep the authorizer; capabilities declare the groups of their routes."""
    routes = frozenset(targets)
    groups = dict.fromkeys(routes, PREDICT)
    for declared in (_CORE, *(capability.groups for capability in capabilities().values())):
        groups |= {f"{PREFIX}{name}": group for name, group in declared.items()}
    app.extensions[_EXTENSION] = Authorization(authorizer, groups, routes)


def authorization(app: Flask | None = None) -> Authorization:
    """Return the authorization of an application, by default of the one that serves a request.

    An application of the author's own may use the errors alone: nothing decides there.
    """
    installed: Authorization = (app or current_app).extensions.get(_EXTENSION, _NONE)
    return installed


def needs_token() -> bool:
    """Return whether requests to this application need a token."""
    authorizer = authorization().authorizer
    return authorizer is not None and authorizer.needs_token


def check_target(route: str) -> None:
    """Refuse what is of a target that the current caller may not reach."""
    context = current_context()
    if context and context.caller:
        context.caller.check_target(route)


def reachable() -> frozenset[str] | None:
    """Return the targets that the current caller may reach; None if it may reach all of them.

    A request without a token may reach none where it needs one.
    """
    context = current_context()
    if context and context.caller:
        return context.caller.targets
    return frozenset() if needs_token() else None


def visible(service: Service) -> Service:
    """Return the part of a service that the current caller may reach."""
    if (routes := reachable()) is None:
        return service
    registry = copy(service.registry)
    targets = service.registry.targets.items()
    registry.targets = {route: target for route, target in targets if route in routes}
    executions = {route: each for route, each in service.executions.items() if route in routes}
    return replace(service, registry=registry, executions=executions, whole=service)
