"""Samples of the pages of facts and terms: seen, tried, and typed wrongly."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any
from uuid import UUID

from attrs import evolve

from buddy_core.flows import Effect, SetTerms, month_for
from buddy_core.kernel.ids import LicenceId
from buddy_core.rights import Licence, Territories
from buddy_core.royalty import Account as RoyaltyAccount
from buddy_core.royalty import Deal, Facts, InputKind, Paid, Sale, Terms, state_period
from buddy_core.views import (
    MODELS,
    BroughtFile,
    FactsMonth,
    FactsPage,
    LicenceTerms,
    NamedTerms,
    TermsBook,
    TermsForm,
)
from buddy_core.views.admin_terms_fields import fields_of, read_terms_form
from buddy_core.views.admin_terms_money import Currencies
from buddy_web.reference import NEWTACT, SELLER_ROUTES
from buddy_web.routes.admin_royalty import SECTIONS, FactsTyped
from tests.web.samples.rights import OTHER, PARTNER, TITLE

AT = datetime(2026, 11, 3, 10, tzinfo=UTC)
_FILES = (
    BroughtFile("watching of October", "2026-10", 4, 0, AT, True, False),
    BroughtFile("late-refunds.csv", "2026-10", 3, 1, AT, False, True),
    BroughtFile("gateway-2026-10.csv", "2026-10", 1, 12_345, AT, False, False),
)
_MONTHS = ("2026-11", "2026-10", "2026-09")
FACTS = FactsPage(FactsMonth(NEWTACT, "2026-10", False, _FILES), _MONTHS, SELLER_ROUTES.entities)
FACTS_CLOSED = evolve(FACTS, shown=FactsMonth(NEWTACT, "2026-10", True, _FILES[1:]))
FACTS_NONE = evolve(FACTS, shown=FactsMonth(NEWTACT, "2026-11", False, ()))
_WRONG = FactsTyped(
    "gateway",
    "sales",
    "",
    ["sales.csv, row 3, title: is film/zzzz, no title; write one such as film/ab2d"],
    7,
)


def facts_more(typed: FactsTyped | None = None, done: str = "") -> dict[str, Any]:
    """Return what the page of facts wants beside its page."""
    return {"typed": typed or FactsTyped(), "sections": SECTIONS, "done": done, "most_mb": 1}


FACTS_WRONG_MORE = facts_more(_WRONG)

_LICENCE = Licence(
    LicenceId(UUID(int=7)), TITLE.id, PARTNER.id, Fraction(3, 5), Territories(("*",), ("US",)), AT,
    ownership=Fraction(1, 2),
)  # fmt: skip
_OWN = {
    "preset": "film",
    "rates": {"rental": "1/3", "est": {"first": "40%", "then": []}},
    "account": "asha",
    "expense_cap": 500_000,
}
_SHARES = (("1/3", ("rental",)), ("by date", ("est",)), ("50%", tuple(MODELS[2:])))
PLAIN = LicenceTerms(_LICENCE, TITLE, PARTNER, None, 0, (("60%", tuple(MODELS)),))
OWN = LicenceTerms(evolve(_LICENCE, ends_at=AT.replace(year=2028)), TITLE, PARTNER, _OWN, 5, _SHARES)
_ACCOUNT = {
    "id": "asha",
    "holder": "mg7k",
    "currency": "INR",
    "advance": 300_000,
    "guarantees": [{"minimum": 5_000_000, "starts_at": "2026-04-01", "ends_at": "2027-04-01"}],
    "reserve": {"part": "10%", "periods": 3},
    "withholding": [
        {"rate": "10%", "key": "IN:194J", "starts_at": "2026-04-01"},
        {"rate": "20%", "key": "IN:206AA", "starts_at": "2027-04-01"},
    ],
}
ASHA = NamedTerms(InputKind.ACCOUNT, "asha", _ACCOUNT, 4, PARTNER)
GOLD = NamedTerms(InputKind.POOL, "gold", {"plan": "gold", "method": "user_centric"}, 3)
ALL = NamedTerms(InputKind.POOL, "*", {"plan": "*"}, 2)
_STEPS = [
    {"name": "exhibitors", "takes": "percent_of_gross", "rate": "25%", "taker": "platform", "cap": 5_000_000},
    {
        "name": "equity",
        "takes": "recoup",
        "amount": 300_000,
        "rate": "6/5",
        "taker": "mg7k",
        "account": "asha",
    },
    {"name": "agent", "takes": "percent_of_remaining", "rate": "1/3", "taker": "mg7k", "taken_before": 9_00},
    {"name": "deferral", "takes": "fixed", "amount": 5_40, "taker": "mg7k"},
]
_FALL = {"id": "film/ab2d", "title": "film/ab2d", "currency": "INR", "steps": _STEPS}
FALL = NamedTerms(InputKind.WATERFALL, "film/ab2d", _FALL, 6, title="The Last Monsoon")
BOOK = TermsBook(
    NEWTACT, SELLER_ROUTES.entities, (PLAIN, OWN), (ASHA,), (GOLD, ALL), (FALL,), 90, 2, "monsoon"
)
BOOK_NONE = TermsBook(NEWTACT, SELLER_ROUTES.entities, (), (), (), (), 0, 1, "zzz")

_SALE = Sale(
    id="s1", model="rental", title="film/ab2d", territory="IN", currency="INR", paid=Paid(gross=100_00),
    at=datetime(2026, 10, 5, tzinfo=UTC),
)  # fmt: skip


def _stated(rate: Fraction, advance: int = 0) -> Any:
    deal = Deal(id="L-a", title="film/ab2d", holder="mg7k", rates={"rental": rate}, account="asha")
    account = RoyaltyAccount(id="asha", holder="mg7k", currency="INR", advance=advance)
    terms = Terms(deals=(deal,), accounts=(account,))
    return state_period(month_for(NEWTACT, "2026-10"), terms, Facts(sales=(_SALE,)))


EFFECT = Effect("2026-10", _stated(Fraction(3, 5)), _stated(Fraction(1, 3), 10_00))


CURRENCIES = Currencies("INR", {"asha": "INR"})


def _form(kind: InputKind, stored: LicenceTerms | NamedTerms | None, key: str = "") -> TermsForm:
    return TermsForm(
        entity=NEWTACT,
        kind=kind,
        key=key,
        stored=stored,
        fields=fields_of(kind, key, stored.terms if stored else None, CURRENCIES),
        month="2026-10",
        currencies=CURRENCIES,
        seen=stored.sequence if stored else 0,
        producers=(OTHER, PARTNER),
        accounts=("asha",),
        titles={"film/ab2d": "The Last Monsoon"},
    )


def _wrong(form: TermsForm, **typed: str) -> TermsForm:
    fields, _ = read_terms_form(form.kind, form.key, typed, NEWTACT.zone, CURRENCIES)
    return evolve(form, fields=fields)


LICENCE = _form(InputKind.LICENCE, OWN, OWN.number)
ACCOUNT = _form(InputKind.ACCOUNT, ASHA, "asha")
NEW_ACCOUNT = _form(InputKind.ACCOUNT, None)
POOL = _form(InputKind.POOL, ALL, "*")
WATERFALL = _form(InputKind.WATERFALL, FALL, "film/ab2d")
NEW_WATERFALL = _form(InputKind.WATERFALL, None)
_COMMAND = SetTerms(NEWTACT, InputKind.LICENCE, OWN.number, _OWN)
FORMS = {
    "licence": LICENCE,
    "licence-plain": _form(InputKind.LICENCE, PLAIN, PLAIN.number),
    "effect": evolve(LICENCE, command=_COMMAND, effect=EFFECT),
    "effect-none": evolve(LICENCE, command=_COMMAND, effect=evolve(EFFECT, then=EFFECT.now), act="remove"),
    "effect-mended": evolve(LICENCE, command=_COMMAND, effect=evolve(EFFECT, now=None)),
    "effect-stuck": evolve(LICENCE, command=_COMMAND, effect=Effect("2026-10", None, None, ("a: no rate",))),
    "licence-wrong": _wrong(LICENCE, preset="filn", rate_rental="150", more="{"),
    "account": ACCOUNT,
    "account-new": NEW_ACCOUNT,
    "account-wrong": _wrong(NEW_ACCOUNT, currency="RS", advance="x", tax_rate="half"),
    "pool": POOL,
    "pool-new": _form(InputKind.POOL, None),
    "waterfall": WATERFALL,
    "waterfall-new": NEW_WATERFALL,
    "waterfall-wrong": _wrong(NEW_WATERFALL, currency="RS", step1_name="fee", step5_rate="half"),
    "refused": evolve(POOL, problems=("The terms were set again since they were looked at.",)),
}
