"""The accounting view: what bought tokens still oblige the seller to, to the last minor unit.

A *liability* is the cost of the tokens that members bought and can still claim. Lots
of one origin count as one, wherever merges have moved their tokens: each token costs
the first lot's cost divided by its amount, and a transfer is no movement.

Figures are taken at instants, and between two of them stands a roll-forward: opening
+ lines = closing. What a lot still owes is always `cost * tokens left / amount`,
rounded half up; a line has the change of that rounded figure as its tokens come and
go, line by line in the order of `LiabilityLine`. So the parts of a lot add up to its cost to
the last minor unit, a line without tokens has no cost, and neither the order of
movements nor that of lots counts.

Everything is booked when it was recorded, so that no past figure changes. Two things
need no entry: a lot is gone at its expiry and a hold at its end, swept or not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any, Literal

from attrs import define, field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.currencies import minor_digits
from buddy_core.kernel.ids import LotId
from buddy_core.kernel.periods import month_of
from buddy_core.kernel.rounding import Rounding, round_fraction
from buddy_core.tokens.errors import BadBreakage
from buddy_core.tokens.model import WALLET, Operation, TokenKind
from buddy_core.tokens.rules.breakage import breakage


class LiabilityLine(StrEnum):
    """A line between opening and closing, in the order in which a lot's cost is attributed."""

    SOLD = "sold"
    """Lots that were opened by a purchase; of promotional tokens: by an earning."""
    ADJUSTED = "adjusted"
    """Put right by hand, at the lot's cost per token."""
    REVERSED = "reversed"
    """Taken back because the purchase was refunded or withdrawn."""
    REDEEMED = "redeemed"
    """Spent on titles; refunds of spends are taken out again."""
    EXPIRED = "expired"
    """Not to be claimed any more, whether a sweep has said so yet or not."""


_LINES = {
    Operation.EARN: LiabilityLine.SOLD,
    Operation.PURCHASE: LiabilityLine.SOLD,
    Operation.ADJUST: LiabilityLine.ADJUSTED,
    Operation.REVERSE: LiabilityLine.REVERSED,
    Operation.EXPIRE: LiabilityLine.EXPIRED,
    # What a post, a void or a refund takes from a lot without a value is what came back too late.
    Operation.POST: LiabilityLine.EXPIRED,
    Operation.VOID: LiabilityLine.EXPIRED,
    Operation.REFUND: LiabilityLine.EXPIRED,
    # Both halves of a transfer are booked at once and add up to nothing. `verify` names one that does not.
    Operation.TRANSFER_OUT: LiabilityLine.ADJUSTED,
    Operation.TRANSFER_IN: LiabilityLine.ADJUSTED,
}
_HOLDS = (Operation.HOLD, Operation.POST, Operation.VOID)


@frozen
class LotMovement:
    """Tokens that came to the lots of one origin (above zero) or left them, and what tells their line.

    Instants are named by their index. Movements that are alike may be given as one with their sum.
    """

    operation: Operation
    tokens: int
    recorded_by: int
    """The first instant by which it was recorded."""
    is_valued: bool = False
    """A spend's posting, or that of a spend's refund."""
    hold_over_by: int | None = None
    """The first instant by which its hold was over; past the last: later. None: there is no hold."""
    account: str = WALLET
    """`adjusted`: what a reversal could not collect, or a refund brought back of it; it is in no lot."""


@frozen
class BoughtLot:
    """A lot as it was bought, and how tokens of its origin have moved, merged away or not.

    `cost_minor` is what was paid for all of `amount`; `expired_by` is the first
    instant by which it had expired, past the last: later, or never.
    """

    id: LotId
    amount: int
    cost_minor: int
    opened_at: datetime
    expired_by: int
    movements: tuple[LotMovement, ...]

    def cost_of(self, tokens: int) -> int:
        """Return what that many of its tokens cost, half up; below zero as above."""
        # As `round_fraction` has it, in whole numbers: a ledger has many lots.
        sign, size = (-1, -tokens) if tokens < 0 else (1, tokens)
        return sign * ((2 * self.cost_minor * size + self.amount) // (2 * self.amount))


@frozen
class GivenLots:
    """All lots of one kind that nobody bought and that end in the same span, as if they were one."""

    kind: TokenKind
    expired_by: int
    movements: tuple[LotMovement, ...]


def _share(value: Any) -> Fraction | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Fraction | int) or not 0 <= value < 1:
        raise BadBreakage(f"an expected share of {value!r}; give an exact part from 0 up to, not at, 1")
    return Fraction(value)


@frozen
class BreakagePolicy:
    """How breakage of one currency is recognised from an instant on; without any it is `remote`.

    Remote: only when tokens expire. With a share: in proportion to redemption, if the
    issuer is entitled to keep what is never redeemed. Where it is not (money that the
    state claims), what expires leaves the liability for tokens but is no revenue.
    """

    currency: str
    effective_from: datetime = field(converter=utc)
    expected_unredeemed: Fraction | None = field(default=None, converter=_share)
    """The part of what is sold that nobody is expected to redeem, from 0 up to, not at, 1."""
    is_entitled: bool = True
    source: str = ""
    """Where the numbers come from: who decided it, on what figures."""

    def __attrs_post_init__(self) -> None:
        minor_digits(self.currency)

    @property
    def method(self) -> Literal["remote", "proportional"]:
        """Return whether anything is recognised before it expires."""
        return "proportional" if self.expected_unredeemed and self.is_entitled else "remote"


_EVER = datetime(1900, 1, 1, tzinfo=UTC)


@frozen
class BreakagePolicies:
    """All versions of all currencies' policies.

    Raises:
        BadBreakage: two versions of a currency begin at the same instant.
    """

    versions: tuple[BreakagePolicy, ...] = ()

    def __attrs_post_init__(self) -> None:
        named = [(item.currency, item.effective_from) for item in self.versions]
        if len(set(named)) < len(named):
            raise BadBreakage("two policies of one currency begin at the same instant")

    def at(self, currency: str, at: datetime) -> BreakagePolicy:
        """Return the policy in force; remote, of an issuer who may keep it, where none is."""
        begun = [item for item in self.versions if item.currency == currency and item.effective_from <= at]
        return max(begun, key=lambda item: item.effective_from, default=BreakagePolicy(currency, _EVER))


@frozen
class AtCost:
    """Tokens and what they cost in minor units; below zero in a line that lowers the liability."""

    tokens: int = 0
    minor: int = 0


@frozen
class RollForward:
    """One currency between two instants: opening + lines + breakage = closing, in tokens and in money."""

    currency: str
    opening: AtCost
    lines: Mapping[LiabilityLine, AtCost]
    breakage: int
    """Change of the liability by what is recognised ahead of expiry: below zero where that grew."""
    closing: AtCost
    recognised_ahead: int
    """What has been recognised of tokens that can still be claimed: closing is their cost less this."""
    on_hold: int
    """Tokens of the closing that are set aside; a hold is no redemption."""
    uncollectable: AtCost
    """Tokens of reversed purchases that were gone already, spent or expired or taken: in no line.

    What a refund of a spend brought back of them is taken out again; below zero where that is more.
    """
    policy: BreakagePolicy
    """The one in force at the end."""

    @property
    def revenue(self) -> int:
        """What became revenue: redeemed and breakage, what expired if the issuer may keep it, less gifts.

        What staff give to a bought lot was paid by nobody: owed like the rest, it lowers revenue
        when it is given, and what they take raises it. So, where the issuer may keep what expires,
        all revenue and what is still owed make what was sold less what was reversed.
        """
        expired = self.lines[LiabilityLine.EXPIRED].minor if self.policy.is_entitled else 0
        by_hand = self.lines[LiabilityLine.ADJUSTED].minor
        return -(self.lines[LiabilityLine.REDEEMED].minor + expired + by_hand + self.breakage)


@frozen
class GivenRoll:
    """Promotional tokens of one kind between two instants, in tokens alone: they oblige to nothing."""

    kind: TokenKind
    opening: int
    lines: Mapping[LiabilityLine, int]
    closing: int
    on_hold: int
    uncollectable: int


def instant_index(instants: Sequence[datetime], at: datetime | None) -> int:
    """Return the index of the first instant that is not before `at`; past the last for later, or never."""
    return len(instants) if at is None else bisect_left(instants, at)


@define
class _Span:
    """What happened to tokens between two instants, and how they stand at the second."""

    moved: dict[LiabilityLine, int] = field(factory=lambda: dict.fromkeys(LiabilityLine, 0))
    uncollectable: int = 0
    left: int = 0
    on_hold: int = 0


def _spans(movements: Iterable[LotMovement], expired_by: int, count: int) -> list[_Span]:
    """Return each span up to an instant, from the movements of lots that expire together."""
    spans = [_Span() for _ in range(count)]
    free, held, freed = [0] * count, [0] * count, [0] * count
    for item in movements:
        if item.account != WALLET:
            span = spans[item.recorded_by]
            span.uncollectable -= item.tokens
            if item.operation is Operation.REFUND:
                # It came back to a lot that was withdrawn: its other half is told as expired below.
                span.moved[LiabilityLine.EXPIRED] += item.tokens
                span.moved[LiabilityLine.REVERSED] -= item.tokens
            continue
        free[item.recorded_by] += item.tokens
        if not item.is_valued and item.operation in _HOLDS and not _expires(item):
            # From when the hold is over, its tokens are free, whatever was recorded before or after that.
            held[item.recorded_by] -= item.tokens
            over_by = count if item.hold_over_by is None else item.hold_over_by
            if (known_by := max(item.recorded_by, over_by)) < count:
                freed[known_by] -= item.tokens
        else:
            line = LiabilityLine.REDEEMED if item.is_valued else _LINES[item.operation]
            spans[item.recorded_by].moved[line] += item.tokens
    is_free, is_held, is_freed, unswept = 0, 0, 0, 0
    for number, span in enumerate(spans):
        is_free, is_held, is_freed = is_free + free[number], is_held + held[number], is_freed + freed[number]
        unclaimable = is_free + is_freed if expired_by <= number else 0
        span.moved[LiabilityLine.EXPIRED] -= unclaimable - unswept
        unswept = unclaimable
        span.on_hold = is_held - is_freed
        span.left = is_free + is_held - unclaimable
    return spans


def _expires(item: LotMovement) -> bool:
    """Tell whether a movement of a post or void writes off what came back to a lot that is over."""
    return item.operation is not Operation.HOLD and item.tokens < 0


@define
class _Cohort:
    """The cost of what was sold in one month: all, what nobody redeemed, and what can still be claimed."""

    sold: int = 0
    unused: int = 0
    claimable: int = 0

    def ahead(self, policy: BreakagePolicy) -> int:
        """Return what is recognised beyond what has expired, and never more than can still be claimed.

        What is expected unredeemed is rounded down, the part recognised half up.
        """
        if policy.method == "remote" or policy.expected_unredeemed is None or self.sold <= 0:
            return 0
        expected = round_fraction(policy.expected_unredeemed * self.sold, Rounding.DOWN)
        unused = min(self.unused, self.sold)
        found = breakage(self.sold, self.sold - unused, expected)
        return max(0, found.recognised - (self.unused - self.claimable))


@define
class _Sums:
    """All lots of a currency in one span, and at its end."""

    tokens: dict[LiabilityLine, int] = field(factory=lambda: dict.fromkeys(LiabilityLine, 0))
    minor: dict[LiabilityLine, int] = field(factory=lambda: dict.fromkeys(LiabilityLine, 0))
    left: int = 0
    cost: int = 0
    on_hold: int = 0
    uncollectable: int = 0
    uncollectable_minor: int = 0
    cohorts: dict[str, _Cohort] = field(factory=dict)


class Liability:
    """Adds up the lots of one currency, in any order and any batches, and holds none of them.

    `instants` are ascending; `zone` is where the month in which a lot was sold is
    read, for breakage in proportion is reckoned on what was sold in one month.
    """

    def __init__(
        self, currency: str, instants: Sequence[datetime], policies: BreakagePolicies, zone: str = "UTC"
    ) -> None:
        self._currency, self._zone = currency, zone
        self._policies = [policies.at(currency, instant) for instant in instants]
        self._is_proportional = any(policy.method == "proportional" for policy in self._policies)
        self._sums = [_Sums() for _ in instants]

    def add(self, lots: Iterable[BoughtLot]) -> None:
        """Add lots, each with all that was recorded of it by the last instant."""
        for lot in lots:
            self._add(lot)

    def roll_forwards(self) -> tuple[RollForward, ...]:
        """Return one roll-forward for each two instants that follow each other."""
        return tuple(self._roll_forward(number) for number in range(1, len(self._sums)))

    def _add(self, lot: BoughtLot) -> None:
        cohort = month_of(lot.opened_at, self._zone) if self._is_proportional else ""
        spans = _spans(lot.movements, lot.expired_by, len(self._sums))
        tokens = cost = expired = redeemed = uncollected = 0
        for sums, span in zip(self._sums, spans, strict=True):
            for line, moved in span.moved.items():
                if moved:
                    tokens += moved
                    before, cost = cost, lot.cost_of(tokens)
                    sums.tokens[line] += moved
                    sums.minor[line] += cost - before
            sums.left += tokens
            sums.cost += cost
            sums.on_hold += span.on_hold
            if span.uncollectable:
                sums.uncollectable += span.uncollectable
                sums.uncollectable_minor -= lot.cost_of(uncollected)
                uncollected += span.uncollectable
                sums.uncollectable_minor += lot.cost_of(uncollected)
            if self._is_proportional:
                expired -= span.moved[LiabilityLine.EXPIRED]
                redeemed -= span.moved[LiabilityLine.REDEEMED]
                of_month = sums.cohorts.setdefault(cohort, _Cohort())
                of_month.sold += lot.cost_of(tokens + expired + redeemed)
                of_month.unused += lot.cost_of(tokens + expired)
                of_month.claimable += cost

    def _ahead(self, number: int) -> int:
        policy = self._policies[number]
        return sum(cohort.ahead(policy) for cohort in self._sums[number].cohorts.values())

    def _roll_forward(self, number: int) -> RollForward:
        before, sums = self._sums[number - 1], self._sums[number]
        was_ahead, is_ahead = self._ahead(number - 1), self._ahead(number)
        return RollForward(
            currency=self._currency,
            opening=AtCost(before.left, before.cost - was_ahead),
            lines={line: AtCost(sums.tokens[line], sums.minor[line]) for line in LiabilityLine},
            breakage=was_ahead - is_ahead,
            closing=AtCost(sums.left, sums.cost - is_ahead),
            recognised_ahead=is_ahead,
            on_hold=sums.on_hold,
            uncollectable=AtCost(sums.uncollectable, sums.uncollectable_minor),
            policy=self._policies[number],
        )


def roll_given(lots: Iterable[GivenLots], count: int) -> tuple[tuple[GivenRoll, ...], ...]:
    """Return, for each two of `count` instants that follow each other, the tokens of every kind given."""
    by_kind: dict[TokenKind, list[list[_Span]]] = {}
    for item in lots:
        by_kind.setdefault(item.kind, []).append(_spans(item.movements, item.expired_by, count))
    return tuple(
        tuple(_roll_of(kind, by_kind[kind], number) for kind in sorted(by_kind)) for number in range(1, count)
    )


def _roll_of(kind: TokenKind, lots: Sequence[Sequence[_Span]], number: int) -> GivenRoll:
    now = [spans[number] for spans in lots]
    return GivenRoll(
        kind=kind,
        opening=sum(spans[number - 1].left for spans in lots),
        lines={line: sum(span.moved[line] for span in now) for line in LiabilityLine},
        closing=sum(span.left for span in now),
        on_hold=sum(span.on_hold for span in now),
        uncollectable=sum(span.uncollectable for span in now),
    )
