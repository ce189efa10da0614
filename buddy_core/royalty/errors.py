"""The ways the royalty rules say no."""

from __future__ import annotations

from datetime import datetime

import attrs

from buddy_core.kernel.errors import Conflict, Invalid, Rejected


@attrs.define
class TermsProblems(Invalid):
    """Facts and terms do not fit together; every problem is listed."""

    code = "royalty.terms_problems"

    problems: tuple[str, ...]

    def message(self) -> str:
        return "The period cannot be calculated: " + "; ".join(self.problems)


@attrs.define
class PeriodNotFinished(Rejected):
    """A month can be closed once it has ended in its entity's zone."""

    code = "royalty.period_not_finished"

    entity: str
    month: str
    ends_at: datetime

    def message(self) -> str:
        end = self.ends_at.isoformat()
        return f"{self.month} ends for {self.entity} at {end}; it can be closed from then on."


@attrs.define
class PeriodAlreadyClosed(Conflict):
    """Nothing may be added to a month that has been closed."""

    code = "royalty.period_closed"

    entity: str
    month: str

    def message(self) -> str:
        return f"{self.month} of {self.entity} is closed; what comes later belongs to a later month."


@attrs.define
class ClosedOutOfOrder(Rejected):
    """Months of an entity are closed one after the other."""

    code = "royalty.closed_out_of_order"

    entity: str
    month: str
    first: str

    def message(self) -> str:
        return f"{self.first} of {self.entity} is not closed yet; close it before {self.month}."


@attrs.define
class PassedOver(Rejected):
    """A month before a closed one that was never closed itself: it had no spends, and takes none now."""

    code = "royalty.passed_over"

    entity: str
    month: str

    def message(self) -> str:
        what = f"{self.month} of {self.entity}"
        return f"{what} was passed over: it had no spends, and a later month is closed."


@attrs.define
class StatementDiffers(Conflict):
    """Closing again came to another result than the stored statement."""

    code = "royalty.statement_differs"

    entity: str
    month: str
    holder: str
    currency: str

    def message(self) -> str:
        return (
            f"The stored {self.currency} statement of {self.holder} for {self.month} "
            "is not what its facts give. Run `buddy verify`; nothing was changed."
        )


MOST_LISTED = 100
"""Problems of input that an error lists; the others are counted."""


@attrs.frozen(order=True)
class Problem:
    """One thing that is wrong with the input: where it stands, and what to do."""

    file: str
    row: int
    """Counted from 1 within the file, a heading not counted; 0 where it is about the whole file."""
    column: str
    what: str
    fix: str

    def text(self) -> str:
        """Say it in one line."""
        place = f"{self.file}, row {self.row}" if self.row else self.file
        return (
            f"{place}, {self.column}: {self.what}; {self.fix}"
            if self.column
            else (f"{place}: {self.what}; {self.fix}")
        )


@attrs.define
class BadInput(Invalid):
    """Files or rows that cannot be counted; nothing was, and every problem is listed up to a hundred."""

    code = "royalty.bad_input"

    problems: tuple[Problem, ...]
    """The first hundred by file and row."""
    count: int
    """All there are."""

    def message(self) -> str:
        more = self.count - len(self.problems)
        lines = [problem.text() for problem in self.problems]
        if more:
            lines.append(f"and {more} more")
        return f"The input has {self.count} problem(s); nothing was counted.\n" + "\n".join(lines)
