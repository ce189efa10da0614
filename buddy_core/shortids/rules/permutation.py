"""A keyed permutation of counters: no two give one id, and their order does not show.

An alternating Feistel network on two unequal halves, each a number of base-31
digits: in turn the left half has a keyed function of the right added to it, and
the right one of the left, modulo the half's size. Every round can be undone, so
the whole maps `0 .. 31**n - 1` onto itself whatever the functions are. The
functions are streams of SHAKE-256 over key, type, length and round.

It hides the order of counters from a casual look. It is no access control.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from functools import lru_cache
from itertools import product
from typing import Generic, Protocol, TypeVar

from buddy_core.shortids.model import ALPHABET, capacity

_ROUND_PAIRS = 4
_TABLE_LIMIT = capacity(3)
"""Halves of up to three digits have their round functions as tables; larger ones would fill the memory."""

T = TypeVar("T")
TCo = TypeVar("TCo", covariant=True)


class _Lookup(Protocol[TCo]):
    def __getitem__(self, value: int, /) -> TCo: ...


class _Computed(Generic[T]):
    """A table too large to keep: each entry is worked out when it is asked for."""

    def __init__(self, compute: Callable[[int], T]) -> None:
        self._compute = compute

    def __getitem__(self, value: int, /) -> T:
        return self._compute(value)


class Permutation:
    """The ids of one key, type and length, by counter."""

    def __init__(self, key: bytes, type: str, length: int) -> None:
        low = length // 2
        self._left, self._right = capacity(length - low), capacity(low)
        self._left_text, self._right_text = _texts(length - low), _texts(low)
        seed = b"buddy.shortids.1\0" + key + struct.pack("<B", length) + type.encode()
        self._rounds: list[tuple[_Lookup[int], _Lookup[int]]] = [
            (
                _round(seed + bytes([2 * pair]), self._right, self._left),
                _round(seed + bytes([2 * pair + 1]), self._left, self._right),
            )
            for pair in range(_ROUND_PAIRS)
        ]

    def text(self, counter: int) -> str:
        """Return the id of one counter, from 0 up to 31 to the power of the length."""
        return self.texts(counter, counter + 1)[0]

    def texts(self, start: int, end: int) -> list[str]:
        """Return the ids of the counters from `start` up to, not including, `end`."""
        lefts, rights, rounds = self._left, self._right, self._rounds
        left_text, right_text = self._left_text, self._right_text
        texts = []
        for counter in range(start, end):
            left, right = divmod(counter, rights)
            for to_left, to_right in rounds:
                left = (left + to_left[right]) % lefts
                right = (right + to_right[left]) % rights
            texts.append(left_text[left] + right_text[right])
        return texts


@lru_cache(maxsize=64)
def permutation(key: bytes, type: str, length: int) -> Permutation:
    """Return the permutation of these three, made once: its tables take about a millisecond."""
    return Permutation(key, type, length)


def _round(seed: bytes, inputs: int, modulus: int) -> _Lookup[int]:
    if inputs > _TABLE_LIMIT:
        return _Computed(lambda value: _hashed(seed, value) % modulus)
    # One SHAKE stream gives 32 bits for each input; the bias of the modulus is below one in 4,000.
    stream = hashlib.shake_256(seed).digest(4 * inputs)
    return [value % modulus for value in struct.unpack(f"<{inputs}I", stream)]


def _hashed(seed: bytes, value: int) -> int:
    return int.from_bytes(hashlib.shake_256(seed + value.to_bytes(4, "little")).digest(8), "little")


@lru_cache(maxsize=8)
def _texts(digits: int) -> _Lookup[str]:
    if capacity(digits) <= _TABLE_LIMIT:
        return ["".join(letters) for letters in product(ALPHABET, repeat=digits)]
    pairs, rest = _texts(2), capacity(2)
    return _Computed(lambda value: pairs[value // rest] + pairs[value % rest])
