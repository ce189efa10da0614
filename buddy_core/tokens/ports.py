"""What the token handlers need from storage, split by capability."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from attrs import Factory, frozen

from buddy_core.kernel.events import Outbox
from buddy_core.kernel.idempotency import ReceiptTx
from buddy_core.kernel.ids import AccountId, EntryId, HoldId, LotId
from buddy_core.kernel.proof import Fault
from buddy_core.tokens.model import Entry, Hold, Lot, TokenKind, ValueVersion, Wallet
from buddy_core.tokens.rules.accounting import BoughtLot, GivenLots
from buddy_core.tokens.rules.posting import Posted


class Wallets(Protocol):
    """Wallets by account. An account that never had tokens has an empty wallet."""

    async def lock(self, accounts: Sequence[AccountId]) -> None:
        """Keep other writers off these wallets until the transaction ends, in id order."""
        ...

    async def load(self, accounts: Sequence[AccountId]) -> dict[AccountId, Wallet]:
        """Return the wallet of every account named, with the lots that have something left and open holds."""
        ...

    async def moved_away(self, accounts: Sequence[AccountId]) -> set[AccountId]:
        """Return those whose last entry moved all that they had to another wallet."""
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

    async def openings(self, ids: Sequence[LotId]) -> dict[LotId, EntryId]:
        """Return, for the lots that exist among `ids`, the entry that opened each."""
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


class LotMovements(Protocol):
    """How tokens came to lots and left them, added up between instants, for the accounting view.

    `instants` are ascending. What was recorded after the last of them is left out.
    """

    async def sold_in(self) -> dict[str, datetime]:
        """Return each currency in which tokens were bought, with when the first of its lots was opened."""
        ...

    def bought(self, currency: str, instants: Sequence[datetime]) -> AsyncIterator[Sequence[BoughtLot]]:
        """Yield, in batches, the lots bought in a currency, each once with all movements of its origin."""
        ...

    async def given(self, instants: Sequence[datetime]) -> list[GivenLots]:
        """Return the lots that nobody bought, added up by kind and by when they end."""
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
    """Sequence, head, freeze and last move of the wallet's row; `lots` is empty. None: no such row."""
    balances: Mapping[LotId, int]
    """What the lot balances say is left, zero included."""
    entries: Sequence[Entry]
    """In order of sequence."""
    hashes: Sequence[bytes]
    """The stored hash of each entry."""
    unreadable: Sequence[Fault] = ()
    open_holds: Mapping[HoldId, datetime] = Factory(dict)
    """The holds that are stored as open, with the end of each."""


Mark = tuple[int, bytes]
"""Where a wallet stands: the sequence and the hash of its last entry."""


@frozen
class Glance:
    """One account as stored, in the form in which it is quickest to look at.

    An entry is the text that its hash was taken over, made from the columns as they lie
    there, with the previous hash and the hash that are stored beside them.
    """

    account: AccountId
    stored: tuple[int, bytes, bool, str | None] | None
    """Sequence, head, freeze and last move (canonical text) of the wallet's row; None: no such row."""
    balances: Mapping[str, int]
    """What the lot balances say is left, zero included, by the lot's id as text."""
    entries: Sequence[tuple[str, bytes, bytes]]
    """In order of sequence."""
    is_odd: bool = False
    """Something lies there that a quick look does not take in: a hold, or a row that cannot be read."""


class LedgerBooks(Protocol):
    """The ledger as stored, for `buddy verify`."""

    async def marks(self) -> dict[AccountId, Mark]:
        """Return where every wallet stands that has a row."""
        ...

    def glances(self, accounts: Sequence[AccountId], batch: int) -> AsyncIterator[Sequence[Glance]]:
        """Yield a glance at each of these accounts, in their order, up to `batch` at a time."""
        ...

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
