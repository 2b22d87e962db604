"""The Open Inference Protocol, version 2."""

from ..capabilities import Capability
from ..web.authorization import OPEN, PREDICT
from .routes import PROTOCOL

CAPABILITY = Capability(
    protocol=PROTOCOL,
    groups={"v2": PREDICT, "v2.live": OPEN, "v2.ready": OPEN},
    probes=("/v2/health/live", "/v2/health/ready"),
)
