"""What a month is stated from: licences and royalty terms as one file of terms, spends and files as facts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, Protocol

from attrs import evolve, frozen

from buddy_core.catalog import CatalogTx
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.ids import EntityId, PartnerId, TitleId
from buddy_core.kernel.periods import Period, month, month_of, next_month
from buddy_core.rights import Licence, RightsTx
from buddy_core.royalty import (
    AWAITED,
    PLATFORM,
    BadInput,
    Balances,
    BeingWorkedOut,
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
    Terms,
    TermsProblems,
    TokenSpend,
    TokenUse,
    Whose,
    closing_json,
    presets,
    read_input,
    state_with_late,
    statement_bodies,
)

Spends = Callable[[Period], Awaitable[Sequence[TokenSpend]]]
Others = Mapping[tuple[InputKind, str], Any]
"""Terms by kind and key."""
NO_OTHERS: Others = MappingProxyType({})
OpenMonths = dict[str, "StatedMonth"]
"""Open months of an entity that one transaction has stated, by name."""


class RoyaltyBookTx(RoyaltyTx, RightsTx, CatalogTx, Protocol):
    """What stating a month reads."""


@frozen
class PublicNames:
    """What titles and partners are called outside; internal ids never leave the service."""

    titles: Mapping[TitleId, str]
    """Such as `episode/hr36`."""
    partners: Mapping[PartnerId, str]

    @cached_property
    def digest(self) -> bytes:
        """The SHA-256 of all of them."""
        names = [*self.titles.items(), *self.partners.items()]
        return hashlib.sha256("".join(f"{id_} {name}\n" for id_, name in names).encode()).digest()

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
    spends: Mapping[str, Sequence[TokenSpend]]
    """By month: its own, and those of every earlier one that late facts change."""

    @property
    def late(self) -> list[Input]:
        """Facts of months that were closed by then, adjusted already or not."""
        cuts = {item.month: item.cut for item in self.earlier}
        return [item for item in self.files if item.month in cuts and item.sequence > cuts[item.month]]

    @property
    def adjusted(self) -> Sequence[ClosedMonth]:
        """The closed months that late facts change.

        They begin with the first month of which facts ever came late, also where an earlier close has
        adjusted it: what tiers and pools carry on from there is in no stored balance before that close.
        """
        known, late = self.known, self.late
        if not any(item.sequence > known for item in late):
            return ()
        begin = min(item.month for item in late)
        return [item for item in self.earlier if item.month >= begin]

    @property
    def known(self) -> int:
        """The last input that an earlier month knew."""
        return self.earlier[-1].cut if self.earlier else 0


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


async def terms_in(tx: RoyaltyBookTx, month: Month, names: PublicNames, others: Others = NO_OTHERS) -> bytes:
    """Return the terms of a month as they stand now: every licence as a deal, accounts and pool rules.

    `others` go before what is stored, by kind and key.

    Raises:
        BadInput: an account is of nobody who has a share.
    """
    return _terms_of(month, await _standing_in(tx, month.entity, names, others))


async def _standing_in(
    tx: RoyaltyBookTx, entity: EntityId, names: PublicNames, others: Others
) -> dict[str, Any]:
    """Return the terms that every open month of an entity has.

    Raises:
        BadInput: as `terms_in`.
    """
    stored = {(item.kind, item.key): json.loads(item.body) for item in await tx.royalty_inputs.terms(entity)}
    stored.update(others)
    accounts = _of_kind(stored, InputKind.ACCOUNT)
    _check_holders(accounts, names)
    books = await tx.rights.of_titles(sorted(names.titles))
    deals = [
        deal_of(licence, names, stored.get((InputKind.LICENCE, licence.number)))
        for _, book in sorted(books.items())
        for licence in sorted(book.licences, key=lambda item: item.id)
    ]
    whole: dict[str, Any] = {"deals": deals, "accounts": accounts, "own_titles": "*"}
    if pools := _of_kind(stored, InputKind.POOL):
        whole["pools"] = pools
    if waterfalls := _of_kind(stored, InputKind.WATERFALL):
        _check_takers(waterfalls, names)
        whole["waterfalls"] = waterfalls
    return whole


def _terms_of(month: Month, standing: Mapping[str, Any]) -> bytes:
    named = {"name": month.name, "entity": month.entity, "zone": month.zone}
    return canonical_bytes({**standing, "month": named})


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
    others: Others | None = None,
    known: OpenMonths | None = None,
    may_lag: bool = False,
) -> StatedMonth:
    """State a month: as its facts and terms lie there now, or as they did when it was closed.

    Before an open month others may be open: it begins with what they come to now. They are stated
    first, in memory; `known` keeps them for the next that is asked for in the same transaction.
    `others` are terms to try instead of those that stand, by kind and key. With `may_lag` the month
    may be as it was worked out last, while what has come since is still being worked in.

    Raises:
        BeingWorkedOut: it is large; ask again.
        BadInput, TermsProblems: facts and terms, of an open month before it too, do not go together.
    """
    names, entity = await public_names_in(tx), wanted.entity
    cut = closed.cut if closed else await tx.royalty_inputs.last(entity)
    book = _Book(tx, names, await tx.statements.months(entity), cut)
    if closed is not None:
        terms = closed.terms if others is None else await terms_in(tx, wanted, names, others)
        return await book.state(wanted, terms, None)
    standing = await _standing_in(tx, entity, names, others or NO_OTHERS)
    months = known if known is not None and others is None else OpenMonths()
    before: StatedMonth | None = None
    for name in [*await book.open_before(wanted), wanted.name]:
        month_ = _month_of(wanted, name)
        stated = months.get(name)
        if stated is None:
            lags = may_lag and name == wanted.name
            terms = _terms_of(month_, standing)
            stated = months[name] = await book.state(month_, terms, before, may_lag=lags)
        before = stated
    assert before is not None, "the month itself is the last of them"
    return before


@frozen
class _Book:
    """What an entity's months are stated from, as one transaction finds it."""

    tx: RoyaltyBookTx
    names: PublicNames
    closed: Sequence[str]
    cut: int
    """The last input that counts."""

    async def open_before(self, wanted: Month) -> list[str]:
        """Return the open months before one: from the last closed one on, or from the first with facts."""
        if not self.closed:
            first = await first_month_in(self.tx, wanted.entity, wanted.zone)
        elif wanted.name < self.closed[0]:
            # It was passed over, and nothing is carried to it.
            return []
        else:
            first = next_month(self.closed[-1])
        names: list[str] = []
        name = first or wanted.name
        while name < wanted.name:
            names.append(name)
            name = next_month(name)
        return names

    async def state(
        self, wanted: Month, terms: bytes, before: StatedMonth | None, *, may_lag: bool = False
    ) -> StatedMonth:
        """State a month after the open one before it, or after the closed ones."""
        tx = self.tx
        count = await tx.token_spends.count(wanted.entity, wanted.period.end)
        key = _key_of(wanted, terms, self.cut, self.closed, count, self.names)
        gather = partial(self._gather, wanted, terms, before)
        try:
            return await tx.workings.worked_out(wanted, key, gather)
        except BeingWorkedOut:
            last: StatedMonth | None = tx.workings.last(wanted) if may_lag else None
            # What other terms would make of it may have been the last that was worked out.
            if last is None or last.terms != terms:
                raise
            return last

    async def _gather(
        self, wanted: Month, terms: bytes, before: StatedMonth | None
    ) -> Callable[[], StatedMonth]:
        """Read what the month is stated from, and return what states it."""
        tx, entity, cut = self.tx, wanted.entity, self.cut

        async def spends(period: Period) -> Sequence[TokenSpend]:
            return await tx.token_spends.of_period(entity, period)

        is_late = False
        if before is not None:
            there = before.month
            opening = ClosedMonth(entity, there.name, there.period.end, cut, before.terms, before.closing)
            earlier: Sequence[ClosedMonth] = [opening]
        else:
            months = [name for name in self.closed if name < wanted.name]
            earlier = await tx.statements.closed(entity, months[-1:])
            since = earlier[-1].cut if earlier else 0
            came = await tx.royalty_inputs.heads(entity, since=since, until=cut)
            is_late = bool(earlier) and any(item.month < wanted.name for item in came)
            if is_late:
                earlier = await tx.statements.closed(entity, months)
        only = None if is_late else wanted.name
        files = await tx.royalty_inputs.facts(entity, month=only, until=cut)
        stored = await stored_of(wanted, self.names, earlier, files, spends)
        return partial(state_stored, wanted, terms, cut, stored)


async def first_month_in(tx: RoyaltyBookTx, entity: EntityId, zone: str) -> str | None:
    """Return the first month of an entity that anything is known of: a file, or a spend of tokens."""
    known = [item.month for item in await tx.royalty_inputs.heads(entity)]
    spent = await tx.token_spends.first_at(entity, None)
    if spent is not None:
        known.append(month_of(spent, zone))
    return min(known, default=None)


def _month_of(wanted: Month, name: str) -> Month:
    if name == wanted.name:
        return wanted
    return Month(name, wanted.entity, wanted.zone, month(name, wanted.zone))


def document_of(item: Input) -> Document:
    """Return facts as the file that they came in; whatever that was, they are kept as JSON."""
    return Document(item.key if item.key.endswith(".json") else f"{item.key}.json", item.body)


def _key_of(
    wanted: Month, terms: bytes, cut: int, closed: Sequence[str], spends: int, names: PublicNames
) -> bytes:
    """Return what stands for all that a month is stated from.

    Inputs, closed months and spends are only ever added to, so that their numbers say which they are.
    """
    before = [name for name in closed if name < wanted.name]
    is_closed = wanted.name in closed
    numbers = [wanted.entity, wanted.name, wanted.zone, cut, len(before), is_closed, spends]
    return hashlib.sha256(canonical_bytes(numbers) + names.digest + terms).digest()


async def stored_of(
    wanted: Month,
    names: PublicNames,
    earlier: Sequence[ClosedMonth],
    files: Sequence[Input],
    spends: Spends,
) -> Stored:
    """Return what a month is stated from with the spends that belong to it, found by period."""
    stored = Stored(names, earlier, files, {})
    found = {wanted.name: await spends(wanted.period)}
    for item in stored.adjusted:
        found[item.month] = await spends(_month_of(wanted, item.month).period)
    return evolve(stored, spends=found)


def state_stored(wanted: Month, terms: bytes, cut: int, stored: Stored) -> StatedMonth:
    """State a month from what is stored of it and of those before it.

    Raises:
        BadInput, TermsProblems: as `state_month_in`.
        KeyError: a title or holder that nobody knows; only where a store was tampered with.
    """
    read = _Reader(stored.names, stored.spends)
    before = stored.earlier[-1] if stored.earlier else None
    now = read.period(terms, before, [item for item in stored.files if item.month == wanted.name])
    past, first = _past(read, stored)
    result = state_with_late(now.month, now.terms, now.facts, now.before, past, first or now.before)
    bodies = {
        Whose(stored.names.holder(whose.holder), whose.currency): body
        for whose, body in statement_bodies(now.month, result).items()
    }
    return StatedMonth(now.month, terms, cut, result, bodies)


async def late_problems_in(tx: RoyaltyBookTx, month_: Month, item: Input) -> list[str]:
    """Return why closed months could not be stated with a file that comes late, and could without it.

    Their terms stay as they were closed, so that whatever these cannot state could never be mended.
    """
    closed = await tx.statements.months(month_.entity)
    if month_.name not in closed:
        return []
    names, after = await public_names_in(tx), _month_of(month_, next_month(closed[-1]))

    async def spends(period: Period) -> Sequence[TokenSpend]:
        return await tx.token_spends.of_period(month_.entity, period)

    earlier = await tx.statements.closed(month_.entity, closed)
    files = await tx.royalty_inputs.facts(month_.entity)
    without = await stored_of(after, names, earlier, files, spends)
    stored = await stored_of(after, names, earlier, [*files, item], spends)
    return await tx.workings.aside(partial(_late_problems, after, without, stored))


def _late_problems(after: Month, without: Stored, stored: Stored) -> list[str]:
    found = _problems_of_past(after, stored)
    known = set(_problems_of_past(after, without)) if found else set()
    return [problem for problem in found if problem not in known]


def _problems_of_past(after: Month, stored: Stored) -> Sequence[str]:
    """State the month after all closed ones as if nothing were in it but what came late of them."""
    try:
        past, first = _past(_Reader(stored.names, stored.spends), stored)
        alone = Terms(own_titles=frozenset({"*"}))
        state_with_late(after, alone, Facts(), Balances(), past, first or Balances())
    except BadInput as error:
        return [f"{item.what}; {item.fix}" for item in error.problems]
    except TermsProblems as error:
        return error.problems
    return []


def _past(read: _Reader, stored: Stored) -> tuple[list[Past], Balances | None]:
    """Return the closed months that late facts change, and what the first of them began with."""
    adjusted, known = {item.month for item in stored.adjusted}, stored.known
    past: list[Past] = []
    first: Balances | None = None
    opening: ClosedMonth | None = None
    for there in stored.earlier:
        if there.month in adjusted:
            mine = [item for item in stored.files if item.month == there.month]
            then = read.period(there.terms, opening, [item for item in mine if item.sequence <= known])
            came = read.files(there.terms, opening, [item for item in mine if item.sequence > known])
            past.append(Past(then.month, then.terms, then.facts, came.facts))
            first = then.before if first is None else first
        opening = there
    return past, first


@frozen
class _Reader:
    """Reads what was stored of a month, and the spends of it."""

    names: PublicNames
    spends: Mapping[str, Sequence[TokenSpend]]

    def period(self, terms: bytes, before: ClosedMonth | None, files: Sequence[Input]) -> PeriodInput:
        """Return all that a month is stated from."""
        found = self.files(terms, before, files)
        spent = self.spends[found.month.name]
        return evolve(found, facts=found.facts + Facts(tokens=tuple(map(self._use, spent))))

    def files(self, terms: bytes, before: ClosedMonth | None, files: Sequence[Input]) -> PeriodInput:
        """Return what files alone say."""
        return read_input(
            Document("terms", terms),
            [document_of(item) for item in files if item.body != AWAITED],
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


def _check_takers(waterfalls: Sequence[Mapping[str, Any]], names: PublicNames) -> None:
    """Refuse steps whose taker nothing can be paid to."""
    there = {*names.partners.values(), PLATFORM}
    problems = tuple(
        Problem(
            "terms",
            0,
            f"waterfall {item['title']}.steps[{number}].taker",
            f"is {step['taker']}, no partner",
            f"{_WHO}, or {PLATFORM}",
        )
        for item in waterfalls
        for number, step in enumerate(item["steps"])
        if step["taker"] not in there
    )
    if problems:
        raise BadInput(problems, len(problems))


_WHO = "write the short id of a producer, as its page shows it"
