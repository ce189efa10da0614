"""The laws of a period, over random deals and facts: nothing is lost, and no order matters."""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from random import Random
from typing import Any

from attrs import evolve
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from buddy_core.royalty.model.balances import Balances
from buddy_core.royalty.model.facts import Facts, Model, Paid, Sale, TokenUse, Watch
from buddy_core.royalty.model.months import PLATFORM
from buddy_core.royalty.model.statements import Line, PeriodResult, Settlement
from buddy_core.royalty.model.terms import Account, Negative, Terms
from buddy_core.royalty.rules.book import own_account
from buddy_core.royalty.rules.explaining import explain, explain_settlement
from buddy_core.royalty.rules.files.sealing import read_platform, read_statement, statement_bodies
from buddy_core.royalty.rules.restating import Past, state_with_late
from buddy_core.royalty.rules.stating import state_period
from tests.core.royalty.counting import OFTEN
from tests.core.royalty.periods import NOVEMBER, OCTOBER, World, facts, terms, world

LAW = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
)
"""A world is made of one number, which a failure names."""
SEEDS = st.integers(0, 2**64)


def stated(given_: World) -> PeriodResult:
    """Return the statements of a random October."""
    return state_period(OCTOBER, given_.terms, given_.facts, given_.before)


def lines_of(result: PeriodResult) -> list[Line]:
    """Return the lines of holders and of the platform."""
    return [line for item in result.statements for line in item.lines] + list(result.platform)


def test_everything_that_came_in_is_somewhere() -> None:
    """Revenue in is holders, platform, tax, fees, refunds, fund and what is carried, to the minor unit."""
    seen: Counter[str] = Counter()

    @LAW
    @given(SEEDS)
    def law(seed: int) -> None:
        found = world(Random(seed))
        result = stated(found)
        for sums in result.reconciliations:
            assert sums.residual == 0
            earned = sum(item.earned for item in result.statements if item.currency == sums.currency)
            assert earned == sums.holders
            assert abs(sums.rounding) <= Fraction(1, 2)
        for line in lines_of(result):
            seen[line.model.value] += 1
        for pool in result.pools:
            seen[f"pool {pool.method}"] += 1
        seen["fund"] += len(result.funds)

    law()
    wanted = [*(model.value for model in Model), "fund", "pool by deal"]
    wanted += ["pool pro_rata", "pool user_centric", "pool equal_per_subscriber", "pool equal_per_title"]
    assert {name: seen[name] for name in wanted if seen[name] < OFTEN} == {}


def test_every_account_ties() -> None:
    """What an account opened with, and what came, is paid, withheld, held, recouped or carried: all of it."""
    seen: Counter[str] = Counter()

    @LAW
    @given(SEEDS)
    def law(seed: int) -> None:
        found = world(Random(seed))
        accounts = {account.id: account for account in found.terms.accounts}
        for item in (item for one in stated(found).statements for item in one.settlements):
            account = accounts.get(item.account) or own_account(item.holder, item.currency)
            _check_account(item, account)
            seen.update(step.name for step in item.steps)

    law()
    names = ("brought forward", "earned", "held back", "released", "recouped", "guarantee", "forgiven")
    wanted = (*names, "carried forward", "withheld")
    assert {name: seen[name] for name in wanted if seen[name] < OFTEN} == {}


def _check_account(item: Settlement, account: Account) -> None:
    held_before = sum(held.amount for held in item.opening.held)
    held_after = sum(held.amount for held in item.closing.held)
    came = item.opening.carried + held_before + item.earned + item.topped_up + item.forgiven
    recouped = item.closing.recouped - item.opening.recouped
    went = item.payable + item.withheld + item.closing.carried + held_after + recouped
    assert came == went
    assert item.payable >= 0
    assert 0 <= recouped <= account.advance - item.opening.recouped
    if item.payable or item.withheld:
        assert item.closing.recouped == account.advance, "nothing is paid while an advance is open"
    assert item.payable + item.withheld >= account.threshold or not item.payable + item.withheld
    if account.negative is Negative.FORGIVE:
        assert item.closing.carried >= 0


def test_no_order_matters() -> None:
    """The facts and terms in another order give the same statements."""

    @LAW
    @given(SEEDS)
    def law(seed: int) -> None:
        chance = Random(seed)
        found = world(chance)

        def mixed(values: tuple[Any, ...]) -> tuple[Any, ...]:
            return tuple(chance.sample(values, len(values)))

        given_ = found.facts
        other = Facts(
            **{
                name: mixed(getattr(given_, name))
                for name in (
                    "sales",
                    "subscriptions",
                    "pools",
                    "ads",
                    "watch",
                    "impressions",
                    "tokens",
                    "expenses",
                    "rates",
                )
            }
        )
        names = ("deals", "accounts", "waterfalls")
        shuffled = evolve(found.terms, **{name: mixed(getattr(found.terms, name)) for name in names})
        assert stated(World(shuffled, other, found.before)) == stated(found)

    law()


def test_a_fact_in_two_halves_is_the_fact() -> None:
    """Sales, watch, impressions and spends that are told in two rows come to the same."""
    seen: Counter[str] = Counter()

    @LAW
    @given(SEEDS)
    def law(seed: int) -> None:
        found = world(Random(seed))
        given_ = found.facts
        halves = evolve(
            given_,
            sales=tuple(half for sale in given_.sales for half in _sale_in_two(sale)),
            watch=tuple(half for row in given_.watch for half in _watch_in_two(row)),
            tokens=tuple(half for use in given_.tokens for half in _use_in_two(use)),
        )
        seen["split"] += len(given_.sales) + len(given_.watch) + len(given_.tokens)
        assert stated(evolve(found, facts=halves)) == stated(found)

    law()
    assert seen["split"] >= OFTEN


def _sale_in_two(sale: Sale) -> list[Sale]:
    paid = sale.paid
    first = Paid(*map(_half, (paid.gross, paid.tax, paid.refund, paid.chargeback, paid.fee)))
    one = evolve(sale, id=sale.id + "-1", paid=first, units=_half(sale.units))
    return [one, evolve(sale, id=sale.id + "-2", paid=paid - first, units=sale.units - one.units)]


def _half(amount: int) -> int:
    """Return one half in whole units, the smaller one whatever the sign."""
    return amount // 2 if amount > 0 else -(-amount // 2)


def _watch_in_two(row: Watch) -> list[Watch]:
    half = row.seconds // 2
    return [evolve(row, seconds=half), evolve(row, seconds=row.seconds - half)]


def _use_in_two(use: TokenUse) -> list[TokenUse]:
    if use.tokens < 2:
        return [use]
    part = Fraction(1, use.tokens)
    one = evolve(use, id=use.id + "-1", tokens=1, value=use.value * part)
    return [one, evolve(use, id=use.id + "-2", tokens=use.tokens - 1, value=use.value - one.value)]


def test_twice_the_money_is_twice_the_share() -> None:
    """Where nothing counts life-to-date money, all exact amounts grow with what came in."""

    @LAW
    @given(SEEDS)
    def law(seed: int) -> None:
        chance = Random(seed)
        plain, given_, times = _flat(terms(chance, advances=False)), facts(chance), chance.randint(2, 5)
        once = state_period(OCTOBER, plain, given_)
        more = state_period(OCTOBER, plain, _times(given_, times))
        assert {key: amount * times for key, amount in _sums(once).items()} == _sums(more)

    law()


def _flat(terms_: Terms) -> Terms:
    """Return the terms with every rate one half, and no steps: tiers of money and amounts do not scale."""
    half = {model: Fraction(1, 2) for model in Model}
    return evolve(terms_, deals=tuple(evolve(deal, rates=half) for deal in terms_.deals), waterfalls=())


def _times(given_: Facts, times: int) -> Facts:
    def money(paid: Paid) -> Paid:
        return Paid(
            *(amount * times for amount in (paid.gross, paid.tax, paid.refund, paid.chargeback, paid.fee))
        )

    return evolve(
        given_,
        sales=tuple(evolve(sale, paid=money(sale.paid)) for sale in given_.sales),
        subscriptions=tuple(evolve(item, paid=money(item.paid)) for item in given_.subscriptions),
        ads=tuple(evolve(item, paid=money(item.paid)) for item in given_.ads),
        tokens=tuple(evolve(use, value=use.value * times) for use in given_.tokens),
    )


def test_what_comes_late_is_as_if_it_had_come_in_time() -> None:
    """Over the closed month and the next, every holder has exactly what one close would have given."""
    seen: Counter[str] = Counter()

    @LAW
    @given(SEEDS)
    def law(seed: int) -> None:
        chance = Random(seed)
        found = world(chance)
        late = evolve(facts(chance, name="late", most=3), rates=())
        following = facts(chance, NOVEMBER, name="next", most=3)
        start = found.before
        closed = stated(found)
        past = [Past(OCTOBER, found.terms, found.facts, late)]
        after = state_with_late(NOVEMBER, found.terms, following, closed.balances, past, start)
        in_time = state_period(OCTOBER, found.terms, found.facts + late, start)
        then = state_period(NOVEMBER, found.terms, following, in_time.balances)
        late_sums = _sums(closed, after)
        assert late_sums == _sums(in_time, then)
        assert all(sums.residual == 0 for sums in after.reconciliations)
        assert after.balances.deals == then.balances.deals
        assert after.balances.pools == then.balances.pools
        assert after.balances.waterfalls == then.balances.waterfalls
        seen["adjusted"] += sum(1 for line in lines_of(after) if line.adjusts == "2026-10")

    law()
    assert seen["adjusted"] >= OFTEN


def _sums(*results: PeriodResult) -> dict[tuple[str, str, str], Fraction]:
    found: dict[tuple[str, str, str], Fraction] = {}
    for result in results:
        for line in lines_of(result):
            key = (line.holder, line.title, line.currency)
            found[key] = found.get(key, Fraction(0)) + line.amount
    return {key: amount for key, amount in found.items() if amount}


def test_every_line_says_what_it_is_made_of() -> None:
    """A line's words name its title, its country and its deal; its figures multiply to its amount.

    All lines that there can be are explained: the platform's, adjustments, and those that were kept as JSON.
    """
    seen: Counter[str] = Counter()

    @LAW
    @given(SEEDS)
    def law(seed: int) -> None:
        chance = Random(seed)
        found = world(chance)
        result = stated(found)
        late = evolve(facts(chance, name="late", most=3), rates=())
        past = [Past(OCTOBER, found.terms, found.facts, late)]
        after = state_with_late(NOVEMBER, found.terms, Facts(), result.balances, past, found.before)
        for line in (*lines_of(result), *lines_of(after)):
            assert line.title in explain(line)
            seen["adjusted"] += bool(line.adjusts)
            seen[f"shared {line.model.value}"] += line.territory == "IN"
        for body in statement_bodies(OCTOBER, result).values():
            kept = json.loads(body)
            read = read_platform(body) if kept["holder"] == PLATFORM else read_statement(body)
            for line in read.lines:
                assert explain(line)
        for statement in result.statements:
            for line in statement.lines:
                assert line.base == line.net * line.part - line.fee - line.expenses
                assert line.amount == line.base * line.rate
                said = explain(line)
                assert line.title in said
                assert line.territory in said
                assert (line.deal or line.step) in said
                assert ("of the waterfall" in said) == ("waterfall" in line.inputs)
                seen[line.model.value] += 1
                seen["step" if line.step else "deal"] += 1
            for item in statement.settlements:
                assert item.account in explain_settlement(item)

    law()
    kinds = ("step", "deal", "adjusted", "shared ads", "shared subscription")
    wanted = [*(model.value for model in Model), *kinds]
    assert {name: seen[name] for name in wanted if seen[name] < OFTEN} == {}


def test_a_period_without_facts_is_empty() -> None:
    """Nothing in, nothing out: no statement, no reconciliation, and balances as they were."""
    before = Balances()
    result = state_period(OCTOBER, Terms(), Facts(), before)
    assert result.statements == ()
    assert result.reconciliations == ()
    assert result.balances == before
