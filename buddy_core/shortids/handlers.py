"""Filling a process's stock of ids, in a transaction of its own."""

from __future__ import annotations

from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.shortids.ports import ShortIdTx
from buddy_core.shortids.rules.generation import BLOCK_SIZE, candidates
from buddy_core.shortids.steps import Stock, untaken_in

LOW = 8
"""A stock is filled again when fewer than this are left."""


async def stock_short_ids(
    uow: UnitOfWork[ShortIdTx], stock: Stock, type: str, *, low: int = LOW, size: int = BLOCK_SIZE
) -> None:
    """Reserve blocks until the stock holds `low` ids of this type.

    Called before the transaction that uses them, never inside it. The block is
    durable before its first id is used, so that no crash can give an id twice;
    two tasks that fill at once get two blocks, and none is lost.

    Raises:
        ShortIdsExhausted: the type has no id left.
    """
    while stock.left(type) < low:
        async with uow.begin() as tx:
            block = await tx.shortids.reserve(type, size)
            found = await untaken_in(tx, type, candidates(block, stock.words))
        stock.put(type, found)
