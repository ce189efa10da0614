"""Unlocks in one batch come out as they would one after another, and verify finds nothing wrong after it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_core.access import BUILT_IN, Actor
from buddy_core.catalog import Title, TitleType
from buddy_core.flows import Unlocked, UnlockRequest, UnlockTitle, unlock_titles
from buddy_core.kernel import AccountId, Done, Refused, TitleId
from buddy_core.tokens import Operation
from buddy_web.reference import SELLER_ROUTES
from tests.flows.world import World

pytestmark = pytest.mark.anyio

NOBODY = AccountId(UUID(int=0xE0))
NOTHING = TitleId(UUID(int=0xE1))


@frozen
class Cast:
    """Who and what the batch is about, made in the same order in every store."""

    ann: AccountId
    poor: AccountId
    frozen: AccountId
    guest: AccountId
    member: AccountId
    one: Title
    two: Title
    open: Title
    away: Title


async def cast_in(world: World) -> Cast:
    """Make people and titles: one with tokens, one without, a frozen one, a guest who became a member."""
    one, two, open_ = [await world.add_title() for _ in range(3)]
    away = await world.add_title(TitleType.SHORT, excluded=("IN",))
    ann, poor, frozen_, guest = [await world.guest() for _ in range(4)]
    for who, amount in ((ann, 11), (poor, 1), (frozen_, 5), (guest, 5)):
        await world.earn(who, amount)
    member = await world.member()
    await world.merge(guest, member)
    await world.unlock(ann, open_, key="before")
    await world.freeze(frozen_)
    return Cast(ann, poor, frozen_, guest, member, one, two, open_, away)


def asking(who: AccountId, title: Title | TitleId, key: str, **changes: Any) -> UnlockRequest:
    """Return a request for an episode at its cost; `actor` says who else asks."""
    actor: Actor = changes.pop("actor", BUILT_IN.actor(who))
    title_id = title.id if isinstance(title, Title) else title
    return UnlockRequest(actor, evolve(UnlockTitle(who, title_id, 2, 1, "IN", key), **changes))


def mixed(cast: Cast) -> dict[str, UnlockRequest]:
    """Return a batch with a request of every sort, by what becomes of it."""
    ann, one, two = cast.ann, cast.one, cast.two
    return {
        "open from before": asking(ann, cast.open, "k0"),
        "opened": asking(ann, one, "k1"),
        "no such title": asking(ann, NOTHING, "k2"),
        "no such account": asking(NOBODY, one, "k1"),
        "another price": asking(ann, two, "k3", seen_tokens=3),
        "another rule": asking(ann, two, "k3b", seen_version=2),
        "no tokens": asking(cast.poor, one, "k1"),
        "frozen": asking(cast.frozen, one, "k1"),
        "the same key again": asking(ann, one, "k1"),
        "another key for the same title": asking(ann, one, "k4"),
        "the key of another request": asking(ann, two, "k1"),
        "the guest": asking(cast.guest, one, "k1"),
        "the member, open by the guest": asking(cast.member, one, "k9"),
        "the member, with the guest's key": asking(cast.member, two, "k1"),
        "another's wallet": asking(ann, two, "k5", actor=BUILT_IN.actor(cast.poor)),
        "no country": asking(ann, two, "k6", country=None),
        "not here": asking(ann, cast.away, "k7", seen_tokens=1),
        "no key": asking(ann, two, ""),
        "a second title": asking(ann, two, "k8"),
    }


EXPECTED: dict[str, Any] = {
    "open from before": (0, 9),
    "opened": (2, 7),
    "no such title": "catalog.title_not_found",
    "no such account": "accounts.not_found",
    "another price": "pricing.price_changed",
    "another rule": "pricing.price_changed",
    "no tokens": "tokens.insufficient",
    "frozen": "tokens.wallet_frozen",
    "the same key again": (2, 7),
    "another key for the same title": (0, 7),
    "the key of another request": "kernel.idempotency_mismatch",
    "the guest": (2, 3),
    "the member, open by the guest": (0, 1),
    "the member, with the guest's key": (2, 1),
    "another's wallet": "access.not_permitted",
    "no country": "kernel.country_unknown",
    "not here": "playback.denied",
    "no key": "kernel.invalid_value",
    "a second title": (2, 5),
}
"""Tokens spent and left, or the code of the refusal.

Of two that open one title for one account the second comes after whatever opens another one.
"""


async def together(world: World, asked: Sequence[UnlockRequest]) -> list[Any]:
    """Ask for all as one batch."""
    return await unlock_titles(asked, uow=world.uow, clock=world.clock, ids=world.ids, routes=SELLER_ROUTES)


async def one_by_one(world: World, asked: Sequence[UnlockRequest], order: Sequence[int]) -> list[Any]:
    """Ask for each alone, in an order; return the answers by place."""
    found = {place: (await together(world, [asked[place]]))[0] for place in order}
    return [found[place] for place in range(len(asked))]


def said(outcome: Any) -> Any:
    """Return what an outcome says, but for ids that no two stores share."""
    if isinstance(outcome, Refused):
        return outcome.error.code
    assert isinstance(outcome.value, Unlocked)
    return outcome.value.tokens_spent, outcome.value.tokens_left


def alike(outcomes: Sequence[Any]) -> list[Any]:
    """Return, for each unlock, the first place that has the same grant and entry; for a refusal its words."""
    firsts: dict[Any, int] = {}
    found: list[Any] = []
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, Refused):
            found.append(str(outcome.error))
        else:
            found.append(firsts.setdefault((outcome.value.grant_id, outcome.value.entry_id), place))
    return found


async def left(world: World, cast: Cast) -> list[Any]:
    """Return what the batch has left behind: balances, grants, and royalty facts."""
    people = (cast.ann, cast.poor, cast.frozen, cast.guest, cast.member)
    balances = [await world.balance(who) for who in people]
    grants = [
        Counter((item.title_id, item.status, item.kind) for item in await world.grants(who)) for who in people
    ]
    facts = Counter((item.title_id, item.tokens, item.value, item.entity) for item in await world.spends())
    return [balances, grants, facts]


async def test_a_mixed_batch(world: World) -> None:
    """Each request of a batch is answered as it would be alone; a refused one refuses alone."""
    cast = await cast_in(world)
    batch = mixed(cast)
    outcomes = await together(world, list(batch.values()))
    assert {name: said(outcome) for name, outcome in zip(batch, outcomes, strict=True)} == EXPECTED
    by_name = dict(zip(batch, outcomes, strict=True))
    assert by_name["the same key again"] == by_name["opened"]
    for first, again in (
        ("opened", "another key for the same title"),
        ("the guest", "the member, open by the guest"),
    ):
        assert by_name[first].value.grant_id == by_name[again].value.grant_id
        assert by_name[first].value.entry_id == by_name[again].value.entry_id
    assert len(await world.entries(cast.ann, Operation.SPEND)) == 3
    assert len(await world.entries(cast.member, Operation.SPEND)) == 2
    assert len(await world.grants(cast.ann)) == 3


async def test_a_batch_leaves_what_one_after_another_leaves(world: World) -> None:
    """The same answers and the same tokens, grants and facts as in a store that was asked one by one.

    The second of two that open one title comes after all the others, as in the batch.
    """
    cast = await cast_in(world)
    batch = list(mixed(cast).values())
    outcomes = await together(world, batch)
    apart = World(MemoryUnitOfWork())
    await apart.seed()
    await cast_in(apart)
    late = list(EXPECTED).index("the member, open by the guest")
    order = [*(place for place in range(len(batch)) if place != late), late]
    single = await one_by_one(apart, batch, order)
    assert [said(outcome) for outcome in outcomes] == [said(outcome) for outcome in single]
    assert alike(outcomes) == alike(single)
    assert await left(world, cast) == await left(apart, cast)


async def test_a_batch_can_be_asked_again(world: World) -> None:
    """What was done is answered as before; of what was refused, the titles that are open by now are so."""
    cast = await cast_in(world)
    batch = mixed(cast)
    first = dict(zip(batch, await together(world, list(batch.values())), strict=True))
    before = await world.books()
    again = dict(zip(batch, await together(world, list(batch.values())), strict=True))
    assert await world.books() == before
    found_open = {"another price", "another rule"}
    for name, outcome in first.items():
        if isinstance(outcome, Done):
            assert again[name] == outcome
        else:
            assert said(again[name]) == ((0, 5) if name in found_open else said(outcome))


async def test_a_batch_of_refusals_writes_nothing(world: World) -> None:
    """Where every request is refused, the store is as it was, and its keys are free."""
    cast = await cast_in(world)
    before = await world.books()
    batch = {
        name: request
        for name, request in mixed(cast).items()
        if isinstance(EXPECTED[name], str) and name != "the key of another request"
    }
    outcomes = await together(world, list(batch.values()))
    assert [said(outcome) for outcome in outcomes] == [EXPECTED[name] for name in batch]
    assert await world.books() == before
    assert (await world.unlock(cast.ann, cast.two, key="k3")).tokens_spent == 2


async def test_two_batches_at_once(world: World) -> None:
    """The same batch twice at the same time: each request is done once, and both get the answers of it."""
    cast = await cast_in(world)
    batch = mixed(cast)
    one, other = await asyncio.gather(*(together(world, list(batch.values())) for _ in range(2)))
    for name, mine, theirs in zip(batch, one, other, strict=True):
        if isinstance(EXPECTED[name], tuple):
            assert mine == theirs, name
    assert [await world.balance(who) for who in (cast.ann, cast.member)] == [5, 1]
    assert len(await world.entries(cast.ann, Operation.SPEND)) == 3


async def test_no_request_is_no_work(world: World) -> None:
    """An empty batch is answered without a look at the store."""
    assert await together(world, []) == []


# -- the law, in memory --------------------------------------------------------------------------------


WISHES = st.tuples(
    st.integers(0, 2), st.integers(0, 2), st.sampled_from(["a", "b", "c"]), st.sampled_from([2, 2, 2, 3])
)


def in_rounds(wishes: Sequence[tuple[int, int, str, int]]) -> list[int]:
    """Return the order in which a batch is done: the first of each key, and of those of each title."""
    keys: Counter[Any] = Counter()
    rounds = []
    for who, _, key, _ in wishes:
        rounds.append(keys[who, key])
        keys[who, key] += 1
    titles: Counter[Any] = Counter()
    order = []
    for place, (who, title, _, _) in enumerate(wishes):
        order.append((rounds[place], titles[rounds[place], who, title], place))
        titles[rounds[place], who, title] += 1
    return [place for _, _, place in sorted(order)]


@settings(max_examples=40)
@given(st.lists(WISHES, min_size=1, max_size=9))
def test_any_batch_is_as_good_as_one_by_one(wishes: list[tuple[int, int, str, int]]) -> None:
    """Few keys, few titles, few tokens, wrong prices: the same answers, grants and facts in the end."""

    async def compare() -> None:
        worlds = [World(MemoryUnitOfWork()) for _ in range(2)]
        found = []
        for world in worlds:
            await world.seed()
            titles = [await world.add_title() for _ in range(3)]
            people = [await world.guest() for _ in range(3)]
            for who, amount in zip(people, (2, 3, 6), strict=True):
                await world.earn(who, amount)
            batch = [
                asking(people[who], titles[title], key, seen_tokens=seen) for who, title, key, seen in wishes
            ]
            if world is worlds[0]:
                outcomes = await together(world, batch)
            else:
                outcomes = await one_by_one(world, batch, in_rounds(wishes))
            # What is left when an open title is found open depends on what else the batch has done by then.
            answers = [item if isinstance(item, str) or item[0] else 0 for item in map(said, outcomes)]
            stands = [
                [await world.balance(who), Counter(item.title_id for item in await world.grants(who))]
                for who in people
            ]
            facts = Counter((item.title_id, item.tokens) for item in await world.spends())
            found.append((answers, alike(outcomes), stands, facts))
            assert (await world.verify()).is_clean
        assert found[0] == found[1]

    asyncio.run(compare())
