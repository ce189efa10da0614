"""Where every counter went: the sum that `buddy verify` makes of a type's ids."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from operator import attrgetter

from attrs import frozen

from buddy_core.shortids.model import (
    MIN_LENGTH,
    Assignment,
    Block,
    Origin,
    ShortIdSpace,
    capacity,
)
from buddy_core.shortids.rules.permutation import permutation
from buddy_core.shortids.rules.words import DEFAULT_WORDS, WordList


@frozen
class LengthAccount:
    """The counters of one length: `passed` is the sum of the four after it."""

    length: int
    passed: int
    issued: int
    by_hand: int
    """Given by hand, so that the counter was used up."""
    skipped: int
    """On the word list."""
    given_up: int
    """Lost in a crash or a rollback, freed by a change, or still in the block of a running process."""


@frozen
class Fault:
    """A stored id that contradicts its counter or the space: someone altered a row."""

    short_id: str
    problem: str


@frozen
class SpaceAccount:
    """Every counter of one type, and what does not agree."""

    type: str
    lengths: tuple[LengthAccount, ...]
    faults: tuple[Fault, ...]

    @property
    def given_up(self) -> int:
        """Counters of all lengths that name nothing and will not come again."""
        return sum(account.given_up for account in self.lengths)


def account(
    space: ShortIdSpace, assignments: Iterable[Assignment], words: WordList = DEFAULT_WORDS
) -> SpaceAccount:
    """Say of each counter below the space's whether it was issued, taken by hand, skipped or given up.

    `assignments` are all of the type. Only counters that are not issued are worked out again.
    """
    rows = sorted(assignments, key=attrgetter("folded"))
    by_hand = {row.folded for row in rows if row.origin is Origin.MANUAL}
    generated = [row for row in rows if row.origin is Origin.GENERATED]
    faults = [fault for row in generated if (fault := _fault(space, row)) is not None]
    faults += [
        Fault(later.short_id.text, f"is the same id as {earlier.short_id}")
        for earlier, later in pairwise(rows)
        if earlier.folded == later.folded
    ]
    lengths = tuple(_length_account(block, generated, by_hand, words) for block in _passed(space))
    return SpaceAccount(space.type, lengths, tuple(faults))


def _passed(space: ShortIdSpace) -> list[Block]:
    ends = {length: capacity(length) for length in range(MIN_LENGTH, space.length)}
    ends[space.length] = space.counter
    return [Block(space.type, space.key, length, 0, end) for length, end in ends.items()]


def _fault(space: ShortIdSpace, row: Assignment) -> Fault | None:
    text, counter = row.short_id.text, row.counter
    if row.type != space.type:
        return Fault(text, f"is of type {row.type}, not {space.type}")
    length = len(text)
    passed = space.counter if length == space.length else capacity(length)
    if counter is None or length > space.length or not 0 <= counter < passed:
        return Fault(text, f"has the counter {counter}, which was never reserved")
    if permutation(space.key, space.type, length).text(counter) != text:
        return Fault(text, f"is not the id of its counter {counter}")
    return None


def _length_account(
    block: Block, generated: list[Assignment], by_hand: set[str], words: WordList
) -> LengthAccount:
    issued = {row.counter for row in generated if len(row.short_id.text) == block.length}
    ids = permutation(block.key, block.type, block.length)
    counts = {"by_hand": 0, "skipped": 0, "given_up": 0}
    for counter in range(block.end):
        if counter not in issued:
            text = ids.text(counter)
            held = text in by_hand
            counts["by_hand" if held else "skipped" if words.skips(text) else "given_up"] += 1
    return LengthAccount(
        length=block.length, passed=block.end, issued=block.end - sum(counts.values()), **counts
    )
