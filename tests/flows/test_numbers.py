"""Changing costs and the reward rule: a new version from now on, on the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from buddy_core.access import SYSTEM, NotPermitted
from buddy_core.catalog import TitleNotFound, TitleType
from buddy_core.flows import set_reward_rule, set_token_costs
from buddy_core.kernel.errors import InvalidValue
from buddy_core.pricing import PriceChanged
from tests.flows.world import VIEWER, World

pytestmark = pytest.mark.anyio


def ports(world: World) -> dict[str, Any]:
    """Return what both flows ask for."""
    return {"correlation_id": "c1", "uow": world.uow, "clock": world.clock}


async def test_a_new_cost_counts_from_now_on(world: World) -> None:
    """Type and title take the new cost; who saw the old one is asked again, and the audit tells of it."""
    guest, title = await world.guest(), await world.add_title(TitleType.FILM)
    await world.earn(guest, 30)
    table = await set_token_costs(SYSTEM, {"episode": 3, f"film/{title.short_id}": 5}, **ports(world))
    assert (table.version, table.by_type["episode"], table.by_title[title.id]) == (2, 3, 5)
    with pytest.raises(PriceChanged):
        await world.unlock(guest, title, seen=10, version=1)
    assert (await world.unlock(guest, title, seen=5, version=2)).tokens_spent == 5
    assert await world.audit() == [("token_costs.set", "version 2")]


async def test_what_stands_so_already_changes_nothing(world: World) -> None:
    """The same numbers again make no version and no record."""
    assert (await set_token_costs(SYSTEM, {"film": 10}, **ports(world))).version == 1
    assert (await set_reward_rule(SYSTEM, {"tokens": 1, "days": 90}, **ports(world))).version == 1
    assert await world.audit() == []


async def test_a_new_rule_pays_from_now_on(world: World) -> None:
    """An ad settled after the change pays what the new rule says."""
    rule = await set_reward_rule(SYSTEM, {"tokens": 2, "account_daily": 1, "days": 7}, **ports(world))
    assert (rule.version, rule.tokens, rule.account_daily, rule.tokens_live_for.days) == (2, 2, 1, 7)
    guest = await world.guest()
    await world.watch_ad(guest)
    assert await world.balance(guest) == 2


@pytest.mark.parametrize("changes", [{"opera": 3}, {"film": 0}, {"film": True}, {"film": 10**7}])
async def test_costs_that_cannot_be_are_refused(world: World, changes: Mapping[str, int]) -> None:
    """An unknown type, zero, a bool and a huge number are refused, and nothing is written."""
    with pytest.raises(InvalidValue):
        await set_token_costs(SYSTEM, changes, **ports(world))
    with pytest.raises(TitleNotFound):
        await set_token_costs(SYSTEM, {"film/zzzz": 3}, **ports(world))
    with pytest.raises(NotPermitted):
        await set_token_costs(VIEWER, {"film": 3}, **ports(world))
    assert await world.audit() == []


@pytest.mark.parametrize("changes", [{"price": 1}, {"tokens": 0}, {"days": 0}, {"guest_life": -1}])
async def test_rules_that_cannot_be_are_refused(world: World, changes: Mapping[str, int]) -> None:
    """An unknown name, an ad that pays nothing and a negative cap are refused."""
    with pytest.raises(InvalidValue):
        await set_reward_rule(SYSTEM, changes, **ports(world))
    with pytest.raises(NotPermitted):
        await set_reward_rule(VIEWER, {"tokens": 2}, **ports(world))
