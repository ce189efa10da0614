"""What the demo's months came to: sales, plans, watching and ads as files of facts, always the same."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from attrs import frozen

from buddy_core.kernel.periods import previous_month

NameOf = Callable[[str], str]
"""The public name of a demo title, such as `film/ab2d`, by its key."""
COUNTRY, CURRENCY = "IN", "INR"
GST_PERCENT, GATEWAY_PERCENT, AD_SERVER_PERCENT = 18, 2, 5
PRICES = {
    ("rental", "film"): 4900,
    ("est", "film"): 19900,
    ("pvod", "film"): 29900,
    ("rental", "episode"): 900,
    ("rental", "short"): 500,
}
"""Paise, as the first price book has them."""
SOLD: Mapping[tuple[str, str], tuple[int, int, int]] = {
    ("the-last-monsoon", "rental"): (312, 288, 367),
    ("the-last-monsoon", "est"): (41, 36, 52),
    ("paper-kites", "rental"): (118, 131, 154),
    ("salt-road", "rental"): (184, 203, 176),
    ("salt-road", "est"): (22, 27, 24),
    ("night-ferry-1", "rental"): (96, 121, 133),
    ("night-ferry-2", "rental"): (71, 88, 97),
    ("night-ferry-3", "rental"): (58, 74, 82),
    ("ash-line", "rental"): (63, 49, 57),
    ("after-the-verdict", "pvod"): (34, 41, 47),
}
"""Copies in each of the three months, by title and how they were sold."""
GIVEN_BACK = {("the-last-monsoon", "est"): (2, 1, 3), ("ash-line", "rental"): (0, 3, 1)}
"""Copies of the same month that were paid back."""
SO_FAR = {("the-last-monsoon", "rental"): 57, ("the-last-monsoon", "est"): 8, ("paper-kites", "rental"): 23}
"""Copies in the first days of the running month, as one store has told already."""
PLANS = {"standard": (29900, (64, 71, 77)), "premium": (49900, (22, 24, 27))}
"""Paise a month, and how many pay."""
IN_PLANS = {"glass-hour": 80, "lamp-street": 55, "ash-line": 45, "paper-kites": 40}
"""Titles that members watch, and how many in a hundred of them do."""
WITH_ADS = {"lamp-street": 90, "eleven-minutes": 50}
AD_MONEY, REWARDED = (842_600, 917_300, 1_043_800), (3_250, 1_640, 3_640)
"""Paise from advertisers, and from rewarded ads, which pay for tokens."""
SHOWN = {"lamp-street": (41_200, 43_900, 50_300), "eleven-minutes": (12_700, 11_400, 14_100)}
"""How often ads were shown with a title."""
WATCHERS_OF_ADS = 48
CAMPAIGN = 380_000
"""Paise for the posters of Salt Road, laid out in the first month."""


@frozen
class FactsFile:
    """A file that somebody brings in, under its name."""

    name: str
    content: bytes


def files_of(place: int, month: str, name: NameOf) -> tuple[FactsFile, ...]:
    """Return what came in for a month, the first of which has the place 0; without its ads."""
    return (
        _table(f"sales-{month}.csv", _sales(place, month, name)),
        _table(f"subscriptions-{month}.csv", _members(place)),
        _json(f"watch-{month}.json", {"watch": _watched(place, name)}),
    )


def ads_file(place: int, month: str, name: NameOf) -> FactsFile:
    """Return what the ad network tells of a month."""
    came = (("avod", AD_MONEY[place], False), ("rewarded", REWARDED[place], True))
    ads = [
        {
            **_place(f"{id}-{month}"),
            "gross": gross,
            "tax": tax_in(gross),
            "fee": gross * AD_SERVER_PERCENT // 100,
            "is_rewarded": is_rewarded,
        }
        for id, gross, is_rewarded in came
    ]
    shown = [
        {"title": name(key), "territory": COUNTRY, "count": counts[place]} for key, counts in SHOWN.items()
    ]
    return _json(f"ads-{month}.json", {"ads": ads, "impressions": shown})


def campaign_file(month: str, licence: str) -> FactsFile:
    """Return what was laid out for a film."""
    expense = {"id": f"posters-{month}", "deal": licence, "amount": CAMPAIGN}
    return _json(f"expenses-{month}.json", {"expenses": [expense]})


def first_days_file(month: str, name: NameOf) -> FactsFile:
    """Return what a store has told of a month that still runs."""
    rows = [_sale(name, key, model, units, month, "01") for (key, model), units in SO_FAR.items()]
    return _table(f"sales-first-days-{month}.csv", rows)


def chargebacks_file(month: str, name: NameOf) -> FactsFile:
    """Return what banks took back for purchases of a month, which they tell weeks later."""
    gross = 4 * PRICES["est", "film"]
    row = {
        **_place(f"chargeback-{month}"),
        "model": "est",
        "title": name("the-last-monsoon"),
        "units": -4,
        "tax": -tax_in(gross),
        "chargeback": gross,
        "at": f"{month}-27",
    }
    return _table(f"sales-chargebacks-{month}.csv", [row])


def missed_file(month: str, name: NameOf) -> FactsFile:
    """Return sales of a month that a store had forgotten to tell."""
    return _table(f"sales-missed-{month}.csv", [_sale(name, "salt-road", "rental", 31, month, "28")])


def tax_in(gross: int) -> int:
    """Return the tax that a price contains, rounded half up."""
    return (2 * gross * GST_PERCENT + 100 + GST_PERCENT) // (2 * (100 + GST_PERCENT))


def _sales(place: int, month: str, name: NameOf) -> list[dict[str, Any]]:
    rows = [
        _sale(name, key, model, units[place], month, "25", GIVEN_BACK.get((key, model), (0, 0, 0))[place])
        for (key, model), units in SOLD.items()
    ]
    if place == 1:
        rows.append(_given_back_later(month, name))
    return rows


def _sale(
    name: NameOf, key: str, model: str, units: int, month: str, day: str, given_back: int = 0
) -> dict[str, Any]:
    title = name(key)
    price = PRICES[model, title.partition("/")[0]]
    gross, refund = units * price, given_back * price
    return {
        **_place(f"{key}-{model}-{month}-{day}"),
        "model": model,
        "title": title,
        "units": units - given_back,
        "gross": gross,
        "tax": tax_in(gross - refund),
        "refund": refund,
        "fee": gross * GATEWAY_PERCENT // 100,
        "at": f"{month}-{day}",
    }


def _given_back_later(month: str, name: NameOf) -> dict[str, Any]:
    """Return two premium rentals of the month before that were paid back in this one."""
    gross = 2 * PRICES["pvod", "film"]
    return {
        **_place(f"after-the-verdict-refund-{month}"),
        "model": "pvod",
        "title": name("after-the-verdict"),
        "units": -2,
        "tax": -tax_in(gross),
        "refund": gross,
        "at": f"{month}-04",
        "sold_at": f"{previous_month(month)}-25",
    }


def _members(place: int) -> list[dict[str, Any]]:
    return [
        {
            **_place(account),
            "account": account,
            "plan": plan,
            "gross": gross,
            "tax": tax_in(gross),
            "fee": gross * GATEWAY_PERCENT // 100,
        }
        for plan, (gross, _) in PLANS.items()
        for account in _accounts(plan, place)
    ]


def _accounts(plan: str, place: int) -> list[str]:
    return [f"{plan}-{number:03}" for number in range(1, PLANS[plan][1][place] + 1)]


def _watched(place: int, name: NameOf) -> list[dict[str, Any]]:
    """Return who watched what for how long; drawn with a seed of the place alone."""
    random = Random(f"buddy demo month {place}")
    rows: list[dict[str, Any]] = []
    for plan in PLANS:
        for account in _accounts(plan, place):
            rows += _hours(random, account, plan, IN_PLANS, name)
    for number in range(1, WATCHERS_OF_ADS + 1):
        rows += _hours(random, f"free-{number:03}", None, WITH_ADS, name)
    return rows


def _hours(
    random: Random, account: str, plan: str | None, of: Mapping[str, int], name: NameOf
) -> list[dict[str, Any]]:
    found = []
    for key, percent in of.items():
        is_watched, seconds = random.randrange(100) < percent, random.randrange(240, 7200)
        if is_watched:
            row = {"account": account, "title": name(key), "territory": COUNTRY, "seconds": seconds}
            found.append(row if plan is None else {**row, "plan": plan})
    return found


def _place(id: str) -> dict[str, Any]:
    return {"id": id, "territory": COUNTRY, "currency": CURRENCY}


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> FactsFile:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return FactsFile(name, text.getvalue().encode())


def _json(name: str, sections: Mapping[str, Any]) -> FactsFile:
    return FactsFile(name, json.dumps(sections, indent=1).encode())
