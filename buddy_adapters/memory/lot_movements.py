"""How tokens came to lots and left them, read from the entries in memory."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime

from attrs import evolve

from buddy_adapters.memory.tables import Tables
from buddy_adapters.memory.tokens import ENTRIES, HOLDS, LOTS
from buddy_core.kernel import LotId
from buddy_core.tokens import (
    ADJUSTED,
    WALLET,
    BoughtLot,
    Entry,
    GivenLots,
    Lot,
    LotMovement,
    LotMovements,
    Operation,
    TokenKind,
    instant_index,
)


class MemoryLotMovements:
    """Adds up the postings of all entries, by the lot that each was first."""

    def __init__(self, tables: Tables) -> None:
        self._entries, self._lots, self._holds = tables[ENTRIES], tables[LOTS], tables[HOLDS]

    async def sold_in(self) -> dict[str, datetime]:
        first: dict[str, datetime] = {}
        for _, lot in self._lots.rows():
            if lot.cost_currency is not None:
                first[lot.cost_currency] = min(first.get(lot.cost_currency, lot.created_at), lot.created_at)
        return first

    async def bought(self, currency: str, instants: Sequence[datetime]) -> AsyncIterator[Sequence[BoughtLot]]:
        of_origin: dict[LotId, list[tuple[Lot, LotMovement]]] = defaultdict(list)
        for lot, movement in self._moved(instants):
            if lot.cost_currency == currency:
                of_origin[lot.id].append((lot, movement))
        yield [_bought(found[0][0], [item for _, item in found], instants) for found in of_origin.values()]

    async def given(self, instants: Sequence[datetime]) -> list[GivenLots]:
        together: dict[tuple[TokenKind, int], list[LotMovement]] = defaultdict(list)
        for lot, movement in self._moved(instants):
            if lot.cost_currency is None:
                together[lot.kind, instant_index(instants, lot.expires_at)].append(movement)
        return [GivenLots(*key, _summed(movements)) for key, movements in together.items()]

    def _moved(self, instants: Sequence[datetime]) -> Iterator[tuple[Lot, LotMovement]]:
        """Yield what each posting moved, with the lot that its tokens were first in."""
        entries = self._entries.rows()
        opened = {entry.id: lot for entry in entries for lot in entry.lots if lot.id == lot.origin_id}
        first = {lot.id: lot for lot in opened.values()}
        for entry in entries:
            if (recorded_by := instant_index(instants, entry.recorded_at)) == len(instants):
                continue
            over_by = self._hold_over_by(entry, instants)
            for posting in entry.postings:
                # Of system accounts only what a refund took back to a withdrawn lot names that lot.
                if posting.account in (WALLET, ADJUSTED) and posting.lot_id is not None:
                    _, moved = self._lots.found([posting.lot_id])[posting.lot_id]
                    lot = first[moved.origin_id]
                elif entry.operation is Operation.REVERSE and posting.account == ADJUSTED and entry.corrects:
                    lot = opened[entry.corrects]
                else:
                    continue
                is_valued, account = posting.value is not None, posting.account
                yield (
                    lot,
                    LotMovement(entry.operation, posting.amount, recorded_by, is_valued, over_by, account),
                )

    def _hold_over_by(self, entry: Entry, instants: Sequence[datetime]) -> int | None:
        """Return by when the hold was over that an entry makes or ends."""
        if entry.holds:
            return instant_index(instants, entry.holds[0].expires_at)
        if entry.hold_id is None:
            return None
        _, hold = self._holds.found([entry.hold_id])[entry.hold_id]
        return instant_index(instants, hold.expires_at)


def _bought(lot: Lot, movements: Sequence[LotMovement], instants: Sequence[datetime]) -> BoughtLot:
    expired_by = instant_index(instants, lot.expires_at)
    assert lot.cost_minor is not None, "what was bought has a cost"
    return BoughtLot(lot.id, lot.amount, lot.cost_minor, lot.created_at, expired_by, _summed(movements))


def _summed(movements: Sequence[LotMovement]) -> tuple[LotMovement, ...]:
    """Return one movement for all that are alike and go the same way."""
    sums: Counter[tuple[LotMovement, bool]] = Counter()
    for item in movements:
        sums[evolve(item, tokens=0), item.tokens > 0] += item.tokens
    return tuple(evolve(alike, tokens=tokens) for (alike, _), tokens in sums.items())


def _conforms(tables: Tables) -> LotMovements:
    """Hold the class here to its port; read by the type checker alone."""
    return MemoryLotMovements(tables)
