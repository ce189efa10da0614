"""What the machine gives: the time and new ids, and stand-ins for both."""

from buddy_adapters.system.clock import SettableClock, ShiftedClock, SystemClock
from buddy_adapters.system.ids import SequentialIds, SystemIds

__all__ = ["SequentialIds", "SettableClock", "ShiftedClock", "SystemClock", "SystemIds"]
