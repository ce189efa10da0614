"""The accounting view: liability by lot cost, exact to the last minor unit, and breakage ahead of expiry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import LotId
from buddy_core.kernel.currencies import NoMinorUnit, UnknownCurrency
from buddy_core.kernel.rounding import Rounding, round_fraction
from buddy_core.tokens import (
    ADJUSTED,
    BONUS,
    PAID,
    AtCost,
    BadBreakage,
    BoughtLot,
    BreakagePolicies,
    BreakagePolicy,
    GivenLots,
    Liability,
    LiabilityLine,
    LotMovement,
    Operation,
    RollForward,
    instant_index,
    roll_given,
)
from tests.core.tokens.liabilities import check

START = datetime(2026, 9, 30, 23, 59, 59, 999999, tzinfo=UTC)
OCTOBER, NOVEMBER, DECEMBER = (
    START + timedelta(days=31),
    START + timedelta(days=61),
    START + timedelta(days=92),
)
INSTANTS = [START, OCTOBER, NOVEMBER, DECEMBER]
SOLD, ADJUSTED_, REVERSED, REDEEMED, EXPIRED = LiabilityLine
NEVER = len(INSTANTS)


def moved(operation: Operation, tokens: int, by: int, **more: Any) -> LotMovement:
    """Return a movement that was recorded in the span that ends with an instant."""
    return LotMovement(operation, tokens, by, **more)


def spent(tokens: int, by: int) -> LotMovement:
    return moved(Operation.SPEND, -tokens, by, is_valued=True)


def lot(
    amount: int, cost: int, *movements: LotMovement, number: int = 1, expired_by: int = NEVER, by: int = 1
) -> BoughtLot:
    """Return a lot that was bought in the span that ends with instant `by`."""
    bought = moved(Operation.PURCHASE, amount, by)
    opened_at = INSTANTS[by] - timedelta(days=5)
    return BoughtLot(LotId(UUID(int=number)), amount, cost, opened_at, expired_by, (bought, *movements))


def rolled(*lots: BoughtLot, policies: tuple[BreakagePolicy, ...] = ()) -> tuple[RollForward, ...]:
    """Return the roll-forwards of October, November and December."""
    liability = Liability("INR", INSTANTS, BreakagePolicies(policies))
    liability.add(lots)
    found = liability.roll_forwards()
    for roll in found:
        check(roll)
    return found


def costs(roll: RollForward) -> dict[str, int]:
    """Return the lines that have a cost."""
    return {line.value: amount.minor for line, amount in roll.lines.items() if amount.minor}


def test_a_lot_s_life_is_told_month_by_month() -> None:
    """Ten tokens for 9.99: sold, three redeemed, one given back, the rest expired; the parts make 999."""
    back = moved(Operation.REFUND, 1, 2, is_valued=True)
    october, november, december = rolled(lot(10, 999, spent(3, 1), back, expired_by=3))
    assert (october.opening, october.closing) == (AtCost(), AtCost(7, 699))
    assert october.lines == {
        SOLD: AtCost(10, 999), ADJUSTED_: AtCost(), REVERSED: AtCost(), REDEEMED: AtCost(-3, -300),
        EXPIRED: AtCost(),
    }  # fmt: skip
    assert (november.opening, november.closing) == (AtCost(7, 699), AtCost(8, 799))
    assert november.lines[REDEEMED] == AtCost(1, 100)
    assert december.lines[EXPIRED] == AtCost(-8, -799)
    assert december.closing == AtCost()
    assert [roll.revenue for roll in (october, november, december)] == [300, -100, 799]


def test_a_lot_expires_without_any_entry() -> None:
    """What a sweep writes off later was gone in the month of the expiry, and is not counted twice."""
    unswept = lot(10, 100, spent(4, 1), expired_by=2)
    swept = evolve(unswept, movements=(*unswept.movements, moved(Operation.EXPIRE, -6, 3)))
    for one in (unswept, swept):
        october, november, december = rolled(one)
        assert october.closing == AtCost(6, 60)
        assert november.lines[EXPIRED] == AtCost(-6, -60)
        assert december.opening == december.closing == AtCost()
        assert costs(december) == {}


def test_what_is_reversed_after_it_expired_stays_expired() -> None:
    """A purchase taken back after its expiry: what had expired is uncollectable, and in no line again."""
    gone = moved(Operation.EXPIRE, -6, 3)
    rest = moved(Operation.REVERSE, -10, 3, account=ADJUSTED)
    _, november, december = rolled(lot(10, 100, spent(4, 1), gone, rest, expired_by=2))
    assert costs(november) == {"expired": -60}
    assert costs(december) == {}
    assert (december.closing, december.uncollectable) == (AtCost(), AtCost(10, 100))


def test_what_comes_back_to_a_withdrawn_lot_is_reversed_at_once() -> None:
    """The refund takes the use back; its tokens go the way of the purchase, and are uncollectable no more."""
    rest = moved(Operation.REVERSE, -7, 2, account=ADJUSTED)
    back = [
        movement
        for tokens, by in ((2, 2), (5, 3))
        for movement in (
            moved(Operation.REFUND, tokens, by, is_valued=True),
            moved(Operation.REFUND, -tokens, by),
            moved(Operation.REFUND, tokens, by, account=ADJUSTED),
        )
    ]
    for expired_by in (2, 3, NEVER):
        lasts = lot(7, 1_000, spent(7, 1), rest, *back, expired_by=expired_by)
        _, november, december = rolled(lasts)
        assert costs(november) == {"redeemed": 286, "reversed": -286}
        assert costs(december) == {"redeemed": 714, "reversed": -714}
        assert (november.uncollectable, december.uncollectable) == (AtCost(5, 714), AtCost(-5, -714))
        assert (november.closing, december.closing) == (AtCost(), AtCost())


def test_a_gift_to_a_bought_lot_is_no_revenue() -> None:
    """Ten tokens for 10.00 and forty given for nothing: once all are spent, the revenue is 10.00."""
    given = moved(Operation.ADJUST, 40, 1)
    october, november, _ = rolled(lot(10, 1_000, given, spent(50, 2)))
    assert (october.revenue, october.closing.minor) == (-4_000, 5_000)
    assert (november.revenue, november.closing.minor) == (5_000, 0)


def test_a_hold_is_no_redemption() -> None:
    """Tokens set aside stay in the liability until they are posted; they are counted beside it."""
    held = moved(Operation.HOLD, -4, 1, hold_over_by=NEVER)
    freed = moved(Operation.POST, 4, 2, hold_over_by=NEVER)
    posted = moved(Operation.POST, -3, 2, is_valued=True, hold_over_by=NEVER)
    october, november, _ = rolled(lot(10, 1000, held, freed, posted))
    assert (october.closing, october.on_hold) == (AtCost(10, 1000), 4)
    assert (november.closing, november.on_hold) == (AtCost(7, 700), 0)
    assert costs(november) == {"redeemed": -300}


def test_a_held_token_outlives_its_lot_as_long_as_it_is_held() -> None:
    """What is held stays owed after the expiry; once the hold is over it has expired, void or not."""
    held = moved(Operation.HOLD, -4, 1, hold_over_by=3)
    voided = moved(Operation.VOID, 4, 3, hold_over_by=3)
    gone = moved(Operation.VOID, -4, 3, hold_over_by=3)
    for later in ((), (voided, gone), (voided,)):
        october, november, december = rolled(lot(10, 1000, held, *later, expired_by=2))
        assert (october.closing, october.on_hold) == (AtCost(10, 1000), 4)
        assert (november.closing, november.on_hold) == (AtCost(4, 400), 4)
        assert costs(november) == {"expired": -600}
        assert (december.closing, december.on_hold) == (AtCost(), 0)
        assert costs(december) == {"expired": -400}


def test_a_lapsed_hold_is_free_before_its_void_is_written() -> None:
    """The void comes a month later; nothing is on hold meanwhile, and the tokens are owed throughout."""
    held = moved(Operation.HOLD, -4, 1, hold_over_by=2)
    voided = moved(Operation.VOID, 4, 3, hold_over_by=2)
    october, november, december = rolled(lot(10, 1000, held, voided))
    assert [roll.on_hold for roll in (october, november, december)] == [4, 0, 0]
    assert {roll.closing for roll in (october, november, december)} == {AtCost(10, 1000)}


def test_what_comes_back_too_late_is_redeemed_and_expired_anew() -> None:
    """A refund of a spend to a lot that is over takes revenue of use back and lets the token expire."""
    back = moved(Operation.REFUND, 2, 3, is_valued=True)
    gone = moved(Operation.REFUND, -2, 3)
    _, _, december = rolled(lot(10, 1000, spent(4, 1), back, gone, expired_by=2))
    assert costs(december) == {"redeemed": 200, "expired": -200}
    assert december.closing == AtCost()


def test_corrections_have_lines_of_their_own() -> None:
    """A gift to a lot and what is taken from it count at its cost per token; a transfer counts nowhere."""
    given, taken = moved(Operation.ADJUST, 5, 1), moved(Operation.ADJUST, -2, 2)
    out, back = moved(Operation.TRANSFER_OUT, -9, 2), moved(Operation.TRANSFER_IN, 9, 2)
    october, november, _ = rolled(lot(10, 100, given, taken, out, back))
    assert costs(october) == {"sold": 100, "adjusted": 50}
    assert november.lines[ADJUSTED_] == AtCost(-2, -20)
    assert november.closing == AtCost(13, 130)


def test_a_reversal_takes_what_is_left_and_tells_of_the_rest() -> None:
    """Six of ten are taken back; the four used before are no part of the liability, and named with a cost."""
    taken = moved(Operation.REVERSE, -6, 2)
    rest = moved(Operation.REVERSE, -4, 2, account=ADJUSTED)
    _, november, december = rolled(lot(10, 1005, spent(4, 1), taken, rest))
    assert costs(november) == {"reversed": -603}
    assert november.uncollectable == AtCost(4, 402)
    assert november.closing == AtCost()
    assert december.uncollectable == AtCost()


def test_what_stands_beside_the_rows_adds_up_too() -> None:
    """Tokens on hold, and those that could not be collected, are those of all lots together."""
    taken = moved(Operation.REVERSE, -6, 1)
    rest = moved(Operation.REVERSE, -3, 1, account=ADJUSTED)
    held = moved(Operation.HOLD, -1, 1, hold_over_by=NEVER)
    one = lot(10, 1_000, spent(3, 1), held, taken)
    # What is told first keeps nothing from being read.
    one = evolve(one, movements=(rest, *one.movements))
    lots = [evolve(one, id=LotId(UUID(int=number))) for number in range(3)]
    october, _, _ = rolled(*lots)
    assert (october.on_hold, october.uncollectable) == (3, AtCost(9, 900))
    assert october.closing == AtCost(3, 300)


def test_a_hold_without_an_end_is_held() -> None:
    """Where no end is told, what is set aside stays set aside until an entry says otherwise."""
    october, _, december = rolled(lot(10, 1_000, moved(Operation.HOLD, -4, 1), expired_by=2))
    assert (october.on_hold, december.on_hold, december.closing) == (4, 4, AtCost(4, 400))


def test_lots_add_up_each_rounded_by_itself() -> None:
    """Three lots of 1.00 for three tokens, one of each left: 33 + 33 + 33, not 100."""
    lots = [lot(3, 100, spent(2, 1), number=number) for number in range(3)]
    assert rolled(*lots)[0].closing == AtCost(3, 99)
    assert rolled(*lots)[0].lines[REDEEMED] == AtCost(-6, -201)


@pytest.mark.parametrize(
    ("cost", "amount", "tokens", "part"),
    [(100, 3, 1, 33), (100, 3, 2, 67), (1, 2, 1, 1), (1, 2, -1, -1), (5, 2, 1, 3), (0, 9, 4, 0),
     (7, 7, 7, 7), (1, 3, 1, 0), (1, 3, 2, 1), (10, 4, 5, 13), (2**60, 2**53, 3, 384)],
)  # fmt: skip
def test_a_part_s_cost_is_half_up(cost: int, amount: int, tokens: int, part: int) -> None:
    """Nearest, a half away from zero, at any size."""
    assert lot(amount, cost).cost_of(tokens) == part


@given(st.integers(0, 2**62), st.integers(1, 2**53), st.integers(-(2**54), 2**54))
def test_the_cost_of_a_part_is_the_kernel_s_half_up(cost: int, amount: int, tokens: int) -> None:
    """The quick form in whole numbers says what the named rule says."""
    assert lot(amount, cost).cost_of(tokens) == round_fraction(
        Fraction(cost * tokens, amount), Rounding.HALF_UP
    )


PARTS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 3)), max_size=12)


@given(st.integers(0, 10**6), PARTS, st.integers(0, 30), st.integers(0, 3), st.randoms())
def test_the_parts_of_a_lot_make_its_cost(
    cost: int, parts: list[tuple[int, int]], left: int, expired_by: int, chance: Any
) -> None:
    """However a lot is used up, what was sold is redeemed, expired or owed, in any order given."""
    amount = sum(tokens for tokens, _ in parts) + left or 1
    spends = [spent(*part) for part in parts]
    first = lot(amount, cost, *spends, expired_by=max(1, expired_by))
    shuffled = list(first.movements)
    chance.shuffle(shuffled)
    rolls = rolled(evolve(first, movements=tuple(shuffled)))
    assert rolls == rolled(first)
    assert sum(amount.minor for roll in rolls for amount in roll.lines.values()) == rolls[-1].closing.minor
    if expired_by:
        gone = -sum(roll.lines[line].minor for roll in rolls for line in (REDEEMED, EXPIRED))
        assert rolls[-1].closing == AtCost()
        assert gone == cost


def test_a_line_without_tokens_has_no_cost() -> None:
    """Of a lot of one minor unit, the unit goes with the token that crosses the half, and only there."""
    rolls = rolled(lot(4, 1, spent(1, 1), spent(1, 2), spent(1, 3)))
    assert [costs(roll) for roll in rolls] == [{"sold": 1}, {}, {"redeemed": -1}]
    assert [roll.lines[EXPIRED] for roll in rolls] == [AtCost()] * 3


def test_nothing_sold_is_nothing_owed() -> None:
    """No lots, and lots that cost nothing, leave every figure at nought."""
    assert {(roll.opening, roll.closing, roll.revenue) for roll in rolled()} == {(AtCost(), AtCost(), 0)}
    assert rolled(lot(5, 0, spent(2, 1)))[0].closing == AtCost(3, 0)


TENTH = BreakagePolicy("INR", START - timedelta(days=90), Fraction(1, 10), source="three years of figures")


def test_breakage_is_recognised_in_proportion_to_redemption() -> None:
    """A tenth of 100.00 is expected unredeemed; with half of the rest redeemed, half of it is recognised."""
    october, november, december = rolled(
        lot(100, 10_000, spent(45, 1), spent(45, 2), expired_by=3), policies=(TENTH,)
    )
    assert (october.breakage, october.recognised_ahead, october.closing.minor) == (-500, 500, 5_000)
    assert (november.breakage, november.recognised_ahead, november.closing.minor) == (-500, 1_000, 0)
    assert (december.lines[EXPIRED].minor, december.breakage) == (-1_000, 1_000)
    assert [roll.revenue for roll in (october, november, december)] == [5_000, 5_000, 0]
    assert november.opening.minor == october.closing.minor
    assert december.policy is TENTH


def test_more_redeemed_than_expected_is_taken_back() -> None:
    """Nothing is left to break, so that what was recognised ahead is revenue of use instead."""
    october, november, _ = rolled(lot(100, 10_000, spent(90, 1), spent(10, 2)), policies=(TENTH,))
    assert (october.recognised_ahead, november.recognised_ahead) == (1_000, 0)
    assert november.revenue == 0
    assert november.closing == AtCost()


def test_the_tokens_of_a_month_are_one_portfolio() -> None:
    """Lots used up count for the one that nobody touches; those of another month do not."""
    used, idle = lot(90, 9_000, spent(90, 1)), lot(10, 1_000, number=2)
    assert rolled(used, idle, policies=(TENTH,))[0].recognised_ahead == 1_000
    later = lot(10, 1_000, number=2, by=2)
    assert rolled(used, later, policies=(TENTH,))[1].recognised_ahead == 0
    assert rolled(idle, policies=(TENTH,))[2].recognised_ahead == 0


def test_the_month_of_a_sale_is_read_in_the_seller_s_zone() -> None:
    """A sale at 20:00 UTC on the last of October is one of November in India: another portfolio."""
    late = evolve(lot(10, 1_000, number=2), opened_at=datetime(2026, 10, 31, 20, 0, tzinfo=UTC))
    used = lot(90, 9_000, spent(90, 1))
    found = {}
    for zone in ("UTC", "Asia/Kolkata"):
        liability = Liability("INR", INSTANTS, BreakagePolicies((TENTH,)), zone)
        liability.add([used])
        liability.add([late])
        found[zone] = liability.roll_forwards()[0].recognised_ahead
    assert found == {"UTC": 1_000, "Asia/Kolkata": 0}


def test_what_has_expired_counts_toward_what_was_expected() -> None:
    """Half of the expected tenth has expired: only the other half is recognised ahead of expiry."""
    early = lot(5, 500, number=2, expired_by=2)
    used = lot(95, 9_500, spent(90, 2))
    _, november, _ = rolled(used, early, policies=(TENTH,))
    assert (november.lines[EXPIRED].minor, november.recognised_ahead) == (-500, 500)
    assert november.revenue == 9_000 + 500 + 500


def test_the_expected_part_is_rounded_down_and_the_recognised_one_half_up() -> None:
    """A tenth of 19 is 1; with 9 of the other 18 redeemed, one half is recognised as one; with 8, none is."""
    assert rolled(lot(19, 19, spent(9, 1)), policies=(TENTH,))[0].recognised_ahead == 1
    assert rolled(lot(19, 19, spent(8, 1)), policies=(TENTH,))[0].recognised_ahead == 0
    nearly_all = evolve(TENTH, expected_unredeemed=Fraction(99, 100))
    assert rolled(lot(1, 1), policies=(nearly_all,))[0].recognised_ahead == 0


def test_a_new_policy_catches_up_in_its_own_month() -> None:
    """Another share counts from its day for all that is open; no earlier month changes."""
    one = lot(100, 10_000, spent(45, 1))
    fifth = BreakagePolicy("INR", OCTOBER + timedelta(days=9), Fraction(1, 5))
    before = rolled(one, policies=(TENTH,))
    after = rolled(one, policies=(fifth, TENTH))
    assert after[0] == before[0]
    assert (before[1].breakage, after[1].breakage) == (0, 500 - round_half_up(2_000 * 4_500, 8_000))
    assert after[1].policy is fifth
    assert after[2].breakage == 0


def round_half_up(numerator: int, denominator: int) -> int:
    return round_fraction(Fraction(numerator, denominator), Rounding.HALF_UP)


def test_an_issuer_who_may_not_keep_it_recognises_nothing() -> None:
    """Neither ahead nor at the expiry: what expires leaves the tokens' liability, and is no revenue."""
    owed_on = evolve(TENTH, is_entitled=False)
    october, _, december = rolled(lot(100, 10_000, spent(45, 1), expired_by=3), policies=(owed_on,))
    assert (owed_on.method, october.recognised_ahead, october.revenue) == ("remote", 0, 4_500)
    assert (december.lines[EXPIRED].minor, december.revenue) == (-5_500, 0)


def test_who_may_not_keep_it_any_more_takes_back_what_was_recognised() -> None:
    """From November on a state claims it: what was recognised ahead is owed again, and no revenue."""
    owed_on = BreakagePolicy("INR", OCTOBER + timedelta(days=1), Fraction(1, 10), is_entitled=False)
    october, november, december = rolled(
        lot(100, 10_000, spent(45, 1), expired_by=3), policies=(TENTH, owed_on)
    )
    assert (october.recognised_ahead, november.recognised_ahead) == (500, 0)
    assert (november.breakage, november.revenue, november.closing.minor) == (500, -500, 5_500)
    assert (december.lines[EXPIRED].minor, december.breakage, december.revenue) == (-5_500, 0, 0)


def test_records_of_a_clock_that_was_set_back_are_told_as_they_are() -> None:
    """Taken back before it was sold, on paper: the month shows less than nothing, and recognises nothing."""
    odd = lot(10, 1_000, moved(Operation.REVERSE, -10, 1), by=2)
    liability = Liability("INR", INSTANTS, BreakagePolicies((TENTH,)))
    liability.add([odd])
    october, november, _ = liability.roll_forwards()
    assert (october.closing, october.recognised_ahead) == (AtCost(-10, -1_000), 0)
    assert (november.closing, november.recognised_ahead) == (AtCost(), 0)


def test_without_a_policy_breakage_is_remote() -> None:
    """Before its first day, and in another currency, a policy says nothing: only expiry recognises."""
    policies = BreakagePolicies((TENTH, BreakagePolicy("USD", START)))
    assert policies.at("INR", TENTH.effective_from) is TENTH
    early = policies.at("INR", TENTH.effective_from - timedelta(microseconds=1))
    assert (early.currency, early.method, early.is_entitled, early.expected_unredeemed) == (
        "INR", "remote", True, None,
    )  # fmt: skip
    assert policies.at("EUR", START).method == "remote"
    assert policies.at("USD", START).method == "remote"
    assert TENTH.method == "proportional"
    assert evolve(TENTH, expected_unredeemed=Fraction(0)).method == "remote"
    assert rolled(lot(9, 9, spent(1, 1)))[0].policy.method == "remote"


@pytest.mark.parametrize("share", [Fraction(1), Fraction(-1, 10), Fraction(3, 2), 0.1, True, "1/10", 1])
def test_a_share_is_an_exact_part(share: Any) -> None:
    """From nought up to, not at, one; a float is not exact."""
    with pytest.raises(BadBreakage, match="exact part"):
        BreakagePolicy("INR", START, share)


def test_policies_that_contradict_each_other_are_refused() -> None:
    """Two of one currency from the same instant, and currencies that nobody pays in."""
    with pytest.raises(BadBreakage, match=r": two policies of one currency begin at the same instant"):
        BreakagePolicies((TENTH, evolve(TENTH, expected_unredeemed=None)))
    assert len(BreakagePolicies((TENTH, evolve(TENTH, currency="USD"))).versions) == 2
    with pytest.raises(UnknownCurrency):
        BreakagePolicy("ABC", START)
    with pytest.raises(NoMinorUnit):
        BreakagePolicy("XAU", START)


def test_promotional_tokens_are_counted_and_owe_nothing() -> None:
    """Kinds stand apart; what expires, is held, spent or taken back is told in tokens alone."""
    rest = moved(Operation.REVERSE, -2, 2, account=ADJUSTED)
    lasting = GivenLots(
        BONUS, NEVER,
        (moved(Operation.EARN, 10, 1), spent(3, 1), moved(Operation.HOLD, -2, 1, hold_over_by=3),
         moved(Operation.REVERSE, -1, 2), rest),
    )  # fmt: skip
    ending = GivenLots(BONUS, 2, (moved(Operation.EARN, 5, 1), moved(Operation.ADJUST, 1, 1)))
    other = GivenLots(PAID, NEVER, (moved(Operation.EARN, 7, 2),))
    october, november, december = roll_given([other, lasting, ending], len(INSTANTS))
    assert [roll.kind for roll in october] == [BONUS, PAID]
    bonus = october[0]
    assert (bonus.opening, bonus.closing, bonus.on_hold) == (0, 13, 2)
    assert bonus.lines == {SOLD: 15, ADJUSTED_: 1, REVERSED: 0, REDEEMED: -3, EXPIRED: 0}
    bonus = november[0]
    assert (bonus.opening, bonus.closing, bonus.on_hold, bonus.uncollectable) == (13, 6, 2, 2)
    assert bonus.lines == {SOLD: 0, ADJUSTED_: 0, REVERSED: -1, REDEEMED: 0, EXPIRED: -6}
    assert (december[0].on_hold, december[0].closing, december[1].closing) == (0, 6, 7)
    assert roll_given([], 3) == ((), ())


def test_an_instant_is_found_by_what_happens_at_it() -> None:
    """What happens at an instant belongs to it, a microsecond later to the next; later than all to none."""
    tick = timedelta(microseconds=1)
    assert [instant_index(INSTANTS, at) for at in (START - tick, START, START + tick, DECEMBER)] == [
        0,
        0,
        1,
        3,
    ]
    assert instant_index(INSTANTS, DECEMBER + tick) == instant_index(INSTANTS, None) == 4
