"""The Open Inference Protocol, version 2."""

from ..capabilities import Capability
from .routes import PROTOCOL

CAPABILITY = Capability(
    protocol=PROTOCOL,
    probes=("/v2/health/live", "/v2/health/ready"),
)
