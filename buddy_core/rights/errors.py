"""The ways rights say no."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from uuid import UUID

import attrs

from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.errors import Conflict, Invalid, NotFound, Rejected


@attrs.define
class BadLicence(Invalid):
    """A licence's fields contradict each other or name no country."""

    code = "rights.bad_licence"

    problem: str

    def message(self) -> str:
        return f"The licence cannot be: {self.problem}."


@attrs.define
class BadWindow(Invalid):
    """A window's fields contradict each other."""

    code = "rights.bad_window"

    problem: str

    def message(self) -> str:
        return f"The window cannot be: {self.problem}."


_MEANT = {
    **{code: code for code in COUNTRIES},
    "UK": "GB",
    "EL": "GR",
    "USA": "US",
    "UAE": "AE",
    "IND": "IN",
    "WORLD": "*",
    "WORLDWIDE": "*",
    "WW": "*",
}
"""What people write for a code, in capitals."""


@attrs.define
class RatingUnknown(Invalid):
    """A certificate that is neither of the scale nor an alias of one that is."""

    code = "rights.rating_unknown"

    label: str

    def message(self) -> str:
        return (
            f"{self.label[:40]!r} is no certificate that is known. Use U, UA 7+, UA 13+, UA 16+ or A, "
            "or a board's own such as 15 (GB), PG-13 (US) or FSK 12 (DE)."
        )


@attrs.define
class BookUnreadable(Invalid):
    """Stored bytes that are not exactly a book of rights."""

    code = "rights.book_unreadable"

    problem: str

    def message(self) -> str:
        return f"This is no book of rights: {self.problem}. Restore the row from a backup."


@attrs.define
class BadLadder(Invalid):
    """A ladder of windows that contradicts itself."""

    code = "rights.bad_ladder"

    problem: str

    def message(self) -> str:
        return f"The ladder cannot be: {self.problem}."


@attrs.define
class BadRightsChange(Invalid):
    """A change of rights that is none, or that a book cannot hold."""

    code = "rights.bad_change"

    problem: str

    def message(self) -> str:
        return f"The rights cannot be changed so: {self.problem}."


@attrs.define
class NotInBook(NotFound):
    """A change names something that the title's book of rights does not hold."""

    code = "rights.not_in_book"

    what: str
    id: UUID

    def message(self) -> str:
        return f"This title has no {self.what} {self.id}. Look at its rights anew and name one of them."


@attrs.define
class InBookAlready(Conflict):
    """What is to be added is in the title's book of rights already."""

    code = "rights.in_book_already"

    what: str
    id: UUID

    def message(self) -> str:
        return f"This title has a {self.what} {self.id} already. Alter it, or add another with a new id."


@attrs.define
class PastIsFixed(Rejected):
    """A change would rewrite what held before now."""

    code = "rights.past_is_fixed"

    what: str
    id: UUID
    problem: str

    def message(self) -> str:
        return f"The {self.what} {self.id} cannot be changed so: {self.problem}."


@attrs.define
class TakedownOver(Rejected):
    """A takedown that was restored cannot be restored again."""

    code = "rights.takedown_over"

    id: UUID
    ended_at: datetime

    def message(self) -> str:
        return f"The takedown {self.id} was ended at {self.ended_at.isoformat()}. Nothing is left to restore."


@attrs.define
class WindowsOverlap(Rejected):
    """Two windows of one type would be open in one territory at one time."""

    code = "rights.windows_overlap"

    type: str
    first: UUID
    second: UUID
    territory: str
    at: datetime

    def message(self) -> str:
        return (
            f"In {self.territory} two {self.type.upper()} windows would be open from {self.at.isoformat()}: "
            f"{self.first} and {self.second}. End the first by then, begin the second when it has ended, "
            f"or exclude {self.territory} from one of them."
        )


@attrs.define
class OwnershipNotWhole(Rejected):
    """The licences that hold in a territory would not own the whole title together."""

    code = "rights.ownership_not_whole"

    territory: str
    at: datetime
    total: Fraction

    def message(self) -> str:
        return (
            f"In {self.territory} the licences that hold from {self.at.isoformat()} own "
            f"{percent(self.total)} of this title ({self.total}), and must own exactly 100 %. Correct their "
            "ownership, add the missing co-owner, or let them begin and end together."
        )


@attrs.define
class NotExclusive(Rejected):
    """A licence would hold beside an exclusive one whose title it does not own a part of."""

    code = "rights.not_exclusive"

    exclusive: UUID
    other: UUID
    territory: str
    at: datetime

    def message(self) -> str:
        return (
            f"In {self.territory} the licence {self.exclusive} is exclusive from {self.at.isoformat()}, and "
            f"{self.other} of another partner owns nothing there. End one before the other begins, exclude "
            f"{self.territory} from one, or give the other its part of the ownership."
        )


def percent(value: Fraction) -> str:
    """Return a part in per cent, exact where four decimals are enough, else with a leading `about`."""
    scaled = value * 1_000_000
    exact = scaled.denominator == 1
    whole, rest = divmod(int(scaled), 10_000)
    text = f"{whole}.{rest:04d}".rstrip("0").rstrip(".")
    return f"{text} %" if exact else f"about {text} %"


@attrs.define
class BadSpan(Invalid):
    """A span of time that ends before it begins."""

    code = "rights.bad_span"

    since: datetime
    until: datetime

    def message(self) -> str:
        return (
            f"From {self.since.isoformat()} until {self.until.isoformat()} is no time at all. "
            "Let it end after it begins."
        )


@attrs.define
class BookChanged(Conflict):
    """Somebody changed the title's rights since they were looked at."""

    code = "rights.book_changed"

    base: int
    revision: int

    def message(self) -> str:
        return (
            f"These rights were changed meanwhile: the change began from revision {self.base}, and there is "
            f"{self.revision} now. Look at them anew and change them again."
        )


@attrs.define
class BadSheet(Invalid):
    """A sheet of windows with lines that cannot be; nothing of it was written."""

    code = "rights.bad_sheet"

    lines: tuple[str, ...]
    """Line, column, problem and fix of the first faults in order; the last says if reading stopped there."""
    more: int
    """How many faults of what was read there are besides."""

    def message(self) -> str:
        rest = f" And {self.more} more." if self.more else ""
        return f"Nothing was written. {' '.join(self.lines)}{rest}"
