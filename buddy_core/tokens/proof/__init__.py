"""Re-deriving the ledger from its entries: quickly where all is well, row by row where it is not."""

from buddy_core.tokens.proof.books import check_books, check_corrections, check_versions
from buddy_core.tokens.proof.walking import Checkpoint, LedgerReport, check_ledger_in

__all__ = [
    "Checkpoint",
    "LedgerReport",
    "check_books",
    "check_corrections",
    "check_ledger_in",
    "check_versions",
]
