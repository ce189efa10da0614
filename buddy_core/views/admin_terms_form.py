"""The forms of royalty terms: as they stand, as they were typed, and what they would do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from attrs import evolve, frozen

from buddy_core.access import Actor, require
from buddy_core.catalog import Producer
from buddy_core.flows.royalty_inputs import EDIT, Effect, InputsTx, SetTerms, terms_effect_in
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.periods import month_of, previous_month
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.royalty import (
    BadInput,
    InputKind,
    InputNotFound,
    Problem,
    TermsProblems,
    presets,
)
from buddy_core.tax import SellerRoutes, SellingEntity
from buddy_core.views.admin_royalty import (
    LicenceTerms,
    NamedTerms,
    entity_of,
    terms_of_in,
)
from buddy_core.views.admin_terms_fields import STEP, STEPS, fields_of, read_terms_form, sentence
from buddy_core.views.admin_terms_money import (
    Currencies,
)
from buddy_core.views.admin_values import FieldValue


@frozen
class TermsForm:
    """The form of terms of a licence, account, plan or title; after a preview with what they would do."""

    entity: SellingEntity
    kind: InputKind
    key: str
    """Empty on the form of a new account, plan or waterfall."""
    stored: LicenceTerms | NamedTerms | None
    fields: tuple[FieldValue, ...]
    month: str
    """Of which the effect is shown."""
    currencies: Currencies
    """In which amounts of a licence are, by its account."""
    act: str = "set"
    seen: int = 0
    """The place of the terms that the form began with."""
    producers: tuple[Producer, ...] = ()
    accounts: tuple[str, ...] = ()
    titles: Mapping[str, str] = MappingProxyType({})
    """What titles are called, by type and short id."""
    command: SetTerms | None = None
    effect: Effect | None = None
    problems: tuple[str, ...] = ()
    """What is wrong besides single fields."""

    def field(self, name: str) -> FieldValue:
        """Return the field of that name, empty if it was not typed."""
        return next((field for field in self.fields if field.name == name), FieldValue(name))

    @property
    def has_problem(self) -> bool:
        """Return whether something has to be mended before anything can be saved."""
        return bool(self.problems) or any(field.problem for field in self.fields)

    @property
    def steps(self) -> tuple[int, ...]:
        """The numbers of the steps of a waterfall that have fields."""
        return tuple(range(1, STEPS + 1))

    def has_step(self, number: int) -> bool:
        """Tell whether anything was typed into a step, or is wrong with it."""
        fields = (self.field(f"step{number}_{name}") for name in STEP)
        return any(field.text or field.problem for field in fields)

    @property
    def presets(self) -> tuple[str, ...]:
        """The names of the presets."""
        return tuple(presets())

    def holder(self, short_id: str) -> str:
        """Return the name of a holder."""
        return next((item.name for item in self.producers if item.short_id == short_id), short_id)


async def terms_form(
    actor: Actor,
    kind: InputKind,
    key: str,
    typed: Mapping[str, str] | None = None,
    *,
    entity: str | None = None,
    uow: UnitOfWork[InputsTx],
    clock: Clock,
    routes: SellerRoutes,
) -> TermsForm:
    """Fill the form with the terms as they stand; with one that was typed, its problems or its effect.

    Raises:
        NotPermitted, SecondFactorNeeded: the actor may not change terms.
        InputNotFound: there is no such licence.
    """
    require(actor, EDIT)
    chosen = entity_of(routes, entity)
    key = key or (typed or {}).get("key", "").strip()
    async with uow.read() as tx:
        page = await _form_in(tx, chosen, kind, key, clock)
        if typed is None:
            return page
        page = _typed(page, typed)
        if page.command is None or page.has_problem:
            return page
        try:
            return evolve(page, effect=await terms_effect_in(tx, page.command, page.month))
        except BadInput as error:
            return evolve(page, problems=tuple(_said(item) for item in error.problems))
        except TermsProblems as error:
            return evolve(page, problems=error.problems)
        except BuddyError as error:
            return evolve(page, problems=(error.message(),))


async def _form_in(tx: InputsTx, entity: SellingEntity, kind: InputKind, key: str, clock: Clock) -> TermsForm:
    stored: LicenceTerms | NamedTerms | None = None
    try:
        stored = await terms_of_in(tx, entity, kind, key)
    except InputNotFound:
        if kind is InputKind.LICENCE:
            raise
    terms = await tx.royalty_inputs.terms(entity.id)
    producers = sorted(await tx.producers.all(), key=lambda item: item.name.casefold())
    holder = stored.holder if isinstance(stored, LicenceTerms) else None
    stand = {item.key: json.loads(item.body) for item in terms if item.kind is InputKind.ACCOUNT}
    accounts = {
        name: body
        for name, body in stand.items()
        if body is not None and (holder is None or body.get("holder") == holder.short_id)
    }
    currencies = Currencies(
        entity.currency, {name: body["currency"] for name, body in stand.items() if body is not None}
    )
    item = next((item for item in terms if (item.kind, item.key) == (kind, key)), None)
    return TermsForm(
        entity,
        kind,
        key,
        stored,
        fields_of(kind, key, stored.terms if stored else None, currencies),
        previous_month(month_of(clock.now(), entity.zone)),
        currencies,
        seen=item.sequence if item else 0,
        producers=tuple(producers),
        accounts=tuple(accounts),
        titles={f"{title.type}/{title.short_id}": title.name for title in await tx.titles.all()},
    )


def _typed(page: TermsForm, typed: Mapping[str, str]) -> TermsForm:
    """Return the page with what was typed, and the command if it can be read."""
    act = "remove" if typed.get("act") == "remove" else "set"
    seen = typed.get("seen", "")
    page = evolve(
        page,
        act=act,
        month=typed.get("month", "").strip() or page.month,
        seen=int(seen) if re.fullmatch("[0-9]{1,9}", seen) else page.seen,
    )
    if act == "remove":
        terms = None
    else:
        fields, terms = read_terms_form(page.kind, page.key, typed, page.entity.zone, page.currencies)
        page = evolve(page, fields=fields)
        if terms is None:
            return page
    try:
        return evolve(page, command=SetTerms(page.entity, page.kind, page.key, terms, page.seen))
    except BuddyError as error:
        return evolve(page, fields=_marked(page.fields, "key", error.message()))


def _marked(fields: Sequence[FieldValue], name: str, problem: str) -> tuple[FieldValue, ...]:
    return tuple(evolve(item, problem=problem) if item.name == name else item for item in fields)


def _said(problem: Problem) -> str:
    return f"{problem.column}: {problem.what}; {problem.fix}." if problem.column else sentence(problem)
