"""Great Expectations: `mmfmeta schema from-gx` translates a suite to a schema."""

from ..capabilities import Capability
from .command import schema

CAPABILITY = Capability(commands=(schema,))
