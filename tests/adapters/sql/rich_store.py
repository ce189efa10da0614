"""A small store that has a row of every sort in every table that `buddy verify` lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from attrs import evolve

from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SequentialIds, SettableClock
from buddy_core.access import (
    BUILT_IN,
    SECOND_PERSON_RULES,
    SYSTEM,
    Actor,
    Assignment,
    Change,
    Outcome,
    Role,
    ScopeKind,
    ask_in,
    decide_in,
    record_in,
)
from buddy_core.accounts import Account, AccountType, Credential
from buddy_core.flows import (
    AssignRole,
    assign_role,
    close_month,
    define_role,
    freeze_wallet,
    merge_guest,
    revoke_role,
    set_token_value,
    unlock_title,
)
from buddy_core.kernel.ids import AccountId, EntryId, HoldId, LotId
from buddy_core.tokens import (
    BONUS,
    HELD,
    PAID,
    SOLD,
    WALLET,
    EarnTokens,
    Entry,
    FreezeWallet,
    Hold,
    Lot,
    OpenLot,
    Operation,
    Posted,
    Posting,
    SetTokenValue,
    Wallet,
    earn_tokens,
    spent_on,
)
from buddy_web.reference import SELLER_ROUTES, TOKEN_VALUES, seed_reference
from tests.crash.world import Request, add_catalogue, member, title_id, viewer

START = datetime(2026, 1, 20, 8, 30, 0, 123456, tzinfo=UTC)
BUYER = member(9)
"""Who has bought tokens, holds some and got some back: what the ledger can store but no flow writes yet."""


async def fill(uow: SqlUnitOfWork) -> None:
    """Fill a migrated database: two guests merge into a member, two months are closed, one is running."""
    clock, ids = SettableClock(START), SequentialIds(7)
    await seed_reference(uow=uow, clock=clock)
    await add_catalogue(uow)
    async with uow.begin() as tx:
        for number in (0, 1):
            await tx.accounts.add(Account(viewer(number), AccountType.GUEST, START))
        for account in (member(0), BUYER):
            mail = f"{account.int}@example.com"
            credential = Credential(account, "no password has this hash")
            await tx.accounts.add(Account(account, AccountType.REGISTERED, START, mail), credential)
    for account in (viewer(0), viewer(1), member(0)):
        await _earn(account, uow, clock, ids)
    await _buy_hold_and_refund(uow)

    async def unlock(account: AccountId, title: int, country: str) -> None:
        clock.advance(timedelta(minutes=7, microseconds=11))
        request = Request(f"{account.int}-{title}", account, title_id(title), country)
        await unlock_title(
            BUILT_IN.actor(account), request.command, uow=uow, clock=clock, ids=ids, routes=SELLER_ROUTES
        )

    async def close(month: str) -> None:
        await close_month(
            SYSTEM, month, SELLER_ROUTES.entities, correlation_id="c-1", uow=uow, clock=clock, ids=ids
        )

    # A film costs ten: the six bonus tokens and four that were paid for.
    await unlock(viewer(0), 2, "IN")
    await unlock(viewer(1), 1, "AE")
    clock.set(START + timedelta(days=15))
    await close("2026-01")
    for kind in (BONUS, PAID):
        # As far as one person may go alone.
        values = {currency: value * Fraction(6, 5) for currency, value in TOKEN_VALUES[kind].items()}
        version = SetTokenValue(kind, clock.now() + timedelta(hours=1), values, "system", f"v2-{kind}")
        await set_token_value(
            SYSTEM, version, correlation_id="c-2", uow=uow, clock=clock, ids=ids, routes=SELLER_ROUTES
        )
    clock.advance(timedelta(hours=2))
    await unlock(member(0), 1, "IN")
    await unlock(viewer(1), 0, "IN")

    async def freeze(account: AccountId, is_frozen: bool) -> None:
        clock.advance(timedelta(minutes=1))
        command = FreezeWallet(account, is_frozen, "a reason", "system", f"f-{account.int}-{is_frozen}")
        await freeze_wallet(SYSTEM, command, correlation_id="c-3", uow=uow, clock=clock, ids=ids)

    await freeze(viewer(1), True)
    await freeze(viewer(0), True)
    await freeze(viewer(0), False)
    for number in (0, 1):
        clock.advance(timedelta(minutes=3))
        await merge_guest(viewer(number), member(0), uow=uow, clock=clock, ids=ids)
    clock.set(START + timedelta(days=45))
    await close("2026-02")
    await close("2026-03")
    await _give_roles(uow, clock)
    await _ask_and_decide(uow, clock)
    await freeze(BUYER, True)


async def _give_roles(uow: SqlUnitOfWork, clock: SettableClock) -> None:
    """Define two roles of the operator's own, give roles of every scope, and take one away again."""
    async with uow.read() as tx:
        producer = (await tx.producers.all())[0].short_id
    everywhere = frozenset({ScopeKind.GLOBAL, ScopeKind.TERRITORY})
    desk = Role("night_desk", "Night desk", frozenset({"flag:set", "user:read"}), scopes=everywhere)
    crew = Role("crew", "Crew", frozenset(), frozenset({"night_desk", "analyst"}), everywhere, "by night")
    for role in (desk, crew):
        await define_role(SYSTEM, role, correlation_id="c-6", uow=uow, clock=clock)
    first, second = (f"{account.int}@example.com" for account in (member(0), BUYER))
    for wanted in (
        AssignRole(first, "super_admin"),
        AssignRole(first, "crew", territory="IN"),
        AssignRole(second, "partner_admin", producer=producer),
        AssignRole(second, "finance"),
    ):
        clock.advance(timedelta(seconds=1))
        await assign_role(SYSTEM, wanted, correlation_id="c-7", uow=uow, clock=clock)
    await revoke_role(SYSTEM, AssignRole(second, "finance"), correlation_id="c-8", uow=uow, clock=clock)


async def _ask_and_decide(uow: SqlUnitOfWork, clock: SettableClock) -> None:
    """Keep requests of a member of staff and of the operator: one of each outcome, and one that waits."""
    asking, deciding = (_in_finance(account) for account in (member(0), BUYER))
    asked = (
        (asking, deciding, Outcome.APPROVED),
        (asking, SYSTEM, Outcome.REJECTED),
        (SYSTEM, SYSTEM, Outcome.WITHDRAWN),
        (asking, None, Outcome.APPROVED),
    )
    for number, (by, second, outcome) in enumerate(asked, start=1):
        clock.advance(timedelta(minutes=5, microseconds=7))
        change = Change("tokens.grant", str(viewer(number)), None, {"tokens": 50 + number}, f"c-4-{number}")
        rule, measure = SECOND_PERSON_RULES[change.action], Fraction(50 + number)
        async with uow.begin() as tx:
            await ask_in(tx, by, rule, f"apr_{number}", change, measure, "a film stopped", clock.now())
            if second is not None:
                await decide_in(tx, second, f"apr_{number}", outcome, "as agreed", clock.now(), "c-5")
    looking = Actor(viewer(0), impersonator=BUYER, ip="192.0.2.7")
    async with uow.begin() as tx:
        await record_in(tx, looking, Change("wallet.read", str(viewer(0)), None, None), clock.now())


def _in_finance(account: AccountId) -> Actor:
    given = [Assignment(account, "finance")]
    return BUILT_IN.actor(account, given, has_second_factor=True, ip="2001:db8::1")


async def _earn(account: AccountId, uow: SqlUnitOfWork, clock: SettableClock, ids: SequentialIds) -> None:
    lots = (
        EarnTokens(
            account, BONUS, 6, "ads.reward", "rwd_1", "e-1", START + timedelta(days=90), True, rule_version=1
        ),
        EarnTokens(account, PAID, 9, "test", "sale", "e-2", None, False, priority=10),
        EarnTokens(account, BONUS, 3, "gift", "", "e-3", None, False, scopes=("type:short", "type:film")),
    )
    for command in lots:
        clock.advance(timedelta(seconds=1))
        await earn_tokens(command, uow=uow, clock=clock, ids=ids)


async def _buy_hold_and_refund(uow: SqlUnitOfWork) -> None:
    """Post entries that only the ledger's format knows so far: purchase, hold, void, spend and refund."""
    lot = Lot(
        id=LotId(UUID(int=0x6001)),
        origin_id=LotId(UUID(int=0x6001)),
        kind=PAID,
        amount=50,
        effective_from=START,
        expires_at=START + timedelta(days=365),
        created_at=START,
        source="order",
        earned_as_guest=False,
        cost_minor=4900,
        cost_currency="INR",
    )
    hold = Hold(HoldId(UUID(int=0x6101)), 5, START + timedelta(minutes=10))
    title = spent_on(title_id(0))
    steps: list[tuple[Operation, int, str, dict[str, Any]]] = [
        (Operation.PURCHASE, 50, SOLD, {"lots": (lot,)}),
        (Operation.HOLD, -5, HELD, {"holds": (hold,)}),
        (Operation.VOID, 5, HELD, {"hold_id": hold.id}),
        (Operation.SPEND, -4, title, {"country": "IN", "entity": SELLER_ROUTES.otherwise}),
        (Operation.REFUND, 4, title, {"corrects": EntryId(UUID(int=0x6204))}),
    ]
    wallet, left = Wallet(BUYER), 0
    posted = []
    for sequence, (operation, amount, account, facts) in enumerate(steps, start=1):
        left += amount
        entry = Entry(
            id=EntryId(UUID(int=0x6200 + sequence)),
            account_id=BUYER,
            sequence=sequence,
            previous_hash=wallet.head,
            operation=operation,
            effective_at=START,
            recorded_at=START + timedelta(microseconds=sequence),
            idempotency_key=f"b-{sequence}",
            source="test",
            source_ref=f"ord_{sequence}",
            postings=_postings(lot, amount, account),
        )
        entry = evolve(entry, **facts)
        wallet = wallet.after(entry, (OpenLot(lot, left),))
        posted.append(Posted(wallet, entry))
    async with uow.begin() as tx:
        await tx.wallets.append(posted)


def _postings(lot: Lot, amount: int, account: str) -> tuple[Posting, Posting]:
    """Move `amount` between the lot and an account; what is spent is worth a rupee a token."""
    is_spend = account not in (SOLD, HELD)

    def one(of: str, lot_id: LotId | None, moved: int) -> Posting:
        worth = Fraction(100 * moved) if is_spend else None
        return Posting(of, lot_id, PAID, moved, 1, "INR" if is_spend else None, worth)

    return one(WALLET, lot.id, amount), one(account, None, -amount)
