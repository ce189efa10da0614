"""Feature flags and kill switches, read through a port."""

from buddy_core.flags.errors import UnknownFlag
from buddy_core.flags.model import DEFAULTS
from buddy_core.flags.ports import Flags

__all__ = ["DEFAULTS", "Flags", "UnknownFlag"]
