"""`mmfmeta init`: main.py, written from a model file."""

from ..capabilities import Capability
from .command import init

CAPABILITY = Capability(commands=(init,))
