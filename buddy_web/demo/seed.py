"""Writes what the demo needs into the database: titles, licences, and three people to sign in as."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from attrs import frozen

from buddy_adapters.sql.unit_of_work import SqlTx
from buddy_core.access import Assignment
from buddy_core.accounts import EmailTaken, Passwords, add_member_in, fold_email
from buddy_core.catalog import Producer, Title, TitleType
from buddy_core.flows import AddTitle, add_producer, add_title
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.ids import AccountId, IdSource, LicenceId, PartnerId, TitleId, derived_uuid
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.rights import WORLDWIDE, Licence
from buddy_core.shortids import Stock, Transliterator
from buddy_web.demo.catalogue import PRODUCERS, TITLES, DemoTitle
from buddy_web.reference import FIRST_DAY, PRODUCER_SHARE

DEMO_PASSWORD = "Monsoon-2026"
"""The password of every seeded account. It is printed at start, and only the demo has it."""

EXCLUDED = {"eleven-minutes": ("AE",)}
"""Where a title may not be shown, so that the demo has a refusal to look at."""


@frozen
class DemoLogin:
    """Somebody to sign in as."""

    role: str
    email: str
    producer: str | None = None


LOGINS = (
    DemoLogin("viewer", "viewer@example.com"),
    DemoLogin("producer", "marigold@example.com", "marigold"),
    DemoLogin("producer", "bluelantern@example.com", "blue-lantern"),
    DemoLogin("admin", "admin@example.com"),
)


async def seed_demo(
    *,
    uow: UnitOfWork[SqlTx],
    clock: Clock,
    ids: IdSource,
    passwords: Passwords,
    transliterator: Transliterator,
    stock: Stock,
) -> None:
    """Write what is missing of the demo; what is there stays as it is."""
    async with uow.read() as tx:
        producers = {producer.id for producer in await tx.producers.all()}
        titles = {title.id for title in await tx.titles.all()}
    for producer in PRODUCERS:
        partner = PartnerId(_demo_id("producer", producer.key))
        if partner not in producers:
            await add_producer(Producer(partner, "", producer.name), uow=uow, clock=clock, stock=stock)
    for title in TITLES:
        if _title_id(title.key) not in titles:
            command = AddTitle(_title(title), _licences(title))
            await add_title(command, uow=uow, clock=clock, transliterator=transliterator, stock=stock)
    for login in LOGINS:
        await _seed_login(login, uow=uow, clock=clock, ids=ids, passwords=passwords)


async def _seed_login(
    login: DemoLogin, *, uow: UnitOfWork[SqlTx], clock: Clock, ids: IdSource, passwords: Passwords
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
                partner = PartnerId(_demo_id("producer", login.producer)) if login.producer else None
                await tx.assignments.add(Assignment(account, login.role, partner))
    except EmailTaken:
        return  # Another process seeds at the same time and was first.


def _demo_id(kind: str, key: str) -> UUID:
    return derived_uuid("buddy-demo", kind, key)


def _title_id(key: str) -> TitleId:
    return TitleId(_demo_id("title", key))


def _title(title: DemoTitle) -> Title:
    return Title(
        id=_title_id(title.key),
        short_id="",
        slug="",
        type=TitleType(title.type),
        name=title.title,
        synopsis=title.synopsis,
        producer_id=PartnerId(_demo_id("producer", title.producer)),
        maturity=title.maturity,
        languages=title.languages,
        year=title.year,
        duration_s=title.clip_s,
        published_at=datetime(title.year, 1, 1, tzinfo=UTC),
        media_key=title.key if title.clip_s else None,
        parent_id=_title_id(title.series) if title.series else None,
        number=title.number,
        art_key=title.key,
    )


def _licences(title: DemoTitle) -> tuple[Licence, ...]:
    if title.type == "series":
        return ()
    licence = Licence(
        id=LicenceId(_demo_id("licence", title.key)),
        title_id=_title_id(title.key),
        partner_id=PartnerId(_demo_id("producer", title.producer)),
        share=PRODUCER_SHARE,
        territories=(WORLDWIDE,),
        starts_at=FIRST_DAY,
        excluded=EXCLUDED.get(title.key, ()),
    )
    return (licence,)
