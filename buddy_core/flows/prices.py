"""Change prices in money: a new version of the book from an instant on, once, on the record."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from attrs import evolve, field, frozen

from buddy_core.access import Actor, AuditTx, Change, record_in, require
from buddy_core.catalog import Title, TitleNotFound, TitleType
from buddy_core.flows.catalogue import CatalogueTx, find_title_in
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock, utc
from buddy_core.kernel.idempotency import ReceiptTx, once, request_key
from buddy_core.kernel.ids import TitleId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.pricing import (
    BadCurrency,
    BadPriceRule,
    PriceBook,
    PriceRule,
    PricesChanged,
    PricingTx,
    next_prices,
    rule_from_plain,
    rule_to_plain,
)


class PricesTx(PricingTx, CatalogueTx, AuditTx, ReceiptTx, Protocol):
    """What changing prices needs of a transaction."""


def _instant(value: datetime | None) -> datetime | None:
    return None if value is None else utc(value, "effective_from")


@frozen
class SetPrices:
    """Add, replace and remove price rules, from an instant on; without one as soon as may be.

    `rules` are plain data, as files and requests hold them: the fields of `PriceRule`, with
    `title` (`film/ab2d`) for a title of its own. A currency's None takes it away. With
    `is_whole` what is not named goes; else it stays.
    """

    rules: Sequence[Mapping[str, Any]]
    idempotency_key: str
    removed: Sequence[str] = ()
    currencies: Mapping[str, str | None] = field(factory=dict)
    is_whole: bool = False
    effective_from: datetime | None = field(default=None, converter=_instant)
    base: int | None = None
    """The version that it began from (0: none yet), where another one meanwhile should stop it."""


async def set_prices(
    actor: Actor,
    command: SetPrices,
    *,
    correlation_id: str,
    uow: UnitOfWork[PricesTx],
    clock: Clock,
) -> int:
    """Append a version of the prices; return its number, or the last one's where all stands so already.

    What was quoted is held until it expires, and nothing that was sold changes.

    Raises:
        NotPermitted, SecondFactorNeeded: the actor may not.
        BadPriceRule, BadAmount, BadCurrency, BadTerritory, BadHours, BadDates, SameRank: each names the rule.
        PricesChanged: the last book is not the one that the change began from.
        PricesInPast, PricesTooFar: they must count from soon on, after the last ones, within a year.
        IdempotencyMismatch: the key was used for another change.
    """
    require(actor, "price:publish")
    # What cannot be read is said with its place, before anything is opened for it.
    for place, data in enumerate(command.rules):
        _read(data, f"rules[{place}]")
    for code, currency in command.currencies.items():
        if not isinstance(currency, str | None):
            raise BadCurrency(f"currencies.{code}", repr(currency)[:80])

    async def work(tx: PricesTx, at: datetime) -> int:
        before = await last_prices_in(tx)
        after = await next_prices_in(tx, before, command, at)
        if after is None:
            return before.version if before is not None else 0
        await tx.price_books.add(after)
        old, new = await _told_in(tx, before, after)
        new["from"] = after.effective_from
        change = Change("prices.set", f"version {after.version}", old, new, correlation_id)
        await record_in(tx, actor, change, at)
        return after.version

    request = request_key("pricing.prices", command.idempotency_key, command)
    return await once(uow, request, clock, work, encode=canonical_bytes, decode=json.loads)


async def last_prices_in(tx: PricingTx) -> PriceBook | None:
    """Return the newest book, in force or to come; None if there is none yet."""
    return next(iter(await tx.price_books.newest(1)), None)


async def next_prices_in(
    tx: PricesTx, last: PriceBook | None, command: SetPrices, at: datetime
) -> PriceBook | None:
    """Return the book that a change would append after the last, None if it would change nothing.

    Raises:
        What `set_prices` raises of the rules and versions.
    """
    version = last.version if last is not None else 0
    if command.base is not None and command.base != version:
        raise PricesChanged(command.base, version)
    known = {rule.id for rule in last.rules} if last is not None else set()
    rules: dict[str, PriceRule | None] = {}
    for place, data in enumerate(command.rules):
        rule = await _placed_in(tx, *_read(data, f"rules[{place}]"))
        if rule.id in rules:
            raise BadPriceRule(rule.id, "stands there twice; give each rule an id of its own")
        rules[rule.id] = rule
    for name in command.removed:
        if name in rules:
            raise BadPriceRule(name[:80], "is to be set and to be removed; do one of the two")
        if name not in known:
            raise BadPriceRule(name[:80], "is not in the book, so that it cannot be removed")
        rules[name] = None
    return next_prices(last, rules, command.currencies, command.effective_from, at, is_whole=command.is_whole)


async def rules_shown_in(tx: CatalogueTx, rules: Iterable[PriceRule]) -> list[dict[str, Any]]:
    """Return rules as plain data that `set_prices` takes: a title by its address, such as `film/ab2d`."""
    kept = list(rules)
    titles = await tx.titles.get([rule.title_id for rule in kept if rule.title_id is not None])
    return [_shown(rule, titles) for rule in kept]


def _shown(rule: PriceRule, titles: Mapping[TitleId, Title]) -> dict[str, Any]:
    data = rule_to_plain(rule)
    if rule.title_id in titles and rule.title_id is not None:
        title = titles[rule.title_id]
        del data["title_id"]
        data["title"] = f"{title.type}/{title.short_id}"
    return data


def _read(data: object, place: str) -> tuple[PriceRule, str | None]:
    """Return a rule without its title, and the title's address, from what was sent."""
    if not isinstance(data, Mapping):
        return rule_from_plain(data, place), None
    rule = rule_from_plain({key: value for key, value in data.items() if key != "title"}, place)
    if rule.title_id is not None:
        raise BadPriceRule(rule.id, "has the field 'title_id'; write title, such as film/ab2d")
    if rule.title_type is not None and rule.title_type not in list(TitleType):
        raise BadPriceRule(rule.id, f"is for the type {rule.title_type!r}; there are {', '.join(TitleType)}")
    address = data.get("title")
    if not isinstance(address, str | None):
        raise BadPriceRule(rule.id, "must have a text as title, such as film/ab2d")
    return rule, address


async def _placed_in(tx: PricesTx, rule: PriceRule, address: str | None) -> PriceRule:
    """Return the rule with the title that its address names."""
    if address is None:
        return rule
    type, slash, short_id = address.partition("/")
    try:
        title = await find_title_in(tx, type, short_id if slash else "")
    except TitleNotFound:
        raise BadPriceRule(
            rule.id, f"names no title by {address[:80]!r}; write one such as film/ab2d"
        ) from None
    return evolve(rule, title_id=title.id)


async def _told_in(
    tx: PricesTx, before: PriceBook | None, after: PriceBook
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what changed, before and after: rules by id, and currencies; None where there is none."""
    old = {rule.id: rule for rule in before.rules} if before is not None else {}
    new = {rule.id: rule for rule in after.rules}
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    told: list[dict[str, Any]] = []
    for rules in (old, new):
        shown = {data["id"]: data for data in await rules_shown_in(tx, _named(rules, names))}
        told.append({"rules": {name: shown.get(name) for name in names}})
    was = dict(before.currencies) if before is not None else {}
    if was != dict(after.currencies):
        told[0]["currencies"], told[1]["currencies"] = was, dict(after.currencies)
    return told[0], told[1]


def _named(rules: Mapping[str, PriceRule], names: Iterable[str]) -> list[PriceRule]:
    return [rules[name] for name in names if name in rules]
