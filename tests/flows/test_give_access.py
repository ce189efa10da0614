"""Staff give, extend and take away access; rentals run from their first play; all of it on the record."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_core import flows
from buddy_core.access import BUILT_IN, NotPermitted, OwnAccount, ReasonMissing, SecondFactorNeeded
from buddy_core.catalog import Title, TitleNotFound, TitleType
from buddy_core.entitlements import (
    BadGrant,
    Channel,
    Context,
    Denied,
    Fact,
    GrantKind,
    GrantNotFound,
    NotExtended,
    PlanState,
    Rights,
    tell,
)
from buddy_core.kernel import AccountId, GrantId, IdempotencyMismatch, TitleId
from buddy_core.playback import PlaybackDenied
from buddy_core.rights import Window, WindowType
from tests.contracts.cases import uid
from tests.flows.world import START, World

pytestmark = pytest.mark.anyio

HOUR, DAY, TICK = timedelta(hours=1), timedelta(days=1), timedelta(microseconds=1)
_RUNNING = (GrantKind.RENTAL, GrantKind.PVOD, GrantKind.WATCH_ONCE)
PREMIUM = Rights(max_height=2160, ads=False, downloads=True, streams=4)


async def give(world: World, who: AccountId, kind: GrantKind, title: Title | None, **more: Any) -> Any:
    """Let support give access."""
    values: dict[str, Any] = {
        "account_id": who,
        "kind": kind,
        "reason": "made up for a fault",
        "idempotency_key": f"give-{world._next()}",
        "title_id": title.id if title else None,
    }
    actor = more.pop("actor", None) or await world.staff("support")
    command = flows.GiveAccess(**{**values, **more})
    ports: dict[str, Any] = {"uow": world.uow, "clock": world.clock, "ids": world.ids}
    return await flows.give_access(actor, command, correlation_id="req_1", **ports)


async def why(world: World, who: AccountId, title: Title, **more: Any) -> flows.Why:
    """Ask why as support."""
    context = more.pop("context", Context("IN"))
    question = flows.AskWhy(who, title.id, context, **more)
    support = await world.staff("support")
    return await flows.explain_access(
        support, question, correlation_id="req_2", uow=world.uow, clock=world.clock
    )


async def reason(world: World, who: AccountId, title: Title) -> str | None:
    """Return why a title does not play, None if it does."""
    try:
        await world.play(who, title)
    except PlaybackDenied as refused:
        return refused.reason
    return None


async def test_a_rental_runs_from_its_first_play(world: World) -> None:
    """It opens at once, ends its hours after the first play to the second, and says so; once for all."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    await give(world, guest, GrantKind.RENTAL, film, hours=24)
    world.clock.advance(3 * DAY)
    playing = await world.play(guest, film)
    began = world.clock.now()
    assert (playing.decision.kind, playing.decision.until) == (GrantKind.RENTAL, began + 24 * HOUR)
    world.clock.advance(HOUR)
    assert (await world.play(guest, film)).decision.until == began + 24 * HOUR, "it began before"
    world.clock.set(began + 24 * HOUR - timedelta(microseconds=1))
    assert await reason(world, guest, film) is None
    world.clock.set(began + 24 * HOUR)
    assert await reason(world, guest, film) == "rental_ended"


async def test_a_rental_is_to_be_started_in_time(world: World) -> None:
    """Who does not start it within thirty days is told so."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    await give(world, guest, GrantKind.RENTAL, film)
    world.clock.advance(30 * DAY)
    assert await reason(world, guest, film) == "rental_not_started"


async def test_what_may_be_watched_once_is_used_up_at_its_end(world: World) -> None:
    """At 90 % it is consumed: that session sees the end, no other begins."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM, duration_s=1000)
    await give(world, guest, GrantKind.WATCH_ONCE, film)
    session = (await world.play(guest, film)).session.id
    world.clock.advance(timedelta(minutes=10))
    await world.beat(session, guest, 899_000)
    assert await reason(world, guest, film) is None
    world.clock.advance(timedelta(seconds=30))
    await world.beat(session, guest, 900_000)
    assert (await world.open(session, guest)).decision.kind == GrantKind.WATCH_ONCE
    assert await reason(world, guest, film) == "consumed"


async def test_what_may_be_watched_once_ends_after_a_day(world: World) -> None:
    """A day after the first play it is over, seen to its end or not."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    await give(world, guest, GrantKind.WATCH_ONCE, film)
    await world.play(guest, film)
    world.clock.advance(DAY)
    assert await reason(world, guest, film) == "consumed"


async def test_a_plan_opens_what_its_window_names(world: World) -> None:
    """A tier opens SVOD titles of that tier with its rights; others say that it does not include them."""
    guest = await world.guest()
    gold = await _svod(world, ("gold",))
    silver = await _svod(world, ("silver",))
    until = world.clock.now() + 30 * DAY
    await give(world, guest, GrantKind.SUBSCRIPTION, None, tier="gold", ends_at=until, rights=PREMIUM)
    answer = (await world.play(guest, gold)).decision
    assert (answer.kind, answer.until, answer.max_height, answer.streams) == (
        GrantKind.SUBSCRIPTION,
        until,
        2160,
        4,
    )
    assert await reason(world, guest, silver) == "not_in_plan"
    world.clock.set(until)
    assert await reason(world, guest, gold) == "plan_lapsed"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (PlanState.TRIAL, None),
        (PlanState.ACTIVE, None),
        (PlanState.GRACE, None),
        (PlanState.CANCELLED, None),
        (PlanState.PAUSED, "plan_paused"),
    ],
)
async def test_each_state_of_a_plan(world: World, state: PlanState, expected: str | None) -> None:
    """All states but a pause are open to their end; a grace is marked."""
    guest, film = await world.guest(), await _svod(world, ())
    await give(
        world, guest, GrantKind.SUBSCRIPTION, None, tier="gold", plan=state, ends_at=world.clock.now() + DAY
    )
    assert await reason(world, guest, film) == expected
    if expected is None:
        assert (await world.play(guest, film)).decision.is_in_grace is (state is PlanState.GRACE)


async def test_a_grant_of_a_series_opens_its_episodes(world: World) -> None:
    """Episodes that come later are opened too, unless the offer says otherwise."""
    guest, other = await world.guest(), await world.guest()
    series = await world.add_title(TitleType.SERIES, licences=[], media_key=None)
    first = await world.add_title(parent_id=series.id, number=1)
    await give(world, guest, GrantKind.EST, series)
    await give(world, other, GrantKind.EST, series, includes_later=False)
    world.clock.advance(DAY)
    second = await world.add_title(parent_id=series.id, number=2, published_at=world.clock.now())
    assert [await reason(world, guest, item) for item in (first, second)] == [None, None]
    assert [await reason(world, other, item) for item in (first, second)] == [None, "no_grant"]


async def test_a_later_end_and_an_end_at_once(world: World) -> None:
    """An extension opens what had ended, from then on; a revocation closes it; each is on the record."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    given = await give(world, guest, GrantKind.GIFT, film, ends_at=world.clock.now() + HOUR)
    world.clock.advance(2 * HOUR)
    assert await reason(world, guest, film) == "grant_ended"
    until = world.clock.now() + HOUR
    support = await world.staff("support")
    ports: dict[str, Any] = {"uow": world.uow, "clock": world.clock, "ids": world.ids, "correlation_id": "r"}
    extend = flows.ExtendAccess(guest, given.grant_id, until, "was ill", "extend-1")
    longer = await flows.extend_access(support, extend, **ports)
    assert longer == await flows.extend_access(support, extend, **ports), "the same answer again"
    assert (await world.play(guest, film)).decision.until == until
    past = await why(world, guest, film, at=world.clock.now() - HOUR / 2)
    assert isinstance(past.decision, Denied), "what was over then is not open in hindsight"
    revoke = flows.RevokeAccess(guest, longer.grant_id, "by mistake", "revoke-1")
    await flows.revoke_access(support, revoke, **ports)
    assert await reason(world, guest, film) == "revoked"
    acts = [action for action, _ in await world.audit() if action.startswith("entitlement.")]
    assert acts == ["entitlement.give", "entitlement.extend", "entitlement.read", "entitlement.revoke"]


async def test_what_was_known_then_is_kept_apart(world: World) -> None:
    """Today a gift that began before counts; what was answered then is told as it was."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    before = world.clock.now()
    world.clock.advance(HOUR)
    given = await give(world, guest, GrantKind.GIFT, film)
    then = world.clock.now()
    world.clock.advance(HOUR)
    ports: dict[str, Any] = {"uow": world.uow, "clock": world.clock, "ids": world.ids, "correlation_id": "r"}
    revoke = flows.RevokeAccess(guest, given.grant_id, "by mistake", "revoke-1")
    await flows.revoke_access(await world.staff("support"), revoke, **ports)
    asked = [
        await why(world, guest, film),
        await why(world, guest, film, at=then),
        await why(world, guest, film, at=then, known_at=then),
        await why(world, guest, film, known_at=then),
        await why(world, guest, film, at=then, known_at=before),
    ]
    assert [isinstance(item.decision, Denied) for item in asked] == [True, False, False, False, True]


async def test_what_was_known_of_a_guest_stays_known(world: World) -> None:
    """After a guest joined, what was answered before is found with the guest's account, not the member's."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    await give(world, guest, GrantKind.EST, film)
    world.clock.advance(DAY)
    then = world.clock.now()
    world.clock.advance(DAY)
    member = await world.member()
    joined = world.clock.now()
    await world.merge(guest, member)
    world.clock.advance(DAY)
    asked = [
        await why(world, guest, film, at=then, known_at=then),
        await why(world, guest, film, at=then, known_at=joined - TICK),
        await why(world, guest, film, at=then, known_at=joined),
        await why(world, guest, film, at=then),
        await why(world, member, film, at=then, known_at=then),
        await why(world, member, film, at=then),
    ]
    assert [isinstance(item.decision, Denied) for item in asked] == [False, False, False, False, True, False]


async def test_a_merge_takes_every_kind_along(world: World) -> None:
    """A member goes on with the guest's rental where it stands."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    await give(world, guest, GrantKind.RENTAL, film)
    until = (await world.play(guest, film)).decision.until
    member = await world.member()
    await world.merge(guest, member)
    assert (await world.play(member, film)).decision.until == until


async def test_who_may_not(world: World) -> None:
    """Without the permission, the second factor, a reason, for oneself, or for nothing: refused by name."""
    guest, film = await world.guest(), await world.add_title(TitleType.FILM)
    support = await world.staff("support")
    assert support.account_id is not None
    refused: list[tuple[type[Exception], dict[str, Any]]] = [
        (NotPermitted, {"actor": await world.staff("marketing")}),
        (SecondFactorNeeded, {"actor": evolve(support, has_second_factor=False)}),
        (ReasonMissing, {"reason": " "}),
        (OwnAccount, {"account_id": support.account_id, "actor": support}),
        (TitleNotFound, {"title_id": TitleId(uid(99))}),
        (BadGrant, {"kind": GrantKind.TOKEN_UNLOCK}),
        (BadGrant, {"kind": GrantKind.SUBSCRIPTION, "title_id": None}),
        (BadGrant, {"kind": GrantKind.RENTAL, "hours": 30}),
        (BadGrant, {"ends_at": START - DAY}),
        (BadGrant, {"kind": GrantKind.EST, "hours": 24}),
        (BadGrant, {"hours": 24}),
        *((BadGrant, {"kind": kind, "hours": hours}) for kind in _RUNNING for hours in (-5, 0, 47, 10**9)),
    ]
    for error, more in refused:
        kind = more.pop("kind", GrantKind.GIFT)
        with pytest.raises(error):
            await give(world, guest, kind, film, **more)
    assert await world.grants(guest) == []
    await give(world, guest, GrantKind.GIFT, film, actor=support, idempotency_key="k")
    with pytest.raises(IdempotencyMismatch):
        await give(world, guest, GrantKind.GIFT, film, actor=support, idempotency_key="k", reason="another")
    with pytest.raises(NotPermitted):
        await flows.explain_access(
            BUILT_IN.actor(guest),
            flows.AskWhy(guest, film.id, Context("IN")),
            correlation_id="r",
            uow=world.uow,
            clock=world.clock,
        )


async def test_staff_and_viewer_are_told_the_same_ways(world: World) -> None:
    """What has no price is not offered to the viewer, and the trace says so among its facts."""
    guest, short = await world.guest(), await world.add_title(TitleType.EPISODE)
    with pytest.raises(PlaybackDenied) as refused:
        await world.play(guest, short)
    seen = await why(world, guest, short)
    assert isinstance(seen.decision, Denied)
    assert seen.decision.unlockable_by == refused.value.unlockable_by == ("tokens", "rental", "est")
    assert seen.trace.facts[-1] == Fact("without a price", "watch_once; so not offered")
    assert "answer: no, no_grant; opened by tokens, rental, est\n" in tell(seen.trace)
    told = await why(world, guest, short, context=Context("IN", Channel.APP))
    assert isinstance(told.decision, Denied)
    assert told.decision.unlockable_by == ()


async def test_what_cannot_be_extended_or_revoked(world: World) -> None:
    """An end that is not later, a grant of another account, and what tokens paid for stay as they are."""
    guest, other = await world.guest(), await world.guest()
    film = await world.add_title(TitleType.FILM)
    given = await give(world, guest, GrantKind.GIFT, film, ends_at=world.clock.now() + DAY)
    await world.earn(other, 10)
    unlocked = await world.unlock(other, film)
    support = await world.staff("support")
    ports: dict[str, Any] = {"uow": world.uow, "clock": world.clock, "ids": world.ids, "correlation_id": "r"}
    now: datetime = world.clock.now()
    for who, grant, until, error in (
        (guest, given.grant_id, now + HOUR, NotExtended),
        (other, given.grant_id, now + 2 * DAY, GrantNotFound),
        (other, unlocked.grant_id, now + 2 * DAY, NotExtended),
    ):
        wish = flows.ExtendAccess(who, GrantId(grant), until, "because", f"x-{world._next()}")
        with pytest.raises(error):
            await flows.extend_access(support, wish, **ports)
    revoke = flows.RevokeAccess(other, GrantId(unlocked.grant_id), "because", "r-1")
    with pytest.raises(BadGrant, match="refund"):
        await flows.revoke_access(support, revoke, **ports)


async def _svod(world: World, tiers: tuple[str, ...]) -> Title:
    """Add a film that plans of these tiers open, and nothing else does."""
    title_id = TitleId(world.ids.uuid7())
    window = Window(
        world.ids.uuid7(),  # type: ignore[arg-type]
        title_id,
        WindowType.SVOD,
        ("*",),
        START - DAY,
        tiers=tiers,
        sells_tokens=False,
    )
    return await world.add_title(TitleType.FILM, id=title_id, windows=(window,))
