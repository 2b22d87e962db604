"""`mmfmeta lock, push, pull, versions, use, list`: models kept in stores, by artifacts.lock."""

from ..capabilities import Capability
from .commands import COMMANDS

CAPABILITY = Capability(commands=COMMANDS)
