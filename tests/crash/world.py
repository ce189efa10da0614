"""The store that is crashed: viewers with tokens, titles of two producers, and requests drawn from a seed."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID

from attrs import frozen

from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.migrate import migrate
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SettableClock, SystemClock, SystemIds
from buddy_core.access import BUILT_IN, SYSTEM, Actor
from buddy_core.accounts import Account, AccountType
from buddy_core.catalog import Producer, Title, TitleType
from buddy_core.flows import UnlockTitle, close_month, merge_guest, unlock_title
from buddy_core.kernel.errors import BuddyError, Unavailable
from buddy_core.kernel.ids import AccountId, LicenceId, PartnerId, TitleId
from buddy_core.rights import WORLDWIDE, Licence, first_book
from buddy_core.tax import SellingEntity
from buddy_core.tokens import BONUS, PAID, EarnTokens, earn_tokens
from buddy_web.reference import SELLER_ROUTES, TOKEN_COSTS, seed_reference

VIEWERS = 24
MEMBERS = 8
"""How many accounts of the store are members, whom guests merge into."""
EARNED = ((BONUS, 9), (PAID, 5), (BONUS, 4))
"""The lots of each viewer. They do not reach for everything, so that some requests are refused."""
GONE = 3
"""Tokens of each viewer in a lot that has expired and that no sweep has seen."""
LANES = 12
"""How many requests are on their way at once."""
FIRST_MONTH, MONTHS = datetime(2026, 1, 15, tzinfo=UTC), 8
"""The months in which something is unlocked before the worker that closes them begins."""

_TYPES = (TitleType.SHORT, TitleType.EPISODE, TitleType.FILM)
IDS = SystemIds()


def viewer(number: int) -> AccountId:
    """Return the id of a guest."""
    return AccountId(UUID(int=0x1000 + number))


def member(number: int) -> AccountId:
    """Return the id of a member."""
    return AccountId(UUID(int=0x2000 + number))


def title_id(number: int) -> TitleId:
    """Return the id of a title."""
    return TitleId(UUID(int=0x3000 + number))


TITLES = tuple(
    Title(
        id=title_id(number),
        short_id=f"t{number:03}",
        slug=f"title-{number}",
        type=_TYPES[number % 3],
        name=f"Title {number}",
        synopsis="",
        producer_id=PartnerId(UUID(int=0x4000 + number % 2)),
        maturity="U",
        languages=("hi",),
        year=2026,
        duration_s=60,
        published_at=datetime(2026, 1, 1, tzinfo=UTC),
        media_key="clip",
    )
    for number in range(12)
)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[SqlUnitOfWork]:
    """Open a store, and close its connections at the end."""
    engine = make_engine(url, pool_size=LANES, max_overflow=0)
    try:
        yield SqlUnitOfWork(engine)
    finally:
        await engine.dispose()


async def build(url: str) -> None:
    """Fill an empty database: schema, reference data, titles, viewers with tokens, and a past."""
    engine = make_engine(url)
    await migrate(engine)
    await engine.dispose()
    async with opened(url) as uow:
        clock = SettableClock(FIRST_MONTH - timedelta(days=10))
        await seed_reference(uow=uow, clock=clock)
        await add_catalogue(uow)
        async with uow.begin() as tx:
            for number in range(VIEWERS):
                await tx.accounts.add(Account(viewer(number), AccountType.GUEST, clock.now()))
            for number in range(MEMBERS):
                mail = f"member-{number}@example.com"
                await tx.accounts.add(Account(member(number), AccountType.REGISTERED, clock.now(), mail))
        for account in [*map(viewer, range(VIEWERS)), *map(member, range(MEMBERS))]:
            await _earn(uow, account, clock)
        cheap = [title for title in TITLES if title.type is not TitleType.FILM]
        for month in range(MONTHS):
            clock.set(FIRST_MONTH + timedelta(days=30 * month))
            for number, country in enumerate(("IN", "AE")):
                past = Request(f"past-{month}", member(number), cheap[month].id, country)
                await unlock_title(
                    past.actor, past.command, uow=uow, clock=clock, ids=IDS, routes=SELLER_ROUTES
                )


@frozen
class Request:
    """One request to unlock a title, as the client would send it again."""

    key: str
    account: AccountId
    title: TitleId
    country: str

    @property
    def actor(self) -> Actor:
        """Whose request it is."""
        return BUILT_IN.actor(self.account)

    @property
    def command(self) -> UnlockTitle:
        """The command that this request is."""
        cost = TOKEN_COSTS.by_type[TITLES[self.title.int - title_id(0).int].type]
        return UnlockTitle(self.account, self.title, cost, TOKEN_COSTS.version, self.country, self.key)


def requests(seed: int) -> list[Request]:
    """Return the seed's requests: most of them new, some sent twice, some for an open title."""
    chance = random.Random(seed)
    made: list[Request] = []
    pairs = [(viewer(number), title) for number in range(VIEWERS) for title in TITLES]
    chance.shuffle(pairs)
    for number, (account, title) in enumerate(pairs):
        country = chance.choice(("IN", "IN", "AE"))
        made.append(Request(f"k-{seed}-{number}", account, title.id, country))
        luck = chance.random()
        if luck < 0.1:
            made.append(made[-1])
        elif luck < 0.2:
            made.append(Request(f"k-{seed}-{number}-again", account, title.id, country))
    return made


async def unlock(request: Request, uow: SqlUnitOfWork) -> str:
    """Send a request and return the line that the client writes down: the outcome and its facts."""
    try:
        done = await unlock_title(
            request.actor,
            request.command,
            uow=uow,
            clock=SystemClock(),
            ids=IDS,
            routes=SELLER_ROUTES,
        )
    except Unavailable:
        return f"unknown {request.key}"
    except BuddyError as error:
        return f"refused {request.key} {error.code}"
    return f"done {request.key} {done.grant_id} {done.entry_id} {done.tokens_spent} {done.tokens_left}"


async def merge(number: int, uow: SqlUnitOfWork) -> str:
    """Merge a guest into its member and return the line that the client writes down."""
    guest, target = viewer(number), member(number % MEMBERS)
    done = await merge_guest(guest, target, uow=uow, clock=SystemClock(), ids=IDS)
    return f"done merge-{number} {done.tokens_moved} {done.tokens_expired_by_cap} {done.unlocks_moved}"


async def close(entity: SellingEntity, month: str, uow: SqlUnitOfWork) -> str:
    """Close a month of an entity and return the line that the client writes down."""
    report = await close_month(
        SYSTEM, month, [entity], correlation_id="crash", uow=uow, clock=SystemClock(), ids=IDS
    )
    hashes = " ".join(statement.hash.hex() for statement in report.closed[0].statements)
    return f"done close-{entity.id}-{month} {hashes}"


MONTH_NAMES = tuple(f"2026-{month:02}" for month in range(1, MONTHS + 1))


async def add_catalogue(uow: SqlUnitOfWork) -> None:
    async with uow.begin() as tx:
        for partner in sorted({title.producer_id for title in TITLES}):
            await tx.producers.add(Producer(partner, f"p{partner.int % 16:03}", f"Producer {partner.int}"))
        for title in TITLES:
            await tx.titles.add(title)
            licence = Licence(
                id=LicenceId(UUID(int=title.id.int + 0x5000)),
                title_id=title.id,
                partner_id=title.producer_id,
                share=Fraction(60, 100),
                territories=(WORLDWIDE,),
                starts_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
            await tx.rights.append(first_book(title.id, licence.starts_at, "crash", [licence]))


async def _earn(uow: SqlUnitOfWork, account: AccountId, clock: SettableClock) -> None:
    for number, (kind, amount) in enumerate(EARNED):
        command = EarnTokens(
            account_id=account,
            kind=kind,
            amount=amount,
            source="test",
            source_ref=str(number),
            idempotency_key=f"earn-{number}",
            expires_at=None,
            earned_as_guest=kind == BONUS,
        )
        await earn_tokens(command, uow=uow, clock=clock, ids=IDS)
    gone = EarnTokens(
        account_id=account,
        kind=BONUS,
        amount=GONE,
        source="test",
        source_ref="gone",
        idempotency_key="earn-gone",
        expires_at=FIRST_MONTH,
        earned_as_guest=True,
    )
    await earn_tokens(gone, uow=uow, clock=clock, ids=IDS)
