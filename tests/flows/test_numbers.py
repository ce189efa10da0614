"""Changing costs and the reward rule: a new version from an instant on, once, on the record."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_core.access import SYSTEM, Actor, NotPermitted, SecondFactorNeeded
from buddy_core.ads import BadRewardRule, RewardRuleChanged, RewardRuleInPast, SetRewardRule
from buddy_core.catalog import TitleNotFound, TitleType
from buddy_core.flows import SetTokenCosts, set_reward_rule, set_token_costs
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.pricing import HONOUR, NOTICE, BadCost, CostsChanged, CostsInPast, PriceChanged, TokenCosts
from tests.contracts.cases import race
from tests.flows.world import VIEWER, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)


async def new_costs(
    world: World,
    changes: dict[str, int | None],
    key: str = "k1",
    since: datetime | None = None,
    *,
    base: int | None = None,
    actor: Actor = SYSTEM,
    uow: Any = None,
) -> int:
    """Set costs and return the number of the version that says so."""
    command = SetTokenCosts(changes, key, since, base)
    return await set_token_costs(actor, command, correlation_id="c1", uow=uow or world.uow, clock=world.clock)


async def new_rule(
    world: World,
    key: str = "k1",
    since: datetime | None = None,
    *,
    base: int | None = None,
    actor: Actor = SYSTEM,
    uow: Any = None,
    **changes: int,
) -> int:
    """Set the rule and return the number of the version that says so."""
    command = SetRewardRule(changes, key, since, base)
    return await set_reward_rule(actor, command, correlation_id="c1", uow=uow or world.uow, clock=world.clock)


async def costs_at(world: World, at: datetime) -> TokenCosts:
    """Return the costs in force at an instant."""
    async with world.uow.read() as tx:
        found: TokenCosts = await tx.token_costs.in_force(at)
    return found


async def test_new_costs_count_from_a_minute_on(world: World) -> None:
    """Type and title take the new cost; who saw the old one is held to it for a while; the audit tells."""
    guest, title = await world.guest(), await world.add_title(TitleType.FILM)
    await world.earn(guest, 30)
    assert await new_costs(world, {"episode": 3, f"film/{title.short_id}": 5}) == 2
    table = await costs_at(world, world.clock.now() + NOTICE)
    assert (table.version, table.by_type["episode"], table.by_title[title.id]) == (2, 3, 5)
    assert (await costs_at(world, world.clock.now())).version == 1
    world.clock.advance(NOTICE)
    world.clock.advance(HONOUR)
    with pytest.raises(PriceChanged):
        await world.unlock(guest, title, seen=10, version=1)
    assert (await world.unlock(guest, title, seen=5, version=2)).tokens_spent == 5
    [record] = await world.records("token_costs.set")
    assert (record.resource, json.loads(record.before)) == (
        "version 2",
        {"episode": 2, f"film/{title.short_id}": None},
    )
    assert json.loads(record.after) == {
        "from": "2026-10-10T12:01:00.000000Z",
        "episode": 3,
        f"film/{title.short_id}": 5,
    }


async def test_costs_of_a_day_to_come_count_from_that_day(world: World) -> None:
    """Up to the instant the old table is quoted and charged, from it on the new one."""
    guest = await world.guest()
    await world.earn(guest, 30)
    first, second = await world.add_title(), await world.add_title()
    since = world.clock.now() + DAY
    await new_costs(world, {"episode": 5}, since=since)
    world.clock.set(since - timedelta(microseconds=1))
    assert (await world.unlock(guest, first)).tokens_spent == 2
    world.clock.set(since)
    assert (await world.unlock(guest, second, seen=5, version=2)).tokens_spent == 5


async def test_a_title_can_lose_its_own_cost(world: World) -> None:
    """With none of its own it costs what its type does; a type cannot do without."""
    title = await world.add_title(TitleType.FILM)
    name = f"film/{title.short_id}"
    await new_costs(world, {name: 5})
    assert await new_costs(world, {name: None}, "k2") == 3
    assert (await costs_at(world, world.clock.now() + DAY)).by_title == {}
    with pytest.raises(InvalidValue):
        await new_costs(world, {"film": None}, "k3")


async def test_what_stands_so_already_changes_nothing(world: World) -> None:
    """The same numbers again make no version and no record."""
    assert await new_costs(world, {"film": 10}) == 1
    assert await new_rule(world, tokens=1, days=90) == 1
    assert await world.audit() == []


async def test_a_new_rule_pays_from_a_minute_on(world: World) -> None:
    """An ad settled before the instant pays by the old rule, one settled at it by the new."""
    guest = await world.guest()
    first, second = await world.begin_ad(guest), await world.begin_ad(guest)
    assert await new_rule(world, tokens=2, account_daily=2, days=7) == 2
    world.clock.advance(NOTICE - timedelta(microseconds=1))
    await world.settle(world.callback(first))
    world.clock.advance(timedelta(microseconds=1))
    await world.settle(world.callback(second))
    assert [(entry.rule_version, entry.lots[0].amount) for entry in await world.entries(guest)] == [
        (1, 1),
        (2, 2),
    ]
    [record] = await world.records("reward_rule.set")
    assert json.loads(record.before) == {"tokens": 1, "account_daily": 10, "days": 90}
    assert json.loads(record.after)["from"] == "2026-10-10T12:01:00.000000Z"


async def test_the_same_key_sets_once(world: World) -> None:
    """A repeat gets the first answer, later too and at once; with another body it is refused."""
    done, refused = await race(*(new_costs(world, {"film": 8}) for _ in range(4)))
    assert (done, refused) == ([2] * 4, [])
    done, refused = await race(*(new_rule(world, tokens=3) for _ in range(4)))
    assert (done, refused) == ([2] * 4, [])
    world.clock.advance(DAY)
    assert (await new_costs(world, {"film": 8}), await new_rule(world, tokens=3)) == (2, 2)
    for again in (new_costs(world, {"film": 9}), new_rule(world, tokens=4)):
        with pytest.raises(IdempotencyMismatch):
            await again
    assert len(await world.audit()) == 2


async def test_changes_at_once_follow_each_other(world: World) -> None:
    """Eight changes of different costs at once make eight versions, and the last has all of them."""
    titles = [await world.add_title(TitleType.FILM) for _ in range(8)]
    done, refused = await race(
        *(new_costs(world, {f"film/{item.short_id}": 3}, f"k{item.short_id}") for item in titles)
    )
    assert (sorted(done), refused) == (list(range(2, 10)), [])
    assert len((await costs_at(world, world.clock.now() + DAY)).by_title) == 8


async def test_who_looked_at_an_older_version_is_stopped(world: World) -> None:
    """A change that began from version 1 says so when there is a version 2, and nothing is saved."""
    await new_costs(world, {"film": 8}, base=1)
    await new_rule(world, tokens=2, base=1)
    assert await new_costs(world, {"film": 8}, base=1) == 2, "the repeat of what made it is no newcomer"
    before = await world.books()
    with pytest.raises(CostsChanged):
        await new_costs(world, {"short": 2}, "k2", base=1)
    with pytest.raises(RewardRuleChanged):
        await new_rule(world, "k2", days=9, base=1)
    assert await world.books() == before


async def test_a_version_in_the_past_is_refused(world: World) -> None:
    """Neither costs nor rule can begin before the minute of notice, or before what was planned."""
    now = world.clock.now()
    for since in (now - DAY, now, now + NOTICE - timedelta(microseconds=1)):
        with pytest.raises(CostsInPast):
            await new_costs(world, {"film": 8}, since=since)
        with pytest.raises(RewardRuleInPast):
            await new_rule(world, since=since, tokens=2)
    await new_costs(world, {"film": 8}, since=now + DAY)
    with pytest.raises(CostsInPast):
        await new_costs(world, {"film": 9}, "k2")
    assert await new_costs(world, {"film": 9}, "k2", now + 2 * DAY) == 3


@pytest.mark.parametrize(
    "changes", [{"opera": 3}, {"film": 0}, {"film": True}, {"film": 10**7}, {"film": 1.5}, {"": 1}]
)
async def test_costs_that_cannot_be_are_refused(world: World, changes: dict[str, Any]) -> None:
    """An unknown type, zero, a bool, a fraction and a huge number are refused, and nothing is written."""
    with pytest.raises((InvalidValue, BadCost)):
        await new_costs(world, changes)
    for text in ("zzzz", "", "none/such", "x" * 10_000):
        with pytest.raises(TitleNotFound):
            await new_costs(world, {f"film/{text}": 3})
    with pytest.raises(NotPermitted):
        await new_costs(world, {"film": 3}, actor=VIEWER)
    assert await world.audit() == []


async def test_a_title_is_named_once(world: World) -> None:
    """Two spellings of one title in one change are refused: which of the two costs was meant?"""
    title = await world.add_title(TitleType.FILM, short_id="ab2d")
    with pytest.raises(InvalidValue):
        await new_costs(world, {f"film/{title.short_id}": 3, "film/AB2D": 4})


@pytest.mark.parametrize("changes", [{"price": 1}, {"tokens": 0}, {"days": 0}, {"guest_life": -1}])
async def test_rules_that_cannot_be_are_refused(world: World, changes: dict[str, int]) -> None:
    """An unknown name, an ad that pays nothing and a negative cap are refused."""
    with pytest.raises(BadRewardRule):
        await new_rule(world, **changes)
    with pytest.raises(NotPermitted):
        await new_rule(world, tokens=2, actor=VIEWER)


@pytest.mark.parametrize("key", ["", "x" * 10_000, "a\0b"])
async def test_a_key_that_cannot_be_is_refused(world: World, key: str) -> None:
    """No key, one of 10 kB and one that is no text are said, and nothing is written."""
    with pytest.raises(InvalidValue):
        await new_costs(world, {"film": 8}, key)
    with pytest.raises(InvalidValue):
        await new_rule(world, key, tokens=2)


async def test_a_second_factor_is_needed(world: World) -> None:
    """Staff who may, but have not proved a second factor of late, change neither."""
    admin = evolve(await world.staff("platform_admin"), has_second_factor=False)
    with pytest.raises(SecondFactorNeeded):
        await new_costs(world, {"film": 8}, actor=admin)
    with pytest.raises(SecondFactorNeeded):
        await new_rule(world, tokens=2, actor=admin)


async def test_what_breaks_off_leaves_nothing(world: World) -> None:
    """Where it fails after the version was written, neither version nor record nor receipt stays."""
    before = await world.books()
    for port in ("token_costs", "receipts"):
        with pytest.raises(Broken):
            await new_costs(world, {"film": 8}, uow=Tampered(world.uow, port, "add", after=break_off))
    for port in ("reward_rules", "receipts"):
        with pytest.raises(Broken):
            await new_rule(world, tokens=2, uow=Tampered(world.uow, port, "add", after=break_off))
    assert await world.books() == before
    assert (await new_costs(world, {"film": 8}), await new_rule(world, tokens=2)) == (2, 2)
