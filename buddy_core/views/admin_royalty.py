"""What months are stated from: the facts that were brought in, and the terms as they stand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from attrs import frozen

from buddy_core.access import Actor, require
from buddy_core.catalog import Producer, Title
from buddy_core.flows.close_period import month_for
from buddy_core.flows.royalty_book import PublicNames, deal_of, public_names_in
from buddy_core.flows.royalty_inputs import InputsTx
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.money import Money
from buddy_core.kernel.periods import month_of, next_month, previous_month
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.rights import Licence
from buddy_core.royalty import AWAITED, Input, InputKind, InputNotFound
from buddy_core.tax import SellerRoutes, SellingEntity, entities_named

READ = "period:read"
PAGE = 40


@frozen
class BroughtFile:
    """Facts of a month by their name; `is_awaited` where they are only announced so far."""

    name: str
    month: str
    sequence: int
    facts: int
    at: datetime
    is_awaited: bool
    is_late: bool
    """They came after the month was closed: the next one adjusts it."""


@frozen
class FactsMonth:
    """A month's facts, newest first."""

    entity: SellingEntity
    month: str
    is_closed: bool
    files: tuple[BroughtFile, ...]

    @property
    def awaited(self) -> int:
        """How many files the close waits for."""
        return sum(item.is_awaited for item in self.files)


@frozen
class FactsPage:
    """One month's facts, the months and entities that there are, and the form."""

    shown: FactsMonth
    months: tuple[str, ...]
    """Newest first."""
    entities: tuple[SellingEntity, ...]


@frozen
class LicenceTerms:
    """A licence with its royalty terms, if it has any, and what they come to."""

    licence: Licence
    title: Title
    holder: Producer
    terms: Mapping[str, Any] | None
    sequence: int
    """The place of the terms among all inputs; 0 where none were ever set."""
    shares: tuple[tuple[str, tuple[str, ...]], ...]
    """What the holder has of its part, such as `60%`, and by which models; all of them have one."""

    @property
    def number(self) -> str:
        """What the licence is called outside."""
        return self.licence.number


@frozen
class NamedTerms:
    """An account, a plan's pools or a title's waterfall with their terms."""

    kind: InputKind
    key: str
    terms: Mapping[str, Any]
    sequence: int
    holder: Producer | None = None
    """Whose account it is."""
    title: str = ""
    """What the title of a waterfall is called."""

    @property
    def amounts(self) -> Mapping[str, Money]:
        """The amounts of an account, by their name."""
        names = (name for name in ("advance", "threshold") if self.terms.get(name) is not None)
        return {name: Money(self.terms[name], self.terms["currency"]) for name in names}

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps of a waterfall, each with what it asks for."""
        currency = self.terms.get("currency", "")
        return tuple(_step_text(step, currency) for step in self.terms.get("steps") or ())

    @property
    def guarantees(self) -> tuple[tuple[Money, str, str], ...]:
        """The least that an account's holder has, and from when until when, as these were written."""
        return tuple(
            (Money(item["minimum"], self.terms["currency"]), item["starts_at"], item["ends_at"])
            for item in self.terms.get("guarantees") or ()
        )


@frozen
class TermsBook:
    """A page of licences by title, and all accounts, pool rules and waterfalls of an entity."""

    entity: SellingEntity
    entities: tuple[SellingEntity, ...]
    licences: tuple[LicenceTerms, ...]
    accounts: tuple[NamedTerms, ...]
    pools: tuple[NamedTerms, ...]
    waterfalls: tuple[NamedTerms, ...]
    total: int
    """How many licences fit what was looked for."""
    page: int
    q: str

    @property
    def has_more(self) -> bool:
        """Tell whether there is a next page."""
        return self.page * PAGE < self.total


async def facts_of_month(
    actor: Actor, entity: SellingEntity, month: str, *, uow: UnitOfWork[InputsTx]
) -> FactsMonth:
    """Return what was brought in for a month, newest first.

    Raises:
        NotPermitted, InvalidMonth, UnknownEntity.
    """
    require(actor, READ)
    async with uow.read() as tx:
        return await _facts_in(tx, entity, month_for(entity, month).name)


async def facts_file(actor: Actor, entity: SellingEntity, name: str, *, uow: UnitOfWork[InputsTx]) -> bytes:
    """Return facts as they were brought in, as JSON; `null` while they are awaited.

    Raises:
        NotPermitted.
        InputNotFound: none have that name.
    """
    require(actor, READ)
    async with uow.read() as tx:
        found = await tx.royalty_inputs.find(entity.id, InputKind.FACTS, name)
    if found is None:
        raise InputNotFound("file of facts called", name)
    return found.body


async def facts_page(
    actor: Actor,
    entity: str | None = None,
    month: str | None = None,
    *,
    uow: UnitOfWork[InputsTx],
    clock: Clock,
    routes: SellerRoutes,
) -> FactsPage:
    """Fill the page of facts: the month asked for, or the earliest that is not closed.

    Raises:
        NotPermitted, InvalidMonth.
    """
    require(actor, READ)
    chosen = entity_of(routes, entity)
    async with uow.read() as tx:
        now = month_of(clock.now(), chosen.zone)
        closed = await tx.statements.months(chosen.id)
        known = {item.month for item in await tx.royalty_inputs.heads(chosen.id)} | set(closed[-6:])
        after = next_month(closed[-1]) if closed else min([*known, previous_month(now)])
        name = month or min(after, now)
        shown = await _facts_in(tx, chosen, month_for(chosen, name).name)
    months = sorted({*known, now, previous_month(now), name}, reverse=True)
    return FactsPage(shown, tuple(months), routes.entities)


async def terms_book(
    actor: Actor,
    entity: str | None = None,
    q: str = "",
    page: int = 1,
    *,
    uow: UnitOfWork[InputsTx],
    routes: SellerRoutes,
) -> TermsBook:
    """Return licences whose title, holder or number has `q`, and all accounts, pool rules and waterfalls.

    Raises:
        NotPermitted.
    """
    require(actor, READ)
    chosen = entity_of(routes, entity)
    async with uow.read() as tx:
        stored = await _terms_in(tx, chosen)
        titles = {f"{title.type}/{title.short_id}": title.name for title in await tx.titles.all()}
        found = await _licences_in(tx, stored, q.strip().casefold())
        holders = {item.short_id: item for item in await tx.producers.all()}
    accounts, pools, waterfalls = (
        tuple(
            NamedTerms(
                kind, key, json.loads(item.body), item.sequence, _holder(item, holders), titles.get(key, "")
            )
            for (of, key), item in sorted(stored.items(), key=lambda pair: pair[0][1])
            if of is kind and item.body != AWAITED
        )
        for kind in (InputKind.ACCOUNT, InputKind.POOL, InputKind.WATERFALL)
    )
    shown = found[(page - 1) * PAGE : page * PAGE]
    return TermsBook(
        chosen, routes.entities, tuple(shown), accounts, pools, waterfalls, len(found), page, q.strip()
    )


async def terms_of(
    actor: Actor, entity: SellingEntity, kind: InputKind, key: str, *, uow: UnitOfWork[InputsTx]
) -> LicenceTerms | NamedTerms:
    """Return the terms of one licence, account or plan.

    Raises:
        NotPermitted.
        InputNotFound: there is no such licence, or nothing was set for that account or plan.
    """
    require(actor, READ)
    async with uow.read() as tx:
        return await terms_of_in(tx, entity, kind, key)


async def terms_of_in(
    tx: InputsTx, entity: SellingEntity, kind: InputKind, key: str
) -> LicenceTerms | NamedTerms:
    """Return what `terms_of` does, in a transaction that is given.

    Raises:
        InputNotFound: as `terms_of`.
    """
    item = await tx.royalty_inputs.find(entity.id, kind, key)
    if kind is InputKind.LICENCE:
        stored: dict[tuple[InputKind, str], Input] = {} if item is None else {(kind, key): item}
        found = [one for one in await _licences_in(tx, stored, key.casefold()) if one.number == key]
        if found:
            return found[0]
    elif item is not None and item.body != AWAITED and kind is not InputKind.FACTS:
        holders = {one.short_id: one for one in await tx.producers.all()}
        return NamedTerms(kind, key, json.loads(item.body), item.sequence, _holder(item, holders))
    raise InputNotFound(kind.value, key)


def entity_of(routes: SellerRoutes, wanted: str | None) -> SellingEntity:
    """Return the entity of that id; the first one where none is named.

    Raises:
        UnknownEntity: none has it.
    """
    return entities_named(routes, wanted)[0] if wanted else routes.entities[0]


async def _facts_in(tx: InputsTx, entity: SellingEntity, month: str) -> FactsMonth:
    closed = next(iter(await tx.statements.closed(entity.id, [month])), None)
    newest = {item.key: item for item in await tx.royalty_inputs.heads(entity.id, month=month)}
    files = [
        BroughtFile(
            item.key,
            item.month,
            item.sequence,
            item.facts,
            item.at,
            item.is_awaited,
            closed is not None and item.sequence > closed.cut,
        )
        for item in sorted(newest.values(), key=lambda item: -item.sequence)
    ]
    return FactsMonth(entity, month, closed is not None, tuple(files))


async def _terms_in(tx: InputsTx, entity: SellingEntity) -> dict[tuple[InputKind, str], Input]:
    return {(item.kind, item.key): item for item in await tx.royalty_inputs.terms(entity.id)}


async def _licences_in(
    tx: InputsTx, stored: Mapping[tuple[InputKind, str], Input], wanted: str
) -> list[LicenceTerms]:
    names = await public_names_in(tx)
    titles = {title.id: title for title in await tx.titles.all()}
    holders = {producer.id: producer for producer in await tx.producers.all()}
    books = await tx.rights.of_titles(sorted(titles))
    found = []
    for book in books.values():
        for licence in book.licences:
            title, holder = titles[licence.title_id], holders[licence.partner_id]
            known = (title.name, names.titles[title.id], holder.name, holder.short_id, licence.number)
            if any(wanted in text.casefold() for text in known):
                found.append(_licence(licence, title, holder, names, stored))
    return sorted(found, key=lambda one: (one.title.name.casefold(), one.licence.starts_at, one.number))


def _licence(
    licence: Licence,
    title: Title,
    holder: Producer,
    names: PublicNames,
    stored: Mapping[tuple[InputKind, str], Input],
) -> LicenceTerms:
    item = stored.get((InputKind.LICENCE, licence.number))
    terms = None if item is None else json.loads(item.body)
    by_share: dict[str, list[str]] = {}
    for model, rate in deal_of(licence, names, terms)["rates"].items():
        by_share.setdefault(share_text(rate), []).append(model)
    shares = tuple((text, tuple(models)) for text, models in by_share.items())
    return LicenceTerms(licence, title, holder, terms, item.sequence if item else 0, shares)


def _holder(item: Input, holders: Mapping[str, Producer]) -> Producer | None:
    return holders.get(json.loads(item.body).get("holder", ""))


def _step_text(step: Mapping[str, Any], currency: str) -> str:
    """Say what a step asks for: `fee 20% of all`, `equity 120% of 3,000.00`."""
    rate = "" if step.get("rate") is None else f"{share_text(step['rate'])} of "
    whole = "" if step.get("amount") is None else Money(step["amount"], currency).major_text()
    asks = {"percent_of_gross": f"{rate}all", "percent_of_remaining": f"{rate}what remains"}
    cap = "" if step.get("cap") is None else f", at most {Money(step['cap'], currency).major_text()}"
    return f"{step['name']} {asks.get(step['takes'], rate + whole)}{cap}"


def share_text(rate: Any) -> str:
    """Say a rate in a few words: `33.33%`, `1/3`, or that it has tiers or changes by date."""
    if isinstance(rate, Mapping):
        return "tiers" if "bands" in rate else "by date"
    text = str(rate)
    part = Fraction(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    percent = part * 100
    whole = percent * 10_000
    if whole.denominator != 1:
        return str(part)
    digits = f"{whole.numerator // 10_000}.{whole.numerator % 10_000:04d}"
    return digits.rstrip("0").rstrip(".") + "%"
