"""What a month is stated from: licences and royalty terms as one file of terms, spends and files as facts."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any, Protocol

from attrs import evolve, frozen

from buddy_core.catalog import CatalogTx
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.ids import PartnerId, TitleId
from buddy_core.kernel.periods import Period, month, previous_month
from buddy_core.rights import Licence, RightsTx
from buddy_core.royalty import (
    PLATFORM,
    BadInput,
    Balances,
    ClosedMonth,
    Document,
    Facts,
    Input,
    InputKind,
    Model,
    Month,
    Past,
    PeriodInput,
    PeriodResult,
    Problem,
    RoyaltyTx,
    TokenSpend,
    TokenUse,
    Whose,
    closing_json,
    presets,
    read_input,
    state_with_late,
    statement_bodies,
)

AWAITED = b"null"
"""The body of facts that were announced and have not come."""
Spends = Callable[[Period], Awaitable[Sequence[TokenSpend]]]


class RoyaltyBookTx(RoyaltyTx, RightsTx, CatalogTx, Protocol):
    """What stating a month reads."""


@frozen
class PublicNames:
    """What titles and partners are called outside; internal ids never leave the service."""

    titles: Mapping[TitleId, str]
    """Such as `episode/hr36`."""
    partners: Mapping[PartnerId, str]

    def holder(self, holder: str) -> str:
        """Return the internal id of a holder by its name outside; the platform keeps its name.

        Raises:
            KeyError: nobody has that name.
        """
        return PLATFORM if holder == PLATFORM else str(self._ids[holder])

    @cached_property
    def _ids(self) -> dict[str, PartnerId]:
        return {name: id_ for id_, name in self.partners.items()}


@frozen
class Stored:
    """What is stored of an entity's months, as far as one of them is stated from it."""

    names: PublicNames
    earlier: Sequence[ClosedMonth]
    """The closed months before it in order: all of them where facts of one came late, else the last."""
    files: Sequence[Input]
    """Its facts up to its cut; where some of an earlier month came late, those of all months."""
    spends: Spends


@frozen
class StatedMonth:
    """A month as its facts and terms give it: provisional, or once more what was closed."""

    month: Month
    terms: bytes
    cut: int
    """The last input that it knows."""
    result: PeriodResult
    bodies: Mapping[Whose, bytes]
    """Every statement's final bytes, by the holder's internal id; the platform's last."""

    @property
    def closing(self) -> bytes:
        """What is carried to the next month."""
        return closing_json(self.month, self.result).encode()


async def public_names_in(tx: CatalogTx) -> PublicNames:
    """Return the names of everything that earns and everybody who has a share."""
    return PublicNames(
        {title.id: f"{title.type}/{title.short_id}" for title in await tx.titles.all()},
        {producer.id: producer.short_id for producer in await tx.producers.all()},
    )


async def terms_in(
    tx: RoyaltyBookTx,
    month: Month,
    names: PublicNames,
    others: Mapping[tuple[InputKind, str], Any] = MappingProxyType({}),
) -> bytes:
    """Return the terms of a month as they stand now: every licence as a deal, accounts and pool rules.

    `others` go before what is stored, by kind and key.

    Raises:
        BadInput: an account is of nobody who has a share.
    """
    stored = {
        (item.kind, item.key): json.loads(item.body) for item in await tx.royalty_inputs.terms(month.entity)
    }
    stored.update(others)
    accounts = _of_kind(stored, InputKind.ACCOUNT)
    _check_holders(accounts, names)
    books = await tx.rights.of_titles(sorted(names.titles))
    deals = [
        deal_of(licence, names, stored.get((InputKind.LICENCE, licence.number)))
        for _, book in sorted(books.items())
        for licence in sorted(book.licences, key=lambda item: item.id)
    ]
    whole: dict[str, Any] = {
        "month": {"name": month.name, "entity": month.entity, "zone": month.zone},
        "deals": deals,
        "accounts": accounts,
        "own_titles": "*",
    }
    if pools := _of_kind(stored, InputKind.POOL):
        whole["pools"] = pools
    return canonical_bytes(whole)


def deal_of(licence: Licence, names: PublicNames, terms: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a licence as a deal: its share is the rate of every model that its royalty terms do not name."""
    given = dict(terms or {})
    preset = given.pop("preset", None)
    rates = {model.value: str(licence.share) for model in Model}
    if preset is not None:
        rates |= {model: str(rate) for model, rate in presets()[preset].items()}
    return {
        **given,
        "id": licence.number,
        "title": names.titles[licence.title_id],
        "holder": names.partners[licence.partner_id],
        "part": str(licence.ownership),
        "territories": [
            *licence.territories.included,
            *(f"^{code}" for code in licence.territories.excluded),
        ],
        "starts_at": licence.starts_at,
        "ends_at": licence.ends_at,
        "rates": {**rates, **given.get("rates", {})},
    }


async def state_month_in(
    tx: RoyaltyBookTx, wanted: Month, closed: ClosedMonth | None = None, *, terms: bytes | None = None
) -> StatedMonth:
    """State a month: as its facts and terms lie there now, or as they did when it was closed.

    `terms` are others to try.

    Raises:
        BadInput, TermsProblems: facts and terms do not go together; every problem is named.
    """
    names, entity = await public_names_in(tx), wanted.entity
    if terms is None:
        terms = closed.terms if closed else await terms_in(tx, wanted, names)
    cut = closed.cut if closed else await tx.royalty_inputs.last(entity)

    async def spends(period: Period) -> Sequence[TokenSpend]:
        return await tx.token_spends.of_period(entity, period)

    months = [name for name in await tx.statements.months(entity) if name < wanted.name]
    if months and months[-1] != previous_month(wanted.name):
        # Between the last closed month and this one others are open: it begins with what they come to now.
        then = await state_month_in(tx, _month_before(wanted))
        opening = ClosedMonth(entity, then.month.name, then.month.period.end, cut, then.terms, then.closing)
        files = await tx.royalty_inputs.facts(entity, month=wanted.name, until=cut)
        return await state_stored(wanted, terms, cut, Stored(names, [opening], files, spends))
    earlier = await tx.statements.closed(entity, months[-1:])
    known = earlier[-1].cut if earlier else 0
    came = await tx.royalty_inputs.facts(entity, since=known, until=cut)
    if any(item.month < wanted.name for item in came):
        earlier = await tx.statements.closed(entity, months)
        files = await tx.royalty_inputs.facts(entity, until=cut)
    else:
        files = await tx.royalty_inputs.facts(entity, month=wanted.name, until=cut)
    return await state_stored(wanted, terms, cut, Stored(names, earlier, files, spends))


def _month_before(wanted: Month) -> Month:
    name = previous_month(wanted.name)
    return Month(name, wanted.entity, wanted.zone, month(name, wanted.zone))


async def state_stored(wanted: Month, terms: bytes, cut: int, stored: Stored) -> StatedMonth:
    """State a month from what is stored of it and of those before it.

    Raises:
        BadInput, TermsProblems: as `state_month_in`.
        KeyError: a title or holder that nobody knows; only where a store was tampered with.
    """
    read = _Reader(stored.names, stored.spends)
    before = stored.earlier[-1] if stored.earlier else None
    now = await read.period(terms, before, [item for item in stored.files if item.month == wanted.name])
    past, first = await _past(read, stored)
    result = state_with_late(now.month, now.terms, now.facts, now.before, past, first or now.before)
    bodies = {
        Whose(stored.names.holder(whose.holder), whose.currency): body
        for whose, body in statement_bodies(now.month, result).items()
    }
    return StatedMonth(now.month, terms, cut, result, bodies)


async def _past(read: _Reader, stored: Stored) -> tuple[list[Past], Balances | None]:
    """Return the closed months that late facts change, and what the first of them began with.

    They begin with the first month of which facts ever came late, also where an earlier close has
    adjusted it: what tiers and pools carry on from there is in no stored balance before that close.
    """
    cuts = {item.month: item.cut for item in stored.earlier}
    late = [item for item in stored.files if item.month in cuts and item.sequence > cuts[item.month]]
    known = stored.earlier[-1].cut if stored.earlier else 0
    past: list[Past] = []
    first: Balances | None = None
    if not any(item.sequence > known for item in late):
        return past, first
    begin = min(item.month for item in late)
    opening: ClosedMonth | None = None
    for there in stored.earlier:
        if there.month >= begin:
            mine = [item for item in stored.files if item.month == there.month]
            then = await read.period(there.terms, opening, [item for item in mine if item.sequence <= known])
            came = read.files(there.terms, opening, [item for item in mine if item.sequence > known])
            past.append(Past(then.month, then.terms, then.facts, came.facts))
            first = then.before if first is None else first
        opening = there
    return past, first


@frozen
class _Reader:
    """Reads what was stored of a month, and the spends of it."""

    names: PublicNames
    spends: Spends

    async def period(self, terms: bytes, before: ClosedMonth | None, files: Sequence[Input]) -> PeriodInput:
        """Return all that a month is stated from."""
        found = self.files(terms, before, files)
        spent = await self.spends(found.month.period)
        return evolve(found, facts=found.facts + Facts(tokens=tuple(map(self._use, spent))))

    def files(self, terms: bytes, before: ClosedMonth | None, files: Sequence[Input]) -> PeriodInput:
        """Return what files alone say."""
        return read_input(
            Document("terms", terms),
            [Document(f"{item.key}.json", item.body) for item in files if item.body != AWAITED],
            Document("closing balances", before.closing) if before else None,
        )

    def _use(self, spend: TokenSpend) -> TokenUse:
        return TokenUse(
            id=f"{spend.entry_id}:{spend.kind}",
            title=self.names.titles[spend.title_id],
            territory=spend.country,
            kind=spend.kind,
            tokens=spend.tokens,
            version=spend.version,
            currency=spend.currency,
            value=spend.value,
            at=spend.at,
            spent_at=spend.spent_at,
        )


def _of_kind(stored: Mapping[tuple[InputKind, str], Any], kind: InputKind) -> list[Any]:
    """Return the terms of one kind that were not taken away, by key."""
    return [
        body for (of, _), body in sorted(stored.items(), key=lambda item: item[0][1]) if of is kind and body
    ]


def _check_holders(accounts: Sequence[Mapping[str, Any]], names: PublicNames) -> None:
    """Refuse accounts of holders whom nothing can be paid to."""
    there = set(names.partners.values())
    problems = tuple(
        Problem("terms", 0, f"accounts.{item['id']}.holder", f"is {item['holder']}, no partner", _WHO)
        for item in accounts
        if "holder" in item and item["holder"] not in there
    )
    if problems:
        raise BadInput(problems, len(problems))


_WHO = "write the short id of a producer, as its page shows it"
