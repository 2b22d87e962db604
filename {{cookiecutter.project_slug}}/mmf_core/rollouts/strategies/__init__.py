"""Strategies: which share of the requests the candidate serves, and when that changes.

Each module here with a `STRATEGY` is discovered automatically, under the module's name.
"""

from __future__ import annotations

from ...packages import find_declared
from .base import BothRewards as BothRewards
from .base import Figures as Figures
from .base import Progress as Progress
from .base import Rewards as Rewards
from .base import Strategy as Strategy

STRATEGIES: dict[str, Strategy] = find_declared(__name__, "STRATEGY")
