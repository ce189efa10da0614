"""Samples of the page of prices: seen, changed, and typed wrongly."""

from __future__ import annotations

from datetime import UTC, date, datetime

from attrs import evolve

from buddy_core.flows import SetPrices
from buddy_core.pricing import PriceRule, price_rule, rule_to_plain
from buddy_core.views import AdminPrices, PriceChange, PriceEffect, PriceVersion, ShownRule, read_prices_form
from buddy_core.views.admin_values import FieldValue

ZONE = "Asia/Kolkata"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
FROM = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)


def _shown(rule: PriceRule, title: str | None = None) -> ShownRule:
    data = rule_to_plain(rule)
    return ShownRule({**data, "title": title} if title else data, rule.price)


_RENTAL = price_rule("rental-film-in", "rental", "IN", "INR", 4900, title_type="film", hours=48)
_GALA = _shown(price_rule("gala-in", "pvod", "IN", "INR", 29900, window="pvod", hours=48), "film/7fqk")
_MEMBER = _shown(evolve(_RENTAL, id="rental-gold-in", plan="gold", amount_minor=3900, starts_at=FROM))
_PLAN = _shown(
    price_rule(
        "premium-p1m", "subscription", "*", "USD", 1900, excluding=("IN", "AE"), tier="premium", period="P1M"
    )
)
_NOW = (_shown(_RENTAL), _GALA, _MEMBER, _PLAN)
_VERSIONS = (
    PriceVersion(2, FROM, _NOW, (("*", "USD"), ("IN", "INR")), "coming"),
    PriceVersion(1, FIRST, _NOW[:1], (("IN", "INR"),), "in_force"),
)
_TYPED = {
    "id": "rental-film-in",
    "act": "set",
    "kind": "rental",
    "amount": "59",
    "currency": "INR",
    "territories": "IN",
    "hours": "48",
    "title_type": "film",
    "effective_from": "2026-12-01",
}
FIELDS, _COMMAND = read_prices_form(_TYPED, 2, ZONE, "prc_1")
assert isinstance(_COMMAND, SetPrices)
_DEARER = evolve(_RENTAL, amount_minor=5900)
EFFECT = PriceEffect(
    FROM,
    False,
    (
        PriceChange(_shown(_DEARER), False, "IN", _RENTAL.price, _DEARER.price, _DEARER.id),
        PriceChange(_GALA, False, "IN", _GALA.price, _GALA.price, "gala-other"),
        PriceChange(_MEMBER, True, "IN", _MEMBER.price, None, None),
        PriceChange(_PLAN, False, "US", None, _PLAN.price, _PLAN.id),
    ),
    (("IN", "USD", "INR"), ("EU", "EUR", None)),
    _COMMAND,
)
PRICES = AdminPrices(_VERSIONS, ZONE, date(2026, 11, 22), FIELDS, EFFECT, 2)
PRICES_NONE = AdminPrices((), ZONE, date(2026, 11, 22))
PRICES_WRONG = AdminPrices(
    _VERSIONS,
    ZONE,
    date(2026, 11, 22),
    (
        FieldValue("id", "", "Give the rule a name, such as rental-film-in."),
        FieldValue("amount", "59,5", "amount: '59,5' is not a plain decimal text, such as '-12.34'"),
        FieldValue("title", "film/zzzz"),
        FieldValue("effective_from", "2026-11-01", "New prices can take effect from 2026-11-21 on."),
    ),
    problem="Price rule twin: it names no title by 'film/zzzz'; write one such as film/ab2d.",
)
