"""Bring in facts of a month from outside, and set the terms by which months are stated; all on the record."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from typing import Any, Protocol

from attrs import evolve, field, fields, frozen

from buddy_core.access import Actor, ApprovalsTx, Change, afresh_in, record_in, require
from buddy_core.flows.close_period import month_for
from buddy_core.flows.royalty_book import (
    NO_OTHERS,
    Others,
    PublicNames,
    RoyaltyBookTx,
    late_problems_in,
    public_names_in,
    state_month_in,
    terms_in,
)
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import Contention, InvalidValue
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.money import Money
from buddy_core.kernel.periods import month_of
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.royalty import (
    AWAITED,
    MOST_LISTED,
    PLATFORM,
    TERMS_NAMED_BY,
    BadInput,
    ClosedMonth,
    Difference,
    Document,
    Facts,
    Input,
    InputDiffers,
    InputKind,
    InputNotFound,
    Month,
    Paid,
    PassedOver,
    PeriodResult,
    Problem,
    SubscriptionRevenue,
    TermsChanged,
    TermsProblems,
    check_terms_of,
    count_facts,
    differences,
    facts_json,
    read_facts,
    read_input,
)
from buddy_core.tax import SellingEntity

IMPORT = "royalty:import"
EDIT = "terms:edit"
BROUGHT = "royalty.facts"
SET = "royalty.terms"
MOST_NAME = 120
MOST_BYTES = 50_000_000
"""The largest file of facts that is taken; larger ones are split."""
_PLACE = re.compile(r"\b(deals|accounts|pools|waterfalls)\[([0-9]+)\]")
_OWN = {
    "deals": ("licence", "id"),
    "accounts": ("account", "id"),
    "pools": ("plan", "plan"),
    "waterfalls": ("waterfall", "title"),
}
_NAMED = ("sales", "watch", "impressions")
"""Kinds of facts that are about one title."""


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
    document, body, count, before = None, AWAITED, 0, 0
    closed_before: list[str] = []
    if command.content is not None:
        if len(command.content) > MOST_BYTES:
            most = f"{MOST_BYTES // 1_000_000} MB"
            raise InvalidValue("content", f"is longer than {most}; split it into several files")
        document = Document(command.file, command.content)
        async with uow.read() as tx:
            facts, body, count = await tx.workings.aside(partial(_read, document, month.zone))
            # Before anything is held: a large file takes its time.
            before = await tx.royalty_inputs.last(month.entity)
            closed_before = await tx.statements.months(month.entity)
            there = await tx.royalty_inputs.find(month.entity, InputKind.FACTS, command.name)
            if there is None or there.body == AWAITED:
                item = Input(
                    month.entity, before + 1, InputKind.FACTS, command.name, month.name, body, clock.now()
                )
                await _check_in(tx, month, item, document, facts)

    async def work(tx: InputsTx) -> Brought:
        at = clock.now()
        require(await afresh_in(tx, actor), IMPORT)
        await tx.statements.hold_months_open(month.entity, at)
        # Read first: whatever comes in from here on takes this place, and this begins again.
        sequence = await tx.royalty_inputs.last(month.entity) + 1
        closed = await tx.statements.months(month.entity)
        is_late = month.name in closed
        there = await tx.royalty_inputs.find(month.entity, InputKind.FACTS, command.name)
        if there is not None and _says_the_same(there, month.name, body):
            found = count or count_facts(there.body)
            return Brought(there.sequence, found, is_new=False, is_late=there.month in closed)
        if there is not None and there.month != month.name:
            raise InvalidValue("month", f"must be {there.month}, for which {command.name} was announced")
        if closed and month.name < closed[0]:
            raise PassedOver(month.entity, month.name, closed[0])
        if document is None and is_late:
            raise InvalidValue("name", f"is not awaited any more: {month.name} is closed; bring the facts")
        item = Input(month.entity, sequence, InputKind.FACTS, command.name, month.name, body, at)
        if document is not None and (sequence, closed) != (before + 1, closed_before):
            await _check_in(tx, month, item, document, facts)
        await _store_in(tx, actor, item, BROUGHT, correlation_id)
        return Brought(sequence, count, is_new=True, is_late=is_late)

    return await retried(uow, work)


def _read(document: Document, zone: str) -> tuple[Facts, bytes, int]:
    """Return the facts of a file, as they are stored, and how many there are."""
    facts = read_facts([document], zone)
    return facts, facts_json(facts).encode(), count_of(facts)


def _says_the_same(there: Input, month: str, body: bytes) -> bool:
    """Tell whether what is there is what is brought, or what it announces.

    Raises:
        InputDiffers: it is there, and is something else.
    """
    is_same = there.month == month and body in (there.body, AWAITED)
    if there.body != AWAITED and not is_same:
        raise InputDiffers(there.key, there.month, month)
    return is_same


@frozen
class SetTerms:
    """Royalty terms of a licence by its number, an account by its id, a plan's pools, or a title's waterfall.

    `terms` is what a file of terms has for it (of a licence: `preset`, `rates`, `fee`,
    `expense_cap`, `ads_by`, `account`); None takes it away.
    """

    entity: SellingEntity
    kind: InputKind
    key: str = field(validator=_named)
    terms: Mapping[str, Any] | None
    base: int | None = None
    """The place of the terms that were seen, 0 for none; where others stand there now, nothing is set."""


@frozen
class HolderEffect:
    """What a holder has of a month in one currency, and would have."""

    holder: str
    earned: Money
    earned_then: Money
    payable: Money
    payable_then: Money

    @property
    def currency(self) -> str:
        """The currency of all of it."""
        return self.earned.currency

    @property
    def is_changed(self) -> bool:
        """Tell whether anything of it would be another figure."""
        return (self.earned, self.payable) != (self.earned_then, self.payable_then)


@frozen(slots=False)
class Effect:
    """A month as it is, and as it would be by other terms; nothing is written."""

    month: str
    now: PeriodResult | None
    """None where it cannot be stated as it is."""
    then: PeriodResult | None
    """None where it cannot be stated by these terms either."""
    problems: tuple[str, ...] = ()
    """Why it cannot be stated by these terms; without them it cannot either, so they may be set."""

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """What differs by holder and title, exact; the platform's last. None where one is missing."""
        if self.now is None or self.then is None:
            return ()
        return differences(self.now, self.then)

    @cached_property
    def totals(self) -> tuple[HolderEffect, ...]:
        """Every holder's month by currency, and the platform's last: with what it does not change."""
        sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 4)
        for place, result in enumerate((self.now, self.then)):
            if result is None:
                continue
            for item in result.statements:
                found = sums[item.holder, item.currency]
                found[place] += item.earned
                found[2 + place] += sum(settled.payable for settled in item.settlements)
            for whole in result.reconciliations:
                found = sums[PLATFORM, whole.currency]
                found[place], found[2 + place] = whole.platform, whole.platform
        ordered = sorted(sums, key=lambda key: (key[0] == PLATFORM, key))
        return tuple(HolderEffect(key[0], *(Money(sum, key[1]) for sum in sums[key])) for key in ordered)

    @property
    def is_changed(self) -> bool:
        """Tell whether the month would come to anything else."""
        return self.now is None or bool(self.differences) or any(item.is_changed for item in self.totals)


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
    _check_form(command)

    async def work(tx: InputsTx) -> int:
        at = clock.now()
        require(await afresh_in(tx, actor), EDIT)
        await tx.statements.hold_months_open(command.entity.id, at)
        # Read first: whatever comes in from here on takes this place, and this begins again.
        sequence = await tx.royalty_inputs.last(command.entity.id) + 1
        body = canonical_bytes(_plain(command))
        there = await tx.royalty_inputs.find(command.entity.id, command.kind, command.key)
        if there is not None and there.body == body:
            return there.sequence
        seen = there.sequence if there else 0
        if there is None and command.terms is None:
            raise InputNotFound(command.kind.value, command.key)
        if command.base is not None and command.base != seen:
            raise TermsChanged(command.key, command.base, seen)
        month = month_for(command.entity, month_of(at, command.entity.zone))
        await _check_terms_in(tx, command, month, await public_names_in(tx))
        item = Input(command.entity.id, sequence, command.kind, command.key, "", body, at)
        await _store_in(tx, actor, item, SET, correlation_id, before=there)
        return sequence

    return await retried(uow, work)


async def terms_effect(actor: Actor, command: SetTerms, name: str, *, uow: UnitOfWork[InputsTx]) -> Effect:
    """State a month, closed or not, by the terms as they stand now and by these: what setting them means.

    Raises:
        NotPermitted, InvalidMonth; BadInput, InputNotFound, TermsProblems as `set_terms`.
    """
    require(actor, EDIT)
    async with uow.read() as tx:
        return await terms_effect_in(tx, command, name)


async def terms_effect_in(tx: InputsTx, command: SetTerms, name: str) -> Effect:
    """Return what `terms_effect` does, in a transaction that is given.

    Raises:
        InvalidMonth, InvalidValue, BadInput, InputNotFound, TermsProblems: as `terms_effect`.
    """
    _check_form(command)
    month = month_for(command.entity, name)
    closed = next(iter(await tx.statements.closed(month.entity, [name])), None)
    names = await public_names_in(tx)
    await _check_terms_in(tx, command, month, names)
    now, _ = await _tried_in(tx, month, closed, NO_OTHERS)
    then, error = await _tried_in(tx, month, closed, _others(command))
    if error is None:
        return Effect(name, now, then)
    if now is not None:
        raise error
    said = error.problems if isinstance(error, TermsProblems) else tuple(map(Problem.text, error.problems))
    return Effect(name, None, None, said)


async def _tried_in(
    tx: InputsTx, month: Month, closed: ClosedMonth | None, others: Others
) -> tuple[PeriodResult | None, BadInput | TermsProblems | None]:
    """Return a month by other terms, or why it cannot be stated."""
    try:
        return (await state_month_in(tx, month, closed, others=others)).result, None
    except (BadInput, TermsProblems) as error:
        return None, error


def _check_form(command: SetTerms) -> None:
    if command.kind is InputKind.FACTS:
        raise InvalidValue("kind", "facts are no terms; bring them in with a month")
    if command.terms is not None:
        check_terms_of(command.kind, command.key, command.terms, command.entity.zone, "terms")


async def _check_terms_in(tx: InputsTx, command: SetTerms, month: Month, names: PublicNames) -> None:
    """Refuse terms that do not go together with all others; what was wrong before is no reason.

    Raises:
        BadInput: every problem that they would bring.
        InputNotFound: there is no such licence or title.
    """
    if command.kind is InputKind.LICENCE:
        await _check_licence_in(tx, command.key, names)
    if command.kind is InputKind.WATERFALL and command.key not in names.titles.values():
        raise InputNotFound("title", command.key)
    months = await tx.statements.months(month.entity)
    last = await tx.statements.closed(month.entity, months[-1:])
    opening = last[-1].closing if last else None
    problems = _problems(await _with(tx, command, month, names), opening)
    if problems:
        problems -= _problems(await terms_in(tx, month, names), opening)
    if problems:
        raise BadInput(tuple(sorted(problems)[:MOST_LISTED]), len(problems))


def _problems(terms: bytes, opening: bytes | None) -> set[Problem]:
    """Return what is wrong with all terms together, without any facts, by names that are known outside."""
    whole = json.loads(terms)
    # The month that is closed last may lie before the one whose terms these are; its balances count.
    before = None if opening is None else json.loads(opening)
    if before is not None:
        whole["before"] = {name: before[name] for name in before if name not in ("month", "entity")}
    try:
        read_input(Document("terms", canonical_bytes(whole)), []).state()
    except BadInput as error:
        return {_named_as_outside(problem, whole) for problem in error.problems}
    return set()


def _named_as_outside(problem: Problem, whole: Mapping[str, Any]) -> Problem:
    """Return a problem that names licences, accounts and plans, not places in a file nobody has seen."""

    def name(found: re.Match[str]) -> str:
        kind, key = _OWN[found[1]]
        return f"{kind} {whole[found[1]][int(found[2])][key]}"

    return Problem("terms", 0, _PLACE.sub(name, problem.column), problem.what, problem.fix)


def _plain(command: SetTerms) -> Any:
    """Return the terms as they are stored; of all but a licence the key is part of them."""
    if command.terms is None:
        return None
    return {**command.terms, **dict.fromkeys(TERMS_NAMED_BY.get(command.kind, ()), command.key)}


async def _with(tx: InputsTx, command: SetTerms, month: Month, names: PublicNames) -> bytes:
    """Return all terms of a month as they would be with these."""
    return await terms_in(tx, month, names, _others(command))


def _others(command: SetTerms) -> Others:
    return {(command.kind, command.key): _plain(command)}


async def _check_licence_in(tx: InputsTx, number: str, names: PublicNames) -> None:
    if number not in await _licences_in(tx, names):
        raise InputNotFound("licence", number)


async def _licences_in(tx: InputsTx, names: PublicNames) -> frozenset[str]:
    """Return the numbers of all licences."""
    books = await tx.rights.of_titles(sorted(names.titles))
    return frozenset(item.number for book in books.values() for item in book.licences)


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


async def _check_in(tx: InputsTx, month: Month, item: Input, document: Document, facts: Facts) -> None:
    """Refuse facts that nothing could mend later: they are never taken out again.

    Of unknown titles and licences, of other months, spends, which the ledger knows itself, what
    contradicts facts of the month that are there, and of a closed month what its terms cannot state.
    What terms or a rate can still mend is told at the close.

    Raises:
        BadInput: every problem with its place.
        Contention: facts of that name have just come; begin again.
    """
    names = await public_names_in(tx)
    numbers = await _licences_in(tx, names) if facts.expenses else frozenset()
    rows = _Rows(document)
    problems = await tx.workings.aside(partial(_unknown, facts, month, names, numbers, rows))
    if not problems:
        problems += await _contradictions_in(tx, month, item.key, document, facts)
    if not problems:
        problems += [_too_late(month, document, text) for text in await late_problems_in(tx, month, item)]
    if problems:
        raise BadInput(tuple(sorted(problems)[:MOST_LISTED]), len(problems))


def _too_late(month: Month, document: Document, text: str) -> Problem:
    """Say why facts of a closed month cannot be stated by the terms with which it was closed."""
    what, _, fix = text.partition("; ")
    return Problem(
        document.file, 0, "", f"{month.name} is closed, and its terms stay as they are: {what}",
        f"{fix or 'correct the file'}; what is missing comes before it or in it. What those terms cannot "
        "state is brought in for the next open month, as of a day in it",
    )  # fmt: skip


def _unknown(
    facts: Facts, month: Month, names: PublicNames, numbers: frozenset[str], rows: _Rows
) -> list[Problem]:
    titles = frozenset(names.titles.values())
    problems: list[Problem] = []
    fix = "write its type and short id, such as film/ab2d"
    for section in _NAMED:
        for place, fact in enumerate(getattr(facts, section)):
            if fact.title not in titles:
                problems.append(rows.problem(section, place, "title", f"is {fact.title}, no title", fix))
            if fact.at is not None and not month.period.contains(fact.at):
                when = f"is {fact.at.isoformat()}, which is not in {month.name}"
                problems.append(rows.problem(section, place, "at", when, "bring it in for its own month"))
    for place, pool in enumerate(facts.pools):
        for title in sorted({part.title for part in pool.parts} - titles):
            problems.append(rows.problem("pools", place, "parts", f"name {title}, no title", fix))
    for place, expense in enumerate(facts.expenses):
        if expense.deal not in numbers:
            fix = "write a licence's number, such as L-2k7qx4mzba"
            problems.append(rows.problem("expenses", place, "deal", f"is {expense.deal}, no licence", fix))
    if facts.tokens:
        problems.append(
            Problem(rows.file, 0, "tokens", "are there", "leave them out: the ledger has them itself")
        )
    return problems


async def _contradictions_in(
    tx: InputsTx, month: Month, name: str, document: Document, facts: Facts
) -> list[Problem]:
    """Return what is wrong with the month's facts together, whatever still comes and whatever the terms are.

    All titles are the platform's own here, and what was watched is paid for: by a file yet to come.
    """
    there = await tx.royalty_inputs.facts(month.entity, month=month.name)
    if any(item.key == name and item.body != AWAITED for item in there):
        raise Contention("royalty input")
    kept = [Document(f"{item.key} (brought in before)", item.body) for item in there if item.body != AWAITED]
    # Each expense stands under a deal of a title of its own, which nothing else earns for.
    deals = {expense.deal for expense in facts.expenses}
    deals |= {item["deal"] for file in kept for item in json.loads(file.content).get("expenses", ())}
    terms = {
        "month": {"name": month.name, "entity": month.entity, "zone": month.zone},
        "deals": [{"id": deal, "title": deal, "holder": deal, "rates": {}} for deal in sorted(deals)],
        "own_titles": "*",
    }
    return await tx.workings.aside(partial(_contradictions, terms, kept, document))


def _contradictions(terms: Mapping[str, Any], kept: Sequence[Document], document: Document) -> list[Problem]:
    """Return why a file cannot be stated together with those that are there."""
    try:
        found = read_input(Document("terms", canonical_bytes(terms)), [*kept, document])
        evolve(found, facts=_paid_for(found.facts)).state()
    except BadInput as error:
        # What is there already is never taken out: it is the new file that is to be corrected.
        return [item for item in error.problems if item.file == document.file] or list(error.problems)
    return []


def _paid_for(facts: Facts) -> Facts:
    """Return the facts with revenue, of 0, for every plan that was watched and has none."""
    told = {item.plan for item in facts.subscriptions} | {pool.plan for pool in facts.pools}
    missing = {row.plan for row in facts.watch if row.plan is not None} - told
    revenue = (SubscriptionRevenue(f"yet:{plan}", plan, "IN", "INR", Paid(0)) for plan in sorted(missing))
    return evolve(facts, subscriptions=(*facts.subscriptions, *revenue))


class _Rows:
    """Where facts stand in their file: rows of a table that are not blank, or places in a list."""

    def __init__(self, document: Document) -> None:
        self.file = document.file
        self.is_table = document.file.lower().endswith(".csv")
        self._rows: Sequence[int] = ()
        if self.is_table:
            text = io.StringIO(document.content.decode("utf-8-sig"), newline="")
            cells = enumerate(csv.reader(text))
            self._rows = [row for row, found in cells if row and any(cell.strip() for cell in found)]

    def problem(self, section: str, place: int, key: str, what: str, fix: str) -> Problem:
        """Return what is wrong with one key of a fact."""
        if self.is_table:
            return Problem(self.file, self._rows[place], key, what, fix)
        return Problem(self.file, 0, f"{section}[{place}].{key}", what, fix)


def count_of(facts: Facts) -> int:
    """Return how many facts there are."""
    return sum(len(getattr(facts, item.name)) for item in fields(Facts))
