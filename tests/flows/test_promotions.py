"""A promotion from beginning to end: exact, once for each account, and decided by two where it is large."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from anyio import to_thread
from attrs import evolve

from buddy_core.access import (
    BUILT_IN,
    SECOND_PERSON_RULES,
    SYSTEM,
    Actor,
    NotPermitted,
    OwnAccount,
    OwnRequest,
    ReasonMissing,
    RequesterLacksPermission,
)
from buddy_core.flows import (
    AssignRole,
    Awaiting,
    Claimed,
    add_promotion,
    claim_promotion,
    end_promotion,
    list_promotions,
    revoke_role,
)
from buddy_core.kernel import AccountId, BuddyError, DeviceId, IdempotencyMismatch, InvalidValue
from buddy_core.promotions import (
    AddPromotion,
    AlreadyClaimed,
    BadCode,
    BadPromotion,
    ClaimPromotion,
    CodeTaken,
    DeviceClaimed,
    EndPromotion,
    GuestCapReached,
    NotForGuests,
    Over,
    Promotion,
    PromotionState,
    UnknownCode,
    UsedUp,
)
from buddy_core.tokens import BONUS, EarnTokens, Operation, WalletFrozen, earn_tokens
from tests.contracts.cases import Uow, race
from tests.flows.promotion_caller import from_processes, started
from tests.flows.world import START, TICK, VIEWER, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio

CODE = "MONSOON26"
CALLERS = 64
ALONE = int(SECOND_PERSON_RULES["promotion.add"].above)
"""How many tokens one person's promotions may give."""


def wanted(**changes: Any) -> AddPromotion:
    """Return a promotion for guests too: 5 tokens for at most 10, for a week from now."""
    values: dict[str, Any] = {
        "code": "Monsoon 26",
        "tokens": 5,
        "days": 30,
        "limit": 10,
        "ends_at": START + timedelta(days=7),
        "for_guests": True,
        "reason": "posters in Pune",
        "idempotency_key": "add-1",
    }
    return AddPromotion(**{**values, **changes})


async def begin(world: World, actor: Actor = SYSTEM, **changes: Any) -> Promotion | Awaiting:
    """Begin a promotion."""
    return await add_promotion(
        actor, wanted(**changes), correlation_id="c1", uow=world.uow, clock=world.clock, ids=world.ids
    )


async def finish(world: World, code: str = CODE, actor: Actor = SYSTEM, **changes: Any) -> Promotion:
    """End a promotion."""
    values = {"reason": "too dear", "idempotency_key": "end-1", **changes}
    command = EndPromotion(code, **values)
    return await end_promotion(actor, command, correlation_id="c1", uow=world.uow, clock=world.clock)


def typed(who: AccountId, device: str = "d-1", code: str = CODE, key: str = "k-1") -> ClaimPromotion:
    """Return what a viewer types."""
    return ClaimPromotion(who, DeviceId(device), code, key)


async def claimed(
    world: World, command: ClaimPromotion, actor: Actor | None = None, uow: Uow | None = None
) -> Claimed:
    """Claim as the account itself."""
    return await claim_promotion(
        actor or BUILT_IN.actor(command.account_id),
        command,
        uow=uow or world.uow,
        clock=world.clock,
        ids=world.ids,
    )


async def count(world: World, code: str = CODE) -> int:
    """Return how many have claimed."""
    async with world.uow.read() as tx:
        found: int = await tx.promotion_claims.count(code)
    return found


# -- claiming -------------------------------------------------------------------------------------------


async def test_a_code_brings_its_tokens_once(world: World) -> None:
    """However it is typed: an entry of its own source, a lot that lasts as long as was said, and a claim."""
    await begin(world)
    who = await world.member()
    found = await claimed(world, typed(who, code=" monsoon-26"))
    assert (found.code, found.tokens) == (CODE, 5)
    [entry] = await world.entries(who, Operation.EARN)
    [lot] = entry.lots
    assert (entry.id, entry.source, entry.source_ref) == (found.entry_id, "promotion", CODE)
    assert (lot.kind, lot.amount, lot.expires_at) == (BONUS, 5, START + timedelta(days=30))
    assert not lot.earned_as_guest
    with pytest.raises(AlreadyClaimed):
        await claimed(world, typed(who, key="k-2"))
    assert await world.balance(who) == 5


async def test_the_same_request_again_gets_the_first_answer(world: World) -> None:
    """From another device too; with another code the key is refused."""
    await begin(world)
    who = await world.member()
    first = await claimed(world, typed(who))
    assert await claimed(world, typed(who, "d-2", "monsoon26")) == first
    with pytest.raises(IdempotencyMismatch):
        await claimed(world, typed(who, code="OTHERCODE"))
    assert await count(world) == 1


@pytest.mark.parametrize(("code", "error"), [("NOSUCHCODE", UnknownCode), ("no", BadCode), ("", BadCode)])
async def test_what_is_no_code_changes_nothing(world: World, code: str, error: type[BuddyError]) -> None:
    """Nothing is written, and asking again with the same key is allowed."""
    await begin(world)
    who = await world.member()
    before = await world.books()
    with pytest.raises(error):
        await claimed(world, typed(who, code=code))
    assert await world.books() == before
    await claimed(world, typed(who))


async def test_a_code_counts_in_its_time_alone(world: World) -> None:
    """Half-open; a guest hears the same of one that is over as of one that is not there."""
    await begin(world, starts_at=START + TICK, ends_at=START + 2 * TICK)
    member, guest = await world.member(), await world.guest()
    with pytest.raises(UnknownCode):
        await claimed(world, typed(guest))
    world.clock.set(START + TICK)
    await claimed(world, typed(member))
    world.clock.set(START + 2 * TICK)
    with pytest.raises(Over):
        await claimed(world, typed(await world.member(), "d-2"))
    with pytest.raises(UnknownCode):
        await claimed(world, typed(guest, "d-3"))


async def test_a_frozen_wallet_gets_nothing_and_says_so(world: World) -> None:
    """Whether the code is one or not; once it is open again it gets what there is."""
    await begin(world)
    who = await world.member()
    await world.freeze(who)
    for code in (CODE, "NOSUCHCODE"):
        with pytest.raises(WalletFrozen):
            await claimed(world, typed(who, code=code))
    assert await count(world) == 0
    await world.freeze(who, False)
    await claimed(world, typed(who))


async def test_nobody_claims_into_the_wallet_of_another(world: World) -> None:
    """Nor do staff who look as a member."""
    await begin(world)
    who = await world.member()
    looking = evolve(BUILT_IN.actor(who), impersonator=await world.member())
    for actor in (VIEWER, looking):
        with pytest.raises(NotPermitted):
            await claimed(world, typed(who), actor)


async def test_nobody_claims_what_they_have_begun_themselves(world: World) -> None:
    """Nobody gives tokens to their own account, by a code either; a colleague may claim."""
    marketing = await world.staff("marketing")
    await begin(world, marketing)
    assert marketing.account_id is not None
    with pytest.raises(OwnAccount):
        await claimed(world, typed(marketing.account_id))
    other = (await world.staff("marketing")).account_id
    assert other is not None
    await claimed(world, typed(other))


async def test_a_key_of_a_promotion_s_entry_cannot_be_used_up_beforehand(world: World) -> None:
    """The library refuses callers the prefix that is the promotions' own."""
    command = EarnTokens(await world.member(), BONUS, 1, "x", "x", f"promotion:{CODE}", None, False)
    with pytest.raises(InvalidValue):
        await earn_tokens(command, uow=world.uow, clock=world.clock, ids=world.ids)


# -- guests ---------------------------------------------------------------------------------------------


async def test_the_guests_of_a_device_get_a_code_once(world: World) -> None:
    """A new guest gains nothing, nor one where a member had it; a member there still gets it."""
    await begin(world)
    await claimed(world, typed(await world.guest(), "d-1"))
    with pytest.raises(DeviceClaimed):
        await claimed(world, typed(await world.guest(), "d-1"))
    await claimed(world, typed(await world.member(), "d-1"))
    await claimed(world, typed(await world.member(), "d-2"))
    with pytest.raises(DeviceClaimed):
        await claimed(world, typed(await world.guest(), "d-2"))
    assert await count(world) == 3


async def test_what_codes_bring_counts_towards_what_guests_earn_in_all(world: World) -> None:
    """Four codes of five fill the twenty of a device's guests, and then no ad pays there either."""
    for number in range(5):
        await begin(world, code=f"CODE{number}", idempotency_key=f"add-{number}")
    for number in range(4):
        await claimed(world, typed(await world.guest(), code=f"CODE{number}"))
    with pytest.raises(GuestCapReached):
        await claimed(world, typed(await world.guest(), code="CODE4"))
    assert await count(world, "CODE4") == 0
    with pytest.raises(BuddyError, match=r"ads\.cap_reached"):
        await world.watch_ad(await world.guest(), "d-1")
    await world.watch_ad(await world.guest(), "d-2")


async def test_ads_leave_less_room_for_codes(world: World) -> None:
    """Sixteen ads of a guest, on two days, leave no room for five tokens more."""
    await begin(world)
    guest = await world.guest()
    for number in range(16):
        if number == 8:
            world.clock.advance(timedelta(days=1))
        await world.watch_ad(guest, f"d-{number}")
    with pytest.raises(GuestCapReached):
        await claimed(world, typed(guest, "d-new"))
    assert await world.balance(guest) == 16


async def test_guests_are_sent_to_join_where_a_code_is_for_members(world: World) -> None:
    """As soon as they have joined they get it."""
    await begin(world, for_guests=False)
    guest = await world.guest()
    with pytest.raises(NotForGuests):
        await claimed(world, typed(guest))
    member = (await world.register(guest=guest)).account_id
    await claimed(world, typed(member))


async def test_whoever_claimed_as_a_guest_does_not_claim_again_as_a_member(world: World) -> None:
    """Nor by another guest that came along; the tokens are theirs, by the rules of a merge."""
    await begin(world)
    guest, other = await world.guest(), await world.guest()
    await claimed(world, typed(guest, "d-1"))
    member = (await world.register(guest=guest)).account_id
    await world.merge(other, member)
    for who in (member, guest, other):
        with pytest.raises(AlreadyClaimed):
            await claimed(world, typed(who, "d-9", key="k-2"), BUILT_IN.actor(who))
    assert await world.balance(member) == 5
    with pytest.raises(DeviceClaimed):
        await claimed(world, typed(await world.guest(), "d-1"))


async def test_a_claim_and_a_merge_at_once_give_it_once(world: World) -> None:
    """Whichever comes first, guest and member together have no more than each had a right to."""
    await begin(world)
    for number in range(4):
        guest, member = await world.guest(), await world.member()
        await claimed(world, typed(guest, f"d-{number}"))
        answers, refusals = await race(
            world.merge(guest, member), claimed(world, typed(member, f"e-{number}"))
        )
        # The member had not claimed before the merge, or else is refused after it.
        had = len([answer for answer in answers if isinstance(answer, Claimed)])
        assert [type(error) for error in refusals] == [AlreadyClaimed] * (1 - had)
        assert await world.balance(member) == 5 * (1 + had)


# -- exact ----------------------------------------------------------------------------------------------


async def test_64_at_once_are_given_exactly_the_limit(world: World) -> None:
    """As many as there is room for, and the rest hear that all are gone."""
    await begin(world, limit=20)
    who = [await world.member() for _ in range(CALLERS)]
    answers, refusals = await race(*(claimed(world, typed(item)) for item in who))
    assert Counter(type(error) for error in refusals) == {UsedUp: CALLERS - 20}
    assert len({answer.entry_id for answer in answers}) == await count(world) == 20
    assert sum([await world.balance(item) for item in who]) == 100


async def test_one_account_64_times_at_once_claims_once(world: World) -> None:
    """With keys of its own each, and from as many devices."""
    await begin(world, limit=20)
    who = await world.member()
    answers, refusals = await race(
        *(claimed(world, typed(who, f"d-{n}", key=f"k-{n}")) for n in range(CALLERS))
    )
    assert (len(answers), {type(error) for error in refusals}) == (1, {AlreadyClaimed})
    assert (await world.balance(who), await count(world)) == (5, 1)


async def test_64_guests_of_one_device_at_once_claim_once(world: World) -> None:
    """Splitting over many guests gains nothing, however they come."""
    await begin(world, limit=CALLERS)
    who = [await world.guest() for _ in range(CALLERS)]
    answers, refusals = await race(*(claimed(world, typed(item)) for item in who))
    assert (len(answers), {type(error) for error in refusals}) == (1, {DeviceClaimed})
    assert await count(world) == 1


async def test_two_processes_together_are_given_exactly_the_limit(
    world: World, database_url: str | None
) -> None:
    """Each of two processes claims for all 64 at once: one limit, and one answer for each request."""
    if database_url is None:
        return  # A store in memory has one process; the tests above are about it.
    await begin(world, limit=20)
    commands = [typed(await world.member()) for _ in range(CALLERS)]
    answers = await to_thread.run_sync(from_processes, database_url, 2, commands, world.clock.now())
    assert answers[0] == answers[1]
    assert Counter(answers[0])["promotions.used_up"] == CALLERS - 20
    assert await count(world) == 20
    assert sum([await world.balance(item.account_id) for item in commands]) == 100


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.05, 0.1, 0.2])
async def test_a_process_that_is_killed_leaves_nothing_half(
    world: World, database_url: str | None, after_s: float
) -> None:
    """Each claim has its tokens and each token its claim; the same requests again end where they should."""
    if database_url is None:
        return  # What is in memory ends with its process.
    await begin(world, limit=40)
    commands = [typed(await world.member()) for _ in range(CALLERS)]
    at = world.clock.now()

    def kill() -> None:
        process = started(database_url, commands, at)
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
        time.sleep(after_s)
        process.kill()
        process.communicate()

    await to_thread.run_sync(kill)
    assert (await world.verify()).faults == ()
    had = await count(world)
    assert sum([await world.balance(item.account_id) for item in commands]) == 5 * had
    answers, refusals = await race(*(claimed(world, command) for command in commands))
    assert (len(answers), {type(error) for error in refusals}) == (40, {UsedUp})


@pytest.mark.parametrize("port", ["wallets.append", "promotion_claims.add", "receipts.add"])
async def test_a_claim_that_breaks_off_gives_nothing(world: World, port: str) -> None:
    """Neither tokens, nor a claim, nor a count towards the guests' cap; the next try has all of it."""
    await begin(world)
    guest = await world.guest()
    before = await world.books()
    name, method = port.split(".")
    with pytest.raises(Broken):
        await claimed(world, typed(guest), uow=Tampered(world.uow, name, method, after=break_off))
    assert (await world.books(), await count(world)) == (before, 0)
    await claimed(world, typed(guest))


# -- staff ----------------------------------------------------------------------------------------------


async def test_beginning_and_ending_are_on_the_record(world: World) -> None:
    """With everything that it says; what was claimed stays, and nobody gets it any more."""
    marketing = await world.staff("marketing")
    first = await begin(world, marketing)
    assert isinstance(first, Promotion)
    who = await world.member()
    await claimed(world, typed(who))
    world.clock.advance(timedelta(hours=1))
    ended = await finish(world, "monsoon 26", marketing)
    assert (ended.version, ended.ends_at, ended.recorded_by) == (2, world.clock.now(), marketing.name)
    with pytest.raises(Over):
        await claimed(world, typed(await world.member()))
    assert await world.balance(who) == 5
    assert [item for item in await world.audit() if item[0].startswith("promotion.")] == [
        ("promotion.add", CODE),
        ("promotion.end", CODE),
    ]


async def test_what_was_asked_for_once_is_done_once(world: World) -> None:
    """The same key gives the first answer, beginning as well as ending; for another thing it is refused."""
    first = await begin(world)
    assert await begin(world) == first
    with pytest.raises(IdempotencyMismatch):
        await begin(world, tokens=6)
    ended = await finish(world)
    assert await finish(world) == ended
    with pytest.raises(Over):
        await finish(world, idempotency_key="end-2")


async def test_a_code_names_one_promotion_for_ever(world: World) -> None:
    """Those who had it would get it again; two at once are one."""
    answers, refusals = await race(*(begin(world, idempotency_key=f"add-{n}") for n in range(8)))
    assert (len(answers), {type(error) for error in refusals}) == (1, {CodeTaken})
    await finish(world)
    with pytest.raises(CodeTaken):
        await begin(world, idempotency_key="add-9")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code": "x"}, BadCode),
        ({"tokens": 0}, BadPromotion),
        ({"limit": 2**60}, BadPromotion),
        ({"days": 10**9}, BadPromotion),
        ({"ends_at": START}, BadPromotion),
        ({"reason": " "}, ReasonMissing),
        ({"idempotency_key": ""}, InvalidValue),
        ({"idempotency_key": "k" * 10_000}, InvalidValue),
    ],
)
async def test_a_promotion_that_cannot_be_is_refused_whole(
    world: World, changes: dict[str, Any], error: type[BuddyError]
) -> None:
    """Each with its own code, and nothing is written."""
    before = await world.books()
    with pytest.raises(error):
        await begin(world, **changes)
    assert await world.books() == before


async def test_an_end_names_a_promotion_and_says_why(world: World) -> None:
    """Else nothing ends."""
    await begin(world)
    for code, reason, error in (("NOSUCHCODE", "why", UnknownCode), (CODE, "", ReasonMissing)):
        with pytest.raises(error):
            await finish(world, code, reason=reason)
    await claimed(world, typed(await world.member()))


@pytest.mark.parametrize("role", ["support", "finance", "ads_manager", "platform_admin", "analyst"])
async def test_promotions_are_for_those_who_run_campaigns(world: World, role: str) -> None:
    """Neither beginning, ending nor looking; and without a second factor nobody does."""
    marketing = await world.staff("marketing")
    await begin(world, marketing)
    for actor in (await world.staff(role), VIEWER, evolve(marketing, has_second_factor=False)):
        for act in (
            begin(world, actor, code="OTHERCODE", idempotency_key="add-2"),
            finish(world, actor=actor),
            list_promotions(actor, uow=world.uow, clock=world.clock),
        ):
            with pytest.raises(BuddyError, match=r"access\.(not_permitted|second_factor_needed)"):
                await act


async def test_the_list_says_how_each_stands(world: World) -> None:
    """With its claims so far, and those that begin last first."""
    await begin(world)
    tomorrow = START + timedelta(days=1)
    await begin(world, code="DIWALI26", idempotency_key="add-2", starts_at=tomorrow, limit=1)
    await claimed(world, typed(await world.member()))
    found = await list_promotions(SYSTEM, uow=world.uow, clock=world.clock)
    assert [(item.promotion.code, item.claimed, item.state) for item in found] == [
        ("DIWALI26", 0, PromotionState.COMING),
        (CODE, 1, PromotionState.RUNNING),
    ]
    world.clock.advance(timedelta(days=1))
    await claimed(world, typed(await world.member(), code="DIWALI26"))
    [used, _] = await list_promotions(SYSTEM, uow=world.uow, clock=world.clock)
    assert used.state is PromotionState.USED_UP
    [last] = await list_promotions(SYSTEM, offset=1, uow=world.uow, clock=world.clock)
    assert last.promotion.code == CODE


# -- a second person ------------------------------------------------------------------------------------


async def test_a_large_promotion_waits_for_a_second_person(world: World) -> None:
    """Nothing counts before; approved, it is whoever asked who is named, and both are on the record."""
    marketing, second = await world.staff("marketing"), await world.second()
    waiting = await begin(world, marketing, tokens=5, limit=ALONE // 5 + 1)
    assert isinstance(waiting, Awaiting)
    assert await begin(world, marketing, tokens=5, limit=ALONE // 5 + 1) == waiting
    with pytest.raises(UnknownCode):
        await claimed(world, typed(await world.member()))
    with pytest.raises(BuddyError, match=r"access\.not_permitted"):
        await world.settle_request(waiting.request_id, actor=marketing)
    await world.settle_request(waiting.request_id, actor=second)
    [found] = await list_promotions(SYSTEM, uow=world.uow, clock=world.clock)
    assert (found.promotion.recorded_by, found.promotion.limit) == (marketing.name, ALONE // 5 + 1)
    await claimed(world, typed(await world.member()))


async def test_small_promotions_add_up(world: World) -> None:
    """Many small ones are no way around, at once or one after another; after a month they count no more."""
    tokens, limit = 50, ALONE // 150 + 1
    ends_at = START + timedelta(days=60)
    each = [
        {
            "code": f"CODE{n}",
            "idempotency_key": f"a-{n}",
            "tokens": tokens,
            "limit": limit,
            "ends_at": ends_at,
        }
        for n in range(5)
    ]
    marketing = await world.staff("marketing")
    found = await asyncio.gather(*(begin(world, marketing, **changes) for changes in each[:4]))
    assert sum(isinstance(item, Awaiting) for item in found) == 2
    world.clock.advance(timedelta(days=31))
    assert isinstance(await begin(world, marketing, **each[4]), Promotion)


async def test_a_request_that_cannot_be_any_more_is_refused_whole(world: World) -> None:
    """A code that was taken meanwhile, an end that has come, a role that is gone: it waits on."""
    await world.staff("super_admin")
    super_admin = await world.staff("super_admin")
    asker = super_admin.account_id
    assert asker is not None
    waiting = await begin(world, super_admin, limit=ALONE)
    assert isinstance(waiting, Awaiting)
    with pytest.raises(OwnRequest):
        await world.settle_request(waiting.request_id, actor=super_admin)
    world.clock.advance(timedelta(days=3))
    await begin(world, limit=1)
    with pytest.raises(CodeTaken):
        await world.settle_request(waiting.request_id, actor=await world.second())
    late = await begin(world, super_admin, limit=ALONE, code="OTHERCODE", idempotency_key="a-2")
    assert isinstance(late, Awaiting)
    world.clock.advance(timedelta(days=5))
    with pytest.raises(BadPromotion):
        await world.settle_request(late.request_id, actor=await world.second())
    command = AssignRole(await world.email(asker), "super_admin")
    await revoke_role(SYSTEM, command, correlation_id="c3", uow=world.uow, clock=world.clock)
    with pytest.raises(RequesterLacksPermission):
        await world.settle_request(late.request_id, actor=await world.second())
