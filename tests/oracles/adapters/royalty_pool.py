"""Royalty pools: a pool shared by method, a game, a flat share, or a split by percents."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from buddy_core.kernel import InvalidValue
from buddy_core.royalty import (
    BadGame,
    BadPercent,
    BadPool,
    CountRules,
    MissingCoalitions,
    PercentsNotWhole,
    PoolMethod,
    SilentMoneyUnnamed,
    Subscriber,
    TooManyPlayers,
    flat_share,
    shapley_value,
    share_pool,
    split_percent,
)

Inputs = Mapping[str, Any]

UNASKED = frozenset({"currency"})
REFUSED = (
    BadGame,
    BadPercent,
    BadPool,
    InvalidValue,
    MissingCoalitions,
    PercentsNotWhole,
    SilentMoneyUnnamed,
    TooManyPlayers,
)
SEPARATOR = ","
HOLDER_PERCENTS = ("holder_percent", "royalty_percent", "rate_percent", "share_percent")
COUNT_RULES = {
    "min_units": "min_units",
    "max_units": "max_units",
    "excluded_subscribers": "excluded_subscribers",
    "excluded_holders": "excluded_players",
}


def answer(inputs: Inputs, group: str | None) -> dict[str, Any]:
    """Answer one case by its method.

    A method that is not there is no refusal of the case, so it is looked up outside of the net.
    """
    name = inputs["method"]
    ask = METHODS.get(name) or POOLS[PoolMethod(name)]
    try:
        return {**ask(inputs), "error": False}
    except REFUSED:
        return {"error": True}


def pool(inputs: Inputs) -> dict[str, Any]:
    """Share what subscribers paid."""
    found = share_pool(
        inputs["method"],
        [subscriber(row) for row in inputs["subscribers"]],
        inputs.get("holders"),
        fee_percent=fee(inputs),
        count=CountRules(**given(inputs, COUNT_RULES)),
        silent=inputs.get("silent"),
    )
    return {
        "fee_minor": found.fee.minor,
        "fee_exact": str(found.fee.exact),
        "pool_minor": found.pool.minor,
        "pool_exact": str(found.pool.exact),
        "shares_exact": {name: str(share) for name, share in found.exact.items()},
        "shares_minor": dict(found.minor),
        "platform_minor": found.platform.minor,
        "platform_exact": str(found.platform.exact),
        "carried_minor": found.carried.minor,
        "carried_exact": str(found.carried.exact),
    }


def game(inputs: Inputs) -> dict[str, Any]:
    """Solve a game whose coalitions are joined player numbers."""
    found = shapley_value({coalition(name): exact(worth) for name, worth in inputs["game"].items()})
    return {
        "shares_exact": {player: str(value.exact) for player, value in found.values.items()},
        "shares_minor": {player: value.minor for player, value in found.values.items()},
    }


def flat(inputs: Inputs) -> dict[str, Any]:
    """Take a fee, then one holder's share; a pool that is given has no fee to come out of it."""
    if "pool_minor" in inputs:
        revenue, kept = exact(inputs["pool_minor"]), Fraction()
    else:
        revenue, kept = exact(inputs["revenue_minor"]), fee(inputs)
    [percent] = [exact(inputs[name]) for name in HOLDER_PERCENTS if name in inputs]
    found = flat_share(revenue, kept, percent)
    return {
        "fee_minor": found.fee.minor,
        "fee_exact": str(found.fee.exact),
        "pool_minor": found.pool.minor,
        "pool_exact": str(found.pool.exact),
        "share_minor": found.share.minor,
        "share_exact": str(found.share.exact),
    }


def split(inputs: Inputs) -> dict[str, Any]:
    """Split a total by percents."""
    percents = [exact(percent) for percent in inputs["percents"]]
    found = split_percent(exact(inputs["total_minor"]), percents, **given(inputs, {"negative": "negative"}))
    return {
        "shares_minor": [share.minor for share in found.shares],
        "shares_exact": [str(share.exact) for share in found.shares],
        "unshared_minor": found.unshared.minor,
    }


METHODS = {"flat": flat, "shapley": game, "split_percent": split}
POOLS = dict.fromkeys(PoolMethod, pool)


def subscriber(inputs: Inputs) -> Subscriber[str]:
    """Read one subscriber."""
    return Subscriber(exact(inputs["pays_minor"]), dict(inputs.get("units") or {}), inputs.get("id"))


def fee(inputs: Inputs) -> Any:
    """Read the platform's percent; where none is given it takes nothing."""
    return Fraction() if inputs.get("fee_percent") is None else exact(inputs["fee_percent"])


def coalition(name: str) -> frozenset[str]:
    """Read a coalition: one character a player, or players between commas."""
    return frozenset(name.split(SEPARATOR) if SEPARATOR in name else name)


def exact(value: Any) -> Any:
    """Read an exact number from a text; numbers stay as they are."""
    if not isinstance(value, str):
        return value
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError) as error:
        raise InvalidValue("number", "is none") from error


def given(inputs: Inputs, names: Mapping[str, str]) -> dict[str, Any]:
    """Read the fields that a case has, under their names here."""
    return {name: inputs[field] for field, name in names.items() if inputs.get(field) is not None}
