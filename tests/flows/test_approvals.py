"""Large acts of staff wait for a second person, who decides once; what is approved is done in that commit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve

from buddy_core import flows
from buddy_core.access import (
    SYSTEM,
    Actor,
    ApprovalDecided,
    ApprovalExpired,
    ApprovalNotFound,
    ApprovalState,
    NotOwnRequest,
    NotPermitted,
    Outcome,
    OwnAccount,
    OwnRequest,
    ReasonMissing,
    RequestAltered,
    RequesterLacksPermission,
    SecondFactorNeeded,
)
from buddy_core.accounts import AccountNotFound
from buddy_core.flows import Awaiting
from buddy_core.kernel import AccountId, IdempotencyMismatch
from buddy_core.tokens import BONUS, PAID, BadTokenAmount, Operation, ValueVersionInPast, WalletFrozen
from tests.contracts.cases import race
from tests.flows.world import START, TICK, VIEWER, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio

DAY = timedelta(days=1)
ALONE, MANY = 50, 51
"""How many tokens one member of staff gives alone, and the fewest that wait."""


async def asked(world: World, actor: Actor, who: AccountId, amount: int = MANY) -> str:
    """Ask for tokens that need a second person; return the request's id."""
    found = await world.grant(who, amount, actor=actor)
    assert isinstance(found, Awaiting)
    return found.request_id


@pytest.fixture
async def world(world: World) -> World:
    """Answer a world in which the second person is at work already."""
    await world.second()
    return world


async def state(world: World, request_id: str) -> ApprovalState:
    found = await flows.find_request(await world.second(), request_id, uow=world.uow, clock=world.clock)
    return found.state


async def waiting(world: World, **wanted: Any) -> list[str]:
    """Return the ids of the requests that are listed, newest first."""
    found = await flows.list_requests(await world.second(), uow=world.uow, clock=world.clock, **wanted)
    return [item.request.id for item in found]


async def revoke(world: World, actor: Actor, role: str) -> None:
    assert actor.account_id is not None
    command = flows.AssignRole(await world.email(actor.account_id), role)
    await flows.revoke_role(SYSTEM, command, correlation_id="c3", uow=world.uow, clock=world.clock)


async def test_a_small_gift_is_given_at_once(world: World) -> None:
    """50 bonus tokens arrive, last 90 days, and the record says who gave them to whom and why."""
    guest, support = await world.guest(), await world.staff("support", ip="192.0.2.5")
    assert not isinstance(await world.grant(guest, ALONE, actor=support, reason=" film froze "), Awaiting)
    assert await world.balance(guest) == ALONE
    [item] = (await world.wallet(guest)).lots
    assert (item.lot.kind, item.lot.expires_at, item.lot.source) == (BONUS, START + 90 * DAY, "support.grant")
    [record] = await world.records()
    assert (record.action, record.resource, record.actor) == ("tokens.grant", str(guest), support.name)
    assert (record.after, record.ip) == ('{"reason":"film froze","tokens":50}', "192.0.2.5")


async def test_a_gift_is_given_once_a_key(world: World) -> None:
    """A repeat answers the first entry, another gift under the key is refused, others have their own keys."""
    guest, support, other = await world.guest(), await world.staff("support"), await world.staff("support")
    first = await world.grant(guest, 5, actor=support, key="k")
    before = await world.books()
    assert await world.grant(guest, 5, actor=support, key="k") == first
    for changed in ({"amount": 6}, {"reason": "another one"}):
        with pytest.raises(IdempotencyMismatch):
            await world.grant(guest, **{"amount": 5, **changed}, actor=support, key="k")  # type: ignore[arg-type]
    assert await world.books() == before
    assert await world.grant(guest, 5, actor=other, key="k") != first
    assert await world.balance(guest) == 10


async def test_many_small_gifts_are_a_large_one(world: World) -> None:
    """What one gave, or one was given, within a day counts together; what was approved does not."""
    support, other = await world.staff("support"), await world.staff("support")
    guests = [await world.guest() for _ in range(3)]
    for guest in guests[:2]:
        assert not isinstance(await world.grant(guest, 25, actor=support), Awaiting)
    for who, actor in ((guests[2], support), (guests[0], support)):
        assert isinstance(await world.grant(who, 1, actor=actor), Awaiting), "50 were given by one"
    assert not isinstance(await world.grant(guests[0], 25, actor=other), Awaiting)
    third = await world.staff("support")
    waits = await world.grant(guests[0], 1, actor=third)
    assert isinstance(waits, Awaiting), "50 were given to one"
    await world.settle_request(waits.request_id, actor=await world.second())
    assert not isinstance(await world.grant(guests[2], ALONE, actor=third), Awaiting)
    world.clock.advance(DAY + TICK)
    assert not isinstance(await world.grant(guests[0], ALONE, actor=support), Awaiting)


async def test_small_gifts_at_once_are_counted_together(world: World) -> None:
    """Of 4 gifts of 30 by one person to four accounts at once one is given, and three wait."""
    support, guests = await world.staff("support"), [await world.guest() for _ in range(4)]
    done, refused = await race(*(world.grant(guest, 30, actor=support) for guest in guests))
    assert refused == []
    assert sum(isinstance(item, Awaiting) for item in done) == 3
    assert sorted([await world.balance(guest) for guest in guests]) == [0, 0, 0, 30]


async def test_nobody_gives_to_themselves(world: World) -> None:
    """Neither alone nor by approving what a colleague asked for them, nor by a guest of their own."""
    boss, support = await world.staff("super_admin"), await world.staff("support")
    assert boss.account_id is not None
    guest = await world.guest()
    await world.merge(guest, boss.account_id)
    request = await asked(world, support, guest)
    before = await world.books()
    for who in (boss.account_id, guest):
        for amount in (1, MANY):
            with pytest.raises(OwnAccount):
                await world.grant(who, amount, actor=boss)
    with pytest.raises(OwnAccount):
        await world.settle_request(request, actor=boss)
    assert await world.books() == before
    await world.settle_request(request, actor=await world.second())
    assert await world.balance(boss.account_id) == MANY


async def test_only_what_was_asked_is_approved(world: World) -> None:
    """A request that is not as the audit tells of it is neither carried out nor rejected."""
    guest, support = await world.guest(), await world.staff("support")
    request = await asked(world, support, guest)
    before = await world.books()

    def larger(found: Any) -> Any:
        return evolve(found[0], command=found[0].command.replace(str(MANY), "5000")), found[1]

    altered = Tampered(world.uow, "approvals", "get", change=larger)
    for outcome in (Outcome.APPROVED, Outcome.REJECTED):
        with pytest.raises(RequestAltered):
            await world.settle_request(request, outcome, actor=await world.second(), uow=altered)
    assert await world.books() == before
    await world.settle_request(request, actor=await world.second())
    assert await world.balance(guest) == MANY


async def test_a_gift_sent_often_at_once_is_given_once(world: World) -> None:
    """Of 6 equal commands at once all answer the same entry, and the wallet has it once."""
    guest, support = await world.guest(), await world.staff("support")
    done, refused = await race(*(world.grant(guest, 5, actor=support, key="k") for _ in range(6)))
    assert (len(set(done)), refused) == (1, [])
    assert await world.balance(guest) == 5
    assert len(await world.records("tokens.grant")) == 1


async def test_gifts_that_cannot_be_are_refused(world: World) -> None:
    """Without permission, second factor, reason, account or tokens nothing is given, asked or recorded."""
    guest, support = await world.guest(), await world.staff("support")
    nobody = AccountId(world.ids.uuid7())
    frozen = await world.guest()
    await world.earn(frozen, 1)
    await world.freeze(frozen)
    before = await world.books()
    attempts: tuple[tuple[type[Exception], Any], ...] = (
        (NotPermitted, {"actor": VIEWER}),
        (NotPermitted, {"actor": evolve(support, impersonator=VIEWER.account_id)}),
        (SecondFactorNeeded, {"actor": evolve(support, has_second_factor=False)}),
        (SecondFactorNeeded, {"actor": evolve(support, owes_second_factor=True)}),
        (ReasonMissing, {"reason": " x "}),
        (AccountNotFound, {"who": nobody}),
    )
    for refusal, changes in attempts:
        for amount in (ALONE, MANY):
            with pytest.raises(refusal):
                await world.grant(
                    **{"who": guest, "amount": amount, "actor": support, **changes}  # type: ignore[arg-type]
                )
    for amount in (0, -5):
        with pytest.raises(BadTokenAmount):
            await world.grant(guest, amount, actor=support)
    with pytest.raises(WalletFrozen):
        await world.grant(frozen, 1, actor=support)
    assert await world.books() == before


async def test_a_large_gift_waits_for_a_second_person(world: World) -> None:
    """Nothing is given until finance approves; then it is, once, and both people are on the record."""
    guest, support, finance = (
        await world.guest(),
        await world.staff("support", ip="192.0.2.5"),
        await world.staff("finance", ip="192.0.2.6"),
    )
    found = await world.grant(guest, MANY, actor=support, key="k")
    assert isinstance(found, Awaiting)
    assert found.expires_at == START + 3 * DAY
    before = await world.books()
    assert await world.grant(guest, MANY, actor=support, key="k") == found, "asked for once a key"
    assert await world.books() == before
    assert (await world.balance(guest), await waiting(world)) == (0, [found.request_id])
    decision = await world.settle_request(found.request_id, actor=finance)
    assert (decision.outcome, decision.by) == (Outcome.APPROVED, finance.account_id)
    assert await world.balance(guest) == MANY
    assert await waiting(world) == []
    assert await waiting(world, undecided=False) == [found.request_id]
    assert await world.grant(guest, MANY, actor=support, key="k") == found
    assert await world.balance(guest) == MANY
    records = await world.records()
    assert [(item.action, item.actor, item.ip) for item in records] == [
        ("approval.request", support.name, "192.0.2.5"),
        ("approval.decide", finance.name, "192.0.2.6"),
        ("tokens.grant", finance.name, "192.0.2.6"),
    ]
    assert f'"request":"{found.request_id}","requested_by":"{support.name}"' in records[-1].after


async def test_a_large_change_of_value_waits(world: World) -> None:
    """A fifth more is set at once; a hair above waits, is set by the approval, and is asked once a key."""
    soon, later = START + timedelta(hours=1), START + timedelta(hours=2)
    first, second = await world.staff("finance"), await world.staff("finance")
    assert await world.set_value(BONUS, Fraction(60), Fraction(3, 5), since=soon, actor=first) == 2
    for inr in (Fraction(60) + Fraction(1, 1000), Fraction(72), Fraction(39)):
        found = await world.set_value(BONUS, inr, Fraction(3, 5), since=later, actor=first)
        assert isinstance(found, Awaiting), "measured from what counts now, not from the step in between"
        await world.settle_request(found.request_id, Outcome.WITHDRAWN, actor=first)
    wanted = await world.set_value(BONUS, Fraction(72), Fraction(3, 5), since=later, actor=first, key="k")
    assert isinstance(wanted, Awaiting)
    before = await world.books()
    again = await world.set_value(BONUS, Fraction(72), Fraction(3, 5), since=later, actor=first, key="k")
    assert again == wanted
    with pytest.raises(IdempotencyMismatch):
        await world.set_value(BONUS, Fraction(73), Fraction(3, 5), since=later, actor=first, key="k")
    assert await world.books() == before
    await world.settle_request(wanted.request_id, actor=second)
    async with world.uow.read() as tx:
        newest = (await tx.token_values.of_kind(BONUS))[-1]
    assert (newest.version, newest.values["INR"], newest.effective_from) == (3, Fraction(72), later)
    assert newest.recorded_by == first.name, "whose value it is; who let it pass stands in the audit"
    assert (await world.records())[-1].actor == second.name


async def test_small_steps_of_a_value_are_a_large_one(world: World) -> None:
    """Steps of 15 % within minutes: the second waits, be it another's, for 30 days after the first counts."""
    first, second = await world.staff("finance"), await world.staff("finance")
    usd = Fraction(3, 5)
    assert await world.set_value(BONUS, Fraction(115, 2), usd, actor=first) == 2
    for minutes, actor in ((1, first), (10, second), (120, first)):
        world.clock.set(START + timedelta(minutes=minutes))
        waits = await world.set_value(BONUS, Fraction(66), usd, actor=actor)
        assert isinstance(waits, Awaiting)
        await world.settle_request(waits.request_id, Outcome.WITHDRAWN, actor=actor)
    world.clock.set(START + 29 * DAY)
    assert isinstance(await world.set_value(BONUS, Fraction(66), usd, actor=first), Awaiting)
    world.clock.set(START + 31 * DAY)
    assert await world.set_value(BONUS, Fraction(66), usd, actor=first) == 3


async def test_an_actor_of_before_does_nothing_any_more(world: World) -> None:
    """Whose role went while the request was on its way gives, sets, assigns and decides nothing."""
    guest, support, finance, boss = (
        await world.guest(),
        await world.staff("support"),
        await world.staff("finance"),
        await world.staff("super_admin"),
    )
    request = await asked(world, support, guest)
    for actor, role in ((support, "support"), (finance, "finance")):
        await revoke(world, actor, role)
    await world.staff("super_admin")
    await revoke(world, boss, "super_admin")
    email = await world.email(await world.member())
    before = await world.books()
    ports: dict[str, Any] = {"correlation_id": "c1", "uow": world.uow, "clock": world.clock}
    attempts = (
        world.grant(guest, 1, actor=support),
        world.grant(guest, MANY, actor=support),
        world.set_value(BONUS, Fraction(51), Fraction(3, 5), actor=finance),
        world.settle_request(request, actor=finance),
        flows.assign_role(boss, flows.AssignRole(email, "support"), **ports),
        flows.revoke_role(boss, flows.AssignRole(email, "support"), **ports),
    )
    for attempt in attempts:
        with pytest.raises(NotPermitted):
            await attempt
    assert await world.books() == before


async def test_a_value_out_of_nothing_has_no_measure_and_waits(world: World) -> None:
    """From nothing to something and from something to nothing are changes that one person does not make."""
    soon = START + timedelta(hours=1)
    gone = await world.set_value(PAID, Fraction(0), Fraction(6, 5), since=soon)
    assert isinstance(gone, Awaiting)
    await world.settle_request(gone.request_id, actor=await world.second())
    world.clock.set(soon)
    back = await world.set_value(PAID, Fraction(1, 100), Fraction(6, 5))
    assert isinstance(back, Awaiting)
    found = await flows.find_request(await world.second(), back.request_id, uow=world.uow, clock=world.clock)
    assert (found.request.measure, found.may_decide, found.is_own) == ("unlimited", True, False)


async def test_who_asks_does_not_decide(world: World) -> None:
    """Nobody approves or rejects their own request, be it a super admin's; they withdraw it."""
    guest, boss, second = await world.guest(), await world.staff("super_admin"), await world.second()
    for actor in (boss, SYSTEM):
        request = await asked(world, actor, guest)
        before = await world.books()
        with pytest.raises(OwnRequest if actor is boss else NotPermitted):
            await world.settle_request(request, Outcome.APPROVED, actor=actor)
        with pytest.raises(OwnRequest):
            await world.settle_request(request, Outcome.REJECTED, actor=actor)
        with pytest.raises(NotOwnRequest):
            await world.settle_request(request, Outcome.WITHDRAWN, actor=second)
        assert await world.books() == before
        await world.settle_request(request, Outcome.WITHDRAWN, actor=actor, reason="")
        assert await state(world, request) is ApprovalState.WITHDRAWN
    assert await world.balance(guest) == 0


async def test_the_command_line_approves_nothing(world: World) -> None:
    """The second person is one who signed in: the operator rejects at most."""
    guest, support = await world.guest(), await world.staff("support")
    request = await asked(world, support, guest)
    before = await world.books()
    with pytest.raises(NotPermitted):
        await world.settle_request(request, actor=SYSTEM)
    assert await world.books() == before
    await world.settle_request(request, Outcome.REJECTED, actor=SYSTEM)
    assert await world.balance(guest) == 0


@pytest.mark.parametrize("outcome", [Outcome.APPROVED, Outcome.REJECTED])
async def test_only_who_may_decides(world: World, outcome: Outcome) -> None:
    """Neither a viewer, other staff, one without a second factor nor one who looks as finance decides."""
    guest, support = await world.guest(), await world.staff("support")
    request = await asked(world, support, guest)
    colleague, auditor = await world.staff("support"), await world.staff("auditor")
    before = await world.books()
    attempts: tuple[tuple[type[Exception], Actor], ...] = (
        (NotPermitted, VIEWER),
        (NotPermitted, colleague),
        (NotPermitted, auditor),
        (NotPermitted, evolve(await world.second(), impersonator=support.account_id)),
        (SecondFactorNeeded, evolve(await world.second(), has_second_factor=False)),
    )
    for refusal, actor in attempts:
        with pytest.raises(refusal):
            await world.settle_request(request, outcome, actor=actor)
    with pytest.raises(ApprovalNotFound):
        await world.settle_request("apr_none", outcome, actor=await world.second())
    assert await world.books() == before
    assert await state(world, request) is ApprovalState.PENDING


async def test_a_rejection_says_why_and_gives_nothing(world: World) -> None:
    """Without a reason it is refused and the request waits on; with one it is over for good."""
    guest, support = await world.guest(), await world.staff("support")
    request = await asked(world, support, guest)
    before = await world.books()
    with pytest.raises(ReasonMissing):
        await world.settle_request(request, Outcome.REJECTED, actor=await world.second(), reason=" ")
    assert await world.books() == before
    await world.settle_request(request, Outcome.REJECTED, actor=await world.second(), reason="too many")
    held = await world.books()
    for outcome in Outcome:
        actor = support if outcome is Outcome.WITHDRAWN else await world.second()
        with pytest.raises(ApprovalDecided):
            await world.settle_request(request, outcome, actor=actor)
    assert await world.books() == held
    assert (await world.balance(guest), await state(world, request)) == (0, ApprovalState.REJECTED)


async def test_of_approvals_at_once_one_wins(world: World) -> None:
    """Of 4 approvals by different people at once one gives the tokens; the others read who was first."""
    guest, support = await world.guest(), await world.staff("support")
    request = await asked(world, support, guest)
    people = [await world.staff("finance") for _ in range(4)]
    done, refused = await race(*(world.settle_request(request, actor=actor) for actor in people))
    assert (len(done), {type(error) for error in refused}) == (1, {ApprovalDecided})
    assert await world.balance(guest) == MANY
    assert len(await world.records("tokens.grant")) == 1


async def test_an_approval_and_a_withdrawal_at_once_are_one(world: World) -> None:
    """Whichever is first decides: the tokens are there just if it was the approval."""
    guest, support = await world.guest(), await world.staff("support")
    request = await asked(world, support, guest)
    done, refused = await race(
        world.settle_request(request, actor=await world.second()),
        world.settle_request(request, Outcome.WITHDRAWN, actor=support),
    )
    assert (len(done), {type(error) for error in refused}) == (1, {ApprovalDecided})
    assert await world.balance(guest) == (MANY if done[0].outcome is Outcome.APPROVED else 0)


async def test_what_its_asker_may_no_longer_is_not_done(world: World) -> None:
    """After the asker lost the role approving is refused and the request waits; rejecting ends it."""
    guest, support = await world.guest(), await world.staff("support")
    request = await asked(world, support, guest)
    await revoke(world, support, "support")
    before = await world.books()
    with pytest.raises(RequesterLacksPermission):
        await world.settle_request(request, actor=await world.second())
    assert await world.books() == before
    assert await state(world, request) is ApprovalState.PENDING
    await world.settle_request(request, Outcome.REJECTED, actor=await world.second())


async def test_a_value_whose_day_has_come_is_not_set(world: World) -> None:
    """Approved too late it is refused and the request waits, until it expires or is rejected."""
    first = await world.staff("finance")
    since = START + timedelta(hours=1)
    found = await world.set_value(BONUS, Fraction(100), Fraction(2), since=since, actor=first)
    assert isinstance(found, Awaiting)
    world.clock.set(since)
    before = await world.books()
    with pytest.raises(ValueVersionInPast):
        await world.settle_request(found.request_id, actor=await world.second())
    assert await world.books() == before
    assert await state(world, found.request_id) is ApprovalState.PENDING


async def test_a_gift_to_a_frozen_wallet_waits_on(world: World) -> None:
    """A wallet frozen meanwhile is not paid; once it goes on, the same request is."""
    guest, support = await world.guest(), await world.staff("support")
    request = await asked(world, support, guest)
    await world.earn(guest, 1)
    await world.freeze(guest)
    before = await world.books()
    with pytest.raises(WalletFrozen):
        await world.settle_request(request, actor=await world.second())
    assert await world.books() == before
    await world.freeze(guest, False)
    await world.settle_request(request, actor=await world.second())
    assert await world.balance(guest) == MANY + 1


async def test_a_request_expires(world: World) -> None:
    """A gift waits three days: the instant before it can be decided, then by nobody, and it is not listed."""
    guest, support = await world.guest(), await world.staff("support")
    on_time, late = await asked(world, support, guest), await asked(world, support, guest)
    world.clock.set(START + 3 * DAY - TICK)
    await world.settle_request(on_time, actor=await world.second())
    world.clock.set(START + 3 * DAY)
    before = await world.books()
    for outcome in Outcome:
        actor = support if outcome is Outcome.WITHDRAWN else await world.second()
        with pytest.raises(ApprovalExpired):
            await world.settle_request(late, outcome, actor=actor)
    assert await world.books() == before
    assert await state(world, late) is ApprovalState.EXPIRED
    assert await waiting(world) == []
    assert await world.balance(guest) == MANY


async def test_requests_are_listed_for_those_who_may(world: World) -> None:
    """Newest first, page by page, each with whose it is and whether the one who asks may decide it."""
    guest, support = await world.guest(), await world.staff("support")
    requests = []
    for _ in range(3):
        requests.append(await asked(world, support, guest))
        world.clock.advance(timedelta(minutes=1))
    assert await waiting(world) == requests[::-1]
    assert await waiting(world, limit=2) == [requests[2], requests[1]]
    assert await waiting(world, before=requests[1]) == [requests[0]]
    seen = await flows.list_requests(support, uow=world.uow, clock=world.clock)
    assert {(item.is_own, item.may_decide) for item in seen} == {(True, False)}
    auditor = await world.staff("auditor")
    assert not (await flows.find_request(auditor, requests[0], uow=world.uow, clock=world.clock)).may_decide
    unproven = evolve(await world.second(), has_second_factor=False)
    assert (await flows.find_request(unproven, requests[0], uow=world.uow, clock=world.clock)).may_decide
    looks: tuple[Callable[[], Awaitable[Any]], ...] = (
        lambda: flows.list_requests(VIEWER, uow=world.uow, clock=world.clock),
        lambda: flows.find_request(VIEWER, requests[0], uow=world.uow, clock=world.clock),
    )
    for look in looks:
        with pytest.raises(NotPermitted):
            await look()
    with pytest.raises(ApprovalNotFound):
        await flows.find_request(auditor, "apr_none", uow=world.uow, clock=world.clock)


async def test_request_decision_and_act_are_one_commit(world: World) -> None:
    """Where anything breaks off, neither request, decision, tokens nor record is there."""
    guest, support = await world.guest(), await world.staff("support")
    before, whole = await world.books(), world.uow
    for port, method in (("approvals", "add"), ("audit", "append"), ("receipts", "add")):
        world.uow = Tampered(whole, port, method, after=break_off)
        with pytest.raises(Broken):
            await world.grant(guest, MANY, actor=support, key="k")
        world.uow = whole
        assert await world.books() == before
    request = await asked(world, support, guest)
    held = await world.books()
    for port, method in (("approvals", "decide"), ("wallets", "append"), ("audit", "append")):
        with pytest.raises(Broken):
            await world.settle_request(
                request, actor=await world.second(), uow=Tampered(whole, port, method, after=break_off)
            )
        assert await world.books() == held
    await world.settle_request(request, actor=await world.second())
    assert await world.balance(guest) == MANY


@pytest.mark.parametrize("amount", [ALONE, MANY])
async def test_a_gift_to_a_guest_counts_to_the_cap_of_a_merge(world: World, amount: int) -> None:
    """Of what staff gave a guest, alone or together, 20 tokens come along; what a member is given stays."""
    guest, member, support = await world.guest(), await world.member(), await world.staff("support")
    for who in (guest, member):
        found = await world.grant(who, amount, actor=support)
        if isinstance(found, Awaiting):
            await world.settle_request(found.request_id, actor=await world.second())
    joined = await world.merge(guest, member)
    assert (joined.tokens_moved, joined.tokens_expired_by_cap) == (amount, amount - 20)
    assert await world.balance(member) == amount + 20
    [expired] = await world.entries(member, Operation.EXPIRE)
    assert -sum(posting.amount for posting in expired.postings if posting.lot_id) == amount - 20


async def test_a_gift_asked_for_a_guest_is_the_members_after_a_merge(world: World) -> None:
    """Approved after the guest has joined, the tokens are the member's own and no guest's."""
    guest, member, support = await world.guest(), await world.member(), await world.staff("support")
    request = await asked(world, support, guest)
    await world.merge(guest, member)
    await world.settle_request(request, actor=await world.second())
    assert (await world.balance(guest), await world.balance(member)) == (0, MANY)
    assert [item.lot.earned_as_guest for item in (await world.wallet(member)).lots] == [False]


async def test_a_role_lost_between_two_requests_stops_the_decider(world: World) -> None:
    """Whoever has lost the role decides no more: the actor of the next request is made of what is there."""
    guest, support, finance = (
        await world.guest(),
        await world.staff("support"),
        await world.staff("finance"),
    )
    request = await asked(world, support, guest)
    await revoke(world, finance, "finance")
    assert finance.account_id is not None
    with pytest.raises(NotPermitted):
        await world.settle_request(request, actor=await world.actor(finance.account_id))
