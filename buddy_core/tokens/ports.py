"""What the token handlers need from storage, split by capability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from attrs import Factory, frozen

from buddy_core.kernel.events import Outbox
from buddy_core.kernel.idempotency import ReceiptTx
from buddy_core.kernel.ids import AccountId, EntryId, HoldId, LotId
from buddy_core.kernel.proof import Fault
from buddy_core.tokens.model import Entry, Hold, Lot, TokenKind, ValueVersion, Wallet
from buddy_core.tokens.rules.posting import Posted


class Wallets(Protocol):
    """Wallets by account. An account that never had tokens has an empty wallet."""

    async def lock(self, accounts: Sequence[AccountId]) -> None:
        """Keep other writers off these wallets until the transaction ends, in id order."""
        ...

    async def load(self, accounts: Sequence[AccountId]) -> dict[AccountId, Wallet]:
        """Return the wallet of every account named, with the lots that have something left and open holds."""
        ...

    async def append(self, posted: Sequence[Posted]) -> None:
        """Append entries, in order, and store the wallets as they are after them.

        Raises:
            Contention: a wallet has moved on since it was loaded, or a hold has ended.
        """
        ...

    async def to_sweep(self, at: datetime, *, after: AccountId | None, limit: int) -> list[AccountId]:
        """Return up to `limit` accounts above `after`, in order, with a lot or a hold whose time is over.

        Found by the indexes of what is open: what was swept before costs nothing.
        """
        ...


class Entries(Protocol):
    """Reading the ledger back."""

    async def of_account(self, account: AccountId, *, before: int | None, limit: int) -> list[Entry]:
        """Return up to `limit` entries with a sequence below `before`, newest first."""
        ...

    async def get(self, ids: Sequence[EntryId]) -> dict[EntryId, Entry]:
        """Return the entries that exist among `ids`, of whichever account."""
        ...

    async def correcting(self, ids: Sequence[EntryId]) -> list[Entry]:
        """Return the entries that correct one of `ids`, of whichever account, as they were recorded."""
        ...

    async def lots(self, ids: Sequence[LotId]) -> dict[LotId, tuple[AccountId, Lot]]:
        """Return the lots that exist among `ids`, used up or not, with the account of each."""
        ...

    async def holds(self, ids: Sequence[HoldId]) -> dict[HoldId, tuple[AccountId, Hold]]:
        """Return the holds that exist among `ids`, open or not, with the account of each."""
        ...


class ValueVersions(Protocol):
    """Value versions of all kinds; only ever added to."""

    async def of_kind(self, kind: TokenKind) -> list[ValueVersion]:
        """Return the versions of a kind in order."""
        ...

    async def in_force(self, at: datetime) -> Mapping[TokenKind, ValueVersion]:
        """Return, for each kind that has one, the version in force at `at`."""
        ...

    async def add(self, version: ValueVersion) -> None:
        """Append a version.

        Raises:
            Contention: that version number exists already.
        """
        ...


class TokensTx(ReceiptTx, Protocol):
    """A transaction that token steps can work in."""

    @property
    def wallets(self) -> Wallets: ...

    @property
    def entries(self) -> Entries: ...

    @property
    def token_values(self) -> ValueVersions: ...

    @property
    def outbox(self) -> Outbox: ...


@frozen
class AccountBooks:
    """Everything stored for one account, as it lies there, and what of it could not be read."""

    account_id: AccountId
    stored: Wallet | None
    """Sequence, head and freeze of the wallet's row; `lots` is empty. None: no such row."""
    balances: Mapping[LotId, int]
    """What the lot balances say is left, zero included."""
    entries: Sequence[Entry]
    """In order of sequence."""
    hashes: Sequence[bytes]
    """The stored hash of each entry."""
    unreadable: Sequence[Fault] = ()
    open_holds: Mapping[HoldId, datetime] = Factory(dict)
    """The holds that are stored as open, with the end of each."""


class LedgerBooks(Protocol):
    """The ledger as stored, for `buddy verify`."""

    async def accounts(self) -> list[AccountId]:
        """Return every account that a wallet, entry or lot balance names."""
        ...

    async def of_accounts(self, accounts: Sequence[AccountId]) -> list[AccountBooks]:
        """Return the books of these accounts."""
        ...

    async def strays(self) -> list[Fault]:
        """Return postings, lots, holds and balances that belong to no entry."""
        ...

    async def value_versions(self) -> tuple[list[ValueVersion], list[bytes], list[Fault]]:
        """Return all value versions by kind and number, their stored hashes, and unreadable rows."""
        ...
