"""`mmfmeta size`."""

from ..capabilities import Capability
from .command import size
from .memory import measure_memory

CAPABILITY = Capability(
    commands=(size, measure_memory),
)
