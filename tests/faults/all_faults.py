"""All faults, in the order of the page."""

import fault_clients
import fault_signals
import fault_surroundings
from fault_env import FAULTS

__all__ = ["FAULTS", "fault_clients", "fault_signals", "fault_surroundings"]
