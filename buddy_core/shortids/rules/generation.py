"""Which id comes next: blocks of counters, and the ids that they give."""

from __future__ import annotations

from collections.abc import Container

from buddy_core.kernel.errors import InvalidValue
from buddy_core.shortids.errors import ShortIdsExhausted
from buddy_core.shortids.model import (
    MAX_LENGTH,
    Block,
    Candidate,
    ShortId,
    ShortIdSpace,
    capacity,
)
from buddy_core.shortids.rules.permutation import permutation
from buddy_core.shortids.rules.words import DEFAULT_WORDS, WordList

BLOCK_SIZE = 64
"""Counters that a process takes at a time: what a crash can lose at most."""


def reserve(space: ShortIdSpace, count: int) -> tuple[ShortIdSpace, Block]:
    """Take up to `count` counters out of the space; fewer only when its length runs out.

    A longer length begins only when every counter of the shorter one is reserved.

    Raises:
        ShortIdsExhausted: eight characters are used up as well.
    """
    if count < 1:
        raise InvalidValue("count", "must be at least 1")
    length, counter = space.length, space.counter
    if counter == capacity(length):
        if length == MAX_LENGTH:
            raise ShortIdsExhausted(space.type)
        length, counter = length + 1, 0
    end = min(counter + count, capacity(length))
    block = Block(type=space.type, key=space.key, length=length, start=counter, end=end)
    return ShortIdSpace(type=space.type, key=space.key, length=length, counter=end), block


def candidates(block: Block, words: WordList = DEFAULT_WORDS) -> list[Candidate]:
    """Return the ids of a block in its order, without those that the word list skips."""
    texts = permutation(block.key, block.type, block.length).texts(block.start, block.end)
    skips = words.pattern.search
    return [
        Candidate(text, counter) for counter, text in enumerate(texts, block.start) if skips(text) is None
    ]


def generate(
    space: ShortIdSpace,
    count: int,
    *,
    taken: Container[str] = frozenset(),
    words: WordList = DEFAULT_WORDS,
) -> tuple[ShortIdSpace, list[str]]:
    """Generate `count` ids and return the space after them: the whole rule, without any store.

    `taken` holds the folded forms of ids in use. A taken or skipped one uses up
    its counter all the same.

    Raises:
        ShortIdsExhausted: the type has no id left.
    """
    found: list[str] = []
    skips = words.pattern.search
    while len(found) < count:
        space, block = reserve(space, count - len(found))
        texts = permutation(block.key, block.type, block.length).texts(block.start, block.end)
        found += [text for text in texts if text not in taken and skips(text) is None]
    return space, found


def check_manual(text: str) -> ShortId:
    """Return the id that a person chose: four to eight of a-z and 0-9, exactly as typed.

    Raises:
        ShortIdIllegal: another symbol, or another length.
    """
    return ShortId(text)
