"""The pieces and the period say the same: a tier's rate, and who has what of a pool."""

from __future__ import annotations

from collections import Counter, defaultdict
from fractions import Fraction
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_core.royalty import (
    CountRules,
    Deal,
    Facts,
    Model,
    Paid,
    PoolMethod,
    PoolRule,
    SilentMoney,
    Subscriber,
    SubscriptionRevenue,
    Terms,
    Tier,
    Tiers,
    Watch,
    share_pool,
    state_period,
    tiered_by_amount,
    tiered_by_units,
)
from buddy_core.royalty.rules.sharing import marginal_rate
from tests.core.royalty.counting import OFTEN
from tests.core.royalty.periods import OCTOBER, rates

LAW = settings(max_examples=1_500, deadline=None)
SEEDS = st.integers(0, 2**64)
HOLDERS = {"film/a": "anna", "film/b": "bela", "film/c": "anna"}


def test_a_period_s_tiers_are_the_piece_s() -> None:
    """Times its units, the one rate of a period is the royalty of the tiers."""
    seen: Counter[str] = Counter()

    @LAW
    @given(SEEDS)
    def law(seed: int) -> None:
        chance = Random(seed)
        tiers = rates(chance)
        if not isinstance(tiers, Tiers):
            return
        plain = [Tier(band.over, band.up_to, band.rate * 100) for band in tiers.bands]
        before, count = chance.randint(0, 40), chance.randint(-50, 50)
        rate = marginal_rate(tiers, Fraction(before), Fraction(count))
        if count:
            wanted = tiered_by_units(count, count, plain, units_before=before, negative="mirror")
            assert rate * count == wanted.royalty.exact
        else:
            assert rate * 7 == tiered_by_units(0, 7, plain, units_before=before).royalty.exact
        money = Fraction(chance.randint(-300, 300), chance.randint(1, 7))
        if money:
            by_amount = tiered_by_amount(money, plain, amount_before=before, negative="mirror")
            assert marginal_rate(tiers, Fraction(before), money) * money == by_amount.royalty.exact
        seen["back" if count < 0 else "on" if count else "nothing"] += 1

    law()
    assert seen["back"] >= OFTEN
    assert seen["on"] >= OFTEN


def test_a_period_s_pools_are_the_piece_s() -> None:
    """Under every method and policy each title, or holder, has what `share_pool` gives it."""
    seen: Counter[str] = Counter()

    @LAW
    @given(SEEDS)
    def law(seed: int) -> None:
        chance = Random(seed)
        method, silent = chance.choice(list(PoolMethod)), chance.choice(list(SilentMoney))
        least, most = chance.choice((0, 0, 9)), chance.choice((None, 30))
        pays = {f"u{number}": chance.randint(1, 900) for number in range(chance.randint(1, 5))}
        watch = [
            Watch(account, title, "IN", chance.randint(0, 30), "gold")
            for account in pays
            for title in HOLDERS
            if chance.random() < 0.6
        ]
        rule = PoolRule("*", method, min_seconds=least, max_seconds=most, silent=silent)
        one = {model: Fraction(1) for model in Model}
        deals = tuple(Deal(title, title, holder, one) for title, holder in HOLDERS.items())
        facts = Facts(
            subscriptions=tuple(
                SubscriptionRevenue(f"r-{account}", "gold", "IN", "INR", Paid(paid), account)
                for account, paid in pays.items()
            ),
            watch=tuple(watch),
        )
        result = state_period(OCTOBER, Terms(deals, pools=(rule,)), facts)
        by_holder = method is PoolMethod.EQUAL_PER_SUBSCRIBER
        # Only where nothing is left out before holders are players do both count alike.
        if by_holder and (least or most):
            return
        units: dict[str, dict[str, int]] = {account: defaultdict(int) for account in pays}
        for row in watch:
            units[row.account][HOLDERS[row.title] if by_holder else row.title] += row.seconds
        players = sorted(set(HOLDERS.values()) if by_holder else HOLDERS)
        wanted = share_pool(
            method,
            [Subscriber(paid, units[account], account) for account, paid in pays.items()],
            players,
            silent=silent,
            count=CountRules(least, most),
        )
        found: dict[str, Fraction] = defaultdict(Fraction)
        for line in (line for item in result.statements for line in item.lines):
            found[line.holder if by_holder else line.title] += line.amount
        assert {player: found[player] for player in players} == dict(wanted.exact)
        assert result.pools[0].carried == wanted.carried.exact
        seen[method.value] += 1

    law()
    assert {method.value: seen[method.value] for method in PoolMethod if seen[method.value] < OFTEN} == {}
