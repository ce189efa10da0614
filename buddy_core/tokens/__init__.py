"""The token ledger: lots, entries and the exact value of every token spent."""

from buddy_core.tokens.commands import (
    EarnTokens,
    FreezeWallet,
    MergeWallets,
    NewIds,
    SetTokenValue,
    SpendTokens,
)
from buddy_core.tokens.errors import (
    BadLot,
    BadTokenAmount,
    BadTokenValue,
    InsufficientTokens,
    NotFrozen,
    NoValueInCurrency,
    UnknownKind,
    ValueVersionInPast,
    WalletFrozen,
)
from buddy_core.tokens.events import (
    TokensEarned,
    TokensSpent,
    TokensTransferred,
    TokenValueSet,
    WalletFreezeChanged,
)
from buddy_core.tokens.handlers import earn_tokens, spend_tokens
from buddy_core.tokens.model import (
    ADJUSTED,
    BONUS,
    EXPIRED,
    HELD,
    ISSUED,
    MAX_TOKENS,
    PAID,
    SOLD,
    TRANSFERRED,
    WALLET,
    Entry,
    Hold,
    Lot,
    OpenLot,
    Operation,
    Posting,
    TokenKind,
    ValueVersion,
    Wallet,
    spent_on,
)
from buddy_core.tokens.ports import AccountBooks, Entries, LedgerBooks, TokensTx, ValueVersions, Wallets
from buddy_core.tokens.proof import check_books, check_versions
from buddy_core.tokens.rules.drawing import Draw, balance, draw_order, is_expired, is_live
from buddy_core.tokens.rules.merging import Merged, merge
from buddy_core.tokens.rules.posting import Posted, earn, freeze, spend
from buddy_core.tokens.rules.valuing import next_version, version_at
from buddy_core.tokens.steps import (
    MergeSummary,
    Spent,
    SpentByKind,
    earn_in,
    freeze_in,
    merge_in,
    set_value_in,
    spend_in,
)

__all__ = [
    "ADJUSTED", "BONUS", "EXPIRED", "HELD", "ISSUED", "MAX_TOKENS", "PAID", "SOLD", "TRANSFERRED",
    "WALLET", "AccountBooks", "BadLot", "BadTokenAmount", "BadTokenValue", "Draw", "EarnTokens",
    "Entries", "Entry", "FreezeWallet", "Hold", "InsufficientTokens", "LedgerBooks", "Lot",
    "MergeSummary", "MergeWallets", "Merged", "NewIds", "NoValueInCurrency", "NotFrozen", "OpenLot",
    "Operation", "Posted", "Posting", "SetTokenValue", "SpendTokens", "Spent", "SpentByKind",
    "TokenKind", "TokenValueSet", "TokensEarned", "TokensSpent", "TokensTransferred", "TokensTx",
    "UnknownKind", "ValueVersion", "ValueVersionInPast", "ValueVersions", "Wallet",
    "WalletFreezeChanged", "WalletFrozen", "Wallets", "balance", "check_books", "check_versions",
    "draw_order", "earn", "earn_in", "earn_tokens", "freeze", "freeze_in", "is_expired", "is_live",
    "merge", "merge_in", "next_version", "set_value_in", "spend", "spend_in", "spend_tokens",
    "spent_on", "version_at",
]  # fmt: skip
