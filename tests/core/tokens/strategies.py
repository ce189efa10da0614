"""Random wallets, made of random earnings by the real rule."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from buddy_core.tokens import BONUS, PAID, Wallet
from tests.contracts.cases import AT, account, earned

EPISODE = "type:episode"


def earnings() -> st.SearchStrategy[dict[str, Any]]:
    """Return what one earning may be: lots of both kinds, some restricted, some gone at `AT` or soon."""
    return st.fixed_dictionaries(
        {
            "amount": st.integers(1, 30),
            "kind": st.sampled_from([BONUS, PAID]),
            "priority": st.sampled_from([10, 50, 90]),
            "expires_at": st.none()
            | st.integers(-2, 12).map(lambda halves: AT + timedelta(hours=12 * halves)),
            "scopes": st.sampled_from([(), (), (EPISODE,), ("type:film",)]),
            "earned_as_guest": st.booleans(),
        }
    )


@st.composite
def wallets(draw: st.DrawFn, number: int = 1, max_lots: int = 6) -> Wallet:
    """Return a wallet of an account with up to `max_lots` lots earned before `AT`, some expired by then."""
    wallet = Wallet(account(number))
    ids = itertools.count(number * 1_000)
    commands = draw(st.lists(earnings(), max_size=max_lots))
    # One after the other: a wallet's history does not go back.
    ages = sorted((draw(st.integers(25, 72)) for _ in commands), reverse=True)
    for command, age in zip(commands, ages, strict=True):
        at = AT - timedelta(hours=age)
        wallet = earned(wallet, command.pop("amount"), next(ids), at, **command).wallet
    return wallet
