"""What a month is stated from: licences and royalty terms as one file of terms, spends and files as facts."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

from attrs import evolve, frozen

from buddy_core.catalog import CatalogTx
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.ids import PartnerId, TitleId
from buddy_core.kernel.periods import Period, previous_month
from buddy_core.rights import Licence, RightsTx
from buddy_core.royalty import (
    PLATFORM,
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
        """Return the internal id of a holder by its name outside; the platform keeps its name."""
        if holder == PLATFORM:
            return PLATFORM
        return str(next(id_ for id_, name in self.partners.items() if name == holder))


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
    """
    stored = {
        (item.kind, item.key): json.loads(item.body) for item in await tx.royalty_inputs.terms(month.entity)
    }
    stored.update(others)
    books = await tx.rights.of_titles(sorted(names.titles))
    deals = [
        deal_of(licence, names, stored.get((InputKind.LICENCE, licence.number)))
        for _, book in sorted(books.items())
        for licence in sorted(book.licences, key=lambda item: item.id)
    ]
    whole: dict[str, Any] = {
        "month": {"name": month.name, "entity": month.entity, "zone": month.zone},
        "deals": deals,
        "accounts": _of_kind(stored, InputKind.ACCOUNT),
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
    tx: RoyaltyBookTx,
    wanted: Month,
    closed: ClosedMonth | None = None,
    *,
    terms: bytes | None = None,
    spends: Spends | None = None,
) -> StatedMonth:
    """State a month: as its facts and terms lie there now, or as they did when it was closed.

    `terms` are others to try; `spends` gives other spends than those that are stored.

    Raises:
        BadInput, TermsProblems: facts and terms do not go together; every problem is named.
    """
    names = await public_names_in(tx)
    entity = wanted.entity
    if terms is None:
        terms = closed.terms if closed else await terms_in(tx, wanted, names)
    cut = closed.cut if closed else await tx.royalty_inputs.last(entity)
    months = [name for name in await tx.statements.months(entity) if name < wanted.name]
    earlier = {item.month: item for item in await tx.statements.closed(entity, months)}
    before = earlier[months[-1]] if months else None
    known = before.cut if before else 0
    files = await tx.royalty_inputs.facts(entity, until=cut)
    read = _Reader(names, spends or (lambda period: tx.token_spends.of_period(entity, period)))
    now = await read.period(terms, before, [item for item in files if item.month == wanted.name])
    past: list[Past] = []
    first = now.before
    late = [item for item in files if item.sequence > known and item.month < wanted.name]
    for name in months:
        if not late or name < min(item.month for item in late):
            continue
        mine = [item for item in files if item.month == name]
        there = earlier[name]
        opening = earlier.get(previous_month(name))
        then = await read.period(there.terms, opening, [item for item in mine if item.sequence <= known])
        came = read.files(there.terms, opening, [item for item in mine if item.sequence > known])
        past.append(Past(then.month, then.terms, then.facts, came.facts))
        first = first if len(past) > 1 else then.before
    result = state_with_late(now.month, now.terms, now.facts, now.before, past, first)
    bodies = {
        Whose(names.holder(whose.holder), whose.currency): body
        for whose, body in statement_bodies(now.month, result).items()
    }
    return StatedMonth(now.month, terms, cut, result, bodies)


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
