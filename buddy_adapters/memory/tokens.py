"""The token ledger in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from attrs import evolve

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.kernel import AccountId, Contention, EntryId, HoldId, LotId
from buddy_core.kernel.canonical import instant_text
from buddy_core.kernel.proof import Fault
from buddy_core.tokens import (
    AccountBooks,
    Entry,
    Glance,
    Hold,
    Lot,
    Mark,
    Operation,
    Posted,
    TokenKind,
    ValueVersion,
    Wallet,
    entry_body,
    is_expired,
    version_at,
)

WALLETS: TableName[AccountId, Wallet] = TableName("wallets")
BALANCES: TableName[AccountId, Mapping[LotId, int]] = TableName("lot_balances")
ENTRIES: TableName[tuple[AccountId, int], Entry] = TableName("entries")
HASHES: TableName[tuple[AccountId, int], bytes] = TableName("entry_hashes")
KEYS: TableName[tuple[AccountId, Operation, str], EntryId] = TableName("entry_keys")
PLACES: TableName[EntryId, tuple[AccountId, int]] = TableName("entry_places")
CORRECTIONS: TableName[EntryId, tuple[EntryId, ...]] = TableName("entry_corrections")
LOTS: TableName[LotId, tuple[AccountId, Lot]] = TableName("lots")
OPENINGS: TableName[LotId, EntryId] = TableName("lot_openings")
HOLDS: TableName[HoldId, tuple[AccountId, Hold]] = TableName("holds")
OPEN_HOLDS: TableName[AccountId, Mapping[HoldId, datetime]] = TableName("open_holds")
VALUES: TableName[TokenKind, tuple[ValueVersion, ...]] = TableName("token_values")


class MemoryWallets:
    """Wallets as they are after their last entry; the only writer of the ledger."""

    def __init__(self, tables: Tables) -> None:
        self._wallets, self._balances = tables[WALLETS], tables[BALANCES]
        self._entries, self._hashes, self._keys = tables[ENTRIES], tables[HASHES], tables[KEYS]
        self._places, self._corrections = tables[PLACES], tables[CORRECTIONS]
        self._lots, self._openings = tables[LOTS], tables[OPENINGS]
        self._holds, self._open = tables[HOLDS], tables[OPEN_HOLDS]

    async def lock(self, accounts: Sequence[AccountId]) -> None:
        """Do nothing: there is one writer at a time."""

    async def load(self, accounts: Sequence[AccountId]) -> dict[AccountId, Wallet]:
        return {account: self._wallets.get(account) or Wallet(account) for account in accounts}

    async def moved_away(self, accounts: Sequence[AccountId]) -> set[AccountId]:
        lasts = {account: (self._wallets.get(account) or Wallet(account)).sequence for account in accounts}
        found = self._entries.found(list(lasts.items()))
        return {place[0] for place, entry in found.items() if entry.operation is Operation.TRANSFER_OUT}

    async def append(self, posted: Sequence[Posted]) -> None:
        heads: dict[AccountId, Wallet] = {}
        for item in posted:
            entry = item.entry
            account = entry.account_id
            head = heads.get(account) or self._wallets.get(account) or Wallet(account)
            if (entry.sequence, entry.previous_hash) != (head.sequence + 1, head.head):
                raise Contention("wallet")
            if not self._keys.add((account, entry.operation, entry.idempotency_key), entry.id):
                raise Contention("wallet")
            # The wallet of an item may already be the one after later entries of the same batch, so the
            # chain is followed on the entries.
            heads[account] = Wallet(account, entry.sequence, entry.hash)
            self._entries.put((account, entry.sequence), entry)
            self._hashes.put((account, entry.sequence), heads[account].head)
            opened = {lot.id: 0 for lot in entry.lots}
            self._balances.put(account, {**(self._balances.get(account) or {}), **opened})
            self._index(entry)
        for account, wallet in {item.entry.account_id: item.wallet for item in posted}.items():
            self._wallets.put(account, wallet)
            left = {item.lot.id: item.remaining for item in wallet.lots}
            self._balances.put(account, {**dict.fromkeys(self._balances.get(account) or {}, 0), **left})

    async def to_sweep(self, at: datetime, *, after: AccountId | None, limit: int) -> list[AccountId]:
        found = [
            account
            for account in self._wallets
            if (after is None or account > after)
            and (wallet := self._wallets.get(account)) is not None
            and (
                any(is_expired(item.lot, at) for item in wallet.lots)
                or any(end <= at for end in (self._open.get(account) or {}).values())
            )
        ]
        return sorted(found)[:limit]

    def _index(self, entry: Entry) -> None:
        """Keep what is asked for by an id of its own; a hold ends once."""
        account = entry.account_id
        if not self._places.add(entry.id, (account, entry.sequence)):
            raise Contention("wallet")
        if entry.corrects is not None:
            before = self._corrections.get(entry.corrects) or ()
            self._corrections.put(entry.corrects, (*before, entry.id))
        for lot in entry.lots:
            if not self._lots.add(lot.id, (account, lot)):
                raise Contention("wallet")
            self._openings.put(lot.id, entry.id)
        still = dict(self._open.get(account) or {})
        for hold in entry.holds:
            if not self._holds.add(hold.id, (account, hold)):
                raise Contention("wallet")
            still[hold.id] = hold.expires_at
        if entry.hold_id is not None and still.pop(entry.hold_id, None) is None:
            raise Contention("wallet")
        if entry.holds or entry.hold_id is not None:
            self._open.put(account, still)


class MemoryEntries:
    """The ledger, read back from its newest entry, or by the ids in it."""

    def __init__(self, tables: Tables) -> None:
        self._wallets, self._entries = tables[WALLETS], tables[ENTRIES]
        self._places, self._corrections = tables[PLACES], tables[CORRECTIONS]
        self._lots, self._openings, self._holds = tables[LOTS], tables[OPENINGS], tables[HOLDS]

    async def of_account(self, account: AccountId, *, before: int | None, limit: int) -> list[Entry]:
        wallet = self._wallets.get(account)
        end = (wallet.sequence if wallet else 0) + 1
        if before is not None:
            end = min(end, before)
        newest_first = [(account, number) for number in range(end - 1, max(0, end - 1 - limit), -1)]
        return list(self._entries.found(newest_first).values())

    async def get(self, ids: Sequence[EntryId]) -> dict[EntryId, Entry]:
        places = self._places.found(ids)
        found = self._entries.found(places.values())
        return {entry_id: found[place] for entry_id, place in places.items() if place in found}

    async def correcting(self, ids: Sequence[EntryId]) -> list[Entry]:
        named = [entry_id for found in self._corrections.found(ids).values() for entry_id in found]
        found = (await self.get(named)).values()
        return sorted(found, key=lambda entry: (entry.recorded_at, entry.id))

    async def lots(self, ids: Sequence[LotId]) -> dict[LotId, tuple[AccountId, Lot]]:
        return self._lots.found(ids)

    async def openings(self, ids: Sequence[LotId]) -> dict[LotId, EntryId]:
        return self._openings.found(ids)

    async def holds(self, ids: Sequence[HoldId]) -> dict[HoldId, tuple[AccountId, Hold]]:
        return self._holds.found(ids)


class MemoryValueVersions:
    """Value versions in order, by kind."""

    def __init__(self, tables: Tables) -> None:
        self._values = tables[VALUES]

    async def of_kind(self, kind: TokenKind) -> list[ValueVersion]:
        return list(self._values.get(kind) or ())

    async def in_force(self, at: datetime) -> Mapping[TokenKind, ValueVersion]:
        found = {kind: version_at(self._values.get(kind) or (), at) for kind in self._values}
        return {kind: version for kind, version in found.items() if version is not None}

    async def add(self, version: ValueVersion) -> None:
        known = self._values.get(version.kind) or ()
        if any(item.version == version.version for item in known):
            raise Contention("token value")
        ordered = sorted((*known, version), key=lambda item: item.version)
        self._values.put(version.kind, tuple(ordered))


class MemoryLedgerBooks:
    """The ledger as it lies here; what one store writes as whole values cannot be stray or unreadable."""

    def __init__(self, tables: Tables) -> None:
        self._wallets, self._balances = tables[WALLETS], tables[BALANCES]
        self._entries, self._hashes, self._values = tables[ENTRIES], tables[HASHES], tables[VALUES]
        self._open = tables[OPEN_HOLDS]

    async def accounts(self) -> list[AccountId]:
        named = {*self._wallets, *self._balances, *self._open, *(account for account, _ in self._entries)}
        return sorted(named)

    async def marks(self) -> dict[AccountId, Mark]:
        found = self._wallets.found(list(self._wallets))
        return {account: (wallet.sequence, wallet.head) for account, wallet in found.items()}

    async def glances(self, accounts: Sequence[AccountId], batch: int) -> AsyncIterator[Sequence[Glance]]:
        for start in range(0, len(accounts), batch):
            yield [_glance(self._books(account)) for account in accounts[start : start + batch]]

    async def of_accounts(self, accounts: Sequence[AccountId]) -> list[AccountBooks]:
        return [self._books(account) for account in accounts]

    async def strays(self) -> list[Fault]:
        return []

    async def value_versions(self) -> tuple[list[ValueVersion], list[bytes], list[Fault]]:
        versions = [item for kind in sorted(self._values) for item in self._values.get(kind) or ()]
        return versions, [item.hash for item in versions], []

    def _books(self, account: AccountId) -> AccountBooks:
        wallet = self._wallets.get(account)
        numbers = [(account, number) for number in range(1, (wallet.sequence if wallet else 0) + 1)]
        return AccountBooks(
            account_id=account,
            stored=None if wallet is None else evolve(wallet, lots=(), holds=()),
            balances=dict(self._balances.get(account) or {}),
            entries=list(self._entries.found(numbers).values()),
            hashes=list(self._hashes.found(numbers).values()),
            open_holds=dict(self._open.get(account) or {}),
        )


def _glance(books: AccountBooks) -> Glance:
    stored = books.stored
    return Glance(
        account=books.account_id,
        stored=None
        if stored is None
        else (
            stored.sequence,
            stored.head,
            stored.is_frozen,
            None if stored.moved_at is None else instant_text(stored.moved_at),
        ),
        balances={str(lot): left for lot, left in books.balances.items()},
        entries=[
            (entry_body(entry), entry.previous_hash, digest)
            for entry, digest in zip(books.entries, books.hashes, strict=True)
        ],
        is_odd=bool(books.open_holds),
    )
