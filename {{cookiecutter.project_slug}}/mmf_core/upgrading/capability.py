"""`mmfmeta upgrade`: what a newer version of the template has changed, merged into this project."""

from ..capabilities import Capability
from .upgrade_command import upgrade

CAPABILITY = Capability(commands=(upgrade,))
