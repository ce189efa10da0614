"""The ways the royalty rules say no: what is wrong, where, and what to write instead."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any

import attrs

from buddy_core.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Rejected, Unavailable

MOST_SPELT = 20
"""Problems that a message spells out; `problems` holds all of them."""


def listed(problems: tuple[str, ...]) -> str:
    """Write problems one after the other, and how many more there are."""
    more = len(problems) - MOST_SPELT
    return "; ".join(problems[:MOST_SPELT]) + (f"; and {more} more" if more > 0 else "")


def decimal_text(value: Fraction) -> str:
    """Write an exact number as an accountant does, 33.33; as 1/3 where no decimals end it."""
    rest, places = value.denominator, 0
    for prime in (2, 5):
        count = 0
        while rest % prime == 0:
            rest, count = rest // prime, count + 1
        places = max(places, count)
    if rest != 1:
        return str(value)
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


@attrs.frozen(order=True)
class About:
    """What a problem is about: the things of a section of terms or facts that have these fields."""

    section: str
    """A key of a file of terms or facts, such as `deals` or `watch`; `facts` for facts of any kind."""
    fields: tuple[tuple[str, Any], ...]
    """Each field with what it says, by name."""


def about(section: str, **fields: Any) -> About:
    """Name the things of a section that have these fields, such as `about("deals", id="d1")`."""
    return About(section, tuple(sorted(fields.items())))


@attrs.define
class TermsProblems(Invalid):
    """Facts and terms do not fit together; every problem is listed."""

    code = "royalty.terms_problems"

    problems: tuple[str, ...]
    about: tuple[tuple[About, ...], ...] = ()
    """Of each problem what it is about, the nearest first: whoever has read files knows where that stands."""

    def message(self) -> str:
        return f"The period cannot be calculated: {listed(self.problems)}"


@attrs.define
class BeingWorkedOut(Unavailable):
    """A month is large and is still being worked out; it goes on, whoever waits for it or not."""

    code = "royalty.being_worked_out"

    month: str
    entity: str
    retry_after_s: int

    def message(self) -> str:
        return (
            f"{self.month} of {self.entity} is being worked out. Try again in {self.retry_after_s} s: "
            "nothing is lost meanwhile."
        )


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
    """A month before the first closed one: the books of the entity begin after it."""

    code = "royalty.passed_over"

    entity: str
    month: str
    first: str

    def message(self) -> str:
        return f"The books of {self.entity} begin with {self.first}; {self.month} is before that."


@attrs.define
class NothingToClose(Rejected):
    """The first month of an entity has nothing in it, nor before it: its books would begin by a slip."""

    code = "royalty.nothing_to_close"

    entity: str
    month: str
    first: str
    """The first month that anything is known of; empty where nothing is."""

    def message(self) -> str:
        begins = (
            f"The first is {self.first}: close that one"
            if self.first
            else "Bring its facts in first, {} where there are none"
        )
        return f"Nothing has come for {self.entity} in {self.month} or before. {begins}."


@attrs.define
class AlreadyPublished(Conflict):
    """The month was published from another review; nothing is left to do."""

    code = "royalty.already_published"

    entity: str
    month: str

    def message(self) -> str:
        return f"{self.month} of {self.entity} has been published already. There is nothing left to do."


@attrs.define
class OwnReview(Forbidden):
    """Whoever reviewed a month's figures does not publish them, by nobody's request."""

    code = "royalty.own_review"

    entity: str
    month: str

    def message(self) -> str:
        return (
            f"You reviewed these figures of {self.month} of {self.entity} yourself: somebody else publishes "
            "them. Where nobody else may, withdraw your own review first."
        )


@attrs.define
class InputDiffers(Conflict):
    """Facts of this name were brought in before, and were others."""

    code = "royalty.input_differs"

    name: str
    month: str
    wanted: str = ""
    """The month that it is brought in for now, where that is another."""

    def message(self) -> str:
        if self.wanted not in ("", self.month):
            return (
                f"{self.name} was brought in before, for {self.month}. A name stands for one month: give the "
                f"facts of {self.wanted} a name of their own."
            )
        return (
            f"{self.name} was brought in before for {self.month}, with other facts. Give what is new a name "
            "of its own; what was wrong is corrected by facts with the difference."
        )


@attrs.define
class InputNotFound(NotFound):
    """Nothing was brought in or set under this name."""

    code = "royalty.input_not_found"

    what: str
    name: str

    def message(self) -> str:
        return f"There is no {self.what} {self.name} here. The list of what there is has its exact name."


@attrs.define
class TermsChanged(Conflict):
    """Somebody else set these terms after they were looked at."""

    code = "royalty.terms_changed"

    name: str
    seen: int
    sequence: int

    def message(self) -> str:
        return (
            f"The terms of {self.name} were set again since they were looked at; nothing was changed. "
            "Look at them as they are now, and set them again."
        )


@attrs.define
class ReviewOutdated(Conflict):
    """What was reviewed is no longer what the facts and terms give."""

    code = "royalty.review_outdated"

    entity: str
    month: str

    def message(self) -> str:
        return (
            f"Facts or terms of {self.month} of {self.entity} have changed since it was reviewed; nothing "
            "was published. Let it be reviewed again as it is now."
        )


@attrs.define
class FactsPending(Rejected):
    """A month is not closed while facts are awaited that were announced for it, or for one before it."""

    code = "royalty.facts_pending"

    entity: str
    month: str
    names: tuple[str, ...]

    def message(self) -> str:
        return (
            f"{self.month} of {self.entity} awaits {listed(self.names)}; bring the facts in under that name, "
            "or an empty file where there is nothing to tell."
        )


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
    """As a spreadsheet counts: of CSV the heading is row 1. Of Parquet, which has none, the first row is 1.
    0 where it is about the whole file."""
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


@attrs.define
class BadPercent(Invalid):
    """A percent is outside of what it can be."""

    code = "royalty.bad_percent"

    field: str
    percent: Fraction
    most: int | None

    def message(self) -> str:
        limits = "0 or more" if self.most is None else f"from 0 to {self.most}"
        return f"{self.field} is {decimal_text(self.percent)} percent; write a percent {limits}, such as 12."


@attrs.define
class PercentsNotWhole(Invalid):
    """Percents of one sum do not come to what they must."""

    code = "royalty.percents_not_whole"

    field: str
    total: Fraction

    def message(self) -> str:
        off = decimal_text(abs(100 - self.total))
        change = f"add {off}" if self.total < 100 else f"take {off} off"
        return f"The {self.field} come to {decimal_text(self.total)}; they must make exactly 100: {change}."


@attrs.define
class BadSplit(Invalid):
    """A whole sum is not what its exact parts come to."""

    code = "royalty.bad_split"

    total: int
    lowest: int
    highest: int

    def message(self) -> str:
        return (
            f"{self.total} cannot be split over these exact amounts: each is rounded down or up, which "
            f"gives from {self.lowest} to {self.highest}. Give such a total, or none."
        )


@attrs.define
class BadPool(Invalid):
    """What a pool is to be shared by contradicts itself; every problem is listed."""

    code = "royalty.bad_pool"

    problems: tuple[str, ...]

    def message(self) -> str:
        return f"The pool cannot be shared: {listed(self.problems)}."


@attrs.define
class SilentMoneyUnnamed(Invalid):
    """Somebody paid and used nothing that counts, and it is not said whose that money is."""

    code = "royalty.silent_money_unnamed"

    subscribers: int
    amount: Fraction

    def message(self) -> str:
        return (
            f"{self.subscribers} subscriber(s) paid {decimal_text(self.amount)} minor units and used nothing "
            "that counts. Say whose it is: silent = pool, platform or carry."
        )


@attrs.define
class BadGame(Invalid):
    """A game is not a worth for each coalition of its players."""

    code = "royalty.bad_game"

    problem: str

    def message(self) -> str:
        return f"The game cannot be solved: {self.problem}."


@attrs.define
class MissingCoalitions(Invalid):
    """A game does not say what some coalitions of its players are worth."""

    code = "royalty.missing_coalitions"

    missing: tuple[str, ...]

    def message(self) -> str:
        return f"The worth of {len(self.missing)} coalition(s) is missing: {listed(self.missing)}. Give each."


@attrs.define
class TooManyPlayers(Invalid):
    """A game has more players than can be solved exactly."""

    code = "royalty.too_many_players"

    players: int
    most: int

    def message(self) -> str:
        return (
            f"The game has {self.players} players; up to {self.most} can be solved, as each more doubles the "
            "coalitions. A pool of subscribers is the method equal_per_subscriber, for any number of holders."
        )


@attrs.define
class BadRecoupment(Invalid):
    """An advance and what was recouped of it contradict each other."""

    code = "royalty.bad_recoupment"

    problem: str

    def message(self) -> str:
        return f"The advance cannot be recouped: {self.problem}."


@attrs.define
class BadTiers(Invalid):
    """Tiers leave a gap or overlap, or what is counted lies beyond their end; every problem is listed."""

    code = "royalty.bad_tiers"

    problems: tuple[str, ...]

    def message(self) -> str:
        return (
            f"The tiers cannot be used: {listed(self.problems)}. Write them as 0 to 5000, "
            "5000 to 10000, 10000 to none: each holds what is over its start, up to and with its end."
        )


@attrs.define
class NoRateYet(Invalid):
    """An instant lies before the first rate."""

    code = "royalty.no_rate_yet"

    at: datetime
    first: datetime

    def message(self) -> str:
        return (
            f"No rate holds at {self.at.isoformat()}: the first begins at {self.first.isoformat()}. "
            "Date the first rate earlier, or leave its start out."
        )


@attrs.define
class BadFormatLine(Invalid):
    """A format's line does not say by which rate its revenue is shared."""

    code = "royalty.bad_format_line"

    name: str
    problem: str

    def message(self) -> str:
        return f"Line {self.name!r}: {self.problem}."


@attrs.define
class BadWaterfall(Invalid):
    """Steps or net profits of a waterfall contradict themselves; every problem is listed."""

    code = "royalty.bad_waterfall"

    problems: tuple[str, ...]

    def message(self) -> str:
        return f"The waterfall cannot run: {listed(self.problems)}."


@attrs.define
class BadGuarantee(Invalid):
    """The figures of a guarantee contradict each other."""

    code = "royalty.bad_guarantee"

    problem: str

    def message(self) -> str:
        return f"The guarantee cannot be measured: {self.problem}."
