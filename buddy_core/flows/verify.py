"""Re-derive everything of value from the ledger and name the first row that does not fit.

What is checked: every wallet's chain, postings, lots, holds, balances and value
versions; grants against the spends that paid for them, the merges that moved and the
refunds that ended them; royalty facts against the ledger; facts and terms from outside,
and closed months, against the audit; their statements against their chain, the ledger and
those facts; the audit's chain, and requests for a second person and what was decided
against it. The account of short-id counters is reported.

What cannot be seen from inside: rows taken off the very end together with
everything that points at them, such as the last audit records.
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol
from uuid import UUID

from attrs import Factory, define, frozen

from buddy_core.access import AuditBooks, AuditRecord, check_approvals, check_audit, check_roles
from buddy_core.entitlements import GrantBooks, GrantFacts, GrantStatus, PaidUnlock, check_grants
from buddy_core.flows.catalogue import PRODUCER_SPACE
from buddy_core.flows.close_period import CLOSE, CloseTx, digest, month_for
from buddy_core.flows.give_access import EXTEND, GIVE, REVOKE
from buddy_core.flows.promotions import is_claim, told_of
from buddy_core.flows.royalty_book import public_names_in, state_stored, stored_of
from buddy_core.flows.royalty_inputs import BROUGHT, input_text
from buddy_core.flows.royalty_inputs import SET as SET_TERMS
from buddy_core.flows.sources import UNLOCK
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.ids import AccountId, EntityId, EntryId, TitleId
from buddy_core.kernel.periods import Period
from buddy_core.kernel.proof import Fault
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.promotions import Earned, PromotionBooks, check_promotions
from buddy_core.royalty import (
    ClosedMonth,
    Input,
    InputKind,
    RoyaltyBooks,
    RoyaltyRecords,
    TokenSpend,
    check_statements,
)
from buddy_core.shortids import ShortIdBooksTx, SpaceAccount, account_in, fold
from buddy_core.tax import SellerRoutes
from buddy_core.tokens import (
    ADJUSTED,
    EXPIRED,
    WALLET,
    Checkpoint,
    Entry,
    LedgerBooks,
    Mark,
    Operation,
    Posting,
    check_corrections,
    check_ledger_in,
)

VERIFIED_TABLES = (
    "token_wallets",
    "token_entries",
    "token_lots",
    "token_lot_balances",
    "token_holds",
    "token_open_holds",
    "token_value_versions",
    "entitlement_grants",
    "entitlement_grant_changes",
    "royalty_token_spends",
    "royalty_inputs",
    "royalty_periods",
    "royalty_statements",
    "access_audit",
    "access_approvals",
    "access_approval_decisions",
    "access_assignments",
    "access_roles",
)
"""The tables in which any altered, missing or inserted row is found."""

_BATCH = 500


class VerifyTx(CloseTx, ShortIdBooksTx, Protocol):
    """What the check needs of a transaction."""

    @property
    def ledger_books(self) -> LedgerBooks: ...

    @property
    def grant_books(self) -> GrantBooks: ...

    @property
    def royalty_books(self) -> RoyaltyBooks: ...

    @property
    def audit_books(self) -> AuditBooks: ...

    @property
    def promotion_books(self) -> PromotionBooks: ...


@frozen
class VerifyReport:
    """How much was checked, what is wrong, and the books of the short-id counters."""

    checked: dict[str, int]
    """Things checked: wallets, entries, grants, facts, statements, audit records, approvals."""
    faults: tuple[Fault, ...]
    short_ids: tuple[SpaceAccount, ...]
    checkpoint: Checkpoint
    """Where every wallet stands; worth keeping when the report is clean."""

    @property
    def is_clean(self) -> bool:
        return not self.faults


@define
class _Findings:
    """What the walk over the wallets gathers for the checks that follow."""

    faults: list[Fault] = Factory(list)
    checked: Counter[str] = Factory(Counter)
    paid: dict[EntryId, PaidUnlock] = Factory(dict)
    spends: dict[tuple[EntryId, str], TokenSpend] = Factory(dict)
    merges: set[tuple[AccountId, datetime]] = Factory(set)
    transfers: Counter[tuple[str, str]] = Factory(Counter)
    corrections: list[Entry] = Factory(list)
    originals: dict[EntryId, Entry] = Factory(dict)
    """The entries that corrections name, as far as they were found."""
    claims: list[Earned] = Factory(list)
    """What the codes of promotions brought."""
    refunds: set[tuple[EntryId, datetime]] = Factory(set)
    """Each unlock that was given back, and when."""
    sources: dict[AccountId, set[AccountId]] = Factory(dict)
    """Whose wallets came into one that corrects something: there the rest is looked for."""
    marks: Mapping[AccountId, Mark] = Factory(dict)
    """Where every wallet stands."""
    versions: set[tuple[str, int]] = Factory(set)
    """Kind and number of each value version that a posting names."""


async def verify(
    *,
    uow: UnitOfWork[VerifyTx],
    routes: SellerRoutes,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> VerifyReport:
    """Check the whole store on one snapshot; `progress` is told accounts done and in all."""
    async with uow.read() as tx:
        found = _Findings()
        await _walk_wallets(tx, found, progress)
        found.faults += _unpaired(found.transfers)
        await _find_originals(tx, found)
        found.faults += check_corrections(found.originals, found.corrections)
        _gather_refunds(found)
        records = await tx.grant_books.all()
        found.faults += records.unreadable
        royalty = await tx.royalty_books.all()
        found.faults += royalty.unreadable
        found.faults += _check_spends(royalty.spends, found.spends)
        found.faults += check_statements(royalty.statements)
        audit, hashes, unreadable = await tx.audit_books.records()
        given, taken = _given_access(audit)
        facts = GrantFacts(found.paid, frozenset(found.merges), frozenset(found.refunds), given, taken)
        found.faults += check_grants(records.grants, records.changes, facts)
        found.faults += [*unreadable, *check_audit(audit, hashes)]
        promotions, claims, unreadable = await tx.promotion_books.all()
        told = dict(filter(None, map(told_of, audit)))
        found.faults += [*unreadable, *check_promotions(promotions, claims, told, found.claims)]
        requests, decisions, unreadable = await tx.audit_books.approvals()
        found.faults += [*unreadable, *check_approvals(requests, decisions, audit)]
        assignments, roles, unreadable = await tx.audit_books.roles()
        partners = {fold(item.short_id): str(item.id) for item in await tx.producers.all()}
        found.faults += [
            *unreadable,
            *check_roles(assignments, roles, audit, lambda text: partners.get(fold(text), "")),
        ]
        found.faults += _check_closes(royalty, audit)
        found.faults += _check_inputs(royalty.inputs, audit)
        found.faults += await _check_months(tx, royalty, list(found.spends.values()), routes)
        found.checked.update(
            grants=len(records.grants),
            spends=len(royalty.spends),
            statements=len(royalty.statements),
            royalty_inputs=len(royalty.inputs),
            promotion_claims=len(claims),
            audit_records=len(audit),
            approvals=len(requests),
            roles=len(assignments) + len(roles),
        )
        short_ids = tuple(await account_in(tx))
        found.faults += _short_id_faults(short_ids)
        found.faults += await _check_public_ids(tx)
        return VerifyReport(dict(found.checked), tuple(found.faults), short_ids, Checkpoint(found.marks))


async def verify_ledger(
    *,
    uow: UnitOfWork[VerifyTx],
    since: Checkpoint | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> VerifyReport:
    """Check the token ledger alone; with `since`, only the wallets that have moved since that checkpoint.

    An altered row of a wallet that stands still is found by the whole check, not by this one.
    """
    async with uow.read() as tx:
        ledger = await check_ledger_in(tx, since=since, progress=progress)
    checked = {"wallets": ledger.wallets, "entries": ledger.entries}
    return VerifyReport(checked, tuple(ledger.faults), (), Checkpoint(ledger.marks))


async def _walk_wallets(tx: VerifyTx, found: _Findings, progress: Callable[[int, int], None]) -> None:
    ledger = await check_ledger_in(
        tx, seen=lambda account, entries: _gather(account, entries, found), progress=progress
    )
    found.faults += ledger.faults
    found.marks = ledger.marks
    found.checked.update(wallets=ledger.wallets, entries=ledger.entries)
    versions, _, _ = await tx.ledger_books.value_versions()
    found.faults += [
        Fault("token_value_versions", f"{kind} version {number}", "missing: postings name it")
        for kind, number in sorted(found.versions - {(version.kind, version.version) for version in versions})
    ]


def _gather(account: AccountId, entries: Sequence[Entry], found: _Findings) -> None:
    _gather_corrections(account, entries, found)
    for entry in entries:
        found.versions.update((posting.kind, posting.version) for posting in entry.postings)
        if entry.operation in (Operation.TRANSFER_OUT, Operation.TRANSFER_IN):
            found.merges.add((entry.account_id, entry.effective_at))
            for posting in entry.postings:
                if posting.account != WALLET:
                    found.transfers[entry.idempotency_key, posting.kind] += posting.amount
        if is_claim(entry):
            found.claims += [
                Earned(
                    entry.id,
                    entry.account_id,
                    entry.source_ref,
                    lot.amount,
                    lot.earned_as_guest,
                    entry.effective_at,
                )
                for lot in entry.lots
            ]
        elif entry.operation is Operation.SPEND and entry.source == UNLOCK:
            _gather_spend(entry, found)
        elif entry.operation is Operation.SPEND:
            # A host may spend tokens on something of its own; that nobody is paid for it is said aloud.
            found.checked["spends_without_royalty"] += 1
        elif entry.operation is Operation.POST:
            found.checked["posts_without_royalty"] += 1


def _gather_corrections(account: AccountId, entries: Sequence[Entry], found: _Findings) -> None:
    """Keep an account's corrections with what they correct, and where else that may be."""
    corrections = [entry for entry in entries if entry.corrects is not None]
    if not corrections:
        return
    found.corrections += corrections
    wanted = {entry.corrects for entry in corrections}
    found.originals.update((entry.id, entry) for entry in entries if entry.id in wanted)
    found.sources[account] = _sources(entries)


def _sources(entries: Sequence[Entry]) -> set[AccountId]:
    """Return the accounts that were merged into the one of these entries."""
    accounts: set[AccountId] = set()
    for entry in entries:
        if entry.operation is Operation.TRANSFER_IN:
            # What is no id there is no id of an account either; the entry's hash tells of it.
            with suppress(ValueError):
                accounts.add(AccountId(UUID(entry.source_ref)))
    return accounts


async def _find_originals(tx: VerifyTx, found: _Findings) -> None:
    """Look for what was corrected after a merge: in the wallets that came in, and in those before them."""
    missing = {
        entry.corrects: entry.account_id
        for entry in found.corrections
        if entry.corrects is not None and entry.corrects not in found.originals
    }
    todo = {source for account in missing.values() for source in found.sources[account]}
    seen: set[AccountId] = set()
    while todo:
        batch = sorted(todo)[:_BATCH]
        seen.update(batch)
        for books in await tx.ledger_books.of_accounts(batch):
            found.originals.update((entry.id, entry) for entry in books.entries if entry.id in missing)
            todo |= _sources(books.entries)
        todo -= seen


def _gather_spend(entry: Entry, found: _Findings) -> None:
    """Keep what an unlock says: who paid for which title, and what its royalty facts must be."""
    for fact in _stamped(entry, None, found):
        found.paid[entry.id] = PaidUnlock(
            entry.id, entry.account_id, fact.title_id, entry.source_ref, entry.effective_at
        )
        found.spends[entry.id, fact.kind] = fact


def _gather_refunds(found: _Findings) -> None:
    """Keep what refunds say: each of an unlock takes royalty back, and ends the grant that was paid for."""
    for entry in found.corrections:
        original = None if entry.corrects is None else found.originals.get(entry.corrects)
        if entry.operation is not Operation.REFUND or original is None:
            continue
        if original.operation is not Operation.SPEND or original.source != UNLOCK:
            # What a host spent on something of its own left no royalty to take back.
            found.checked["refunds_without_royalty"] += 1
            continue
        found.refunds.add((original.id, entry.effective_at))
        for fact in _stamped(entry, original.effective_at, found):
            found.spends[entry.id, fact.kind] = fact


def _stamped(entry: Entry, spent_at: datetime | None, found: _Findings) -> list[TokenSpend]:
    """Return the royalty facts of an unlock, or with `spent_at` of its refund; what has none is told of."""
    facts = []
    for posting in entry.postings:
        if not _is_collected(posting, spent_at):
            continue
        try:
            title = TitleId(UUID(posting.account.removeprefix("spent:")))
        except ValueError:
            found.faults.append(Fault("token_postings", str(entry.id), "altered: it names no title"))
            continue
        if posting.amount < 1 if spent_at is None else posting.amount > -1:
            found.faults.append(Fault("token_postings", str(entry.id), "altered: a spend collects tokens"))
            continue
        if posting.currency is None or posting.value is None or entry.entity is None or entry.country is None:
            found.faults.append(Fault("token_postings", str(entry.id), "altered: the spend has no value"))
            continue
        facts.append(
            TokenSpend(
                entry_id=entry.id,
                kind=posting.kind,
                tokens=posting.amount,
                version=posting.version,
                currency=posting.currency,
                value=posting.value,
                title_id=title,
                entity=entry.entity,
                country=entry.country,
                at=entry.effective_at,
                spent_at=spent_at,
            )
        )
    return facts


def _is_collected(posting: Posting, spent_at: datetime | None) -> bool:
    """Tell whether a posting says what a title collects; a refund has such as are lost at once besides."""
    return posting.account != WALLET and (spent_at is None or posting.account not in (ADJUSTED, EXPIRED))


def _unpaired(transfers: Counter[tuple[str, str]]) -> list[Fault]:
    return [
        Fault("token_entries", key, f"the paired transfers of {kind} tokens differ by {amount}")
        for (key, kind), amount in sorted(transfers.items())
        if amount
    ]


def _check_spends(
    stored: Sequence[TokenSpend], expected: dict[tuple[EntryId, str], TokenSpend]
) -> list[Fault]:
    table = "royalty_token_spends"
    kept = {(spend.entry_id, spend.kind): spend for spend in stored}
    faults = [
        Fault(table, f"{entry} {kind}", "inserted or altered: no spend in the ledger is like it")
        for entry, kind in kept.keys() - expected.keys()
    ]
    for key, spend in expected.items():
        if key not in kept:
            faults.append(Fault(table, f"{key[0]} {key[1]}", "missing: the ledger has this spend"))
        elif kept[key] != spend:
            faults.append(Fault(table, f"{key[0]} {key[1]}", "altered: it is not the ledger's spend"))
    return faults


def _given_access(
    audit: Sequence[AuditRecord],
) -> tuple[dict[str, str], frozenset[tuple[str, GrantStatus, datetime, str]]]:
    """Return what the audit says that staff gave, and what they revoked or extended."""
    given: dict[str, str] = {}
    taken: set[tuple[str, GrantStatus, datetime, str]] = set()
    for record in audit:
        if record.action not in (GIVE, EXTEND, REVOKE):
            continue
        # A record that cannot be read is a fault of the audit, and named there.
        with suppress(ValueError, LookupError, TypeError, BuddyError):
            after = json.loads(record.after)
            if record.action != REVOKE:
                # Records of before grants could open again do not name it.
                grant = {"reopened_at": None, **after["grant"]}
                given[grant["id"]] = canonical_bytes(grant).decode()
            if record.action != GIVE:
                status = GrantStatus.REVOKED if record.action == REVOKE else GrantStatus.EXTENDED
                ended = json.loads(record.before)["grant"]["id"]
                taken.add((ended, status, record.at, after["reason"]))
    return given, frozenset(taken)


def _check_closes(records: RoyaltyRecords, audit: Sequence[AuditRecord]) -> list[Fault]:
    """Hold the closed months against the audit, which tells of every close, also of an empty month's."""
    told = {record.resource: record for record in audit if record.action == CLOSE}
    kept = {f"{item.entity}:{item.month}": item for item in records.months}
    inserted, missing = "inserted: the audit tells of no close", "missing: the audit tells of its close"
    faults = [Fault("royalty_periods", row, inserted) for row in sorted(kept.keys() - told.keys())]
    for row in sorted(kept.keys() & told.keys()):
        # A record that cannot be read is a fault of the audit, and named there.
        with suppress(ValueError, LookupError, TypeError):
            after, item = json.loads(told[row].after), kept[row]
            for name, is_same in (
                ("cut", after["cut"] == item.cut),
                ("terms", after["terms"] == digest(item.terms)),
                ("closing", after["closing"] == digest(item.closing)),
            ):
                if not is_same:
                    problem = f"altered: {name} is not what the audit tells of"
                    faults.append(Fault("royalty_periods", row, problem))
    return faults + [Fault("royalty_periods", row, missing) for row in sorted(told.keys() - kept.keys())]


def _check_inputs(inputs: Sequence[Input], audit: Sequence[AuditRecord]) -> list[Fault]:
    """Hold facts and terms from outside against the audit, which has the hash of each."""
    table = "royalty_inputs"
    told: dict[tuple[str, int], tuple[bool, str]] = {}
    for record in audit:
        if record.action in (BROUGHT, SET_TERMS):
            # A record that cannot be read is a fault of the audit, and named there.
            with suppress(ValueError, LookupError, TypeError):
                after = json.loads(record.after)
                told[record.resource.partition(":")[0], after["sequence"]] = (
                    record.action == BROUGHT,
                    f"{record.resource} {record.at.isoformat()} {after['sha256']}",
                )
    kept = {(str(item.entity), item.sequence): item for item in inputs}
    faults = [
        Fault(table, f"{entity} {number}", "missing: the audit tells of it")
        for entity, number in sorted(told.keys() - kept.keys())
    ]
    for (entity, number), item in kept.items():
        row = f"{entity} {number}"
        if (entity, number) not in told:
            faults.append(Fault(table, row, "inserted: the audit tells of no such input"))
        elif told[entity, number] != (item.kind is InputKind.FACTS, input_text(item)):
            faults.append(Fault(table, row, "altered: it is not what the audit tells of"))
    return faults


async def _check_months(
    tx: VerifyTx, records: RoyaltyRecords, spends: Sequence[TokenSpend], routes: SellerRoutes
) -> list[Fault]:
    """State every closed month again from the ledger's own spends and what was read; compare the bytes."""
    entities = {entity.id: entity for entity in routes.entities}
    names = await public_names_in(tx)
    by_entity: dict[EntityId, list[TokenSpend]] = defaultdict(list)
    for spend in sorted(spends, key=_at):
        by_entity[spend.entity].append(spend)
    facts: dict[EntityId, list[Input]] = defaultdict(list)
    for brought in records.inputs:
        if brought.kind is InputKind.FACTS:
            facts[brought.entity].append(brought)
    months: dict[EntityId, list[ClosedMonth]] = defaultdict(list)
    bodies = {(item.entity, item.month, item.holder, item.currency): item.body for item in records.statements}
    faults: list[Fault] = []
    closed = set()
    for item in records.months:
        entity_id, name = item.entity, item.month
        row = f"{entity_id} {name}"
        earlier = [other for other in months[entity_id] if other.month < name]
        months[entity_id].append(item)
        try:
            wanted = month_for(entities[entity_id], name)
            mine = by_entity[entity_id]

            async def between(period: Period, mine: Sequence[TokenSpend] = mine) -> Sequence[TokenSpend]:
                first, after = (bisect_left(mine, at, key=_at) for at in (period.start, period.end))
                return mine[first:after]

            files = [brought for brought in facts[entity_id] if brought.sequence <= item.cut]
            stored = await stored_of(wanted, names, earlier, files, between)
            stated = state_stored(wanted, item.terms, item.cut, stored)
        except (BuddyError, LookupError, ArithmeticError, ValueError, AssertionError) as error:
            # What was altered may be anything, and no rule has to make sense of it.
            faults.append(Fault("royalty_periods", row, f"cannot be stated again: {error}"))
            continue
        closed.add((entity_id, name))
        if item.ends_at != wanted.period.end:
            faults.append(Fault("royalty_periods", row, "altered: the month ends at another instant"))
        if item.closing != stated.closing:
            faults.append(Fault("royalty_periods", row, "altered: its facts carry on something else"))
        for (holder, currency), body in stated.bodies.items():
            if bodies.pop((entity_id, name, holder, currency), None) != body:
                problem = "missing or altered: its facts give another"
                faults.append(Fault("royalty_statements", f"{row} {holder} {currency}", problem))
    for entity_id, name, holder, currency in bodies:
        problem = "inserted: no fact gives it" if (entity_id, name) in closed else "its month is not closed"
        faults.append(Fault("royalty_statements", f"{entity_id} {name} {holder} {currency}", problem))
    return faults


def _short_id_faults(spaces: Sequence[SpaceAccount]) -> list[Fault]:
    return [
        Fault("shortids", f"{space.type} {found.short_id}", f"altered: it {found.problem}")
        for space in spaces
        for found in space.faults
    ]


async def _check_public_ids(tx: VerifyTx) -> list[Fault]:
    """Hold the ids that statements and links carry against the short ids that were given out.

    A host that brings ids of its own has no short-id space for the type, and nothing to hold them against.
    """
    given: dict[UUID, str] = {}
    drafts: set[UUID] = set()
    spaces = {space.type for space in await tx.shortid_books.spaces()}
    for space in spaces:
        for row in await tx.shortid_books.assignments(space):
            given[row.target] = row.short_id.text
            if not row.published:
                drafts.add(row.target)
    shown: list[tuple[str, UUID, str]] = [
        (title.type, title.id, title.short_id) for title in await tx.titles.all()
    ]
    shown += [(PRODUCER_SPACE, maker.id, maker.short_id) for maker in await tx.producers.all()]
    return [
        Fault("shortids", f"{space} {text}", "missing or altered: the catalogue shows this id")
        for space, target, text in shown
        if space in spaces and target not in drafts and given.get(target) != text
    ]


def _at(spend: TokenSpend) -> datetime:
    return spend.at
