"""The health of the service and of each target, as in `/health/ready`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..readiness import server_status
from ..registry import Registry
from .calls import SERVICE
from .messages import message_class

UNKNOWN, SERVING, NOT_SERVING, SERVICE_UNKNOWN = range(4)
WHOLE = frozenset({"", SERVICE})
"""Names of the whole server, whose status needs no token."""


class Health:
    """The statuses of a registry; a service of gRPC's health is a target, or "" for all of them."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def status(self, service: str) -> int:
        """Return the status of a target; SERVICE_UNKNOWN if there is none of this name."""
        registry = self._registry
        if service in WHOLE:
            is_ready = registry.is_ready
        elif service in registry.targets:
            is_ready = self._is_target_ready(service)
        else:
            return SERVICE_UNKNOWN
        return SERVING if is_ready else NOT_SERVING

    def list(self, targets: Iterable[str]) -> Any:
        """Return the HealthListResponse, with these targets."""
        response = message_class("grpc.health.v1.HealthListResponse")()
        for name in (*sorted(WHOLE), *targets):
            response.statuses[name].status = self.status(name)
        return response

    @staticmethod
    def request() -> Any:
        """Return the class of a HealthCheckRequest."""
        return message_class("grpc.health.v1.HealthCheckRequest")

    @staticmethod
    def response(status: int) -> bytes:
        """Return a HealthCheckResponse."""
        response = message_class("grpc.health.v1.HealthCheckResponse")(status=status)
        data: bytes = response.SerializeToString()
        return data

    def _is_target_ready(self, route: str) -> bool:
        """Report whether one target can be called: the warm-up of another may have failed."""
        registry = self._registry
        if server_status.not_ready_reason() or route in registry.pending_warmups:
            return False
        return all(artifact.is_loaded for artifact in registry.artifacts.values())
