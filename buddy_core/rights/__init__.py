"""What may be shown where, when, and for what share; windows will live here."""

from buddy_core.rights.model import WORLDWIDE, Licence
from buddy_core.rights.ports import Licences, RightsTx
from buddy_core.rights.rules import holds, licences_for

__all__ = ["WORLDWIDE", "Licence", "Licences", "RightsTx", "holds", "licences_for"]
