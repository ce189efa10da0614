"""Ladders: from which day after its release a title is in which kind of window, as data."""

from __future__ import annotations

from attrs import field, frozen

from buddy_core.rights.errors import BadLadder
from buddy_core.rights.model.windows import WindowType


@frozen
class Rung:
    """One window of a ladder: from the start of a day up to the start of another; days count from 1.

    `until_day` None: no end.
    """

    type: WindowType
    from_day: int
    until_day: int | None = None

    def __attrs_post_init__(self) -> None:
        if type(self.from_day) is not int or not 1 <= self.from_day <= 36_500:
            raise BadLadder(f"{self.type.value} begins on day {self.from_day}; days are whole, 1 to 36500")
        if self.until_day is not None and (
            type(self.until_day) is not int or not self.from_day < self.until_day <= 36_500
        ):
            raise BadLadder(f"{self.type.value} ends on day {self.until_day}, not after day {self.from_day}")


def _rungs(value: object) -> tuple[Rung, ...]:
    return tuple(value)  # type: ignore[arg-type]


@frozen
class Ladder:
    """A name and its rungs, in any order; no two of one type meet.

    Raises:
        BadLadder: it has no rung, or two of one type overlap.
    """

    name: str
    rungs: tuple[Rung, ...] = field(converter=_rungs)

    def __attrs_post_init__(self) -> None:
        if not self.rungs:
            raise BadLadder("it has no rung")
        last: dict[WindowType, Rung] = {}
        for rung in sorted(self.rungs, key=lambda item: item.from_day):
            before = last.get(rung.type)
            if before is not None and (before.until_day is None or rung.from_day < before.until_day):
                raise BadLadder(f"two windows of type {rung.type.value} overlap on day {rung.from_day}")
            last[rung.type] = rung
