"""What a process keeps of the ledger between transactions, and asks for again only where it has changed.

A wallet's head is a hash over all that ever happened to it. While the stored head is the one
that a wallet was left with, its lots, their balances and its holds are what they were. Value
versions are only ever added, so their number tells whether there are new ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from attrs import evolve

from buddy_core.kernel.ids import AccountId
from buddy_core.tokens import TokenKind, ValueVersion, Wallet

MOST_WALLETS = 16_384
MOST_LOTS = 16
"""A wallet with more lots is rare, and would take the place of several."""


class Kept:
    """Wallets and value versions of one database; one for each engine."""

    def __init__(self, most_wallets: int = MOST_WALLETS) -> None:
        self._most_wallets = most_wallets
        self._wallets: dict[AccountId, Wallet] = {}
        self._versions: Sequence[ValueVersion] = ()

    def keep(self, wallets: Iterable[Wallet]) -> None:
        """Keep wallets as a transaction leaves them.

        If it is rolled back, no stored head will ever be theirs.
        """
        for wallet in wallets:
            self._wallets.pop(wallet.account_id, None)
            if len(wallet.lots) > MOST_LOTS or wallet.holds:
                continue
            if len(wallet.lots) > 1:
                wallet = evolve(wallet, lots=tuple(sorted(wallet.lots, key=lambda item: item.lot.id)))
            self._wallets[wallet.account_id] = wallet
        while len(self._wallets) > self._most_wallets:
            del self._wallets[next(iter(self._wallets))]

    def has_any(self, accounts: Iterable[AccountId]) -> bool:
        """Tell whether it is worth asking for heads."""
        return any(account in self._wallets for account in accounts)

    def wallet(self, account: AccountId, sequence: int, head: bytes, is_frozen: bool) -> Wallet | None:
        """Return the wallet that has this head, if it is here."""
        wallet = self._wallets.get(account)
        if wallet is None or (wallet.head, wallet.sequence, wallet.is_frozen) != (head, sequence, is_frozen):
            return None
        if type(wallet.account_id) is not type(account):
            # The driver's own ids are quicker to write and to compare than those that callers bring.
            wallet = self._wallets[account] = evolve(wallet, account_id=account)
        return wallet

    def keep_versions(self, versions: Sequence[ValueVersion]) -> None:
        """Keep all value versions that there are."""
        self._versions = versions

    def in_force(self, count: int, at: datetime) -> Mapping[TokenKind, ValueVersion] | None:
        """Return the version of each kind in force at `at`; None: these are not all that there are now."""
        if len(self._versions) != count:
            return None
        found: dict[TokenKind, ValueVersion] = {}
        for version in self._versions:
            other = found.get(version.kind)
            if version.effective_from <= at and (other is None or other.version < version.version):
                found[version.kind] = version
        return found
