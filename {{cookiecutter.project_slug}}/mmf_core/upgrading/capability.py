"""`mmfmeta upgrade` and `mmfmeta extras`: a newer version, and more or fewer parts, by merges."""

from ..capabilities import Capability
from .extras_command import extras
from .upgrade_command import upgrade

CAPABILITY = Capability(commands=(extras, upgrade))
