"""Every token spent on a title, shared to the last minor unit; pure, usable with no port at all."""

from buddy_core.royalty.errors import (
    ClosedOutOfOrder,
    PassedOver,
    PeriodAlreadyClosed,
    PeriodNotFinished,
    StatementDiffers,
    TermsProblems,
)
from buddy_core.royalty.events import MonthClosed
from buddy_core.royalty.model.months import (
    PLATFORM,
    Month,
    PublicNames,
    Reconciliation,
    Statement,
    StatementLine,
    StoredStatement,
    TokenSpend,
    TokenTerms,
)
from buddy_core.royalty.ports import RoyaltyBooks, RoyaltyRecords, RoyaltyTx, Statements, TokenSpends
from buddy_core.royalty.proof import check_statements
from buddy_core.royalty.rules.months import seal, split_rounded, state_month, statement_body, stored_bytes

__all__ = [
    "PLATFORM",
    "ClosedOutOfOrder",
    "Month",
    "MonthClosed",
    "PassedOver",
    "PeriodAlreadyClosed",
    "PeriodNotFinished",
    "PublicNames",
    "Reconciliation",
    "RoyaltyBooks",
    "RoyaltyRecords",
    "RoyaltyTx",
    "Statement",
    "StatementDiffers",
    "StatementLine",
    "Statements",
    "StoredStatement",
    "TermsProblems",
    "TokenSpend",
    "TokenSpends",
    "TokenTerms",
    "check_statements",
    "seal",
    "split_rounded",
    "state_month",
    "statement_body",
    "stored_bytes",
]
