"""The forms of terms, facts, closing balances and results: what each key means, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from attrs import frozen

from buddy_core.kernel.ids import EntityId
from buddy_core.kernel.periods import month
from buddy_core.kernel.territories import Territories
from buddy_core.royalty.data import presets
from buddy_core.royalty.model.balances import AccountBalance, Balances, DealBalance, Held, WaterfallBalance
from buddy_core.royalty.model.facts import (
    SOLD,
    AdRevenue,
    Expense,
    Facts,
    FxRate,
    Impressions,
    Model,
    Paid,
    PoolPart,
    Sale,
    SharedPool,
    SubscriptionRevenue,
    TokenUse,
    Watch,
)
from buddy_core.royalty.model.months import Month
from buddy_core.royalty.model.statements import (
    AccountShare,
    Fund,
    HolderStatement,
    Line,
    PeriodReconciliation,
    PeriodResult,
    PoolReport,
    Settlement,
    SettlingStep,
)
from buddy_core.royalty.model.terms import (
    Account,
    AdsBy,
    Band,
    Basis,
    Counting,
    Deal,
    Escalator,
    From,
    Guarantee,
    Negative,
    PoolMethod,
    PoolRule,
    Reserve,
    SilentMoney,
    Terms,
    Tiers,
    Withholding,
)
from buddy_core.royalty.model.waterfalls import FilmWaterfall, Step, Takes
from buddy_core.royalty.rules.files.shapes import (
    MOST_DIGITS_OF_RESULTS,
    UNREAD,
    ByName,
    Checked,
    Choice,
    Codes,
    Exact,
    Flag,
    Form,
    Instant,
    Key,
    Many,
    Maybe,
    Place,
    Text,
    Unread,
    Whole,
    close_to,
    told,
)

NAME, MONEY, AMOUNT, PART, WHEN = Text(), Whole(), Whole(0), Exact(is_part=True), Instant()
COUNT = Whole(0, "a whole number")
UNITS = Whole(None, "a whole number")
EXACT, CALCULATED = Exact(), Exact(most=MOST_DIGITS_OF_RESULTS)
ID = Key(NAME, "a name of its own, which messages and statements use")
TITLE = Key(NAME, "the title")
TERRITORY = Key(NAME, "the country, ISO 3166-1, such as IN")
CURRENCY = Key(NAME, "the currency, ISO 4217, such as INR")
AT = Key(WHEN, "when it happened, within the month")


def _month(name: str, entity: str, zone: str) -> Month:
    return Month(name, EntityId(entity), zone, month(name, zone))


MONTH = Form(
    _month,
    {
        "name": Key(Checked(NAME, lambda name: month(name, "UTC")), 'the month, such as "2026-10"'),
        "entity": Key(NAME, "who sells, such as the name of your company"),
        "zone": Key(
            Checked(NAME, lambda zone: month("2026-10", zone)),
            'the time zone in which the month begins and ends, such as "Asia/Kolkata"',
        ),
    },
    "the month",
)

BAND = Form(
    Band,
    {
        "over": Key(AMOUNT, "where the band begins; the first at 0"),
        "up_to": Key(Maybe(AMOUNT), "the last unit that has the rate; null in the last band", None),
        "rate": Key(PART, 'what each unit in the band gives, such as "40%"'),
    },
    "a band",
)
TIERS = Form(
    Tiers,
    {
        "bands": Key(Many(BAND), "the bands, each from where the one before ends"),
        "basis": Key(Choice(Basis), "what is counted", Basis.UNITS),
        "counting": Key(Choice(Counting), "over the whole deal, or each period from 0", Counting.LIFE),
    },
    "tiers",
)
ESCALATOR = Form(
    Escalator,
    {
        "first": Key(PART, "the rate to begin with"),
        "then": Key(
            Many(
                Form(
                    From,
                    {"at": Key(WHEN, "from when on"), "rate": Key(PART, "the rate from then on")},
                    "a later rate",
                )
            ),
            "later rates by date",
            (),
        ),
    },
    "rates by date",
)


@frozen
class RateShape:
    """A rate: one part, tiers, or parts by date."""

    def read(self, value: Any, place: Place) -> Any:
        if not isinstance(value, Mapping):
            return PART.read(value, place)
        if "bands" in value:
            return TIERS.read(value, place)
        if "first" in value or "then" in value:
            return ESCALATOR.read(value, place)
        return place.wrong(
            f"is {told(value)} with neither bands nor first",
            'write a part such as "50%", tiers {"bands": [...]}, or by date {"first": ..., "then": [...]}',
        )

    def write(self, value: Any) -> Any:
        if isinstance(value, Tiers):
            return TIERS.write(value)
        return ESCALATOR.write(value) if isinstance(value, Escalator) else PART.write(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [PART.schema(), TIERS.schema(), ESCALATOR.schema()]}


RATES = ByName(RateShape(), Choice(Model))


def _deal(preset: str | None, rates: Mapping[Model, Any], **others: Any) -> Deal:
    found = {Model(name): Fraction(rate) for name, rate in presets()[preset].items()} if preset else {}
    return Deal(rates={**found, **rates}, **others)


@frozen
class DealForm(Form):
    """A deal; its rates are its own, or a preset's."""

    def read(self, value: Any, place: Place) -> Any:
        found = self.read_keys(value, place)
        preset = value.get("preset") if isinstance(value, Mapping) else None
        if isinstance(value, Mapping) and preset is None and "rates" not in value:
            found = place.at("rates").wrong(
                "is missing", 'add it, such as {"rental": "50%"}, or name a preset, such as "preset": "film"'
            )
        if isinstance(preset, str) and preset not in presets():
            close = close_to(preset, presets())
            meant = f'did you mean "{close}"? ' if close else ""
            found = place.at("preset").wrong(
                f"is {told(preset)}", f"{meant}write one of {', '.join(presets())}, or give the rates"
            )
        return UNREAD if isinstance(found, Unread) else self.made(found, place)

    def write(self, value: Any) -> Any:
        return {
            name: key.of.write(getattr(value, name)) for name, key in self.keys.items() if name != "preset"
        }

    def schema(self) -> dict[str, Any]:
        needs = [{"required": ["rates"]}, {"required": ["preset"]}]
        found = Form.schema(self) | {"anyOf": needs}
        found["properties"]["preset"] = {
            "description": self.keys["preset"].about,
            "enum": [*presets(), None],
        }
        return found


DEAL = DealForm(
    _deal,
    {
        "id": ID,
        "title": TITLE,
        "holder": Key(NAME, "who gets the share"),
        "preset": Key(Maybe(NAME), "rates from the presets; those in rates go before them", None),
        "rates": Key(RATES, 'the holder\'s share by model, such as {"rental": "50%"}', {}),
        "part": Key(PART, "what part of the title the holder owns there", Fraction(1)),
        "territories": Key(Codes(), 'where, such as ["IN", "GCC"] or ["*", "^US"]', Territories(("*",))),
        "starts_at": Key(Maybe(WHEN), "from when on", None),
        "ends_at": Key(Maybe(WHEN), "until when; that instant is no longer in it", None),
        "account": Key(Maybe(NAME), "the account it is settled in; null: the holder's own", None),
        "fee": Key(PART, "distribution fee, which the platform takes first", Fraction(0)),
        "expense_cap": Key(Maybe(AMOUNT), "how much of expenses may be taken back; null: all", None),
        "ads_by": Key(Choice(AdsBy), "how its part of the ads is measured", AdsBy.WATCH),
    },
    "a deal",
)

GUARANTEE = Form(
    Guarantee,
    {
        "minimum": Key(AMOUNT, "what the holder has at least, minor units"),
        "starts_at": Key(WHEN, "when its term begins"),
        "ends_at": Key(WHEN, "when its term is over: 2026-11-01 is the end of October, which tops up"),
    },
    "a guarantee",
)
RESERVE = Form(
    Reserve,
    {
        "part": Key(PART, "what part of earnings is held back"),
        "periods": Key(Whole(1, "a whole number from 1 on"), "after how many months it is released"),
    },
    "a reserve",
)
WITHHOLDING = Form(
    Withholding,
    {
        "rate": Key(PART, "what part of the payment is kept back"),
        "starts_at": Key(WHEN, "from when on"),
        "key": Key(NAME, 'which rule it is, such as "IN:194J"'),
    },
    "tax withheld",
)
ACCOUNT = Form(
    Account,
    {
        "id": ID,
        "holder": Key(NAME, "whose it is"),
        "currency": CURRENCY,
        "advance": Key(AMOUNT, "all that was ever paid in advance, minor units", 0),
        "recoups": Key(Many(NAME), "other accounts of the holder whose advances it covers as well", ()),
        "guarantees": Key(Many(GUARANTEE), "minimums, one term after the other", ()),
        "reserve": Key(Maybe(RESERVE), "what is held back against refunds", None),
        "threshold": Key(AMOUNT, "less than this is carried, not paid, minor units", 0),
        "negative": Key(Choice(Negative), "what becomes of less than nothing", Negative.CARRY),
        "withholding": Key(Many(WITHHOLDING), "tax kept back from payments", ()),
    },
    "an account",
)
NO_NAMES: frozenset[str] = frozenset()
POOL = Form(
    PoolRule,
    {
        "plan": Key(NAME, 'which plan; "*" is every plan without a rule of its own', "*"),
        "method": Key(Choice(PoolMethod), "how it is shared", PoolMethod.PRO_RATA),
        "min_seconds": Key(COUNT, "less of one account and title does not count", 0),
        "max_seconds": Key(Maybe(COUNT), "more of one account is scaled down to it; null: no cap", None),
        "excluded_accounts": Key(Many(NAME, frozenset), "accounts whose watching does not count", NO_NAMES),
        "excluded_titles": Key(Many(NAME, frozenset), "titles that do not count", NO_NAMES),
        "silent": Key(
            Choice(SilentMoney), "who has the money of those who watched nothing", SilentMoney.POOL
        ),
    },
    "a pool rule",
)


@frozen
class RateOfStep(Exact):
    """A percent of the model as a part, as every rate in a file is; more than all of it only of an amount."""

    def read(self, value: Any, place: Place) -> Any:
        found = Exact.read(self, value, place)
        if isinstance(found, Unread):
            return found
        if found < 0:
            return place.wrong(f"is {told(value)}", "write a rate from 0 on")
        if found > MOST_RATE:
            return place.wrong(
                f"is {told(value)}", f'write "{told(value).strip(chr(39))}%" if you mean per cent'
            )
        return found * 100

    def write(self, value: Any) -> Any:
        return Exact.write(self, Fraction(value) / 100)


MOST_RATE = 10
"""The most that a step takes of an amount, as a part: more is meant as per cent."""


@frozen
class StepForm(Form):
    """A step of a waterfall; what it does not ask for has no key."""

    def read(self, value: Any, place: Place) -> Any:
        found = self.read_keys(value, place)
        if isinstance(found, Unread):
            return found
        wrong = [place.at(key).wrong(what, fix) for key, what, fix in _step_wrongs(found)]
        found["percent"] = 100 if found["rate"] is None else found["rate"]
        del found["rate"]
        return UNREAD if wrong else self.made(found, place)

    def write(self, value: Any) -> Any:
        takes_part = value.takes is not Takes.FIXED
        rate = {"rate": self.keys["rate"].of.write(value.percent if takes_part else None)}
        others = {
            name: key.of.write(getattr(value, name)) for name, key in self.keys.items() if name != "rate"
        }
        return {name: (others | rate)[name] for name in self.keys}


def _step_wrongs(step: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return what contradicts itself in a step, by its key."""
    takes, rate, found = step["takes"], step["rate"], []
    of_amount = takes in (Takes.FIXED, Takes.RECOUP)
    if of_amount and step["amount"] is None:
        found.append(("amount", "is missing", "add how much the step takes in all, minor units"))
    if not of_amount and step["amount"] is not None:
        found.append(
            ("amount", "is there beside a rate", 'leave it out; "cap" is the most that the step takes')
        )
    if not of_amount and rate is None:
        found.append(("rate", "is missing", 'add what part the step takes, such as "25%"'))
    if not of_amount and rate is not None and rate > 100:
        found.append(("rate", "is more than all of it", 'write a part from 0 to 1, or "0%" to "100%"'))
    if takes is Takes.FIXED and rate is not None:
        found.append(("rate", "is there beside an amount", "leave it out"))
    if takes is Takes.RECOUP and step["cap"] is not None:
        found.append(
            ("cap", "is there on what is recouped", "leave it out: no more than the amount is taken")
        )
    return found


STEP_OF_FALL = StepForm(
    Step,
    {
        "name": Key(NAME, "the step's name; what it has taken is carried by it"),
        "takes": Key(Choice(Takes), "what it asks for"),
        "taker": Key(NAME, 'who gets it: a holder, or "platform"'),
        "rate": Key(
            Maybe(RateOfStep()), 'the part that it takes, such as "25%"; of an amount, such as "120%"', None
        ),
        "amount": Key(Maybe(AMOUNT), "of fixed and recoup: how much in all, minor units", None),
        "cap": Key(Maybe(AMOUNT), "the most that it takes in all, minor units; null: no cap", None),
        "taken_before": Key(AMOUNT, "taken before the waterfall was set up, toward amount or cap", 0),
        "account": Key(Maybe(NAME), "the account it is settled in; null: the taker's own", None),
    },
    "a step",
)


@frozen
class WaterfallForm(Form):
    """A waterfall; the names of its steps differ."""

    def read(self, value: Any, place: Place) -> Any:
        found = Form.read(self, value, place)
        if isinstance(found, Unread):
            return found
        names = [step.name for step in found.steps]
        for number, name in enumerate(names):
            if name in names[:number]:
                twice = place.at("steps").at(number).at("name")
                found = twice.wrong(f"is {told(name)} once more", "give each step a name of its own")
        return found

    def write(self, value: Any) -> Any:
        found = {
            name: key.of.write(getattr(value, name)) for name, key in self.keys.items() if name != "models"
        }
        models = sorted(model.value for model in value.models)
        return found | {"models": None if len(models) == len(Model) else models}


def _waterfall(models: Any, **others: Any) -> FilmWaterfall:
    return FilmWaterfall(models=frozenset(Model) if models is None else models, **others)


WATERFALL = WaterfallForm(
    _waterfall,
    {
        "id": ID,
        "title": TITLE,
        "currency": Key(NAME, "the currency of its amounts, ISO 4217, such as INR"),
        "steps": Key(Many(STEP_OF_FALL), "the steps in order; the deals of the title share what they leave"),
        "territories": Key(Codes(), 'where, such as ["IN", "GCC"] or ["*", "^US"]', Territories(("*",))),
        "models": Key(Maybe(Many(Choice(Model), frozenset)), "by which models; null: by all", None),
    },
    "a waterfall",
)

HELD = Form(
    Held,
    {"month": Key(NAME, "the month it was held back in"), "amount": Key(MONEY, "how much")},
    "what is held",
)
ACCOUNT_BALANCE = Form(
    AccountBalance,
    {
        "recouped": Key(MONEY, "what earnings have covered of the advance", 0),
        "carried": Key(MONEY, "not paid yet; below zero: set against what comes", 0),
        "held": Key(Many(HELD), "reserves that are not released yet", ()),
        "in_term": Key(MONEY, "earned in the guarantee's term so far", 0),
    },
    "an account's balance",
)
DEAL_BALANCE = Form(
    DealBalance,
    {
        "counted": Key(ByName(CALCULATED, Choice(Model)), "what tiers have counted so far", {}),
        "laid_out": Key(MONEY, "expenses so far", 0),
        "taken_back": Key(CALCULATED, "what has been taken back of them", Fraction(0)),
    },
    "a deal's balance",
)
WATERFALL_BALANCE = Form(
    WaterfallBalance,
    {
        "title": TITLE,
        "currency": CURRENCY,
        "received": Key(CALCULATED, "what the title netted to date", Fraction(0)),
        "since": Key(CALCULATED, "how much of it came before the steps were as they are", Fraction(0)),
        "before": Key(ByName(CALCULATED), "what each step had taken until then", {}),
        "taken": Key(ByName(CALCULATED), "what each step has taken to date", {}),
    },
    "a waterfall's balance",
)
_BALANCES = {
    "accounts": Key(ByName(ACCOUNT_BALANCE), "balances of accounts", {}),
    "deals": Key(ByName(DEAL_BALANCE), "balances of deals", {}),
    "pools": Key(ByName(CALCULATED), "money of silent subscribers by pool", {}),
    "waterfalls": Key(ByName(WATERFALL_BALANCE), "where waterfalls stand", {}),
}


@frozen
class Closing:
    """What is carried out of a month, with the month that it is of."""

    month: str | None
    entity: str | None
    balances: Balances


def _closing(month: str | None, entity: str | None, **balances: Any) -> Closing:
    return Closing(month, entity, Balances(**balances))


@frozen
class ClosingForm(Form):
    """Closing balances; their month goes with them, so that months cannot be mixed up."""

    def write(self, value: Any) -> Any:
        found = {"month": value.month, "entity": value.entity} | {
            name: key.of.write(getattr(value.balances, name)) for name, key in _BALANCES.items()
        }
        # What was written before there were waterfalls has no such key, and must stay the same bytes.
        return found if found["waterfalls"] else {name: found[name] for name in found if name != "waterfalls"}


CLOSING = ClosingForm(
    _closing,
    {
        "month": Key(Maybe(NAME), "the month that these are the closing balances of", None),
        "entity": Key(Maybe(NAME), "whose month it is", None),
        **_BALANCES,
    },
    "closing balances",
)

ALL_TITLES = "*"


@frozen
class OwnTitles:
    """Titles of the platform's own, or `*` for all that have no deal."""

    def read(self, value: Any, place: Place) -> Any:
        return None if value == ALL_TITLES else Many(NAME, frozenset).read(value, place)

    def write(self, value: Any) -> Any:
        return ALL_TITLES if value is None else sorted(value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"const": ALL_TITLES}, Many(NAME).schema()]}


_TERMS = {
    "deals": Key(Many(DEAL), "who has what part of what a title earns", ()),
    "accounts": Key(Many(ACCOUNT), "where advances, guarantees and reserves are settled", ()),
    "pools": Key(Many(POOL), "how subscription money is shared", (PoolRule(),)),
    "waterfalls": Key(Many(WATERFALL), "titles whose deals share what ordered steps leave", ()),
    "fund_kinds": Key(
        Many(NAME, frozenset), "kinds of tokens that the token fund pays for", frozenset(("bonus",))
    ),
    "own_titles": Key(
        OwnTitles(), 'titles of the platform\'s own, which need no deal; "*": all without one', NO_NAMES
    ),
}


@frozen
class WholeTerms:
    """Everything in a file of terms."""

    month: Month
    terms: Terms
    before: Closing | None


def _whole_terms(month: Month, before: Closing | None, **others: Any) -> WholeTerms:
    return WholeTerms(month, Terms(**others), before)


@frozen
class TermsForm(Form):
    """The file of terms."""

    def write(self, value: Any) -> Any:
        return {
            "month": MONTH.write(value.month),
            **{name: key.of.write(getattr(value.terms, name)) for name, key in _TERMS.items()},
            "before": Maybe(CLOSING).write(value.before),
        }


TERMS = TermsForm(
    _whole_terms,
    {
        "month": Key(MONTH, "the month, who sells, and the time zone"),
        **_TERMS,
        "before": Key(Maybe(CLOSING), "closing balances of the month before", None),
    },
    "the terms",
)

PAID = {
    "gross": Key(MONEY, "what was paid, its tax included", 0),
    "tax": Key(MONEY, "tax in it; below zero where tax is no longer owed", 0),
    "refund": Key(MONEY, "what went back to buyers", 0),
    "chargeback": Key(MONEY, "what banks took back", 0),
    "fee": Key(MONEY, "what gateways, stores or networks kept", 0),
}


@frozen
class PaidForm(Form):
    """A fact with money: the amounts stand beside the other keys."""

    def read(self, value: Any, place: Place) -> Any:
        found = self.read_keys(value, place)
        if isinstance(found, Unread):
            return found
        if not PAID.keys() & value.keys():
            return place.at("gross").wrong(
                "is missing", f"add it: {PAID['gross'].about}; 0 where nothing was"
            )
        amounts = {name: found.pop(name) for name in PAID}
        return self.made({**found, "paid": Paid(**amounts)}, place)

    def write(self, value: Any) -> Any:
        return {
            name: key.of.write(getattr(value.paid if name in PAID else value, name))
            for name, key in self.keys.items()
        }

    def schema(self) -> dict[str, Any]:
        return Form.schema(self) | {"anyOf": [{"required": [name]} for name in PAID]}


FX = Form(
    FxRate,
    {
        "base": Key(NAME, "the currency that one unit is of"),
        "quote": Key(NAME, "the currency that the rate is in"),
        "rate": Key(EXACT, 'units of quote for one of base, such as "83.1250"'),
        "source": Key(NAME, "who says so"),
        "at": Key(WHEN, "when it was stamped"),
    },
    "a rate of exchange",
)


def _sale(units: int | None, **others: Any) -> Sale:
    return Sale(**others) if units is None else Sale(units=units, **others)


SECTIONS: Mapping[str, Form] = {
    "sales": PaidForm(
        _sale,
        {
            "id": ID,
            "model": Key(Choice(Model, SOLD), "how it was sold"),
            "title": TITLE,
            "territory": TERRITORY,
            "currency": CURRENCY,
            **PAID,
            "at": AT,
            "units": Key(
                Maybe(UNITS),
                "copies; below zero where copies came back; left out: 1 where something was paid, else 0",
                None,
            ),
            "sold_at": Key(Maybe(WHEN), "on a refund: when it had been sold", None),
        },
        "a sale",
    ),
    "subscriptions": PaidForm(
        SubscriptionRevenue,
        {
            "id": ID,
            "plan": Key(NAME, "the plan"),
            "territory": TERRITORY,
            "currency": CURRENCY,
            **PAID,
            "account": Key(Maybe(NAME), "who paid; needed unless the pool is shared pro_rata", None),
        },
        "subscription revenue",
    ),
    "pools": PaidForm(
        SharedPool,
        {
            "id": ID,
            "plan": Key(NAME, "the plan; ads for what advertisers paid"),
            "territory": TERRITORY,
            "currency": CURRENCY,
            **PAID,
            "method": Key(NAME, "by which rule it was shared"),
            "parts": Key(
                Many(
                    Form(
                        PoolPart,
                        {
                            "title": TITLE,
                            "amount": Key(EXACT, "its share in minor units, exact"),
                            "counted": Key(EXACT, "seconds that count"),
                        },
                        "a title's part",
                    )
                ),
                "by title, one each",
            ),
            "kept": Key(MONEY, "what the platform keeps", 0),
            "carried": Key(MONEY, "what goes to the next month's pool", 0),
        },
        "a pool that was shared where its rows are",
    ),
    "ads": PaidForm(
        AdRevenue,
        {
            "id": ID,
            "territory": TERRITORY,
            "currency": CURRENCY,
            **PAID,
            "is_rewarded": Key(Flag(), "true: rewarded ads, which pay into the token fund", False),
        },
        "ad revenue",
    ),
    "watch": Form(
        Watch,
        {
            "account": Key(NAME, "who watched"),
            "title": TITLE,
            "territory": TERRITORY,
            "seconds": Key(Whole(0, "a whole number of seconds"), "how long"),
            "plan": Key(Maybe(NAME), "the plan; null: watched with ads", None),
            "at": Key(Maybe(WHEN), "when; needed where deals change within the month", None),
        },
        "watching",
    ),
    "impressions": Form(
        Impressions,
        {
            "title": TITLE,
            "territory": TERRITORY,
            "count": Key(COUNT, "how many ads were shown"),
            "at": Key(Maybe(WHEN), "when; needed where deals change within the month", None),
        },
        "impressions",
    ),
    "tokens": Form(
        TokenUse,
        {
            "id": ID,
            "title": TITLE,
            "territory": TERRITORY,
            "kind": Key(NAME, 'the kind of tokens, such as "bonus" or "paid"'),
            "tokens": Key(UNITS, "how many; below zero on a refund"),
            "version": Key(UNITS, "the version of the value that was in force"),
            "currency": CURRENCY,
            "value": Key(EXACT, "minor units for all of them together, exact"),
            "at": AT,
            "spent_at": Key(Maybe(WHEN), "on a refund: when they had been spent", None),
        },
        "a token spend",
    ),
    "expenses": Form(
        Expense,
        {
            "id": ID,
            "deal": Key(NAME, "the deal that it is taken back under"),
            "amount": Key(AMOUNT, "minor units of the deal's account"),
        },
        "an expense",
    ),
    "rates": FX,
}
"""The kinds of facts by the key that they stand under."""


@frozen
class Worked:
    """What a line was worked out from: whole numbers, exact numbers and texts, as they are."""

    def read(self, value: Any, place: Place) -> Any:
        return value

    def write(self, value: Any) -> Any:
        return CALCULATED.write(value) if isinstance(value, Fraction) else value

    def schema(self) -> dict[str, Any]:
        return {"type": ["integer", "string", "boolean", "null"]}


LINE = Form(
    Line,
    {
        "holder": Key(NAME, "who"),
        "title": TITLE,
        "territory": TERRITORY,
        "model": Key(Choice(Model), "how it earned"),
        "currency": CURRENCY,
        "deal": Key(Maybe(NAME), "by which deal; null: the platform's"),
        "net": Key(CALCULATED, "what the title netted, minor units"),
        "part": Key(CALCULATED, "what part of it the deal is about"),
        "fee": Key(CALCULATED, "distribution fee, an amount"),
        "expenses": Key(CALCULATED, "expenses taken back, an amount"),
        "base": Key(CALCULATED, "net x part - fee - expenses"),
        "rate": Key(CALCULATED, "the holder's share of base"),
        "amount": Key(CALCULATED, "base x rate"),
        "inputs": Key(ByName(Worked()), "what net and rate were worked out from", {}),
        "adjusts": Key(Worked(), "the closed month that it adjusts; empty on others", ""),
        "rules": Key(NAME, "the version of the rules"),
    },
    "a line",
)
STEP = Form(
    SettlingStep,
    {
        "name": Key(NAME, "what was done"),
        "amount": Key(MONEY, "what it added or took"),
        "left": Key(MONEY, "what was there after it"),
        "note": Key(Worked(), "by which rule", ""),
    },
    "a step",
)
SETTLEMENT = Form(
    Settlement,
    {
        "account": Key(NAME, "the account"),
        "holder": Key(NAME, "whose"),
        "currency": CURRENCY,
        "opening": Key(ACCOUNT_BALANCE, "what it began with"),
        "earned": Key(MONEY, "earned in this month"),
        "steps": Key(Many(STEP), "from what was carried to what is paid"),
        "payable": Key(AMOUNT, "what is paid out"),
        "withheld": Key(MONEY, "tax kept back from it"),
        "topped_up": Key(MONEY, "what a guarantee added"),
        "forgiven": Key(MONEY, "what was below zero and is forgotten"),
        "closing": Key(ACCOUNT_BALANCE, "what goes into the next month"),
    },
    "a settlement",
)
ACCOUNT_SHARE = Form(
    AccountShare,
    {
        "account": Key(NAME, "the account"),
        "adjusts": Key(Worked(), "the closed month that it adjusts; empty for the month's own", ""),
        "minor": Key(MONEY, "of what was earned, in the statement's currency"),
        "rate": Key(CALCULATED, "minor units of the account's currency for one of the statement's"),
        "amount": Key(MONEY, "minor x rate, rounded half up: what reaches the account"),
        "fx": Key(Maybe(FX), "the rate of exchange as stamped; null: no currency changes", None),
    },
    "a share of an account",
)
STATEMENT = Form(
    HolderStatement,
    {
        "holder": Key(NAME, "whose"),
        "currency": CURRENCY,
        "lines": Key(Many(LINE), "what each title earned"),
        "exact": Key(CALCULATED, "all lines together"),
        "earned": Key(MONEY, "that, rounded once"),
        "rounding": Key(CALCULATED, "what rounding added or took", is_only_written=True),
        "shares": Key(Many(ACCOUNT_SHARE), "what of it reaches each account"),
        "settlements": Key(Many(SETTLEMENT), "accounts of the holder in this currency"),
    },
    "a statement",
)
POOL_REPORT = Form(
    PoolReport,
    {
        "name": Key(NAME, "the pool"),
        "currency": CURRENCY,
        "net": Key(MONEY, "what there was to share"),
        "method": Key(NAME, "how it was shared"),
        "attributed": Key(CALCULATED, "to titles"),
        "kept": Key(CALCULATED, "by the platform"),
        "carried": Key(CALCULATED, "to the next month"),
        "counted": Key(CALCULATED, "seconds or impressions that count"),
        "note": Key(Worked(), "what was unusual", ""),
        "silent": Key(CALCULATED, "paid by subscribers who watched nothing that counts", Fraction(0)),
        "silent_accounts": Key(COUNT, "how many of them there are", 0),
    },
    "a pool",
)
FUND = Form(
    Fund,
    {
        "paid_in": Key(MONEY, "net of rewarded ads"),
        "attributed": Key(CALCULATED, "what the tokens spent are worth"),
        "result": Key(CALCULATED, "surplus; below zero a deficit"),
    },
    "the token fund",
)
RECONCILIATION = Form(
    PeriodReconciliation,
    {
        "currency": CURRENCY,
        "gross": Key(MONEY, "all that came in"),
        "stamped": Key(CALCULATED, "worth of tokens that viewers had paid for"),
        "tax": Key(MONEY, "tax"),
        "refunds": Key(MONEY, "what went back"),
        "chargebacks": Key(MONEY, "what banks took back"),
        "fees": Key(MONEY, "gateway fees"),
        "holders": Key(MONEY, "earned by holders"),
        "platform": Key(MONEY, "the platform's"),
        "fund": Key(MONEY, "surplus of the token fund; below zero a deficit"),
        "brought": Key(CALCULATED, "from the month before, for pools"),
        "carried": Key(CALCULATED, "to the next month, for pools"),
        "rounding": Key(CALCULATED, "what rounding the whole added or took"),
        "residual": Key(CALCULATED, "what is not accounted for: always 0/1", is_only_written=True),
    },
    "a reconciliation",
)


@frozen
class Stated:
    """A result with the month that it is of."""

    month: Month
    result: PeriodResult


_RESULT = {
    "statements": Key(Many(STATEMENT), "by holder and currency"),
    "platform": Key(Many(LINE), "what is the platform's, by title"),
    "pools": Key(Many(POOL_REPORT), "what became of each pool"),
    "funds": Key(ByName(FUND), "the token fund by currency", {}),
    "reconciliations": Key(Many(RECONCILIATION), "where all money of a currency went"),
}


@frozen
class ResultForm(Form):
    """The result of a month, in which every figure of every statement stands."""

    def write(self, value: Any) -> Any:
        closing = Closing(value.month.name, value.month.entity, value.result.balances)
        return {
            "month": MONTH.write(value.month),
            **{name: key.of.write(getattr(value.result, name)) for name, key in _RESULT.items()},
            "closing": CLOSING.write(closing),
        }


def _stated(month: Month, closing: Closing, **others: Any) -> Stated:
    return Stated(month, PeriodResult(balances=closing.balances, **others))


RESULT = ResultForm(
    _stated,
    {
        "month": Key(MONTH, "the month, who sold, and the time zone"),
        **_RESULT,
        "closing": Key(CLOSING, "what is carried to the next month: give it back as before"),
    },
    "a result",
)


FACTS = Form(
    Facts,
    {name: Key(Many(form), f"each one {form.title}", ()) for name, form in SECTIONS.items()},
    "facts",
)

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
FORMS: Mapping[str, Form] = {"terms": TERMS, "facts": FACTS, "result": RESULT, "closing": CLOSING}


def schema_of(name: str) -> dict[str, Any]:
    """Return the JSON Schema of `terms`, `facts`, `result` or `closing`."""
    form = FORMS[name]
    schema = form.schema()
    if name in ("terms", "facts"):
        # Editors find the schema by this key; the reader passes over it.
        schema["properties"]["$schema"] = {"description": "where this schema lies", "type": "string"}
    return {"$schema": _DRAFT, "title": f"Buddy royalty: {form.title}", **schema}
