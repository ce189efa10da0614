"""Lets months pass in the demo by the real flows: unlocks, files, terms, two closed months and an open one.

Everything that people do here is done by the demo's own accounts and at the time it would have
been done; nothing is written beside the flows. Told twice, it is done once.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from buddy_adapters.sql.unit_of_work import SqlTx
from buddy_adapters.system.clock import SettableClock
from buddy_core.access import BUILT_IN, Actor, Outcome, actor_in
from buddy_core.accounts import add_guest_in, fold_email
from buddy_core.catalog import Title
from buddy_core.flows import (
    BringFacts,
    DecideRequest,
    GrantTokens,
    SetTerms,
    UnlockRequest,
    UnlockTitle,
    bring_facts,
    close_month,
    decide_request,
    grant_tokens,
    month_for,
    set_terms,
    unlock_titles,
)
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.ids import AccountId, IdSource, PartnerId, TitleId
from buddy_core.kernel.outcomes import unwrap
from buddy_core.kernel.periods import month_of, next_month, previous_month
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.pricing import quote
from buddy_core.rights import Licence
from buddy_core.royalty import InputKind
from buddy_core.tax import SellerRoutes
from buddy_web.demo.catalogue import BLUE_LANTERN, MARIGOLD, TITLES
from buddy_web.demo.figures import (
    COUNTRY,
    CURRENCY,
    FactsFile,
    ads_file,
    campaign_file,
    chargebacks_file,
    files_of,
    first_days_file,
    missed_file,
)
from buddy_web.demo.seed import demo_id
from buddy_web.reference import FIRST_DAY, NEWTACT

ADMIN, SUPPORT = "admin@example.com", "support@example.com"
REVIEWER, PUBLISHER = "finance@example.com", "secondfinance@example.com"
ACCOUNT = "marigold-inr"
ADVANCE = 5_500_000
"""Paise that Marigold Pictures was paid before the first month; earnings cover it in the third."""
PAST = 3
"""Months before the running one: two are published, the last waits for a file."""
GIFT = 12
_UNLOCKS = (
    ("the-last-monsoon", "paper-kites", "eleven-minutes"),
    ("night-ferry-1", "night-ferry-2", "night-ferry-3", "eleven-minutes"),
    ("salt-road", "night-ferry-1"),
    ("paper-kites", "eleven-minutes", "night-ferry-1", "night-ferry-2"),
    ("the-last-monsoon", "night-ferry-1"),
)
"""What guests open with the tokens they were given; each month another number of guests."""
_GUESTS = (4, 3, 5)
_RENTALS: Any = {
    "bands": [{"over": 0, "up_to": 500, "rate": "50%"}, {"over": 500, "rate": "60%"}],
    "basis": "units",
}
_LICENCES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("the-last-monsoon", MARIGOLD.key, {"preset": "film", "rates": {"rental": _RENTALS}, "account": ACCOUNT}),
    ("paper-kites", MARIGOLD.key, {"preset": "short", "account": ACCOUNT}),
    ("lamp-street", MARIGOLD.key, {"preset": "film", "ads_by": "impressions", "account": ACCOUNT}),
    ("glass-hour", MARIGOLD.key, {"account": ACCOUNT}),
    ("salt-road", BLUE_LANTERN.key, {"preset": "film_60", "fee": "10%", "expense_cap": 500_000}),
)
_POOLS = {
    "standard": {"method": "pro_rata", "min_seconds": 60},
    "premium": {"method": "user_centric", "min_seconds": 60},
}


async def seed_months(
    *, uow: UnitOfWork[SqlTx], clock: Clock, ids: IdSource, routes: SellerRoutes
) -> FactsFile | None:
    """Let the months pass, or go on where an earlier start broke off; return the file that is still awaited.

    Books that somebody has begun in another way stay as they are.
    """
    now = clock.now()
    async with uow.read() as tx:
        first = await _first_month_in(tx, now)
        if first is None:
            return None
        there = {item.key: item.body for item in await tx.royalty_inputs.facts(NEWTACT.id)}
        months = await _months_in(tx, first, now, uow, ids, routes)
    awaited = ads_file(PAST - 1, months.name(PAST - 1), months.title)
    if first_days_file(months.name(PAST), months.title).name not in there:
        await _pass(months, awaited.name)
    elif there.get(awaited.name) != b"null":
        return None
    return awaited


@frozen
class _Months:
    """What the months are told with: who acts, on which titles, and until when anything can have happened."""

    first: str
    now: datetime
    closed: frozenset[str]
    titles: Mapping[str, Title]
    licences: Mapping[tuple[str, str], Licence]
    people: Mapping[str, Actor]
    uow: UnitOfWork[SqlTx]
    ids: IdSource
    routes: SellerRoutes

    def name(self, place: int) -> str:
        """Return a month by its place; the first has the place 0."""
        found = self.first
        for _ in range(place):
            found = next_month(found)
        return found

    def title(self, key: str) -> str:
        """Return the public name of a title."""
        title = self.titles[key]
        return f"{title.type}/{title.short_id}"

    def at(self, place: int, day: int, hour: int = 10) -> SettableClock:
        """Return a clock that stands at an hour of a day of a month, or now, if that is still to come."""
        begun = month_for(NEWTACT, self.name(place)).period.start
        return SettableClock(min(begun + timedelta(days=day - 1, hours=hour), self.now))


async def _first_month_in(tx: SqlTx, now: datetime) -> str | None:
    """Return the month that the demo's books begin with; None where they are somebody else's."""
    files = await tx.royalty_inputs.facts(NEWTACT.id)
    if files:
        first = min(item.month for item in files)
        return first if any(item.key == f"sales-{first}.csv" for item in files) else None
    first = month_of(now, NEWTACT.zone)
    for _ in range(PAST):
        first = previous_month(first)
    begun = month_for(NEWTACT, first).period.start
    spent = await tx.token_spends.first_at(NEWTACT.id, None)
    is_free = not await tx.statements.months(NEWTACT.id) and (spent is None or spent >= begun)
    return first if is_free and begun >= FIRST_DAY else None


async def _months_in(
    tx: SqlTx,
    first: str,
    now: datetime,
    uow: UnitOfWork[SqlTx],
    ids: IdSource,
    routes: SellerRoutes,
) -> _Months:
    keys = {TitleId(demo_id("title", title.key)): title.key for title in TITLES}
    owners = {PartnerId(demo_id("producer", owner.key)): owner.key for owner in (MARIGOLD, BLUE_LANTERN)}
    books = await tx.rights.of_titles(sorted(keys))
    people = {}
    for email in (ADMIN, SUPPORT, REVIEWER, PUBLISHER):
        found = await tx.accounts.by_email(fold_email(email))
        assert found is not None, f"{email} was seeded before"
        people[email] = await actor_in(tx, found[0].id, has_second_factor=True)
    return _Months(
        first,
        now,
        frozenset(await tx.statements.months(NEWTACT.id)),
        {keys[id]: title for id, title in (await tx.titles.get(sorted(keys))).items()},
        {
            (keys[book.title_id], owners[licence.partner_id]): licence
            for book in books.values()
            for licence in book.licences
            if licence.partner_id in owners
        },
        people,
        uow,
        ids,
        routes,
    )


async def _pass(months: _Months, awaited: str) -> None:
    await _set_terms(months)
    for place in range(PAST):
        await _unlock(months, place)
        name = months.name(place)
        if place > 0:
            late = chargebacks_file if place == 1 else missed_file
            before = months.name(place - 1)
            await _bring(months, before, late(before, months.title), months.at(place, 20))
        is_last = place == PAST - 1
        for file in files_of(place, name, months.title):
            await _bring(months, name, file, months.at(place + 1, 2))
        if place == 0:
            posters = campaign_file(name, months.licences["salt-road", BLUE_LANTERN.key].number)
            await _bring(months, name, posters, months.at(place + 1, 2))
        if is_last:
            await _bring(months, name, FactsFile(awaited, b""), months.at(place + 1, 2))
        else:
            await _bring(months, name, ads_file(place, name, months.title), months.at(place + 1, 2))
            await _close(months, place)
    running = months.name(PAST)
    await _bring(months, running, first_days_file(running, months.title), months.at(PAST, 8))


async def _set_terms(months: _Months) -> None:
    """Set all terms, as the admin, on the first day."""
    account = {
        "holder": await _short_id(months, MARIGOLD.key),
        "currency": CURRENCY,
        "advance": ADVANCE,
        "withholding": [{"rate": "10%", "starts_at": f"{FIRST_DAY:%Y-%m-%d}", "key": "IN:194J"}],
    }
    wanted: list[tuple[InputKind, str, dict[str, Any]]] = [(InputKind.ACCOUNT, ACCOUNT, account)]
    wanted += [(InputKind.POOL, plan, rule) for plan, rule in _POOLS.items()]
    for key, owner, terms in _LICENCES:
        if (key, owner) in months.licences:
            wanted.append((InputKind.LICENCE, months.licences[key, owner].number, terms))
    for kind, key, terms in wanted:
        await set_terms(
            months.people[ADMIN],
            SetTerms(NEWTACT, kind, key, terms),
            correlation_id="seed",
            uow=months.uow,
            clock=months.at(0, 1),
        )


async def _short_id(months: _Months, producer: str) -> str:
    partner = PartnerId(demo_id("producer", producer))
    async with months.uow.read() as tx:
        return (await tx.producers.get([partner]))[partner].short_id


async def _unlock(months: _Months, place: int) -> None:
    """Let guests open titles with tokens that support gave them; some of them every third day."""
    for number in range(_GUESTS[place]):
        guest = AccountId(demo_id("guest", f"{place}:{number}"))
        day, key = 4 + 3 * number, f"demo-{place}-{number}"
        given, opened = months.at(place, day, 18), months.at(place, day, 19)
        async with months.uow.begin() as tx:
            if await tx.accounts.get(guest) is None:
                await add_guest_in(tx, guest, given.now(), months.ids)
            costs = await tx.token_costs.in_force(opened.now())
        gift = GrantTokens(guest, GIFT, "Welcome tokens of the opening weeks", key)
        await grant_tokens(
            months.people[SUPPORT],
            gift,
            correlation_id="seed",
            uow=months.uow,
            clock=given,
            ids=months.ids,
        )
        asked = []
        for name in _UNLOCKS[number]:
            title = months.titles[name]
            cost = quote(title.id, title.type, costs)
            wish = UnlockTitle(guest, title.id, cost.tokens, cost.rule_version, COUNTRY, f"{key}-{name}")
            asked.append(UnlockRequest(BUILT_IN.actor(guest), wish))
        done = await unlock_titles(asked, uow=months.uow, clock=opened, ids=months.ids, routes=months.routes)
        for outcome in done:
            unwrap(outcome)


async def _bring(months: _Months, month: str, file: FactsFile, clock: Clock) -> None:
    """Bring a file in as finance; one without content is announced."""
    await bring_facts(
        months.people[REVIEWER],
        BringFacts(NEWTACT, month, file.name, file.content or None, file.name),
        correlation_id="seed",
        uow=months.uow,
        clock=clock,
    )


async def _close(months: _Months, place: int) -> None:
    """Have one person of finance review a month, and the other publish it."""
    month = months.name(place)
    if month in months.closed:
        return
    report = await close_month(
        months.people[REVIEWER],
        month,
        [NEWTACT],
        correlation_id="seed",
        uow=months.uow,
        clock=months.at(place + 1, 3),
        ids=months.ids,
    )
    for refused in report.refused:
        raise refused
    [reviewed] = report.reviewed
    await decide_request(
        months.people[PUBLISHER],
        DecideRequest(reviewed.awaiting.request_id, Outcome.APPROVED),
        correlation_id="seed",
        uow=months.uow,
        clock=months.at(place + 1, 3, 16),
        ids=months.ids,
        routes=months.routes,
    )
