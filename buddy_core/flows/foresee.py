"""Do work and undo it: what it would come to, told by the very code that does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.unit_of_work import UnitOfWork

AnyTx = TypeVar("AnyTx")
R = TypeVar("R")


class _Undone(Exception):
    """Carries the answer out of a transaction that is rolled back."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer


async def foreseen(uow: UnitOfWork[AnyTx], work: Callable[[AnyTx], Awaitable[R]]) -> R:
    """Return what `work` would answer now, and leave everything as it was; its refusals are raised."""

    async def undo(tx: AnyTx) -> None:
        raise _Undone(await work(tx))

    try:
        await retried(uow, undo)
    except _Undone as undone:
        answer: R = undone.answer
        return answer
    raise AssertionError("the work is always undone")
