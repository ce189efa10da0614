"""A small store that has a row of every sort in every table that `buddy verify` lists."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

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
    BringFacts,
    RefundUnlock,
    SetTerms,
    assign_role,
    bring_facts,
    close_month,
    define_role,
    freeze_wallet,
    merge_guest,
    refund_unlock,
    revoke_role,
    set_terms,
    set_token_value,
    unlock_title,
)
from buddy_core.kernel.ids import AccountId, EntryId, HoldId
from buddy_core.royalty import (
    AdRevenue,
    Facts,
    InputKind,
    Model,
    Paid,
    Sale,
    SubscriptionRevenue,
    Watch,
    facts_json,
)
from buddy_core.tokens import (
    BONUS,
    PAID,
    AdjustTokens,
    BuyTokens,
    EarnTokens,
    FreezeWallet,
    HoldTokens,
    PostHold,
    RefundTokens,
    ReverseTokens,
    SetTokenValue,
    SpendTokens,
    VoidHold,
    adjust_tokens,
    buy_tokens,
    earn_tokens,
    hold_tokens,
    post_hold,
    refund_tokens,
    reverse_tokens,
    spend_tokens,
    void_hold,
)
from buddy_web.reference import NEWTACT, SELLER_ROUTES, TOKEN_VALUES, seed_reference
from tests.crash.world import TITLES, Request, add_catalogue, member, title_id, viewer

START = datetime(2026, 1, 20, 8, 30, 0, 123456, tzinfo=UTC)
BUYER = member(9)
"""Who has bought tokens, holds some and got some back: what no flow of ours does yet."""


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
    await _buy_hold_and_refund(uow, clock, ids)

    async def unlock(account: AccountId, title: int, country: str) -> EntryId:
        clock.advance(timedelta(minutes=7, microseconds=11))
        request = Request(f"{account.int}-{title}", account, title_id(title), country)
        done = await unlock_title(
            BUILT_IN.actor(account), request.command, uow=uow, clock=clock, ids=ids, routes=SELLER_ROUTES
        )
        return done.entry_id

    async def close(month: str) -> None:
        report = await close_month(
            SYSTEM, month, SELLER_ROUTES.entities, correlation_id="c-1", uow=uow, clock=clock, ids=ids
        )
        assert not report.refused, report.refused

    # A film costs ten: the six bonus tokens and four that were paid for.
    film = await unlock(viewer(0), 2, "IN")
    await unlock(viewer(1), 1, "AE")
    await _set_terms(uow, clock)
    await _bring(uow, clock, "2026-01", "january", JANUARY)
    await _bring(uow, clock, "2026-01", "ads", None)
    clock.set(START + timedelta(days=15))
    await _bring(uow, clock, "2026-01", "ads", ADS)
    await close("2026-01")
    await _bring(uow, clock, "2026-01", "late", LATE)
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
    # Of two kinds of tokens, two months after it was spent and closed.
    given_back = RefundUnlock(member(0), film, "never played", "r-1")
    await refund_unlock(SYSTEM, given_back, correlation_id="c-9", uow=uow, clock=clock, ids=ids)
    await _give_roles(uow, clock)
    await _ask_and_decide(uow, clock)
    await freeze(BUYER, True)


FILM = f"{TITLES[2].type}/{TITLES[2].short_id}"
JANUARY = Facts(
    sales=(Sale("s-1", Model.RENTAL, FILM, "IN", "INR", Paid(11_800, 1_800, fee=250), START),),
    subscriptions=(SubscriptionRevenue("r-1", "gold", "IN", "INR", Paid(1_001), "a"),),
    watch=(Watch("a", FILM, "IN", 777, "gold"),),
)
ADS = Facts(ads=(AdRevenue("a-1", "IN", "INR", Paid(5_000), is_rewarded=True),))
LATE = Facts(sales=(Sale("s-2", Model.EST, FILM, "IN", "INR", Paid(333), START),))


async def _set_terms(uow: SqlUnitOfWork, clock: SettableClock) -> None:
    """Set terms of every kind for the seller of January's film, change one, and take another away."""
    async with uow.read() as tx:
        [licence] = (await tx.rights.of_titles([TITLES[2].id]))[TITLES[2].id].licences
        [maker] = [one for one in await tx.producers.all() if one.id == TITLES[2].producer_id]
    account = {"holder": maker.short_id, "currency": "INR", "advance": 2_000}
    equity = {"name": "equity", "takes": "recoup", "amount": 70, "taker": maker.short_id}
    for kind, key, terms in (
        (InputKind.ACCOUNT, "main", account),
        (InputKind.ACCOUNT, "other", account),
        (InputKind.LICENCE, licence.number, {"rates": {"rental": "1/2"}, "account": "main"}),
        (InputKind.POOL, "gold", {"method": "user_centric", "silent": "carry"}),
        (InputKind.WATERFALL, FILM, {"currency": "INR", "steps": [equity]}),
        (InputKind.ACCOUNT, "main", {**account, "advance": 3_000}),
        (InputKind.ACCOUNT, "other", None),
    ):
        clock.advance(timedelta(seconds=1, microseconds=3))
        command = SetTerms(NEWTACT, kind, key, terms)
        await set_terms(SYSTEM, command, correlation_id="c-10", uow=uow, clock=clock)


async def _bring(
    uow: SqlUnitOfWork, clock: SettableClock, month: str, name: str, facts: Facts | None
) -> None:
    """Bring in facts of a month, or announce them."""
    clock.advance(timedelta(seconds=1, microseconds=5))
    content = None if facts is None else facts_json(facts).encode()
    command = BringFacts(NEWTACT, month, name, content)
    await bring_facts(SYSTEM, command, correlation_id="c-11", uow=uow, clock=clock)


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
            if second is not None and outcome is Outcome.APPROVED:
                done = {"tokens": 50 + number, "request": f"apr_{number}"}
                await record_in(tx, second, Change(change.action, change.resource, None, done), clock.now())
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


async def _buy_hold_and_refund(uow: SqlUnitOfWork, clock: SettableClock, ids: SequentialIds) -> None:
    """Buy, hold, void, post, spend and refund; reverse and adjust; what one hold set aside stays so."""
    who: dict[str, Any] = {"uow": uow, "clock": clock, "ids": ids}
    cause: dict[str, Any] = {"source": "test", "source_ref": "ord_1"}
    scopes = ("type:film",)
    seller = {"country": "IN", "entity": SELLER_ROUTES.otherwise, "currency": "INR"}

    async def hold(amount: int, key: str, minutes: int = 10) -> HoldId:
        end = clock.now() + timedelta(minutes=minutes)
        return await hold_tokens(HoldTokens(BUYER, scopes, amount, end, idempotency_key=key, **cause), **who)

    lasting = clock.now() + timedelta(days=365)
    bought = await buy_tokens(
        BuyTokens(BUYER, PAID, 50, 4900, "INR", idempotency_key="b-1", expires_at=lasting, **cause), **who
    )
    first = await hold(5, "b-2")
    await void_hold(VoidHold(BUYER, first, idempotency_key="b-3", **cause), **who)
    second = await hold(6, "b-4")
    await post_hold(
        PostHold(BUYER, second, title_id(0), scopes, idempotency_key="b-5", amount=4, **seller, **cause),
        **who,
    )
    spent = await spend_tokens(
        SpendTokens(BUYER, title_id(0), scopes, 4, idempotency_key="b-6", **seller, **cause), **who
    )
    await refund_tokens(RefundTokens(BUYER, spent, idempotency_key="b-7", amount=3, **cause), **who)
    withdrawn = await earn_tokens(EarnTokens(BUYER, BONUS, 2, "gift", "", "b-8", None, False), **who)
    await reverse_tokens(ReverseTokens(BUYER, withdrawn, idempotency_key="b-9", **cause), **who)
    async with uow.read() as tx:
        [lot] = (await tx.entries.get([bought]))[bought].lots
    await adjust_tokens(AdjustTokens(BUYER, bought, lot.id, -1, "one too many", "system", "b-10"), **who)
    await hold(7, "b-11", minutes=60)
