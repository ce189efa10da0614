"""Generated ids of four characters, against the two libraries that people use for such ids.

Both yardsticks use the same 31 symbols. nanoid draws at random and may repeat an
id; sqids encodes a counter and never does, as ours.
"""

from __future__ import annotations

from collections.abc import Callable

import nanoid  # type: ignore[import-untyped]
from sqids import Sqids

from benchmarks.harness import Contest, line
from buddy_core.shortids import ALPHABET, BLOCK_SIZE, ShortIdSpace, generate

COUNT = 64 * 300
"""Ids in a round: far fewer than there are of four characters."""


def _ours() -> Callable[[], int]:
    space = ShortIdSpace("film", bytes(range(32)))
    taken = {"t9k2", "abcd"}

    def run() -> int:
        after = space
        for _ in range(COUNT // BLOCK_SIZE):
            after, _ids = generate(after, BLOCK_SIZE, taken=taken)
        return COUNT

    return run


@line("shortids.generate", unit="ids/s", yardstick="nanoid.generate(size=4)", goal=1)
def against_nanoid() -> Contest:
    """Blocks of ids with the word list and a set of taken ones, against nanoid with neither."""

    def yardstick() -> int:
        for _ in range(COUNT):
            nanoid.generate(ALPHABET, 4)
        return COUNT

    return Contest(_ours(), yardstick)


@line("shortids.generate_vs_sqids", unit="ids/s", yardstick="Sqids(min_length=4).encode", goal=2)
def against_sqids() -> Contest:
    """The same, against sqids with its own block list, as it comes."""
    sqids = Sqids(alphabet=ALPHABET, min_length=4)

    def yardstick() -> int:
        for counter in range(COUNT):
            sqids.encode([counter])
        return COUNT

    return Contest(_ours(), yardstick)
