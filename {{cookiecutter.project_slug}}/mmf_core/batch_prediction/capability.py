"""Batch prediction: `mmfmeta predict`, for files larger than memory, in any format of tables."""

from ..capabilities import Capability
from .command import predict

CAPABILITY = Capability(commands=(predict,))
