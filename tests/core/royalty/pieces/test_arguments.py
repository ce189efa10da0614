"""A wrong figure is refused by the name of the argument that it was given for, and told what to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest

from buddy_core.kernel.errors import BuddyError, InvalidValue
from buddy_core.royalty import (
    BadPercent,
    CountRules,
    DatedRate,
    FormatLine,
    Step,
    Subscriber,
    Tier,
    flat_share,
    formats,
    guarantee_progress,
    period_royalty,
    rate_at,
    recoup,
    recoup_from_gross,
    royalty_on_units,
    royalty_per_unit,
    run_waterfall,
    shapley_value,
    share_pool,
    split_by_exact,
    split_percent,
    tiered_by_amount,
    tiered_by_units,
    true_up,
    units_to_recoup,
)

Piece = Callable[..., Any]

TIERS = (Tier(0, 10, 40), Tier(10, None, 50))
VALID: dict[Piece, dict[str, Any]] = {
    flat_share: {"revenue": 100, "fee_percent": 10, "holder_percent": 50},
    split_percent: {"total": 100, "percents": (40, 60)},
    period_royalty: {"gross": 100, "percent": 8, "returns": 3},
    guarantee_progress: {"period_royalties": (1, 2), "periods_in_year": 4, "annual_minimum": 9},
    true_up: {"earned_in_term": 5, "minimum": 9},
    recoup: {"earned": 5, "advance": 9, "recouped_before": 1},
    recoup_from_gross: {"gross": 5, "percent": 50, "advance": 9, "recouped_before": 1},
    royalty_per_unit: {"unit_price": 5, "percent": 50},
    royalty_on_units: {"units": 2, "unit_price": 5, "percent": 50},
    units_to_recoup: {"advance": 9, "unit_price": 5, "percent": 50, "recouped_before": 1},
    tiered_by_units: {
        "units": 12,
        "revenue": 90,
        "units_before": 1,
        "returned_units": 1,
        "returns": 9,
        "tiers": TIERS,
    },
    tiered_by_amount: {"revenue": 90, "amount_before": 3, "returns": 9, "tiers": TIERS},
    run_waterfall: {"gross": 100, "steps": ()},
    share_pool: {"fee_percent": 3, "method": "pro_rata", "subscribers": (Subscriber(5, {"a": 1}),)},
}
NO_FIGURES = {"percents", "period_royalties", "tiers", "steps", "method", "subscribers"}
WHOLE = {"units", "units_before", "returned_units", "periods_in_year"}
FIGURES = [(piece, name) for piece, given in VALID.items() for name in given if name not in NO_FIGURES]
PERCENTS = [(piece, name) for piece, name in FIGURES if name.endswith("percent")]
POLICIES = [
    split_percent, period_royalty, recoup, recoup_from_gross, royalty_on_units, tiered_by_units,
    tiered_by_amount,
]  # fmt: skip


@pytest.mark.parametrize(("piece", "name"), FIGURES)
@pytest.mark.parametrize("value", [0.5, True, "5", None])
def test_what_is_not_exact_is_refused_by_its_argument(piece: Piece, name: str, value: object) -> None:
    """Of each argument in turn; it is said what was given, and what is to be."""
    piece(**VALID[piece])
    with pytest.raises(InvalidValue) as refused:
        piece(**{**VALID[piece], name: value})
    give = "a whole number" if name in WHOLE else "an int or a Fraction, such as Fraction('33.33')"
    assert (refused.value.field, refused.value.problem) == (name, f"is a {type(value).__name__}; give {give}")


@pytest.mark.parametrize(("piece", "name"), PERCENTS)
@pytest.mark.parametrize("value", [-1, Fraction(-1, 9), 101])
def test_a_percent_out_of_range_is_refused_by_its_argument(piece: Piece, name: str, value: Any) -> None:
    """It is 0 to 100, both possible."""
    with pytest.raises(BadPercent) as refused:
        piece(**{**VALID[piece], name: value})
    assert (refused.value.field, refused.value.percent, refused.value.most) == (name, value, 100)
    for good in (0, 100):
        piece(**{**VALID[piece], name: good})


@pytest.mark.parametrize("piece", POLICIES)
def test_a_policy_that_there_is_not_is_refused_with_those_there_are(piece: Piece) -> None:
    """The argument is `negative`, whatever the class is called."""
    with pytest.raises(InvalidValue) as refused:
        piece(**VALID[piece], negative="forget")
    words = (
        "carry, floor_at_zero, un_recoup" if piece in (recoup, recoup_from_gross) else "floor_at_zero, mirror"
    )
    assert (refused.value.field, refused.value.problem) == ("negative", f"'forget' is not one of {words}")


AT = datetime(2026, 10, 1, tzinfo=UTC)
LATER = datetime(2026, 11, 1, tzinfo=UTC)
EXACT = "give an int or a Fraction, such as Fraction('33.33')"


def _line(**changes: Any) -> Callable[[], object]:
    return lambda: formats([FormatLine(**{"name": "ebook", "revenue": 100, **changes})])


def _tiers(*tiers: Tier) -> Callable[[], object]:
    return lambda: tiered_by_amount(100, tiers)


def _steps(*steps: Step, **net: Any) -> Callable[[], object]:
    return lambda: run_waterfall(100, steps, net)


def _pool(*rows: Subscriber[str], players: list[str] | None = None, **more: Any) -> Callable[[], object]:
    return lambda: share_pool("user_centric", rows, players, **more)


def game(*names: str) -> dict[frozenset[str], Any]:
    """Return a game of coalitions that are spelt, such as "ab", each worth 1."""
    return {frozenset(name): 1 for name in names}


ROW = Subscriber(5, {"a": 1})
START = (
    "Write them as 0 to 5000, 5000 to 10000, 10000 to none: each holds what is over its start, up to and "
    "with its end."
)
REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "amounts": (lambda: split_by_exact([1, 0.5]), f"amounts[1]: is a float; {EXACT}"),  # type: ignore[list-item]
    "percents": (lambda: split_percent(1, [100, 0.5]), f"percents[1]: is a float; {EXACT}"),  # type: ignore[list-item]
    "a percent of several": (
        lambda: split_percent(1, [101, -1]),
        "percents[0] is 101 percent; write a percent from 0 to 100, such as 12.",
    ),
    "percents below": (
        lambda: split_percent(1, [33, Fraction("33.5")]),
        "The percents come to 66.5; they must make exactly 100: add 33.5.",
    ),
    "percents above": (
        lambda: split_percent(1, [80, Fraction(61, 3)]),
        "The percents come to 301/3; they must make exactly 100: take 1/3 off.",
    ),
    "a total below its parts": (
        lambda: split_by_exact([Fraction(1, 2), 3], 2),
        "2 cannot be split over these exact amounts: each is rounded down or up, which gives from 3 to 4. "
        "Give such a total, or none.",
    ),
    "a total above its parts": (
        lambda: split_by_exact([Fraction(1, 2), 3], 5),
        "5 cannot be split over these exact amounts: each is rounded down or up, which gives from 3 to 4. "
        "Give such a total, or none.",
    ),
    "royalties": (
        lambda: guarantee_progress([1, 0.5], 4, 9),  # type: ignore[list-item]
        f"period_royalties[1]: is a float; {EXACT}",
    ),
    "no period done": (
        lambda: guarantee_progress([], 4, 9),
        "The guarantee cannot be measured: 0 periods are done of 4; give from 1 to 4 of them.",
    ),
    "too many done": (
        lambda: guarantee_progress([1, 2], 1, 9),
        "The guarantee cannot be measured: 2 periods are done of 1; give from 1 to 1 of them.",
    ),
    "no periods": (
        lambda: guarantee_progress([1], 0, 9),
        "The guarantee cannot be measured: the year has 0 periods; write 12 for months, 4 for quarters.",
    ),
    "a minimum below zero": (
        lambda: true_up(5, Fraction(-1, 2)),
        "The guarantee cannot be measured: the minimum is -1/2; write what is guaranteed, 0 or more.",
    ),
    "an advance below zero": (
        lambda: recoup(5, -1),
        "The advance cannot be recouped: the advance is -1; write what was paid, 0 or more.",
    ),
    "recouped below zero": (
        lambda: units_to_recoup(5, 1, recouped_before=-1),
        "The advance cannot be recouped: recouped before is -1; write what was recouped so far, 0 or more.",
    ),
    "more recouped than advanced": (
        lambda: recoup_from_gross(5, 50, 1, 2),
        "The advance cannot be recouped: 2 was recouped before of an advance of 1; it is at most the "
        "advance.",
    ),
    "no tiers": (_tiers(), f"The tiers cannot be used: there are none. {START}"),
    "tiers that begin late": (
        _tiers(Tier(5, None, 1)),
        f"The tiers cannot be used: the first begins over 5, not over 0. {START}",
    ),
    "tiers that end early": (
        _tiers(Tier(0, None, 1), Tier(5, None, 1)),
        f"The tiers cannot be used: tier 1 has no end, but is not the last. {START}",
    ),
    "a gap and an overlap": (
        _tiers(Tier(0, 5, 1), Tier(6, 9, 1), Tier(8, None, 1)),
        "The tiers cannot be used: between 5 and 6 there is no tier; tier 2 ends at 9, but tier 3 begins "
        f"over 8. {START}",
    ),
    "tiers that are empty": (
        _tiers(Tier(0, 0, 1), Tier(0, 0, 1)),
        "The tiers cannot be used: tier 1 ends at 0, not above its start 0; tier 2 ends at 0, not above its "
        f"start 0. {START}",
    ),
    "more than the tiers hold": (
        _tiers(Tier(0, 99, 1)),
        "The tiers cannot be used: the last ends at 99, and 100 lies beyond; add a tier or leave its end "
        f"open. {START}",
    ),
    "a start that is a float": (_tiers(Tier(0.5, None, 1)), f"tiers[0].over: is a float; {EXACT}"),  # type: ignore[arg-type]
    "an end that is a float": (_tiers(Tier(0, 0.5, 1)), f"tiers[0].up_to: is a float; {EXACT}"),  # type: ignore[arg-type]
    "a rate that is too high": (
        _tiers(Tier(0, 200, 1), Tier(200, None, 101)),
        "tiers[1].percent is 101 percent; write a percent from 0 to 100, such as 12.",
    ),
    "a line with neither": (_line(), "Line 'ebook': give it either a percent or tiers."),
    "a line with both": (_line(percent=1, tiers=TIERS), "Line 'ebook': give it either a percent or tiers."),
    "a line's percent": (
        _line(percent=-1),
        "percent of ebook is -1 percent; write a percent from 0 to 100, such as 12.",
    ),
    "a line's revenue": (_line(percent=1, revenue=0.5), f"revenue of ebook: is a float; {EXACT}"),
    "a line's returns": (_line(percent=1, returns=0.5), f"returns of ebook: is a float; {EXACT}"),
    "a line's units before": (
        _line(tiers=TIERS, units=1, before=Fraction(1, 2)),
        "before of ebook: is a Fraction; give a whole number",
    ),
    "no rates": (lambda: rate_at([], AT), f"The tiers cannot be used: there are no rates. {START}"),
    "rates out of order": (
        lambda: rate_at([DatedRate(LATER, 1), DatedRate(AT, 1), DatedRate(None, 1)], AT),
        "The tiers cannot be used: rate 2 begins at 2026-10-01T00:00:00+00:00, not after the one before it; "
        f"rate 3 has no start, but is not the first. {START}",
    ),
    "no rate yet": (
        lambda: rate_at([DatedRate(LATER, 1)], AT),
        "No rate holds at 2026-10-01T00:00:00+00:00: the first begins at 2026-11-01T00:00:00+00:00. "
        "Date the first rate earlier, or leave its start out.",
    ),
    "a dated rate": (
        lambda: rate_at([DatedRate(None, 1), DatedRate(AT, 101)], AT),
        "rates[1].percent is 101 percent; write a percent from 0 to 100, such as 12.",
    ),
    "an instant without an offset": (
        lambda: rate_at([DatedRate(datetime(2026, 1, 1), 1)], AT),  # noqa: DTZ001
        "since: a naive datetime names no instant; give it an offset, such as UTC",
    ),
    "coalitions that are no sets": (
        lambda: shapley_value({"ab": 1}),  # type: ignore[arg-type]
        "The game cannot be solved: the coalition 'ab' is a str; write frozenset({...}).",
    ),
    "a game of nobody": (
        lambda: shapley_value({}),
        "The game cannot be solved: it has no players; give the worth of each coalition of at least one.",
    ),
    "a worth of nobody": (
        lambda: shapley_value({frozenset(): 1, **game("a")}),
        "The game cannot be solved: the coalition of nobody has a worth; it is 0, or left out.",
    ),
    "a worth of nobody that is a float": (
        lambda: shapley_value({frozenset(): 0.5, **game("a")}),  # type: ignore[dict-item]
        f"worth of the empty coalition: is a float; {EXACT}",
    ),
    "a worth that is a float": (
        lambda: shapley_value({**game("a", "b"), frozenset("ab"): 0.5}),  # type: ignore[dict-item]
        f"worth of {{a, b}}: is a float; {EXACT}",
    ),
    "worths that are missing": (
        lambda: shapley_value(game("a", "b", "c", "bc")),
        "The worth of 3 coalition(s) is missing: {a, b}; {a, c}; {a, b, c}. Give each.",
    ),
    "too many players": (
        lambda: shapley_value(game("abcdefghijklm")),
        "The game has 13 players; up to 12 can be solved, as each more doubles the coalitions. A pool of "
        "subscribers is the method equal_per_subscriber, for any number of holders.",
    ),
    "steps of one name": (
        _steps(Step.of_gross("fee", 1), Step.of_gross("fee", 1)),
        "The waterfall cannot run: step 2 (fee) has the name of an earlier step.",
    ),
    "a step's percent": (
        _steps(Step.of_gross("fee", 101), Step.premium("equity", 5, -1)),
        "The waterfall cannot run: step 1 (fee) takes 101 percent; write from 0 to 100; step 2 (equity) "
        "takes -1 percent; write 0 or more.",
    ),
    "a step's percent that is a float": (
        _steps(Step.of_gross("fee", 0.5)),  # type: ignore[arg-type]
        f"step 1 (fee), percent: is a float; {EXACT}",
    ),
    "steps without an amount": (
        _steps(Step("a", "fixed"), Step("b", "recoup")),
        "The waterfall cannot run: step 1 (a) has no amount; write how much it takes; step 2 (b) has no "
        "amount; write how much it takes.",
    ),
    "steps with two askings": (
        _steps(Step("a", "percent_of_gross", 5, 5), Step("b", "fixed", 5, 5)),
        "The waterfall cannot run: step 1 (a) takes a percent, and has an amount as well; write one of them; "
        "step 2 (b) takes an amount, and has a percent as well; write one of them.",
    ),
    "a recoupment with a cap": (
        _steps(Step("a", "recoup", 100, 5, 5)),
        "The waterfall cannot run: step 1 (a) recoups its amount and no more; leave its cap out.",
    ),
    "figures of a step below zero": (
        _steps(Step("a", "fixed", 100, -1, -2, -3)),
        "The waterfall cannot run: step 1 (a): amount is -1; write 0 or more; step 1 (a): cap is -2; write 0 "
        "or more; step 1 (a): taken_before is -3; write 0 or more.",
    ),
    "a cap that is a float": (
        _steps(Step.of_gross("fee", 5, cap=0.5)),  # type: ignore[arg-type]
        f"step 1 (fee), cap: is a float; {EXACT}",
    ),
    "net profits": (
        _steps(asha=Fraction(-1, 2), kite=101),
        "The waterfall cannot run: asha has -0.5 percent of the net profit; write 0 or more; the net profit "
        "percents come to 100.5; they may make at most 100.",
    ),
    "a net profit that is a float": (_steps(asha=0.5), f"net profit of asha: is a float; {EXACT}"),
    "a method": (
        lambda: share_pool("by_luck", [ROW]),
        "method: 'by_luck' is not one of pro_rata, user_centric, equal_per_subscriber, equal_per_title",
    ),
    "whose silent money is": (
        _pool(ROW, silent="ours"),
        "silent: 'ours' is not one of pool, platform, carry",
    ),
    "silent money that nobody is said to have": (
        _pool(ROW, Subscriber(Fraction(5, 2), {}), Subscriber(1, {})),
        "2 subscriber(s) paid 3.5 minor units and used nothing that counts. Say whose it is: silent = pool, "
        "platform or carry.",
    ),
    "players and subscribers twice": (
        _pool(
            Subscriber(1, {"a": 1}, "x"),
            Subscriber(1, {"a": 1}, "x"),
            players=["a", "a"],
        ),
        "The pool cannot be shared: player 'a' is named twice; subscriber 'x' is given twice; add the rows "
        "together.",
    ),
    "what counts": (
        _pool(ROW, count=CountRules(min_units=-1, max_units=0)),
        "The pool cannot be shared: min_units is -1; write a whole number, 0 or more; max_units is 0; write "
        "a whole number above 0, or none for no cap.",
    ),
    "what counts, as floats": (
        _pool(ROW, count=CountRules(min_units=0.5, max_units=True)),  # type: ignore[arg-type]
        "The pool cannot be shared: min_units is 0.5; write a whole number, 0 or more; max_units is True; "
        "write a whole number above 0, or none for no cap.",
    ),
    "units": (
        _pool(Subscriber(1, {"a": -1}), Subscriber(1, {"b": 1}, "y"), players=["a"]),
        "The pool cannot be shared: subscriber 1 has -1 units of 'a'; write a whole number, 0 or more; "
        "subscriber 'y' used 'b', which is not among the players.",
    ),
    "what a subscriber pays": (
        _pool(ROW, Subscriber(0.5, {})),  # type: ignore[arg-type]
        f"subscriber 2, pays: is a float; {EXACT}",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_says_what_is_wrong_and_what_to_do(name: str) -> None:
    """Word for word: what an accountant reads is looked at like any other result."""
    call, said = REFUSED[name]
    with pytest.raises(BuddyError) as refused:
        call()
    assert refused.value.message() == said
