"""The Open Inference Protocol, version 2."""

from ..capabilities import Capability
from .routes import PROTOCOL

CAPABILITY = Capability(
    summary="the Open Inference Protocol of KServe, Triton and MLServer at /v2",
    protocol=PROTOCOL,
    probes=("/v2/health/live", "/v2/health/ready"),
)
