"""What holds for every timeline: conservation, independence of order, monotony, and that it may be cut."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from buddy_core.tokens import (
    Cause,
    LotDraw,
    Refunded,
    TimelineLot,
    Usage,
    VoidBeyondBalance,
    Wallet,
    balance,
    refund_draws,
    timeline,
)
from buddy_core.tokens.rules.drawing import draw
from tests.contracts.cases import AT
from tests.core.tokens.strategies import EPISODE, wallets
from tests.core.tokens.timelines import END, HOURS, START, Facts, facts, hour, named, plain, taken


@given(facts())
def test_it_agrees_with_the_plain_timeline(facts: Facts) -> None:
    """Balances, draws, settlements, overage and refusals are those of the plain timeline."""
    facts = named(facts)
    try:
        wanted = plain(facts)
    except VoidBeyondBalance:
        with pytest.raises(VoidBeyondBalance):
            facts.play()
        return
    found = facts.play()
    assert dict(found.balances) == wanted.balances
    assert taken(found) == wanted.draws
    assert [(int(s.usage.ref), s.lot_id, s.amount) for s in found.settlements] == wanted.settled
    assert found.overage == wanted.overage
    assert sum(debt.amount for debt in found.dropped) == wanted.dropped


@given(facts())
def test_every_token_is_accounted_for(facts: Facts) -> None:
    """What came to a lot is left, drawn, settled, expired, voided or forfeited; no lot falls below zero."""
    try:
        found = facts.play()
    except VoidBeyondBalance:
        return
    left: Counter[str] = Counter()
    moved: defaultdict[tuple[str, Cause], int] = defaultdict(int)
    incoming = {Cause.OPENED, Cause.STARTED, Cause.REFILLED, Cause.RAISED}
    for change in found.changes:
        assert (change.amount > 0) == (change.cause in incoming)
        left[change.lot_id] += change.amount
        moved[change.lot_id, change.cause] += change.amount
        assert left[change.lot_id] >= 0
    assert list(found.changes) == sorted(found.changes, key=lambda change: change.at)
    drawn: Counter[str] = Counter()
    for draws in found.draws:
        drawn.update({item.lot_id: item.amount for item in draws})
    settled: Counter[str] = Counter()
    for item in found.settlements:
        settled[item.lot_id] += item.amount
    taken_back = Counter[str]()
    for voided in found.voided:
        taken_back.update({item.lot_id: item.amount for item in voided})
    for name, amount in found.balances.items():
        assert left[name] == amount
        assert -moved[name, Cause.VOIDED] >= taken_back[name]
        assert -moved[name, Cause.DRAWN] == drawn[name]
        assert -moved[name, Cause.SETTLED] == settled[name]


@given(facts())
def test_every_usage_is_accounted_for(facts: Facts) -> None:
    """A usage is drawn at once, settled later, dropped by a reset, or still owed: nothing of it is lost."""
    facts = named(facts)
    try:
        found = facts.play()
    except VoidBeyondBalance:
        return
    for place, usage in enumerate(facts.usages):
        if not START <= usage.at < END:
            assert found.draws[place] == ()
            continue
        parts = [item.amount for item in found.draws[place]]
        later = [item for item in found.settlements if item.usage.ref == str(place)]
        parts += [item.amount for item in later]
        parts += [debt.amount for debt in (*found.dropped, *found.standing.debts) if debt.usage == usage]
        assert sum(parts) == usage.amount
        assert all(item.at > usage.at for item in later)


@given(facts(), st.randoms())
def test_the_order_given_does_not_count(facts: Facts, random: Random) -> None:
    """Lots, resets and voids in any order, and usages of different instants in any order, end the same."""
    usages = {usage.at: usage for usage in facts.usages}
    facts = evolve(facts, usages=tuple(usages.values()))
    try:
        first = facts.play()
    except VoidBeyondBalance:
        return
    shuffled: dict[str, Any] = {
        name: tuple(random.sample(items, len(items)))
        for name in ("lots", "usages", "resets", "voids")
        for items in [getattr(facts, name)]
    }
    again = evolve(facts, **shuffled)
    second = again.play()
    assert second.standing == first.standing
    assert (second.settlements, second.dropped) == (first.settlements, first.dropped)
    by_instant = {usage.at: draws for usage, draws in zip(again.usages, second.draws, strict=True)}
    assert [by_instant[usage.at] for usage in facts.usages] == list(first.draws)


@given(facts(), st.integers(0, HOURS), st.integers(0, HOURS))
def test_a_cut_timeline_goes_on(facts: Facts, first: int, second: int) -> None:
    """Cut at any two instants, the parts end as the whole and have drawn the same."""
    cuts = sorted([first, second])
    try:
        whole = facts.play()
    except VoidBeyondBalance:
        return
    start = facts.play(until=hour(cuts[0]))
    middle = facts.play(hour(cuts[0]), hour(cuts[1]), start.standing)
    end = facts.play(hour(cuts[1]), END, middle.standing)
    assert end.standing == whole.standing
    parts = zip(start.draws, middle.draws, end.draws, strict=True)
    assert [one + two + three for one, two, three in parts] == list(whole.draws)
    assert start.settlements + middle.settlements + end.settlements == whole.settlements
    assert start.dropped + middle.dropped + end.dropped == whole.dropped
    voided = zip(start.voided, middle.voided, end.voided, strict=True)
    assert [one + two + three for one, two, three in voided] == list(whole.voided)


@given(facts(), st.data())
def test_more_tokens_never_leave_less(facts: Facts, data: st.DataObject) -> None:
    """Adding to a lot lowers no balance and no draw's cover, and raises no overage."""
    facts = evolve(facts, voids=())
    assume(facts.lots)
    place = data.draw(st.integers(0, len(facts.lots) - 1))
    more = data.draw(st.integers(1, 9))
    item = facts.lots[place]
    richer = evolve(
        item, amount=item.amount + more, opening=None if item.opening is None else item.opening + more
    )
    before = facts.play()
    after = evolve(facts, lots=(*facts.lots[:place], richer, *facts.lots[place + 1 :])).play()
    assert all(after.balances[name] >= amount for name, amount in before.balances.items())
    assert after.overage <= before.overage


@given(facts(), st.data())
def test_more_usage_never_leaves_more(facts: Facts, data: st.DataObject) -> None:
    """One more usage raises no balance and lowers no overage."""
    facts = evolve(facts, voids=())
    usage = data.draw(st.builds(Usage, st.integers(0, HOURS - 1).map(hour), st.integers(1, 9)))
    before = facts.play()
    after = evolve(facts, usages=(*facts.usages, usage)).play()
    assert all(after.balances[name] <= amount for name, amount in before.balances.items())
    assert after.overage >= before.overage


@given(wallets(), st.integers(1, 120))
def test_the_ledger_draws_what_the_timeline_draws(wallet: Wallet, amount: int) -> None:
    """For plain lots a spend takes the same tokens of the same lots as a usage of the same instant."""
    lots = [TimelineLot.of(item) for item in wallet.lots]
    scopes = ("title:x", EPISODE)
    found = timeline(lots, [Usage(AT, amount, scopes)], since=AT, until=AT + timedelta(microseconds=1))
    assert sum(found.balances.values()) + sum(draw.amount for draw in found.draws[0]) == sum(
        balance(wallet, AT).values()
    )
    covered = amount - found.overage
    drawn = draw(wallet, covered, scopes, AT)
    assert [LotDraw(str(item.lot.id), item.amount) for item in drawn] == list(found.draws[0])


DRAWS = st.lists(st.builds(LotDraw, st.sampled_from("abc"), st.integers(1, 9)), min_size=1, max_size=5)


@given(DRAWS, st.data())
def test_a_refund_leaves_the_beginning_of_the_draw(draws: list[LotDraw[str]], data: st.DataObject) -> None:
    """What is restored and what stays used are the draw, and what stays used is what came first."""
    total = sum(item.amount for item in draws)
    amount = data.draw(st.integers(1, total))
    found: Refunded[str] = refund_draws(draws, amount)
    assert sum(item.amount for item in found.restored) == amount
    units = [item.lot_id for item in draws for _ in range(item.amount)]
    back = [item.lot_id for item in found.restored for _ in range(item.amount)]
    assert back == units[::-1][:amount]
    assert found.still_used == {name: units[: total - amount].count(name) for name in set(units)}
