"""Token values: the versions there are, a new one, and its effect before it is saved."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Literal, Protocol
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from buddy_core.access import SECOND_PERSON_RULES, Actor, needs_second_person, require
from buddy_core.catalog import CatalogTx
from buddy_core.flows.staff import largest_change
from buddy_core.kernel.clock import Clock, utc
from buddy_core.kernel.currencies import minor_digits
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.pricing import PricingTx, TokenCosts
from buddy_core.rights import RightsTx
from buddy_core.tax import SellerRoutes
from buddy_core.tokens import (
    BONUS,
    PAID,
    BadTokenValue,
    SetTokenValue,
    TokenKind,
    ValueVersionInPast,
    ValueVersionTooFar,
    next_version,
    version_at,
)
from buddy_core.tokens import ValueVersion as StoredVersion
from buddy_core.views.stated import ValuesTx

ValueState = Literal["in_force", "coming", "past"]
KINDS: tuple[TokenKind, ...] = (BONUS, PAID)
_VERSION = re.compile(r"[0-9]{1,7}", re.ASCII)
_AMOUNT = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,12}))?", re.ASCII)
_EXAMPLE = "episode"
"""What an effect is shown with: an unlock of this type of title."""


class AdminValuesTx(ValuesTx, PricingTx, CatalogTx, RightsTx, Protocol):
    """What the page of token values reads."""


@frozen
class TokenValue:
    """What one token counts in a currency, in minor units (3/5 of a US cent is `Fraction(3, 5)`)."""

    currency: str
    per_token: Fraction


@frozen
class ValueVersion:
    """A version of one kind's value in every settlement currency."""

    kind: str
    version: str
    effective_from: datetime
    values: tuple[TokenValue, ...]
    state: ValueState


@frozen
class FieldValue:
    """A field of the form as it was typed; `problem` says in words what is wrong with it."""

    name: str
    text: str = ""
    problem: str | None = None


@frozen
class ValueChange:
    """One currency before and after; the example counts `tokens` tokens at each value.

    `before` is None where the currency had no value yet.
    """

    currency: str
    before: Fraction | None
    after: Fraction
    example_before: Fraction | None
    example_after: Fraction


@frozen
class ValueEffect:
    """What saving would do; nothing is changed before `effective_from`."""

    kind: str
    effective_from: datetime
    tokens: int
    changes: tuple[ValueChange, ...]
    producer_share: Fraction
    idempotency_key: str
    fields: tuple[FieldValue, ...]
    needs_second_person: Fraction | None = None
    """The largest change that one person may make alone, where this one is larger; else None."""


@frozen
class AdminValues:
    """Versions, newest first, and the form: kind, effective date, and a value a currency.

    Form fields are `kind`, `effective_from` (a date, midnight in `zone`) and
    `value_<CUR>` in major units (`0.50`). `effect` is set after a preview.
    """

    versions: tuple[ValueVersion, ...]
    kinds: tuple[str, ...]
    currencies: tuple[str, ...]
    zone: str
    earliest: date
    fields: tuple[FieldValue, ...] = ()
    effect: ValueEffect | None = None
    saved_version: str | None = None
    waiting_id: str | None = None
    """The request that was just made, where a second person decides."""

    def field(self, name: str) -> FieldValue:
        """Return the field of that name, empty if it was not typed."""
        return next((field for field in self.fields if field.name == name), FieldValue(name))

    @property
    def has_problem(self) -> bool:
        """Return whether a field has to be mended before anything can be saved."""
        return any(field.problem for field in self.fields)


@frozen
class ValueForm:
    """What was typed, read: the command to save is there only if no field has a problem."""

    fields: tuple[FieldValue, ...]
    command: SetTokenValue | None


async def value_versions(
    actor: Actor, *, uow: UnitOfWork[AdminValuesTx], clock: Clock
) -> tuple[ValueVersion, ...]:
    """Return every version of every kind, newest first.

    Raises:
        NotPermitted: the actor may not see token values.
    """
    require(actor, "token_value:read")
    async with uow.read() as tx:
        return await versions_in(tx, clock.now())


async def show_value_effect(
    actor: Actor,
    command: SetTokenValue,
    *,
    uow: UnitOfWork[AdminValuesTx],
    clock: Clock,
    routes: SellerRoutes,
) -> ValueEffect:
    """Return what a new value would do; nothing is changed.

    Raises:
        NotPermitted: the actor may not see token values.
        ValueVersionInPast, ValueVersionTooFar, BadTokenValue: the rule says no.
    """
    require(actor, "token_value:read")
    async with uow.read() as tx:
        at = clock.now()
        existing = await tx.token_values.of_kind(command.kind)
        next_version(existing, command, routes.currencies, at)
        return await _effect_in(tx, command, existing, at)


async def values_page(
    actor: Actor,
    typed: Mapping[str, str] | None,
    idempotency_key: str,
    *,
    uow: UnitOfWork[AdminValuesTx],
    clock: Clock,
    routes: SellerRoutes,
) -> AdminValues:
    """Fill the page; with a form that was typed, its problems, or what saving it would do.

    Raises:
        NotPermitted: the actor may not see token values.
    """
    require(actor, "token_value:read")
    zone = routes.entities[0].zone
    async with uow.read() as tx:
        at = clock.now()
        form = read_form(typed, routes, actor.name, idempotency_key) if typed is not None else None
        effect = None
        if form is not None and form.command is not None:
            existing = await tx.token_values.of_kind(form.command.kind)
            form = _checked(form, existing, routes, at)
            if form.command is not None:
                effect = await _effect_in(tx, form.command, existing, at, form.fields)
        return AdminValues(
            versions=await versions_in(tx, at),
            kinds=KINDS,
            currencies=routes.currencies,
            zone=zone,
            earliest=at.astimezone(ZoneInfo(zone)).date() + timedelta(days=1),
            fields=form.fields if form else (),
            effect=effect,
        )


async def versions_in(tx: ValuesTx, at: datetime) -> tuple[ValueVersion, ...]:
    """Return every version of every kind, newest first, with where it stands at `at`."""
    found: list[ValueVersion] = []
    for kind in KINDS:
        existing = await tx.token_values.of_kind(kind)
        live = version_at(existing, at)
        found += [_shown(item, live, at) for item in existing]
    return tuple(sorted(found, key=lambda item: (item.effective_from, item.version), reverse=True))


def read_form(typed: Mapping[str, str], routes: SellerRoutes, by: str, idempotency_key: str) -> ValueForm:
    """Read the form of a new value; amounts are in major units, the date is midnight in the first zone."""
    kind = typed.get("kind", "").strip()
    fields = [FieldValue("kind", kind, None if kind in KINDS else "Choose a kind of token.")]
    day, start = read_start(typed.get("effective_from", "").strip(), routes.entities[0].zone)
    fields.append(day)
    values: dict[str, Fraction] = {}
    for currency in routes.currencies:
        text = typed.get(f"value_{currency}", "").strip()
        amount = read_amount(text, currency)
        problem = "Write the amount with a point, such as 0.40." if amount is None else None
        fields.append(FieldValue(f"value_{currency}", text, problem))
        values[currency] = amount or Fraction(0)
    command = None
    if start is not None and not any(field.problem for field in fields):
        command = SetTokenValue(TokenKind(kind), start, values, by, idempotency_key)
    return ValueForm(tuple(fields), command)


def value_effect(
    command: SetTokenValue, before: StoredVersion | None, tokens: int, share: Fraction
) -> ValueEffect:
    """Return what a new value changes, by the example of an unlock that costs `tokens`.

    Spends before its start keep the value they were made at, so only later ones count differently.
    """
    changes = []
    for currency, after in command.values.items():
        old = before.values.get(currency) if before else None
        example = None if old is None else old * tokens
        changes.append(ValueChange(currency, old, after, example, after * tokens))
    return ValueEffect(
        command.kind, command.effective_from, tokens, tuple(changes), share, command.idempotency_key, ()
    )


def _checked(
    form: ValueForm, existing: Sequence[StoredVersion], routes: SellerRoutes, at: datetime
) -> ValueForm:
    """Ask the rule itself whether the version may be added, and put what it says to the date."""
    assert form.command is not None
    try:
        next_version(existing, form.command, routes.currencies, at)
    except (ValueVersionInPast, ValueVersionTooFar, BadTokenValue) as error:
        fields = tuple(
            FieldValue(field.name, field.text, error.message()) if field.name == "effective_from" else field
            for field in form.fields
        )
        return ValueForm(fields, None)
    return form


async def _effect_in(
    tx: AdminValuesTx,
    command: SetTokenValue,
    existing: Sequence[StoredVersion],
    at: datetime,
    fields: tuple[FieldValue, ...] = (),
) -> ValueEffect:
    costs = await tx.token_costs.in_force(at)
    before = version_at(existing, command.effective_from)
    effect = value_effect(command, before, _example_cost(costs), await _usual_share_in(tx))
    act = "token_value.set"
    largest = largest_change(existing, command, at, SECOND_PERSON_RULES[act].over)
    rule = needs_second_person(act, largest)
    return evolve(effect, fields=fields, needs_second_person=rule.above if rule else None)


def _example_cost(costs: TokenCosts) -> int:
    return costs.by_type.get(_EXAMPLE) or min(costs.by_type.values(), default=1)


async def _usual_share_in(tx: AdminValuesTx) -> Fraction:
    """Return the share that most licences give; of two equally common ones the larger."""
    titles = [title.id for title in await tx.titles.all()]
    books = await tx.rights.of_titles(titles)
    shares = Counter(licence.share for book in books.values() for licence in book.licences)
    return max(shares, key=lambda share: (shares[share], share), default=Fraction(0))


def _shown(version: StoredVersion, live: StoredVersion | None, at: datetime) -> ValueVersion:
    state: ValueState = "past"
    if live is not None and version.version == live.version:
        state = "in_force"
    elif version.effective_from > at:
        state = "coming"
    values = tuple(TokenValue(currency, value) for currency, value in sorted(version.values.items()))
    name = f"{version.kind}-{version.version}"
    return ValueVersion(version.kind, name, version.effective_from, values, state)


def read_start(text: str, zone: str) -> tuple[FieldValue, datetime | None]:
    """Read the day from which something counts: midnight in a zone."""
    try:
        day = date.fromisoformat(text)
        midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
        return FieldValue("effective_from", text), utc(midnight)
    except (ValueError, OverflowError):
        return FieldValue("effective_from", text, "Choose a date, such as 2026-12-01."), None


def seen_version(typed: Mapping[str, str]) -> int | None:
    """Return the version that a form began from; None where it says none."""
    text = typed.get("base", "")
    return int(text) if _VERSION.fullmatch(text) else None


def read_amount(text: str, currency: str) -> Fraction | None:
    """Read an amount in major units exactly; None if it is none."""
    found = _AMOUNT.fullmatch(text)
    return None if found is None else Fraction(text) * 10 ** minor_digits(currency)
