"""May they watch, for display: the same answers from facts that are kept, and let go by the commit's events.

Only what pages and lists show comes from here. Playing, links and keys ask `may_watch_in`
on facts read fresh.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from attrs import frozen

from buddy_core.catalog import Title, TitleNotFound
from buddy_core.entitlements import Context, TitleFacts
from buddy_core.flows.catalogue import CatalogueTx, find_title_in
from buddy_core.flows.may_watch import (
    Answer,
    Holdings,
    Known,
    MayWatchTx,
    decided,
    holdings_in,
    in_force_in,
    priced,
)
from buddy_core.flows.title_facts import title_facts
from buddy_core.kernel.cache import Cache
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.events import Envelope
from buddy_core.kernel.ids import AccountId, TitleId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.pricing import PriceBook, TokenCosts, in_force
from buddy_core.shortids import fold

LIFE = timedelta(seconds=30)
"""How long a fact is shown at most if no event tells of its change, which another host may miss.
Shorter than the notice of costs and prices, so that these need no event at all."""
_PRICES = "prices"
T = TypeVar("T")


class DisplayTx(MayWatchTx, CatalogueTx, Protocol):
    """What is read of a store for display."""


@frozen
class ForDisplay:
    """Who asks for which titles, from where; titles as links name them: by type and short id."""

    account: AccountId
    names: tuple[tuple[str, str], ...]
    context: Context


async def show_answers(
    asked: ForDisplay,
    *,
    uow: UnitOfWork[DisplayTx],
    clock: Clock,
    cache: Cache,
    catch_up: Callable[[datetime], Awaitable[None]],
) -> list[Answer | None]:
    """Answer as `display_answers` does, after having heard of what other processes committed."""
    at = clock.now()
    await catch_up(at)
    return await display_answers(asked, at, uow=uow, cache=cache)


def show_kept(
    asked: ForDisplay, *, clock: Clock, cache: Cache, is_due: Callable[[datetime], bool]
) -> list[Answer | None] | None:
    """Answer as `show_answers` does from what is kept alone; None where the store has to be asked.

    It waits for nothing and may be called from any thread.
    """
    at = clock.now()
    facts = None if is_due(at) else _kept(asked, at, cache)
    return None if facts is None else facts.answers(asked.context, at)


async def display_answers(
    asked: ForDisplay, at: datetime, *, uow: UnitOfWork[DisplayTx], cache: Cache
) -> list[Answer | None]:
    """Answer for each title in its place as `may_watch_in` does, None where there is none.

    The store is asked for what is not kept: for one title as often as for a thousand.

    A change shows at once where it was committed by this process, and after its event, at
    the latest after `LIFE`, where it was committed by another.
    """
    facts = _kept(asked, at, cache)
    if facts is None:
        facts = await _read(asked, at, uow, cache)
    return facts.answers(asked.context, at)


def stale_keys(envelopes: Iterable[Envelope]) -> set[str]:
    """Return which kept facts these events make stale."""
    found: set[str] = set()
    for item in envelopes:
        if item.type.startswith("entitlements."):
            body = json.loads(item.body)
            accounts = {item.subject, *(body[name] for name in _ACCOUNTS if name in body)}
            found |= {_held_key(account) for account in accounts}
        elif item.type.startswith("rights."):
            found.add(_title_key(json.loads(item.body)["title_id"]))
        elif item.type.startswith("pricing."):
            found.add(_PRICES)
    return found


_ACCOUNTS = ("account_id", "from_account", "to_account")


def _held_key(account: AccountId | str) -> str:
    return f"held:{account}"


def _name_key(name: tuple[str, str]) -> str:
    return f"name:{name[0]}:{name[1]}"


def _title_key(title: TitleId | str) -> str:
    return f"title:{title}"


@frozen
class _Facts:
    """Everything that the answers rest on; a title that does not exist has none."""

    titles: Sequence[tuple[Title, TitleFacts] | None]
    held: Holdings
    costs: Sequence[TokenCosts]
    prices: Sequence[PriceBook]

    def answers(self, context: Context, at: datetime) -> list[Answer | None]:
        costs, prices = in_force(self.costs, at), in_force(self.prices, at)
        found: list[Answer | None] = []
        for item in self.titles:
            known = None if item is None else Known(*item, self.held)
            found.append(
                None
                if known is None
                else priced(decided(known, context, at), known, context, costs, prices, at)
            )
        return found


def _kept(asked: ForDisplay, at: datetime, cache: Cache) -> _Facts | None:
    held: Holdings | None = cache.get(_held_key(asked.account), at)
    tables = cache.get(_PRICES, at)
    if held is None or tables is None:
        return None
    titles: list[tuple[Title, TitleFacts] | None] = []
    for name in asked.names:
        title_id = cache.get(_name_key(name), at)
        if title_id is None:
            return None
        found = None if title_id is _NOBODYS else cache.get(_title_key(title_id), at)
        if found is None and title_id is not _NOBODYS:
            return None
        titles.append(found)
    return _Facts(titles, held, *tables)


async def _read(asked: ForDisplay, at: datetime, uow: UnitOfWork[DisplayTx], cache: Cache) -> _Facts:
    mark = cache.mark()
    async with uow.read() as tx:
        named = await _named_in(tx, asked.names)
        titles = {title.id: title for title in named if title is not None}
        books = await tx.rights.of_titles(sorted(titles))
        held = (await holdings_in(tx, await tx.grants.of_account(asked.account))).get(asked.account)
        tables = await _tables_in(tx, at)
    facts = {title.id: (title, title_facts(title, books.get(title.id))) for title in titles.values()}
    until = at + LIFE
    for name, title in zip(asked.names, named, strict=True):
        cache.put(_name_key(name), _NOBODYS if title is None else title.id, mark, until)
    for title_id, found in facts.items():
        cache.put(_title_key(title_id), found, mark, until)
    cache.put(_held_key(asked.account), held or Holdings(), mark, until)
    cache.put(_PRICES, tables, mark, until)
    return _Facts(
        [None if title is None else facts[title.id] for title in named], held or Holdings(), *tables
    )


_NOBODYS = "no title"
"""Kept in a title's place where there is none."""


async def _named_in(tx: DisplayTx, names: Sequence[tuple[str, str]]) -> list[Title | None]:
    """Return the titles that are announced, in the place of their names."""
    if len(names) == 1:
        found: list[Title | None] = [None]
        with suppress(TitleNotFound):
            found = [await find_title_in(tx, *names[0])]
    else:
        # One list of everything is one question; a thousand ids one by one would be a thousand.
        known = {(title.type.value, fold(title.short_id)): title for title in await tx.titles.all()}
        found = [known.get((type, fold(text))) for type, text in names]
    return [None if title is None or title.published_at is None else title for title in found]


async def _tables_in(tx: MayWatchTx, at: datetime) -> tuple[list[TokenCosts], list[PriceBook]]:
    """Return the costs and prices in force, and those that come to be while they are kept."""
    costs, prices = await in_force_in(tx, at)
    return (
        [
            *_none_or(costs),
            *(item for item in await tx.token_costs.newest(_AHEAD) if item.effective_from > at),
        ],
        [
            *_none_or(prices),
            *(item for item in await tx.price_books.newest(_AHEAD) if item.effective_from > at),
        ],
    )


_AHEAD = 100
"""How many versions that are to come are looked at; each begins after the one before."""


def _none_or(found: T | None) -> list[T]:
    return [] if found is None else [found]
