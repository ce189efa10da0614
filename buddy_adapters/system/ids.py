"""Sources of ids: random ones for service, repeatable ones for tests and examples."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from uuid import UUID

from buddy_core.kernel import IdSource

_RANDOM_BITS = 74
"""What a UUIDv7 holds besides 48 bits of milliseconds, version and variant (RFC 9562, 5.7)."""
_STEP_BITS = 48
_FIRST_MS = 1_700_000_000_000
"""Where repeatable ids begin in time: 2023-11-14, long before anything that is real."""


class SystemIds:
    """UUIDv7 that only ever grow within a process, whatever the thread; opaque ids from the system's chance.

    Within one millisecond, or when the clock steps back, the random part grows by
    a random step (RFC 9562, 6.2, method 2); an overflow carries into the milliseconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def uuid7(self) -> UUID:
        fresh = time.time_ns() // 1_000_000 << _RANDOM_BITS
        with self._lock:
            if fresh > self._last:
                self._last = fresh | secrets.randbits(_RANDOM_BITS)
            else:
                self._last += 1 + secrets.randbits(_STEP_BITS)
            made = self._last
        return _uuid7(made)

    def opaque(self, prefix: str) -> str:
        return f"{prefix}_{secrets.token_hex(16)}"


class SequentialIds:
    """The same ids in the same order for the same seed: valid UUIDv7, one millisecond apart."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._count = 0

    def uuid7(self) -> UUID:
        chance = int.from_bytes(self._next(), "big") % 2**_RANDOM_BITS
        return _uuid7((_FIRST_MS + self._count << _RANDOM_BITS) | chance)

    def opaque(self, prefix: str) -> str:
        return f"{prefix}_{self._next()[:16].hex()}"

    def _next(self) -> bytes:
        self._count += 1
        return hashlib.sha256(f"{self._seed}:{self._count}".encode()).digest()


def _uuid7(value: int) -> UUID:
    """Lay out 122 bits as a UUIDv7: milliseconds, version 7, 12 bits, the variant, 62 bits."""
    milliseconds, chance = value >> _RANDOM_BITS, value % 2**_RANDOM_BITS
    return UUID(int=milliseconds << 80 | 7 << 76 | (chance >> 62) << 64 | 2 << 62 | chance % 2**62)


_conforms: tuple[type[IdSource], ...] = (SystemIds, SequentialIds)
