"""Sample values for the pages of costs, the ad rule and alerts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from uuid import UUID

from attrs import evolve

from buddy_core.ads import SetRewardRule
from buddy_core.flows import SetTokenCosts
from buddy_core.kernel.ids import AccountId
from buddy_core.views import (
    AdminAdRule,
    AdminAlerts,
    AdminCosts,
    AlertedAccount,
    CostChange,
    CostEffect,
    CostVersion,
    FieldValue,
    RewardAlert,
    RuleChange,
    RuleEffect,
    RuleVersion,
    TitleCost,
)

ZONE = "Asia/Kolkata"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
FROM = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)
TOMORROW = date(2026, 11, 22)
_TYPES = (("short", 1), ("episode", 2), ("film", 10))
_OWN = (TitleCost("film/7fqk", "Salt Road", 12), TitleCost("episode/k6ym", "The Crossing", 1))
_COSTS = (
    CostVersion(3, FROM, (("short", 1), ("episode", 3), ("film", 10)), _OWN, "coming"),
    CostVersion(2, datetime(2026, 6, 1, tzinfo=UTC), _TYPES, _OWN, "in_force"),
    CostVersion(1, FIRST, _TYPES, (), "past"),
)
COSTS_EFFECT = CostEffect(
    FROM,
    False,
    (
        CostChange("episode", "episode", 2, 3, False, 38, (("INR", Fraction(150)), ("USD", Fraction(9, 5)))),
        CostChange("film/7fqk", "Salt Road", 12, 10, False, 1, (("INR", Fraction(500)),)),
        CostChange("series/b7kd", "Night Ferry", None, 20, True, 1, ()),
        CostChange("film/x2x2", "Monsoon", 4, None, False, 1, ()),
    ),
    SetTokenCosts({"episode": 3, "film/7fqk": None, "series/b7kd": 20}, "cst_1", FROM, 3),
)
COSTS = AdminCosts(_COSTS, ZONE, TOMORROW, (FieldValue("type_episode", "3"),), COSTS_EFFECT, 3)
COSTS_WRONG = AdminCosts(
    _COSTS[1:],
    ZONE,
    TOMORROW,
    (
        FieldValue("type_film", "ten", "Write a whole number of tokens from 1 to 1000000."),
        FieldValue("title_film/7fqk", "0", "Write a whole number of tokens from 1 to 1000000."),
        FieldValue("new_title", "salt road", "Write its address, such as film/ab2d."),
        FieldValue("effective_from", "2026-11-01", "New costs can take effect from 2026-11-21 on."),
    ),
    problem="This is what it costs already: nothing would change.",
)
_NUMBERS = (
    ("tokens", 1),
    ("days", 90),
    ("account_daily", 10),
    ("device_daily", 20),
    ("ip_daily", 30),
    ("guest_life", 20),
)
_RULES = (
    RuleVersion(2, FROM, "bonus", (("tokens", 2), *_NUMBERS[1:]), "coming"),
    RuleVersion(1, FIRST, "bonus", _NUMBERS, "in_force"),
)
RULE_EFFECT = RuleEffect(
    FROM,
    False,
    (RuleChange("tokens", 1, 2), RuleChange("account_daily", 10, 8)),
    2,
    "bonus",
    16,
    (("INR", Fraction(800)), ("USD", Fraction(48, 5))),
    40,
    20,
    SetRewardRule({"tokens": 2, "account_daily": 8}, "rul_1", FROM, 1),
)
RULE = AdminAdRule(_RULES, ZONE, TOMORROW, (FieldValue("tokens", "2"),), RULE_EFFECT, 2)
RULE_SOON = evolve(RULE, effect=evolve(RULE_EFFECT, is_soon=True, guest_tokens=20))
RULE_WRONG = AdminAdRule(
    _RULES,
    ZONE,
    TOMORROW,
    (
        FieldValue("tokens", "0", "Write a whole number from 1 to 1000000."),
        FieldValue("effective_from", "soon", "Choose a date, such as 2026-12-01."),
    ),
    problem="The rule says this already: nothing would change.",
)
_ACCOUNTS = (
    AlertedAccount(AccountId(UUID(int=1)), "asha@example.com", 8, 0, 0, False, f"rwd_{1:032x}"),
    AlertedAccount(AccountId(UUID(int=2)), "guest …4f1c2a", 7, 1, 0, False, f"rwd_{2:032x}"),
    AlertedAccount(AccountId(UUID(int=3)), "guest …9b03ee", 5, 3, 2, True, f"rwd_{3:032x}"),
)
ALERTS = AdminAlerts(
    (
        RewardAlert("device", "…77aa01", "2026-11-21", 20, 20, 3, _ACCOUNTS),
        RewardAlert("ip", "…c0ffee", "2026-11-20", 30, 30, 27, _ACCOUNTS, 24),
    )
)
ALERTS_NONE = AdminAlerts(())
