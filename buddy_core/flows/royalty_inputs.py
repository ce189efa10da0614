"""Bring in facts of a month from outside, and set the terms by which months are stated; all on the record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Protocol

from attrs import field, fields, frozen

from buddy_core.access import Actor, ApprovalsTx, Change, afresh_in, record_in, require
from buddy_core.flows.close_period import month_for
from buddy_core.flows.royalty_book import (
    AWAITED,
    PublicNames,
    RoyaltyBookTx,
    public_names_in,
    state_month_in,
    terms_in,
)
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.periods import month_of
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.royalty import (
    MOST_LISTED,
    BadInput,
    Document,
    Facts,
    Input,
    InputDiffers,
    InputKind,
    Month,
    PassedOver,
    PeriodResult,
    Problem,
    facts_json,
    read_facts,
    read_input,
)
from buddy_core.tax import SellingEntity

IMPORT = "royalty:import"
EDIT = "terms:edit"
BROUGHT = "royalty.facts"
SET = "royalty.terms"
LICENCE_TERMS = ("preset", "rates", "fee", "expense_cap", "ads_by", "account")
"""What may be said of a licence; the rest of its deal is the licence's own."""
MOST_NAME = 120


class InputsTx(RoyaltyBookTx, ApprovalsTx, Protocol):
    """What bringing in facts and setting terms needs of a transaction."""


def _named(_: object, attribute: Any, value: str) -> None:
    if not 1 <= len(value) <= MOST_NAME or not value.isprintable() or value != value.strip():
        raise InvalidValue(attribute.name, f"must be a text of 1 to {MOST_NAME} printable characters")


@frozen
class BringFacts:
    """Facts of one month, as JSON or, where the file's name ends so, as CSV.

    `name` is theirs for ever: brought in again, the same facts are answered and not counted twice.
    Without content they are announced, and the month is not closed before they have come.
    """

    entity: SellingEntity
    month: str
    name: str = field(validator=_named)
    content: bytes | None = field(repr=False)
    file: str = "facts.json"
    """What the content was called: a CSV says in its name what it is, such as `sales-2026-10.csv`."""


@frozen
class Brought:
    """Facts that were brought in; `is_late` where their month was closed: the next one adjusts it."""

    sequence: int
    facts: int
    is_new: bool
    is_late: bool


async def bring_facts(
    actor: Actor,
    command: BringFacts,
    *,
    correlation_id: str,
    uow: UnitOfWork[InputsTx],
    clock: Clock,
) -> Brought:
    """Store facts of a month, once by name; those of a closed month stand in the next one as adjustments.

    Raises:
        NotPermitted, SecondFactorNeeded, InvalidMonth, InvalidValue.
        BadInput: every problem of the file with its place; nothing was stored.
        InputDiffers: facts of that name are there, and are others.
        PassedOver: the month is before the first one that was closed.
    """
    require(actor, IMPORT)
    month = month_for(command.entity, command.month)
    if clock.now() < month.period.start:
        raise InvalidValue("month", f"{month.name} has not begun; bring facts in when they have happened")
    facts = None
    if command.content is not None:
        facts = read_facts([Document(command.file, command.content)], month.zone)
    body = AWAITED if facts is None else facts_json(facts).encode()
    count = 0 if facts is None else _count(facts)

    async def work(tx: InputsTx) -> Brought:
        at = clock.now()
        require(await afresh_in(tx, actor), IMPORT)
        closed = await tx.statements.months(month.entity)
        there = await tx.royalty_inputs.find(month.entity, InputKind.FACTS, command.name)
        if there is not None and there.body != AWAITED:
            if (there.month, there.body) != (month.name, body):
                raise InputDiffers(command.name, there.month)
            return Brought(there.sequence, count, is_new=False, is_late=there.month in closed)
        if closed and month.name < closed[0]:
            raise PassedOver(month.entity, month.name, closed[0])
        if facts is None and month.name in closed:
            raise InvalidValue(
                "content", f"{month.name} is closed and awaits nothing; bring the facts themselves"
            )
        if facts is not None:
            _check(facts, month, await public_names_in(tx), command.file)
        await tx.statements.hold_months_open(month.entity, at)
        item = Input(
            month.entity,
            await tx.royalty_inputs.last(month.entity) + 1,
            InputKind.FACTS,
            command.name,
            month.name,
            body,
            at,
        )
        await _store_in(tx, actor, item, BROUGHT, correlation_id)
        return Brought(item.sequence, count, is_new=True, is_late=month.name in closed)

    return await retried(uow, work)


@frozen
class SetTerms:
    """The royalty terms of a licence by its number, an account by its id, or the rule of a plan's pools.

    `terms` is what a file of terms has for it (of a licence: `preset`, `rates`, `fee`,
    `expense_cap`, `ads_by`, `account`); None takes it away.
    """

    entity: SellingEntity
    kind: InputKind
    key: str = field(validator=_named)
    terms: Mapping[str, Any] | None


@frozen
class Effect:
    """A month as it is, and as it would be by other terms; nothing is written."""

    now: PeriodResult
    then: PeriodResult


async def set_terms(
    actor: Actor,
    command: SetTerms,
    *,
    correlation_id: str,
    uow: UnitOfWork[InputsTx],
    clock: Clock,
) -> int:
    """Store terms; they count for every month that is not closed. Return their place among the inputs.

    The same terms again change nothing.

    Raises:
        NotPermitted, SecondFactorNeeded, InvalidValue.
        BadInput: they cannot be, alone or beside all others; every problem with its place.
    """
    require(actor, EDIT)

    async def work(tx: InputsTx) -> int:
        at = clock.now()
        require(await afresh_in(tx, actor), EDIT)
        await tx.statements.hold_months_open(command.entity.id, at)
        body = canonical_bytes(_plain(command))
        there = await tx.royalty_inputs.find(command.entity.id, command.kind, command.key)
        if there is not None and there.body == body:
            return there.sequence
        month = month_for(command.entity, month_of(at, command.entity.zone))
        names = await public_names_in(tx)
        read_input(Document("terms", await _with(tx, command, month, names)), [])
        sequence = await tx.royalty_inputs.last(command.entity.id) + 1
        item = Input(command.entity.id, sequence, command.kind, command.key, "", body, at)
        await _store_in(tx, actor, item, SET, correlation_id, before=there)
        return sequence

    return await retried(uow, work)


async def terms_effect(actor: Actor, command: SetTerms, name: str, *, uow: UnitOfWork[InputsTx]) -> Effect:
    """State a month, closed or not, by the terms as they stand now and by these: what setting them means.

    Raises:
        NotPermitted, InvalidMonth; BadInput, TermsProblems as `set_terms`.
    """
    require(actor, EDIT)
    month = month_for(command.entity, name)
    async with uow.read() as tx:
        closed = next(iter(await tx.statements.closed(month.entity, [name])), None)
        names = await public_names_in(tx)
        now = await state_month_in(tx, month, closed, terms=await terms_in(tx, month, names))
        then = await state_month_in(tx, month, closed, terms=await _with(tx, command, month, names))
    return Effect(now.result, then.result)


def _plain(command: SetTerms) -> Any:
    """Return the terms as they are stored; of an account and a pool the key is part of them."""
    if command.terms is None:
        return None
    own = {InputKind.ACCOUNT: {"id": command.key}, InputKind.POOL: {"plan": command.key}}
    return {**command.terms, **own.get(command.kind, {})}


async def _with(tx: InputsTx, command: SetTerms, month: Month, names: PublicNames) -> bytes:
    """Return all terms of a month as they would be with these."""
    if command.kind is InputKind.FACTS:
        raise InvalidValue("kind", "facts are no terms; bring them in with a month")
    if command.kind is InputKind.LICENCE:
        odd = sorted(set(command.terms or {}) - set(LICENCE_TERMS))
        if odd:
            raise InvalidValue("terms", f"have {', '.join(odd)}; a licence's are {', '.join(LICENCE_TERMS)}")
        await _check_licence_in(tx, command.key, names)
    return await terms_in(tx, month, names, {(command.kind, command.key): _plain(command)})


async def _check_licence_in(tx: InputsTx, number: str, names: PublicNames) -> None:
    books = await tx.rights.of_titles(sorted(names.titles))
    if not any(item.number == number for book in books.values() for item in book.licences):
        raise InvalidValue("key", f"no licence has the number {number}; the rights of its title show it")


async def _store_in(
    tx: InputsTx, actor: Actor, item: Input, action: str, correlation_id: str, before: Input | None = None
) -> None:
    await tx.royalty_inputs.add(item)
    resource = _resource(item)
    after: dict[str, Any] = {"sequence": item.sequence, "sha256": _sha256(item)}
    old = None
    if action == SET:
        after["terms"] = json.loads(item.body)
        old = json.loads(before.body) if before else None
    await record_in(tx, actor, Change(action, resource, old, after, correlation_id), item.at)


def input_text(item: Input) -> str:
    """Return what the audit has of an input besides its place: all its columns, for `buddy verify`."""
    return f"{_resource(item)} {item.at.isoformat()} {_sha256(item)}"


def _resource(item: Input) -> str:
    return f"{item.entity}:{item.month or item.kind.value}:{item.key}"


def _sha256(item: Input) -> str:
    return hashlib.sha256(item.body).hexdigest()


def _check(facts: Facts, month: Month, names: PublicNames, file: str) -> None:
    """Refuse facts of unknown titles and of other months, and spends, which the ledger knows itself."""
    titles = frozenset(names.titles.values())
    problems: list[Problem] = []
    for section in ("sales", "watch", "impressions"):
        for row, fact in enumerate(getattr(facts, section), 1):
            if fact.title not in titles:
                fix = "write its type and short id, such as film/ab2d"
                problems.append(Problem(file, row, f"{section}.title", f"is {fact.title}, no title", fix))
            if fact.at is not None and not month.period.contains(fact.at):
                when = f"is {fact.at.isoformat()}, which is not in {month.name}"
                problems.append(Problem(file, row, f"{section}.at", when, "bring it in for its own month"))
    if facts.tokens:
        problems.append(
            Problem(file, 0, "tokens", "are there", "leave them out: the ledger knows them itself")
        )
    if problems:
        raise BadInput(tuple(sorted(problems)[:MOST_LISTED]), len(problems))


def _count(facts: Facts) -> int:
    return sum(len(getattr(facts, item.name)) for item in fields(Facts))
