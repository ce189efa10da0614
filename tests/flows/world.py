"""A small world that flows act in: sellers and prices of the reference, titles, guests, and their tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from attrs import define, evolve, field

from buddy_adapters.passwords import BcryptPasswords
from buddy_adapters.system import SequentialIds, SettableClock
from buddy_adapters.text.slugs import transliterator
from buddy_core import flows, tokens
from buddy_core.access import (
    BUILT_IN,
    GLOBAL,
    SYSTEM,
    Actor,
    Assignment,
    AuditRecord,
    Change,
    Decision,
    Outcome,
    Scope,
    actor_in,
    record_in,
)
from buddy_core.accounts import begin_guest, find_account
from buddy_core.ads import AdCallback, Reward
from buddy_core.catalog import Producer, Title, TitleType
from buddy_core.entitlements import Context, Grant
from buddy_core.kernel import AccountId, DeviceId, EntryId, LicenceId, LotId, PartnerId, SessionId, TitleId
from buddy_core.playback import Beat, PlaybackSession
from buddy_core.rights import WORLDWIDE, Licence, Territories, Window
from buddy_core.royalty import (
    PLATFORM,
    PlatformStatement,
    StoredStatement,
    TokenSpend,
    Whose,
    read_platform,
)
from buddy_core.sessions import Dead, LoginSession, SecondFactor, Started
from buddy_core.shortids import Stock
from buddy_core.tokens import BONUS, PAID, Entry, Lot, Operation, Posting, TokenKind
from buddy_web.reference import (
    FIRST_DAY,
    NEWTACT,
    PRODUCER_SHARE,
    SELLER_ROUTES,
    TOKEN_COSTS,
    seed_reference,
)
from tests.contracts.cases import Uow

START = datetime(2026, 10, 10, 12, 0, tzinfo=UTC)
"""Where the clock stands when a test begins: the middle of October in every zone."""
TICK = timedelta(microseconds=1)
DEVICE = DeviceId("device-1")
AD_UNIT = "unit-1"
PASSWORD = "Monsoon-2026"
VIEWER = BUILT_IN.actor(AccountId(UUID(int=0xA0)), has_second_factor=True)
"""Somebody without the permissions of staff."""

_SEEDED = "seeded"
"""The correlation id of what a test begins with."""
_PASSWORDS = BcryptPasswords(cost=4)


@define
class World:
    """A store with the reference data in it, a clock that stands, and ids that repeat."""

    uow: Uow
    clock: SettableClock = field(factory=lambda: SettableClock(START))
    ids: SequentialIds = field(factory=SequentialIds)
    producer: Producer = None  # type: ignore[assignment]
    stock: Stock = field(factory=Stock)
    _second: Actor | None = None
    _count: int = 0

    # -- what is there ------------------------------------------------------------------------------

    async def seed(self) -> None:
        """Write the reference data and the first producer."""
        await seed_reference(uow=self.uow, clock=self.clock)
        self.producer = await self.add_producer()

    async def add_producer(self) -> Producer:
        """Add another producer."""
        wanted = Producer(PartnerId(self.ids.uuid7()), "", f"Producer {self._next()}")
        return await flows.add_producer(wanted, uow=self.uow, clock=self.clock, stock=self.stock)

    async def add_title(
        self,
        type: TitleType = TitleType.EPISODE,
        *,
        licences: Sequence[Licence] | None = None,
        windows: tuple[Window, ...] | None = None,
        excluded: tuple[str, ...] = (),
        share: Fraction = PRODUCER_SHARE,
        **changes: Any,
    ) -> Title:
        """Add a title that is out and licensed worldwide, where nothing else is said."""
        title_id = TitleId(self.ids.uuid7())
        title = Title(
            id=title_id,
            short_id="",
            slug="",
            type=type,
            name=f"Title {self._next()}",
            synopsis="",
            producer_id=self.producer.id,
            maturity="U",
            languages=("hi",),
            year=2026,
            duration_s=60,
            published_at=FIRST_DAY,
            media_key="clip",
        )
        title = evolve(title, **changes)
        if licences is None:
            licences = [self.licence(title_id, share=share, excluded=excluded)]
        title_id = title.id
        command = flows.AddTitle(title, tuple(evolve(item, title_id=title_id) for item in licences), windows)
        return await flows.add_title(
            command, uow=self.uow, clock=self.clock, transliterator=transliterator, stock=self.stock
        )

    def licence(
        self, title_id: TitleId | None = None, partner: Producer | None = None, **changes: Any
    ) -> Licence:
        """Return a licence of the first producer, worldwide since the first day."""
        values: dict[str, Any] = {
            "id": LicenceId(self.ids.uuid7()),
            "title_id": title_id or TitleId(self.ids.uuid7()),
            "partner_id": (partner or self.producer).id,
            "share": PRODUCER_SHARE,
            "territories": (WORLDWIDE,),
            "starts_at": FIRST_DAY,
        }
        return Licence(**_placed({**values, **changes}))

    # -- people -------------------------------------------------------------------------------------

    async def guest(self) -> AccountId:
        """Make a guest."""
        return (await begin_guest(uow=self.uow, clock=self.clock, ids=self.ids)).id

    async def register(
        self,
        email: str = "",
        guest: AccountId | None = None,
        key: str | None = None,
        password: str = PASSWORD,
    ) -> flows.Joined:
        """Make a member, out of a guest if one is named."""
        number = self._next()
        command = flows.Register(email or f"m{number}@example.com", password, guest, key or f"r{number}")
        return await flows.register(
            command, uow=self.uow, clock=self.clock, ids=self.ids, passwords=_PASSWORDS
        )

    async def member(self, email: str = "") -> AccountId:
        """Make a member who has nothing yet."""
        return (await self.register(email)).account_id

    async def sign_in(self, email: str, guest: AccountId | None, password: str = PASSWORD) -> flows.Joined:
        """Sign in, with a guest on the device or none, and return what came along."""
        return (await self.enter(email, guest, password)).joined

    async def enter(
        self, email: str, guest: AccountId | None = None, password: str = PASSWORD, ip: str = ""
    ) -> flows.SignedIn:
        """Sign in, and return the session too."""
        return await flows.sign_in(
            flows.SignIn(email, password, guest, "Firefox on Linux", ip),
            uow=self.uow,
            clock=self.clock,
            ids=self.ids,
            passwords=_PASSWORDS,
        )

    async def merge(self, guest: AccountId, member: AccountId) -> flows.Joined:
        """Merge a guest into a member."""
        return await flows.merge_guest(guest, member, uow=self.uow, clock=self.clock, ids=self.ids)

    # -- tokens -------------------------------------------------------------------------------------

    async def earn(self, who: AccountId, amount: int, kind: TokenKind = BONUS, **changes: Any) -> None:
        """Credit tokens that last 90 days, where nothing else is said."""
        values: dict[str, Any] = {
            "account_id": who,
            "kind": kind,
            "amount": amount,
            "source": "test",
            "source_ref": "test",
            "idempotency_key": f"earn-{self._next()}",
            "expires_at": self.clock.now() + timedelta(days=90),
            "earned_as_guest": False,
        }
        command = tokens.EarnTokens(**{**values, **changes})
        await tokens.earn_tokens(command, uow=self.uow, clock=self.clock, ids=self.ids)

    async def buy(self, who: AccountId, lot: Lot) -> None:
        """Put a bought lot into a wallet; no flow sells tokens yet, but the ledger can hold them."""
        async with self.uow.begin() as tx:
            await tx.wallets.lock([who])
            wallet = (await tx.wallets.load([who]))[who]
            entry = Entry(
                id=EntryId(self.ids.uuid7()),
                account_id=who,
                sequence=wallet.sequence + 1,
                previous_hash=wallet.head,
                operation=Operation.PURCHASE,
                effective_at=lot.created_at,
                recorded_at=lot.created_at,
                idempotency_key=f"buy-{self._next()}",
                source="test",
                source_ref="test",
                postings=(
                    Posting(tokens.SOLD, None, lot.kind, -lot.amount, 1),
                    Posting(tokens.WALLET, lot.id, lot.kind, lot.amount, 1),
                ),
                lots=(lot,),
            )
            after = wallet.after(entry, (*wallet.lots, tokens.OpenLot(lot, lot.amount)))
            await tx.wallets.append([tokens.Posted(after, entry)])

    async def freeze(self, who: AccountId, is_frozen: bool = True, actor: Actor = SYSTEM) -> None:
        """Freeze a wallet, or unfreeze it."""
        command = tokens.FreezeWallet(who, is_frozen, "a test", actor.name, f"freeze-{self._next()}")
        await flows.freeze_wallet(
            actor, command, correlation_id="c1", uow=self.uow, clock=self.clock, ids=self.ids
        )

    async def set_value(
        self,
        kind: TokenKind,
        inr: Fraction,
        usd: Fraction,
        *,
        since: datetime | None = None,
        actor: Actor = SYSTEM,
        key: str = "",
    ) -> int | flows.Awaiting:
        """Add a value version from `since`, or from as soon as may be; a large change waits."""
        command = tokens.SetTokenValue(
            kind,
            since or self.clock.now() + tokens.NOTICE,
            {"INR": inr, "USD": usd},
            actor.name,
            key or f"value-{self._next()}",
        )
        return await flows.set_token_value(
            actor,
            command,
            correlation_id="c1",
            uow=self.uow,
            clock=self.clock,
            ids=self.ids,
            routes=SELLER_ROUTES,
        )

    async def revalue(self, kind: TokenKind, inr: Fraction, usd: Fraction) -> None:
        """Have a version count that two people want, however large the change; the clock moves to it."""
        soon = self.clock.now() + tokens.NOTICE
        waiting = await self.set_value(kind, inr, usd, since=soon)
        if isinstance(waiting, flows.Awaiting):
            await self.settle_request(waiting.request_id, actor=await self.second())
        self.clock.set(soon)

    async def grant(
        self,
        who: AccountId,
        amount: int,
        *,
        actor: Actor = SYSTEM,
        reason: str = "a film stopped",
        key: str = "",
    ) -> EntryId | flows.Awaiting:
        """Give tokens to make up for something; many wait."""
        command = flows.GrantTokens(who, amount, reason, key or f"grant-{self._next()}")
        return await flows.grant_tokens(
            actor, command, correlation_id="c1", uow=self.uow, clock=self.clock, ids=self.ids
        )

    async def refund(
        self,
        who: AccountId,
        entry: EntryId,
        *,
        actor: Actor = SYSTEM,
        reason: str = "never played",
        key: str = "",
        uow: Uow | None = None,
    ) -> flows.RefundedUnlock:
        """Give back what an entry spent."""
        command = flows.RefundUnlock(who, entry, reason, key or f"refund-{self._next()}")
        return await flows.refund_unlock(
            actor, command, correlation_id="c1", uow=uow or self.uow, clock=self.clock, ids=self.ids
        )

    async def reverse(
        self, who: AccountId, entry: EntryId, *, actor: Actor = SYSTEM, reason: str = "fraud", key: str = ""
    ) -> flows.ReversedEarning:
        """Take back what an entry brought in."""
        command = flows.ReverseEarning(who, entry, reason, key or f"reverse-{self._next()}")
        return await flows.reverse_earning(
            actor, command, correlation_id="c1", uow=self.uow, clock=self.clock, ids=self.ids
        )

    async def adjust(
        self,
        who: AccountId,
        entry: Entry,
        amount: Any,
        *,
        lot: LotId | None = None,
        actor: Actor = SYSTEM,
        reason: str = "counted twice",
        key: str = "",
    ) -> EntryId | flows.Awaiting:
        """Put right the lot that an entry opened, or another one."""
        lot_id = lot or entry.lots[0].id
        command = flows.AdjustLot(who, entry.id, lot_id, amount, reason, key or f"adjust-{self._next()}")
        return await flows.adjust_lot(
            actor, command, correlation_id="c1", uow=self.uow, clock=self.clock, ids=self.ids
        )

    async def settle_request(
        self,
        request_id: str,
        outcome: Outcome = Outcome.APPROVED,
        *,
        actor: Actor,
        reason: str = "as agreed",
        uow: Uow | None = None,
    ) -> Decision:
        """Decide a request for a second person."""
        return await flows.decide_request(
            actor,
            flows.DecideRequest(request_id, outcome, reason),
            correlation_id="c2",
            uow=uow or self.uow,
            clock=self.clock,
            ids=self.ids,
            routes=SELLER_ROUTES,
        )

    # -- staff --------------------------------------------------------------------------------------

    async def staff(self, role: str, scope: Scope = GLOBAL, ip: str = "192.0.2.1") -> Actor:
        """Make a member with a role, and return them as they are after proving a second factor."""
        account = await self.member()
        after = {"role": role, "scope": str(scope)}
        async with self.uow.begin() as tx:
            await tx.assignments.add(Assignment(account, role, scope))
            change = Change("role.assign", str(account), [], after, _SEEDED)
            await record_in(tx, SYSTEM, change, self.clock.now())
        return await self.actor(account, ip=ip)

    async def second(self) -> Actor:
        """Return the second person, of finance, who approves what the first asks for."""
        if self._second is None:
            self._second = await self.staff("finance")
        return self._second

    async def actor(self, account: AccountId, ip: str = "192.0.2.1") -> Actor:
        """Return an account with the roles that it has now, its second factor proved."""
        async with self.uow.read() as tx:
            return await actor_in(tx, account, has_second_factor=True, ip=ip)

    async def identify(self, started: Started, ip: str = "") -> flows.Who | Dead:
        """Tell whom a session's access token stands for now."""
        return await flows.identify(started.claims, ip=ip, uow=self.uow, clock=self.clock)

    async def sessions(self, account: AccountId) -> list[LoginSession]:
        """Return an account's sessions, open and ended."""
        async with self.uow.read() as tx:
            found: list[LoginSession] = await tx.login_sessions.of_account(account, 100)
        return found

    async def give_factor(self, account: AccountId) -> None:
        """Let an account have a confirmed second factor."""
        at = self.clock.now()
        async with self.uow.begin() as tx:
            await tx.second_factors.add(SecondFactor(account, b"sealed", at, confirmed_at=at, last_step=0))

    async def prove(self, started: Started) -> None:
        """Have a session count as proven by the second factor from now on."""
        async with self.uow.begin() as tx:
            session = await tx.login_sessions.lock(started.session.id)
            await tx.login_sessions.save(evolve(session, second_factor_at=self.clock.now()))

    async def email(self, account: AccountId) -> str:
        """Return a member's address."""
        found = (await find_account(account, uow=self.uow)).email
        assert found is not None
        return found

    async def assignments(self, account: AccountId) -> set[tuple[str, str]]:
        """Return role and scope of all that an account was assigned."""
        async with self.uow.read() as tx:
            return {(item.role, str(item.scope)) for item in await tx.assignments.of(account)}

    async def unlock(
        self,
        who: AccountId,
        title: Title,
        *,
        key: str = "",
        country: str | None = "IN",
        seen: int | None = None,
        version: int = 1,
        uow: Uow | None = None,
        clock: Any = None,
    ) -> flows.Unlocked:
        """Unlock a title at the cost of its type, as seen before."""
        tokens_seen = TOKEN_COSTS.by_type.get(title.type, 1) if seen is None else seen
        command = flows.UnlockTitle(
            who, title.id, tokens_seen, version, country, key or f"unlock-{self._next()}"
        )
        return await flows.unlock_title(
            BUILT_IN.actor(who),
            command,
            uow=uow or self.uow,
            clock=clock or self.clock,
            ids=self.ids,
            routes=SELLER_ROUTES,
        )

    # -- ads ----------------------------------------------------------------------------------------

    async def begin_ad(
        self, who: AccountId, device: str = DEVICE, ip: str = "ip-1", ad_unit: str = AD_UNIT
    ) -> Reward:
        """Begin a rewarded ad."""
        command = flows.BeginReward(who, DeviceId(device), ip, ad_unit)
        return await flows.begin_reward(
            BUILT_IN.actor(who), command, uow=self.uow, clock=self.clock, ids=self.ids
        )

    def callback(self, reward: Reward, **changes: Any) -> AdCallback:
        """Return what the network says of a reward now."""
        values: dict[str, Any] = {
            "network": "sandbox",
            "transaction_id": f"t-{reward.id}",
            "ad_unit": reward.ad_unit,
            "nonce": reward.nonce,
            "at": self.clock.now(),
        }
        return AdCallback(**{**values, **changes})

    async def settle(self, callback: AdCallback, uow: Uow | None = None) -> Reward:
        """Settle a callback."""
        return await flows.settle_reward(callback, uow=uow or self.uow, clock=self.clock, ids=self.ids)

    async def watch_ad(self, who: AccountId, device: str = DEVICE, ip: str = "ip-1") -> Reward:
        """Watch a rewarded ad to its end."""
        return await self.settle(self.callback(await self.begin_ad(who, device, ip)))

    async def decide(
        self, reward: Reward, *, release: bool, actor: Actor = SYSTEM, reason: str = "a test"
    ) -> Reward:
        """Release or refuse a held reward."""
        return await flows.decide_held_reward(
            actor,
            reward.id,
            release=release,
            reason=reason,
            correlation_id="c1",
            uow=self.uow,
            clock=self.clock,
            ids=self.ids,
        )

    # -- playback -----------------------------------------------------------------------------------

    async def play(self, who: AccountId, title: Title, country: str | None = "IN") -> flows.Playing:
        """Start playback."""
        return await flows.start_playback(
            BUILT_IN.actor(who),
            DEVICE,
            title.id,
            Context(country),
            uow=self.uow,
            clock=self.clock,
            ids=self.ids,
        )

    async def open(
        self, session: SessionId, who: AccountId, country: str | None = "IN", device: str = DEVICE
    ) -> flows.Playing:
        """Ask for the links of a session."""
        claim = flows.SessionClaim(session, who, DeviceId(device))
        return await flows.open_session(claim, Context(country), uow=self.uow, clock=self.clock, ids=self.ids)

    async def beat(
        self, session: SessionId, who: AccountId, position_ms: int, is_playing: bool = True
    ) -> PlaybackSession:
        """Send a heartbeat."""
        claim = flows.SessionClaim(session, who, DEVICE)
        report = Beat(position_ms, is_playing)
        return await flows.beat_session(claim, report, uow=self.uow, clock=self.clock, ids=self.ids)

    async def stop(self, session: SessionId, who: AccountId, position_ms: int) -> PlaybackSession:
        """Stop a session."""
        claim = flows.SessionClaim(session, who, DEVICE)
        report = Beat(position_ms, False)
        return await flows.stop_session(claim, report, uow=self.uow, clock=self.clock, ids=self.ids)

    # -- months -------------------------------------------------------------------------------------

    async def close(
        self, month: str, *entities: Any, actor: Actor = SYSTEM, clock: Any = None
    ) -> flows.CloseReport:
        """Close a month of the entities named, or of all."""
        return await flows.close_month(
            actor,
            month,
            entities or SELLER_ROUTES.entities,
            correlation_id="c1",
            uow=self.uow,
            clock=clock or self.clock,
            ids=self.ids,
        )

    async def provisional(self, month: str, entity: Any = NEWTACT) -> flows.StatedMonth:
        """State a month as it lies there now."""
        return await flows.provisional_month(entity, month, uow=self.uow)

    # -- looking ------------------------------------------------------------------------------------

    async def wallet(self, who: AccountId) -> tokens.Wallet:
        """Return the wallet as it is stored."""
        async with self.uow.read() as tx:
            found: tokens.Wallet = (await tx.wallets.load([who]))[who]
        return found

    async def balance(self, who: AccountId) -> int:
        """Return how many tokens can be spent now."""
        return sum(tokens.balance(await self.wallet(who), self.clock.now()).values())

    async def entries(self, who: AccountId, operation: Operation | None = None) -> list[Entry]:
        """Return the entries of a wallet, oldest first; of one operation if it is named."""
        async with self.uow.read() as tx:
            found: list[Entry] = await tx.entries.of_account(who, before=None, limit=1000)
        return [item for item in reversed(found) if operation in (None, item.operation)]

    async def grants(self, who: AccountId) -> list[Grant]:
        """Return the grants of an account, oldest first."""
        async with self.uow.read() as tx:
            found: list[Grant] = await tx.grants.of_account(who)
        return found

    async def spends(self) -> list[TokenSpend]:
        """Return every royalty fact, in order of time."""
        async with self.uow.read() as tx:
            found = await tx.royalty_books.all()
        return sorted(found.spends, key=lambda spend: (spend.at, spend.entry_id, spend.kind))

    async def audit(self) -> list[tuple[str, str]]:
        """Return action and resource of every audit record, in order, but for how staff came to be."""
        return [(record.action, record.resource) for record in await self.records()]

    async def records(self, action: str = "") -> list[AuditRecord]:
        """Return the audit in order; of one action if it is named."""
        async with self.uow.read() as tx:
            found, _, _ = await tx.audit_books.records()
        return [
            record for record in found if action in ("", record.action) and record.correlation_id != _SEEDED
        ]

    async def books(self) -> tuple[Any, ...]:
        """Return all that has value, who may what, and the events: equal means nothing was written."""
        async with self.uow.read() as tx:
            accounts = await tx.ledger_books.accounts()
            ledger = [
                (item.stored, dict(item.balances), list(item.entries))
                for item in await tx.ledger_books.of_accounts(accounts)
                # A lock may leave the row of an empty wallet.
                if item.entries
            ]
            grants, royalty = await tx.grant_books.all(), await tx.royalty_books.all()
            audit, _, _ = await tx.audit_books.records()
            requests, decisions, _ = await tx.audit_books.approvals()
            roles = await tx.assignments.all(), await tx.custom_roles.all()
            values = [await tx.token_values.of_kind(kind) for kind in (BONUS, PAID)]
            events = {item.id for item in await tx.outbox_queue.unsent(10_000)}
        return (
            ledger,
            list(grants.grants),
            list(grants.changes),
            list(royalty.spends),
            list(royalty.statements),
            list(audit),
            list(requests),
            list(decisions),
            roles,
            values,
            events,
        )

    async def verify(self) -> flows.VerifyReport:
        """Re-derive the whole store."""
        return await flows.verify(uow=self.uow, routes=SELLER_ROUTES)

    def _next(self) -> int:
        self._count += 1
        return self._count


def by_holder(statements: Sequence[StoredStatement]) -> dict[tuple[str, str], Any]:
    """Return statements by holder and currency."""
    return {(item.holder, item.currency): item for item in statements}


def platform(stated: flows.StatedMonth, currency: str = "INR") -> PlatformStatement:
    """Return the platform's statement, which has the reconciliation."""
    return read_platform(stated.bodies[Whose(PLATFORM, currency)])


class Broken(Exception):
    """The fault that a test injects."""


class _Proxy:
    """Answers what its target has, except for what is put over it."""

    def __init__(self, target: Any, over: dict[str, Any]) -> None:
        self._target, self._over = target, over

    def __getattr__(self, name: str) -> Any:
        return self._over[name] if name in self._over else getattr(self._target, name)


@define
class Tampered:
    """A store whose writing transactions await `before` and `after` around one method of one port.

    `change` makes another answer of the method's.
    """

    uow: Uow
    port: str
    method: str
    before: Callable[[], Awaitable[None]] | None = None
    after: Callable[[], Awaitable[None]] | None = None
    change: Callable[[Any], Any] | None = None

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        """Open a transaction with the tampered port."""
        async with self.uow.begin() as tx:
            port = getattr(tx, self.port)
            real = getattr(port, self.method)

            async def tampered(*args: Any, **kwargs: Any) -> Any:
                if self.before is not None:
                    await self.before()
                answer = await real(*args, **kwargs)
                if self.after is not None:
                    await self.after()
                return answer if self.change is None else self.change(answer)

            yield _Proxy(tx, {self.port: _Proxy(port, {self.method: tampered})})

    def read(self) -> Any:
        """Open a reading transaction as it is."""
        return self.uow.read()


async def break_off() -> None:
    """Fail here."""
    raise Broken


def _placed(values: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a licence, `territories` without what is `excluded`."""
    excluded = values.pop("excluded", ())
    return {**values, "territories": Territories(tuple(values["territories"]), excluded)}
