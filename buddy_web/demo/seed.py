"""Writes what the demo needs into the database: titles, their rights, and people to sign in as."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID

from attrs import frozen

from buddy_adapters.sql.unit_of_work import SqlTx
from buddy_adapters.system.clock import SettableClock
from buddy_core.access import GLOBAL, SYSTEM, Assignment, Change, Scope, record_in
from buddy_core.accounts import EmailTaken, Passwords, add_member_in, fold_email
from buddy_core.catalog import Producer, Title, TitleType
from buddy_core.flows import AddTitle, add_producer, add_title
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.ids import (
    AccountId,
    IdSource,
    LicenceId,
    PartnerId,
    TakedownId,
    TitleId,
    WindowId,
    derived_uuid,
)
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.rights import (
    WORLDWIDE,
    Licence,
    TakeDown,
    Territories,
    Window,
    WindowType,
    revise,
)
from buddy_core.sessions import Sealer, SecondFactor, factor_context
from buddy_core.shortids import Stock, Transliterator
from buddy_web.demo.catalogue import PRODUCERS, TITLES, DemoTitle
from buddy_web.reference import FIRST_DAY, PRODUCER_SHARE

DEMO_PASSWORD = "Monsoon-2026"
"""The password of every seeded account. It is printed at start, and only the demo has it."""

EXCLUDED = {"eleven-minutes": ("AE",)}
"""Where a title may not be shown, so that the demo has a refusal to look at."""
CO_OWNED = {"glass-hour": (("blue-lantern", Fraction(3, 4)), ("marigold", Fraction(1, 4)))}
"""Titles of several holders, and the part that each of them owns."""
TAKEN_DOWN = "borrowed-words"
"""Taken down everywhere: its own page answers 451, and no other page shows it."""
_MONTH, _WEEK = timedelta(days=30), timedelta(days=7)


@frozen
class DemoLogin:
    """Somebody to sign in as."""

    role: str
    email: str
    producer: str | None = None


LOGINS = (
    DemoLogin("viewer", "viewer@example.com"),
    DemoLogin("partner_admin", "marigold@example.com", "marigold"),
    DemoLogin("partner_admin", "bluelantern@example.com", "blue-lantern"),
    DemoLogin("super_admin", "admin@example.com"),
    DemoLogin("finance", "finance@example.com"),
    DemoLogin("finance", "secondfinance@example.com"),
    DemoLogin("support", "support@example.com"),
)


def demo_secret(email: str) -> bytes:
    """Return the second factor's secret of a seeded account: public, as its password is."""
    return hashlib.sha256(f"buddy-demo-second-factor:{email}".encode()).digest()[:20]


async def seed_demo(
    *,
    uow: UnitOfWork[SqlTx],
    clock: Clock,
    ids: IdSource,
    passwords: Passwords,
    sealer: Sealer,
    transliterator: Transliterator,
    stock: Stock,
) -> None:
    """Write what is missing of the demo; what is there stays as it is."""
    async with uow.read() as tx:
        producers = {producer.id for producer in await tx.producers.all()}
        titles = {title.id for title in await tx.titles.all()}
    for producer in PRODUCERS:
        partner = PartnerId(demo_id("producer", producer.key))
        if partner not in producers:
            await add_producer(Producer(partner, "", producer.name), uow=uow, clock=clock, stock=stock)
    for title in TITLES:
        if _title_id(title.key) not in titles:
            command = AddTitle(_title(title), _licences(title), _windows(title, clock.now()))
            await add_title(command, uow=uow, clock=clock, transliterator=transliterator, stock=stock)
    if _title_id(TAKEN_DOWN) not in titles:
        await _take_down(_title_id(TAKEN_DOWN), uow=uow, clock=clock)
    # They act in the months that the demo has behind it, so they were there before.
    then = SettableClock(min(FIRST_DAY, clock.now()))
    for login in LOGINS:
        await _seed_login(login, uow=uow, clock=then, ids=ids, passwords=passwords, sealer=sealer)


async def _seed_login(
    login: DemoLogin,
    *,
    uow: UnitOfWork[SqlTx],
    clock: Clock,
    ids: IdSource,
    passwords: Passwords,
    sealer: Sealer,
) -> None:
    email = fold_email(login.email)
    async with uow.read() as tx:
        if await tx.accounts.by_email(email) is not None:
            return
    hashed = await passwords.hash(DEMO_PASSWORD)
    account = AccountId(ids.uuid7())
    try:
        async with uow.begin() as tx:
            await add_member_in(tx, account, email, hashed, clock.now(), ids)
            if login.role != "viewer":
                await _make_staff_in(tx, account, login, clock.now(), sealer)
    except EmailTaken:
        return  # Another process seeds at the same time and was first.


async def _make_staff_in(
    tx: SqlTx, account: AccountId, login: DemoLogin, at: datetime, sealer: Sealer
) -> None:
    """Give the role, on the record, and a second factor that the demo knows."""
    scope = GLOBAL
    if login.producer:
        scope = Scope.partner(PartnerId(demo_id("producer", login.producer)))
    await tx.assignments.add(Assignment(account, login.role, scope))
    after = {"role": login.role, "scope": str(scope)}
    await record_in(tx, SYSTEM, Change("role.assign", str(account), None, after, "seed"), at)
    sealed = sealer.seal(demo_secret(login.email), factor_context(account))
    await tx.second_factors.add(SecondFactor(account, sealed, at, confirmed_at=at, last_step=0))


def demo_id(kind: str, key: str) -> UUID:
    """Return the id that a thing of the demo has in every installation."""
    return derived_uuid("buddy-demo", kind, key)


def _title_id(key: str) -> TitleId:
    return TitleId(demo_id("title", key))


def _title(title: DemoTitle) -> Title:
    return Title(
        id=_title_id(title.key),
        short_id="",
        slug="",
        type=TitleType(title.type),
        name=title.title,
        synopsis=title.synopsis,
        producer_id=PartnerId(demo_id("producer", title.producer)),
        maturity=title.maturity,
        languages=title.languages,
        year=title.year,
        duration_s=title.clip_s,
        published_at=datetime(title.year, 1, 1, tzinfo=UTC),
        media_key=(title.plays or title.key) if title.clip_s else None,
        parent_id=_title_id(title.series) if title.series else None,
        number=title.number,
        art_key=title.key,
    )


def _licences(title: DemoTitle) -> tuple[Licence, ...]:
    if title.type == "series":
        return ()
    owners = CO_OWNED.get(title.key, ((title.producer, Fraction(1)),))
    return tuple(
        Licence(
            # The maker's keeps the name that it had when every title had one holder.
            id=LicenceId(
                demo_id("licence", title.key if owner == title.producer else f"{title.key}:{owner}")
            ),
            title_id=_title_id(title.key),
            partner_id=PartnerId(demo_id("producer", owner)),
            share=PRODUCER_SHARE,
            territories=Territories((WORLDWIDE,), EXCLUDED.get(title.key, ())),
            starts_at=FIRST_DAY,
            ownership=part,
        )
        for owner, part in owners
    )


def _windows(title: DemoTitle, at: datetime) -> tuple[Window, ...] | None:
    """Return a title's own windows, reckoned from the day of the seed; None for what every title has."""
    today = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    begun = min(FIRST_DAY, today - 2 * _MONTH)
    match title.key:
        case "lamp-street":
            return (_window(title, WindowType.AVOD, begun),)
        case "glass-hour":
            return (
                _window(title, WindowType.SVOD, begun, tiers=("standard", "premium"), sells_tokens=False),
            )
        case "first-harvest":
            return (_window(title, WindowType.TVOD, today + _MONTH),)
        case "ash-line":
            return (_window(title, WindowType.TVOD, begun, today - _WEEK),)
        case "after-the-verdict":
            return (_window(title, WindowType.PVOD, begun),)
        case _:
            return None


def _window(
    title: DemoTitle,
    type: WindowType,
    starts_at: datetime,
    ends_at: datetime | None = None,
    *,
    tiers: tuple[str, ...] = (),
    sells_tokens: bool | None = None,
) -> Window:
    return Window(
        id=WindowId(demo_id("window", f"{title.key}:{type}")),
        title_id=_title_id(title.key),
        type=type,
        territories=(WORLDWIDE,),
        starts_at=starts_at,
        ends_at=ends_at,
        tiers=tiers,
        sells_tokens=sells_tokens,
    )


async def _take_down(title: TitleId, *, uow: UnitOfWork[SqlTx], clock: Clock) -> None:
    """Take a title down everywhere, on the record; nobody has bought it, so nothing is owed."""
    change = TakeDown(
        TakedownId(demo_id("takedown", str(title))),
        Territories((WORLDWIDE,)),
        "A lawyer's letter of the demo: the script is said to be somebody else's.",
    )
    async with uow.begin() as tx:
        at = clock.now()
        before = (await tx.rights.of_titles([title]))[title]
        book = revise(before, [change], title_id=title, at=at, by="system", reason="the demo's takedown")
        await tx.rights.append(book)
        after = {"revision": book.revision, "notice": change.notice}
        await record_in(tx, SYSTEM, Change("title.takedown", str(title), None, after, "seed"), at)
