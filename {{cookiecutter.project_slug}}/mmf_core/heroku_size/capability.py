"""`mmfmeta size`."""

from ..capabilities import Capability
from .command import size
from .memory import measure_memory

CAPABILITY = Capability(
    summary="mmfmeta size: whether the project fits a Heroku slug and dyno",
    commands=(size, measure_memory),
)
