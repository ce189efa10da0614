"""Reading wallets back: a balance at any instant, what expires, the history, and who of the staff looked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from buddy_core import tokens, views
from buddy_core.access import NotPermitted
from buddy_core.accounts import AccountNotFound
from buddy_core.kernel import AccountId, HoldId, InvalidValue, TitleId
from buddy_core.tokens import BONUS, PAID, BadStatementPlace, StatementPlace
from buddy_core.views.ledger import ExpiringState, Instants, Look, WalletState
from buddy_core.views.wallet_lines import LedgerLine, LedgerPage
from tests.contracts.cases import NEWTACT, Uow, uid
from tests.flows.world import START, VIEWER, World

pytestmark = pytest.mark.anyio

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def world(uow: Uow) -> World:
    """Answer a world in which tokens move without the grants and royalty that flows write beside."""
    made = World(uow)
    await made.seed()
    return made


async def state(world: World, who: AccountId, **wanted: Any) -> WalletState:
    look = wanted.pop("look", None)
    return await views.wallet_state(who, Instants(**wanted), look=look, uow=world.uow, clock=world.clock)


async def page(
    world: World, who: AccountId, place: StatementPlace | None = None, limit: int = 100, **kw: Any
) -> LedgerPage:
    return await views.ledger_page(who, place, limit, uow=world.uow, clock=world.clock, **kw)


async def soon(world: World, who: AccountId, within: timedelta, **kw: Any) -> ExpiringState:
    return await views.wallet_expiring(who, within, uow=world.uow, clock=world.clock, **kw)


async def hold(world: World, who: AccountId, amount: int, lasts: timedelta, title: TitleId) -> HoldId:
    command = tokens.HoldTokens(
        who, (f"title:{title}",), amount, world.clock.now() + lasts, "rental", "r1", f"h-{amount}"
    )
    return await tokens.hold_tokens(command, uow=world.uow, clock=world.clock, ids=world.ids)


async def post(world: World, who: AccountId, held: HoldId, title: TitleId, amount: int) -> None:
    command = tokens.PostHold(
        who, held, title, (f"title:{title}",), "rental", "r1", "p", "IN", NEWTACT, "INR", amount=amount
    )  # fmt: skip
    await tokens.post_hold(command, uow=world.uow, clock=world.clock, ids=world.ids)


async def sweep(world: World, who: AccountId) -> None:
    command = tokens.ExpireTokens(who, f"sweep-{world.clock.now()}")
    await tokens.expire_tokens(command, uow=world.uow, clock=world.clock, ids=world.ids)


async def test_a_balance_is_told_for_any_instant(world: World) -> None:
    """Before the first entry nothing, at an instant what counted then, in the future what will be left."""
    who, title = await world.member(), (await world.add_title()).id
    world.clock.set(START + HOUR)
    await world.earn(who, 5, expires_at=START + 10 * DAY)
    world.clock.set(START + 2 * HOUR)
    await world.earn(who, 3, PAID, expires_at=None)
    world.clock.set(START + 3 * HOUR)
    await hold(world, who, 6, 2 * HOUR, title)
    world.clock.set(START + 9 * HOUR)
    asked = {
        "before the first": START,
        "after one": START + HOUR,
        "after both": START + 2 * HOUR,
        "while held": START + 4 * HOUR,
        "after the time-out": START + 5 * HOUR,
        "to come": START + 11 * DAY,
    }
    found = {name: await state(world, who, at=at) for name, at in asked.items()}
    assert {name: (item.tokens, item.held) for name, item in found.items()} == {
        "before the first": ({}, {}),
        "after one": ({"bonus": 5}, {}),
        "after both": ({"bonus": 5, "paid": 3}, {}),
        "while held": ({"paid": 2}, {"bonus": 5, "paid": 1}),
        "after the time-out": ({"bonus": 5, "paid": 3}, {}),
        "to come": ({"paid": 3}, {}),
    }
    assert found["to come"].expired == {"bonus": 5}
    assert [(lot.kind, lot.tokens) for lot in found["after both"].lots] == [("bonus", 5), ("paid", 3)]
    assert found["after one"].at == START + HOUR
    assert found["after one"].known_at == world.clock.now()


async def test_what_was_believed_is_told_apart(world: World) -> None:
    """What was recorded later does not count, also where it took effect before."""
    who, title = await world.member(), (await world.add_title()).id
    await world.earn(who, 5, expires_at=None)
    held = await hold(world, who, 4, 2 * HOUR, title)
    world.clock.set(START + HOUR)
    await post(world, who, held, title, 3)
    world.clock.set(START + 5 * HOUR)
    await world.earn(who, 1, expires_at=None)
    held = await hold(world, who, 2, HOUR, title)
    world.clock.set(START + 9 * HOUR)
    await sweep(world, who)
    assert [item.operation for item in await world.entries(who)] == [
        "earn", "hold", "post", "earn", "hold", "void",
    ]  # fmt: skip
    asked = [
        ({"known_at": START}, 1),
        ({"known_at": START, "at": START + 3 * HOUR}, 5),
        ({"known_at": START + HOUR}, 2),
        ({"at": START}, 1),
        ({"at": START + 5 * HOUR}, 1),
        ({"at": START + 6 * HOUR}, 3),
        ({"at": START + 6 * HOUR, "known_at": START + 7 * HOUR}, 3),
        ({"at": START + 5 * HOUR, "known_at": START + 3 * HOUR}, 2),
        ({"known_at": START - HOUR, "at": START + 9 * HOUR}, 0),
        ({}, 3),
    ]
    found = [(await state(world, who, **instants)).tokens.get("bonus", 0) for instants, _ in asked]
    assert found == [tokens for _, tokens in asked]


async def test_what_may_still_be_written_is_not_final(world: World) -> None:
    """For fifteen minutes the answer about what was known at an instant says that it may change."""
    who = await world.member()
    asked = []
    for minutes in (0, 14, 15):
        world.clock.set(START + timedelta(minutes=minutes))
        asked.append((await state(world, who, known_at=START)).is_final)
    assert asked == [False, False, True]
    assert not (await state(world, who, at=START)).is_final
    assert (await state(world, who, at=START + DAY, known_at=START)).is_final


async def test_what_a_guest_had_is_still_told_after_joining(world: World) -> None:
    """Before the merge both wallets counted; by either account, however asked, and through two merges."""
    first, second, member = await world.guest(), await world.guest(), await world.member()
    await world.earn(first, 3, expires_at=None)
    await world.earn(member, 4, PAID, expires_at=None)
    world.clock.set(START + DAY)
    await hold(world, first, 2, 9 * DAY, (await world.add_title()).id)
    world.clock.set(START + 2 * DAY)
    await world.earn(second, 1, expires_at=None)
    world.clock.set(START + 3 * DAY)
    for guest in (first, second):
        await world.merge(guest, member)
    world.clock.set(START + 5 * DAY)
    for who in (first, second, member):
        found = [await state(world, who, **{name: START + day * DAY}) for day in range(5) for name in
                 ("at", "known_at")]  # fmt: skip
        assert [item.tokens for item in found[::2]] == [item.tokens for item in found[1::2]]
        assert [(item.tokens, item.held) for item in found[::2]] == [
            ({"bonus": 3, "paid": 4}, {}),
            ({"bonus": 1, "paid": 4}, {"bonus": 2}),
            ({"bonus": 2, "paid": 4}, {"bonus": 2}),
            ({"bonus": 4, "paid": 4}, {}),
            ({"bonus": 4, "paid": 4}, {}),
        ]


async def test_a_long_history_is_gone_back_in_steps(world: World) -> None:
    """More entries than are read at once, lots used up since, and holds that were posted, come back."""
    who, title = await world.member(), (await world.add_title()).id
    await world.earn(who, 40, expires_at=None)
    held = await hold(world, who, 4, 10 * DAY, title)
    world.clock.set(START + HOUR)
    for _ in range(12):
        await world.earn(who, 1)
    await post(world, who, held, title, 4)
    for number in range(8):
        command = tokens.SpendTokens(
            who, title, (f"title:{title}",), 5, "unlock", "g", f"s-{number}", "IN", NEWTACT, "INR"
        )  # fmt: skip
        await tokens.spend_tokens(command, uow=world.uow, clock=world.clock, ids=world.ids)
    then = await state(world, who, at=START)
    assert (then.tokens, then.held) == ({"bonus": 36}, {"bonus": 4})
    assert [lot.tokens for lot in then.lots] == [36]
    assert (await state(world, who)).tokens == {"bonus": 8}


@pytest.mark.parametrize("name", ["at", "known_at"])
async def test_naive_instants_are_refused(world: World, name: str) -> None:
    """An instant without an offset is refused before anything is read."""
    who = await world.member()
    with pytest.raises(InvalidValue, match="naive"):
        await state(world, who, **{name: datetime(2026, 10, 1)})  # noqa: DTZ001


async def test_nothing_is_known_of_the_future(world: World) -> None:
    """`known_at` to come is refused; the present instant and the ends of the calendar are answered."""
    who = await world.member()
    await world.earn(who, 2, expires_at=None)
    with pytest.raises(InvalidValue, match="known_at: is still to come"):
        await state(world, who, known_at=START + timedelta(microseconds=1))
    assert (await state(world, who, known_at=START)).tokens == {"bonus": 2}
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert (await state(world, who, at=first, known_at=first)).tokens == {}
    assert (await state(world, who, at=last)).tokens == {"bonus": 2}


async def test_an_account_that_is_not_there_is_not_found(world: World) -> None:
    """All three reads say so; an account without tokens has an empty wallet."""
    nobody = AccountId(uid(404))
    for read in (state(world, nobody), page(world, nobody), soon(world, nobody, DAY)):
        with pytest.raises(AccountNotFound):
            await read
    who = await world.member()
    assert (await state(world, who)).tokens == {}
    assert (await state(world, who, at=START - DAY)).tokens == {}
    assert (await page(world, who)).lines == ()
    assert (await soon(world, who, DAY)).tokens == ()


async def test_what_expires_soon_is_told_soonest_first(world: World) -> None:
    """Tokens that end together are one; beyond the time asked about, and beyond the calendar, nothing."""
    who = await world.member()
    for amount, days in ((2, 9), (1, 3), (3, 9), (7, 40)):
        await world.earn(who, amount, expires_at=START + days * DAY)
    found = await soon(world, who, 30 * DAY)
    assert [(item.kind, item.tokens, item.expires_at) for item in found.tokens] == [
        ("bonus", 1, START + 3 * DAY),
        ("bonus", 5, START + 9 * DAY),
    ]
    assert (found.at, found.until) == (START, START + 30 * DAY)
    for within in (timedelta(), timedelta.max):
        with pytest.raises(InvalidValue):
            await soon(world, who, within)


async def told(world: World) -> tuple[AccountId, dict[str, LedgerLine]]:
    """Return a wallet in which much happened, with its lines by what they are."""
    who, title = await world.member(), await world.add_title()
    scopes = (f"title:{title.id}",)
    await world.earn(who, 9, expires_at=START + 2 * DAY, source="ads.reward", rule_version=4)
    world.clock.advance(HOUR)
    spend = tokens.SpendTokens(
        who, title.id, scopes, 3, "unlock", "g", "s", "IN", NEWTACT, "INR", rule_version=2
    )
    made = await tokens.spend_tokens(spend, uow=world.uow, clock=world.clock, ids=world.ids)
    held = await hold(world, who, 4, 30 * DAY, title.id)
    world.clock.advance(3 * DAY)
    await post(world, who, held, title.id, 1)
    refund = tokens.RefundTokens(who, made, "support", "r", "back")
    await tokens.refund_tokens(refund, uow=world.uow, clock=world.clock, ids=world.ids)
    await sweep(world, who)
    earned = (await world.entries(who))[0]
    reverse = tokens.ReverseTokens(who, earned.id, "ads.reward", "fraud", "rev")
    await tokens.reverse_tokens(reverse, uow=world.uow, clock=world.clock, ids=world.ids)
    await world.freeze(who)
    return who, {line.operation: line for line in (await page(world, who)).lines}


async def test_each_line_says_why(world: World) -> None:
    """Lots, title, rule, hold, what is corrected and what could not be had stand on the line."""
    _, lines = await told(world)
    assert [(name, dict(line.tokens), dict(line.held), dict(line.after)) for name, line in lines.items()] == [
        ("freeze", {}, {}, {}),
        ("reverse", {}, {}, {}),
        ("expire", {"bonus": -2}, {}, {"bonus": 0}),
        ("refund", {"bonus": 0}, {}, {"bonus": 2}),
        ("post", {"bonus": 0}, {"bonus": -4}, {"bonus": 2}),
        ("hold", {"bonus": -4}, {"bonus": 4}, {"bonus": 2}),
        ("spend", {"bonus": -3}, {}, {"bonus": 6}),
        ("earn", {"bonus": 9}, {}, {"bonus": 9}),
    ]
    assert {name: [lot.tokens for lot in line.lots] for name, line in lines.items()} == {
        "earn": [9], "spend": [-3], "hold": [-4], "post": [-1], "refund": [3], "expire": [-2],
        "reverse": [], "freeze": [],
    }  # fmt: skip
    assert (lines["earn"].rule_version, lines["spend"].rule_version) == (4, 2)
    assert {name for name, line in lines.items() if line.title} == {"spend", "post", "refund"}
    assert lines["spend"].lots[0].created_at == START
    assert {name: line.corrects.number for name, line in lines.items() if line.corrects} == {
        "refund": 2,
        "reverse": 1,
    }
    assert lines["refund"].corrects is not None
    assert lines["refund"].corrects.reference == lines["spend"].reference
    until = START + HOUR + 30 * DAY
    assert (lines["hold"].hold_until, lines["post"].hold_until) == (until, until)
    assert (lines["post"].expired, lines["refund"].expired, lines["expire"].expired) == (3, 3, 0)
    assert lines["reverse"].uncollectable == 9
    assert {name: line.source for name, line in lines.items() if name in ("earn", "freeze", "expire")} == {
        "earn": "ads.reward",
        "freeze": "staff",
        "expire": "sweep",
    }


async def test_pages_are_one_history(world: World) -> None:
    """Whatever the size of the pages, and whatever is written meanwhile, the lines are the same."""
    who, _ = await told(world)
    whole = (await page(world, who)).lines
    for size in (1, 2, 3, 7):
        found = await page(world, who, limit=size)
        lines = list(found.lines)
        while found.next is not None:
            await world.earn(who, 1) if not (await world.wallet(who)).is_frozen else None
            found = await page(world, who, StatementPlace.of_text(found.next.text), size)
            lines += found.lines
        assert tuple(lines) == whole


async def test_a_place_of_no_page_is_refused(world: World) -> None:
    """Beyond the newest entry, or with balances that do not add up to nothing in the end."""
    who = await world.member()
    await world.earn(who, 2)
    for place in (StatementPlace(9, {BONUS: 2}), StatementPlace(2, {BONUS: 3}), StatementPlace(2, {})):
        with pytest.raises(BadStatementPlace):
            await page(world, who, place)
    assert [line.number for line in (await page(world, who, StatementPlace(2, {BONUS: 2}))).lines] == [1]


async def test_a_joined_guest_has_the_members_wallet(world: World) -> None:
    """Asked of the guest, the member's is answered; a correction of the guest's entry has no number there."""
    guest, title = await world.guest(), (await world.add_title()).id
    await world.earn(guest, 2, earned_as_guest=True)
    spend = tokens.SpendTokens(guest, title, (f"title:{title}",), 2, "unlock", "g", "s", "IN", NEWTACT, "INR")
    made = await tokens.spend_tokens(spend, uow=world.uow, clock=world.clock, ids=world.ids)
    member = await world.member()
    await world.merge(guest, member)
    refund = tokens.RefundTokens(member, made, "support", "r", "back")
    await tokens.refund_tokens(refund, uow=world.uow, clock=world.clock, ids=world.ids)
    assert (await state(world, guest)).tokens == {"bonus": 2}
    found = await page(world, guest)
    assert found.account_id == member
    assert [line.operation for line in found.lines] == ["refund", "transfer_in"]
    assert found.lines[0].corrects is not None
    assert found.lines[0].corrects.number is None


async def test_staff_who_look_are_on_record(world: World) -> None:
    """Each read of another's wallet leaves who, whose and what; one's own leaves nothing."""
    support, who = await world.staff("support", ip="192.0.2.5"), await world.member()
    await world.earn(who, 2)
    look = Look(support, "c1")
    assert (await state(world, who, at=START, look=look)).tokens == {"bonus": 2}
    assert (await page(world, who, StatementPlace(2, {BONUS: 2}), look=look)).lines
    assert (await soon(world, who, DAY, look=look)).tokens == ()
    await state(world, who)
    records = await world.records("wallet.read")
    assert [(item.actor, item.resource, item.ip, item.correlation_id) for item in records] == [
        (support.name, str(who), "192.0.2.5", "c1")
    ] * 3
    assert [item.after for item in records] == [
        '{"at":"2026-10-10T12:00:00.000000Z","read":"balance"}',
        '{"before":2,"read":"statement"}',
        '{"read":"expiring"}',
    ]


async def test_who_may_not_see_accounts_sees_no_wallet(world: World) -> None:
    """A member, and staff without the permission, are refused before anything is looked for or recorded."""
    who = await world.member()
    for actor in (VIEWER, await world.staff("finance")):
        look = Look(actor, "c1")
        for read in (
            state(world, AccountId(uid(404)), look=look),
            page(world, who, look=look),
            soon(world, who, DAY, look=look),
        ):
            with pytest.raises(NotPermitted):
                await read
    assert await world.records("wallet.read") == []
