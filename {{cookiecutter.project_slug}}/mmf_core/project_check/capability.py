"""`mmfmeta test, check-fork`: whether a project works where it is deployed."""

from ..capabilities import Capability
from .check_command import test
from .fork_check import check_fork

CAPABILITY = Capability(commands=(test, check_fork))
