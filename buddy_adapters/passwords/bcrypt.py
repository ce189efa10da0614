"""Passwords hashed by bcrypt in a worker thread, so that the event loop goes on."""

from __future__ import annotations

import bcrypt
from anyio import to_thread

from buddy_core.accounts import Passwords

COST = 12
"""2^12 rounds (row 2.03): about a quarter of a second on a laptop of 2026."""


class BcryptPasswords:
    """Hashes and checks passwords; an unknown member costs as much time as a wrong password."""

    def __init__(self, cost: int = COST) -> None:
        self._cost = cost
        self._nobody = bcrypt.hashpw(b"nobody has this password", bcrypt.gensalt(cost))

    async def hash(self, password: str) -> str:
        hashed = await to_thread.run_sync(bcrypt.hashpw, password.encode(), bcrypt.gensalt(self._cost))
        return hashed.decode("ascii")

    async def matches(self, password: str, stored: str | None) -> bool:
        against = self._nobody if stored is None else stored.encode("ascii")
        # bcrypt reads 72 bytes at most and raises beyond; no stored password is longer.
        fits = await to_thread.run_sync(bcrypt.checkpw, password.encode()[:72], against)
        return fits and stored is not None


_conforms: type[Passwords] = BcryptPasswords
