"""What may be shown where, when, and for what share; windows will live here."""

from buddy_core.rights.errors import BadLicence, SharesExceedWhole
from buddy_core.rights.model import WORLDWIDE, Licence
from buddy_core.rights.ports import Licences, RightsTx
from buddy_core.rights.rules import check_shares, covers, holds, licences_for

__all__ = [
    "WORLDWIDE",
    "BadLicence",
    "Licence",
    "Licences",
    "RightsTx",
    "SharesExceedWhole",
    "check_shares",
    "covers",
    "holds",
    "licences_for",
]
