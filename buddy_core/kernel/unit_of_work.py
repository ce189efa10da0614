"""The transaction as a port: begun by handlers, handed to steps, never seen by rules."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

TxCo = TypeVar("TxCo", covariant=True)


class UnitOfWork(Protocol[TxCo]):
    """Begins transactions. A clean exit commits, an exception rolls everything back."""

    def begin(self) -> AbstractAsyncContextManager[TxCo]:
        """Open a transaction that may write."""
        ...

    def read(self) -> AbstractAsyncContextManager[TxCo]:
        """Open a transaction that only reads, on one consistent snapshot."""
        ...
