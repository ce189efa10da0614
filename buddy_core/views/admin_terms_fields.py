"""The fields of royalty terms: what was typed becomes terms, or problems at their fields; and back again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.money import Money
from buddy_core.royalty import (
    BadInput,
    InputKind,
    Model,
    Problem,
    check_terms_of,
)
from buddy_core.views.admin_royalty import (
    share_text,
)
from buddy_core.views.admin_terms_money import (
    Currencies,
    how_to_write,
    is_currency,
    minor_of,
    read_amounts,
    shown_amounts,
)
from buddy_core.views.admin_values import FieldValue

MODELS = tuple(model.value for model in Model)
MORE = "more"
"""The field of what has no field of its own: tiers and dated rates, or several of a kind."""
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,20})?")
_WORDS = re.compile(r"[\s,;]+")
_TAX = (("tax_rate", "rate"), ("tax_key", "key"), ("tax_from", "starts_at"))
_GUARANTEE = (
    ("guarantee_minimum", "minimum"),
    ("guarantee_from", "starts_at"),
    ("guarantee_until", "ends_at"),
)
_RESERVE = (("reserve_part", "part"), ("reserve_months", "periods"))
STEPS = 8
"""Steps of a waterfall that have fields; what is more stands as JSON."""
STEP = ("name", "takes", "rate", "amount", "cap", "taken_before", "taker", "account")
FIELDS: Mapping[InputKind, tuple[str, ...]] = {
    InputKind.LICENCE: (
        "preset",
        *(f"rate_{model}" for model in MODELS),
        "fee",
        "expense_cap",
        "ads_by",
        "account",
        MORE,
    ),
    InputKind.ACCOUNT: (
        "key",
        "holder",
        "currency",
        "advance",
        "threshold",
        "negative",
        "recoups",
        *(name for name, _ in (*_RESERVE, *_TAX, *_GUARANTEE)),
        MORE,
    ),
    InputKind.POOL: (
        "key",
        "method",
        "min_seconds",
        "max_seconds",
        "silent",
        "excluded_accounts",
        "excluded_titles",
        MORE,
    ),
    InputKind.WATERFALL: (
        "key",
        "currency",
        *(f"step{number}_{name}" for number in range(1, STEPS + 1) for name in STEP),
        MORE,
    ),
}
"""What each kind's form has; all but these are refused as they come."""


def read_terms_form(
    kind: InputKind, key: str, typed: Mapping[str, str], zone: str, currencies: Currencies
) -> tuple[tuple[FieldValue, ...], dict[str, Any] | None]:
    """Read a form: its fields with their problems, and the terms if there are none."""
    texts = {name: typed.get(name, "").strip() for name in FIELDS[kind]}
    own = texts["currency"].upper() if "currency" in texts else currencies.of(texts.get("account", ""))
    form = _Form(texts, own)
    terms = _READERS[kind](form)
    if kind is InputKind.WATERFALL and not key:
        form.wrong("key", "Choose the title.")
    elif kind is not InputKind.LICENCE and not key:
        form.wrong("key", "Give it a name, which statements and licences use.")
    form.merge(terms)
    try:
        # A key that is missing has been told at its own field.
        check_terms_of(kind, key or "new", terms, zone, "terms")
    except BadInput as error:
        for problem in error.problems:
            place = form.field_of(problem.column)
            form.wrong(place, sentence(problem) if place == MORE else _at_field(problem, zone))
    except BuddyError as error:
        form.wrong(MORE, error.message())
    return form.fields, None if form.problems else terms


class _Form:
    """Texts of a form while they are read, where each came from, and what is wrong with them."""

    def __init__(self, texts: Mapping[str, str], currency: str) -> None:
        self.texts = texts
        self.currency = currency
        """Of every amount in it; it may be none, which is told at its field."""
        self.problems: dict[str, str] = {}
        self.places: dict[str, str] = {}
        """Which field a key of the terms was typed into."""

    @property
    def fields(self) -> tuple[FieldValue, ...]:
        """All fields with their problems."""
        return tuple(FieldValue(name, text, self.problems.get(name)) for name, text in self.texts.items())

    def wrong(self, name: str, problem: str) -> None:
        """Note what is wrong with a field; the first problem counts."""
        self.problems.setdefault(name, problem)

    def field_of(self, column: str) -> str:
        """Return the field that a key of the terms was typed into."""
        places = [
            place for place in self.places if column == place or column.startswith((f"{place}.", f"{place}["))
        ]
        found = self.places[max(places, key=len)] if places else column
        return found if found in self.texts else MORE

    def put(self, terms: dict[str, Any], name: str, key: str, value: Any) -> None:
        """Let a key have what was typed into a field, if anything was."""
        self.places[key] = name
        if self.texts[name] and value is not None:
            terms[key] = value

    def part(self, name: str) -> str:
        """Return a part: a number without a sign is in percent."""
        text = self.texts[name].replace(" ", "")
        return f"{text}%" if _PERCENT.fullmatch(text) else text

    def whole(self, name: str) -> Any:
        """Return a whole number, or the text that is none."""
        text = self.texts[name].replace(",", "").replace(" ", "")
        return int(text) if re.fullmatch("[0-9]{1,18}", text) else text

    def money(self, name: str) -> Any:
        """Return minor units of an amount such as 1,500.50."""
        if not self.texts[name] or not is_currency(self.currency):
            return None
        try:
            minor = minor_of(self.texts[name], self.currency)
        except BuddyError:
            self.wrong(name, how_to_write(self.currency))
            return None
        if minor < 0:
            self.wrong(name, "Write an amount of 0 or more.")
            return None
        return minor

    def row(
        self,
        terms: dict[str, Any],
        key: str,
        names: Sequence[tuple[str, str]],
        values: Mapping[str, Any],
    ) -> None:
        """Let a key have a first entry, made of several fields, if any of them was typed."""
        if not any(self.texts[name] for name, _ in names):
            return
        found = {name: values[name] for field, name in names if self.texts[field]}
        terms[key] = [{name: value for name, value in found.items() if value is not None}]
        self.places |= {f"{key}[0].{name}": field for field, name in names}
        self.places[f"{key}[0]"] = names[0][0]

    def merge(self, terms: dict[str, Any]) -> None:
        """Put what was typed as JSON beside it: more entries of lists, and more keys."""
        text = self.texts[MORE]
        if not text:
            return
        try:
            found = json.loads(text, parse_float=_refused, parse_constant=_refused)
        except (ValueError, RecursionError) as error:
            self.wrong(MORE, f"This is no JSON that can be read: {str(error)[:120]}.")
            return
        if not isinstance(found, dict):
            self.wrong(MORE, "Write an object in braces: { ... }.")
            return
        if is_currency(self.currency):
            found, problems = read_amounts(found, self.currency)
            if problems:
                self.wrong(MORE, problems[0])
                return
        for key, value in found.items():
            there = terms.get(key)
            if isinstance(there, list) and isinstance(value, list):
                terms[key] = [*there, *value]
            elif isinstance(there, dict) and isinstance(value, dict):
                twice = sorted(there.keys() & value.keys())
                if twice:
                    self.wrong(MORE, f"{key}.{twice[0]} was filled in above; leave it out here or there.")
                terms[key] = {**there, **value}
                self.places |= {f"{key}.{name}": MORE for name in value}
            elif key in terms:
                self.wrong(MORE, f"{key} has a field of its own above; leave it out here.")
            else:
                terms[key] = value
                self.places[key] = MORE
                self.places |= {f"{key}.{name}": MORE for name in value} if isinstance(value, dict) else {}


def _refused(text: str) -> Any:
    raise ValueError(f'write "{text}" in quotes, as computers keep such numbers inexactly')


def _licence(form: _Form) -> dict[str, Any]:
    terms: dict[str, Any] = {}
    form.put(terms, "preset", "preset", form.texts["preset"])
    rates = {model: form.part(f"rate_{model}") for model in MODELS if form.texts[f"rate_{model}"]}
    form.places |= {f"rates.{model}": f"rate_{model}" for model in MODELS}
    if rates:
        terms["rates"] = rates
    form.put(terms, "fee", "fee", form.part("fee"))
    form.put(terms, "expense_cap", "expense_cap", form.money("expense_cap"))
    form.put(terms, "ads_by", "ads_by", form.texts["ads_by"])
    form.put(terms, "account", "account", form.texts["account"])
    return terms


def _account(form: _Form) -> dict[str, Any]:
    terms: dict[str, Any] = {}
    if not is_currency(form.currency):
        form.wrong("currency", "Write an ISO 4217 code, such as INR.")
    if not form.texts["holder"]:
        form.wrong("holder", "Choose whose account it is.")
    form.put(terms, "holder", "holder", form.texts["holder"])
    form.put(terms, "currency", "currency", form.currency)
    for name in ("advance", "threshold"):
        form.put(terms, name, name, form.money(name))
    form.put(terms, "negative", "negative", form.texts["negative"])
    form.put(terms, "recoups", "recoups", [word for word in _WORDS.split(form.texts["recoups"]) if word])
    tax = {
        "rate": form.part("tax_rate"),
        "key": form.texts["tax_key"],
        "starts_at": form.texts["tax_from"],
    }
    form.row(terms, "withholding", _TAX, tax)
    guarantee = {
        "minimum": form.money("guarantee_minimum"),
        "starts_at": form.texts["guarantee_from"],
        "ends_at": form.texts["guarantee_until"],
    }
    form.row(terms, "guarantees", _GUARANTEE, guarantee)
    form.places |= {f"reserve.{key}": name for name, key in _RESERVE}
    reserve = {"part": form.part("reserve_part"), "periods": form.whole("reserve_months")}
    given = {key: reserve[key] for name, key in _RESERVE if form.texts[name]}
    if given:
        terms["reserve"] = given
    return terms


def _pool(form: _Form) -> dict[str, Any]:
    terms: dict[str, Any] = {}
    for name in ("method", "silent"):
        form.put(terms, name, name, form.texts[name])
    for name in ("min_seconds", "max_seconds"):
        form.put(terms, name, name, form.whole(name))
    for name in ("excluded_accounts", "excluded_titles"):
        form.put(terms, name, name, [word for word in _WORDS.split(form.texts[name]) if word])
    return terms


def _waterfall(form: _Form) -> dict[str, Any]:
    if not is_currency(form.currency):
        form.wrong("currency", "Write an ISO 4217 code, such as INR.")
    steps: list[dict[str, Any]] = []
    for number in range(1, STEPS + 1):
        fields = {name: f"step{number}_{name}" for name in STEP}
        if not any(form.texts[field] for field in fields.values()):
            continue
        values = {
            name: form.part(field)
            if name == "rate"
            else form.money(field)
            if name in _STEP_MONEY
            else form.texts[field]
            for name, field in fields.items()
        }
        place = f"steps[{len(steps)}]"
        form.places |= {place: fields["name"]} | {f"{place}.{name}": field for name, field in fields.items()}
        steps.append({name: value for name, value in values.items() if value not in (None, "")})
    return {"currency": form.currency, "steps": steps}


_STEP_MONEY = ("amount", "cap", "taken_before")
_READERS: Mapping[InputKind, Callable[[_Form], dict[str, Any]]] = {
    InputKind.LICENCE: _licence,
    InputKind.ACCOUNT: _account,
    InputKind.POOL: _pool,
    InputKind.WATERFALL: _waterfall,
}


def fields_of(
    kind: InputKind, key: str, terms: Mapping[str, Any] | None, currencies: Currencies
) -> tuple[FieldValue, ...]:
    """Return the fields of a form that has these terms in it; what has no field stands in the last one."""
    left = {name: value for name, value in (terms or {}).items() if value is not None}
    texts: dict[str, str] = dict.fromkeys(FIELDS[kind], "")
    for own in ("id", "plan", "title"):
        left.pop(own, None)
    if "key" in texts:
        texts["key"] = key
    currency = str(left.get("currency") or currencies.of(left.get("account", "")))
    rates = left.pop("rates", {})
    tiered = {model: rate for model, rate in rates.items() if isinstance(rate, Mapping)}
    texts |= {f"rate_{model}": share_text(rate) for model, rate in rates.items() if model not in tiered}
    more: dict[str, Any] = {"rates": tiered} if tiered else {}
    for name, value in left.items():
        if name == "steps":
            texts |= _step_texts(value[:STEPS], currency)
            more |= {name: value[STEPS:]} if value[STEPS:] else {}
        elif name in ("territories", "models"):
            more[name] = value
        elif name in ("withholding", "guarantees"):
            texts |= _first(name, value[:1], currency)
            more |= {name: value[1:]} if value[1:] else {}
        elif name == "reserve":
            texts |= {"reserve_part": share_text(value["part"]), "reserve_months": str(value["periods"])}
        elif name == "fee":
            texts[name] = share_text(value)
        elif name in ("advance", "threshold", "expense_cap"):
            texts[name] = Money(value, currency).major_text()
        elif isinstance(value, list):
            texts[name] = ", ".join(value)
        else:
            texts[name] = str(value)
    texts[MORE] = json.dumps(shown_amounts(more, currency), ensure_ascii=False) if more else ""
    return tuple(FieldValue(name, text) for name, text in texts.items())


def _step_texts(steps: Sequence[Mapping[str, Any]], currency: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, step in enumerate(steps, start=1):
        for name, value in step.items():
            if value is None or (name == "taken_before" and value == 0):
                continue
            if name in _STEP_MONEY:
                shown = Money(value, currency).major_text()
            else:
                shown = share_text(value) if name == "rate" else str(value)
            found[f"step{number}_{name}"] = shown
    return found


def _first(name: str, entries: Sequence[Mapping[str, Any]], currency: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in entries:
        for field, key in _TAX if name == "withholding" else _GUARANTEE:
            found[field] = str(entry.get(key, ""))
        if name == "withholding":
            found["tax_rate"] = share_text(entry["rate"])
        else:
            found["guarantee_minimum"] = Money(entry["minimum"], currency).major_text()
    return found


def sentence(problem: Problem) -> str:
    """Say a problem at its field."""
    place = f"{problem.column}: " if "[" in problem.column else ""
    text = f"{place}{problem.what}; {problem.fix}."
    return text[0].upper() + text[1:]


def _at_field(problem: Problem, zone: str) -> str:
    """Say a problem at a field of the form: nobody writes JSON there, and days are days of the entity."""
    text = re.sub(r',? in quotes|"', "", f"{problem.what}; {problem.fix}.")
    text = _INSTANT.sub(lambda found: _day(found[0], zone), text)
    return text[0].upper() + text[1:]


def _day(text: str, zone: str) -> str:
    """Return the day of the zone that begins at an instant; the instant itself where none does."""
    at = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(ZoneInfo(zone))
    return at.date().isoformat() if at.time() == time() else text


_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}(?:Z|[+-][0-9]{2}:[0-9]{2})")
