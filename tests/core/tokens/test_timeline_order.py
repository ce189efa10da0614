"""The order of drawing as data, and the refund that takes a draw back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from operator import itemgetter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buddy_core.kernel import InvalidValue
from buddy_core.tokens import (
    BONUS,
    LEDGER_POLICY,
    PAID,
    BadDrawPolicy,
    BadTokenAmount,
    Candidate,
    DrawPolicy,
    LotDraw,
    OrderKey,
    RefundBeyondDraws,
    TimelineLot,
    TokenKind,
    Wallet,
    draw_order,
    refund_draws,
)
from tests.core.tokens.strategies import wallets
from tests.core.tokens.timelines import START, hour, lots

CREDIT = TokenKind("credit")
SECOND = timedelta(seconds=1)


def order(lots: list[Candidate], *keys: str) -> str:
    """Return the ids in the order of drawing."""
    return "".join(lot.id for lot in draw_order(lots, DrawPolicy(keys) if keys else LEDGER_POLICY))


@pytest.mark.parametrize(
    ("key", "lots", "wanted"),
    [
        ("kind", [Candidate("a", CREDIT), Candidate("b", PAID), Candidate("c", BONUS)], "cba"),
        ("kind", [Candidate("a", TokenKind("z")), Candidate("b", CREDIT)], "ba"),
        ("restricted_first", [Candidate("a"), Candidate("b", scopes=("x",))], "ba"),
        ("priority", [Candidate("a", priority=9), Candidate("b", priority=-1)], "ba"),
        (
            "expires_at",
            [Candidate("a"), Candidate("b", expires_at=hour(2)), Candidate("c", expires_at=hour(1))],
            "cba",
        ),
        (
            "expires_at",
            [Candidate("a"), Candidate("b", expires_at=datetime.max.replace(tzinfo=START.tzinfo))],
            "ba",
        ),
        (
            "expires_at",
            [Candidate("a", expires_at=hour(1) + SECOND * 0.9), Candidate("b", expires_at=hour(1))],
            "ab",
        ),
        (
            "created_at",
            [Candidate("a", created_at=hour(1)), Candidate("b", created_at=hour(0)), Candidate("c")],
            "cba",
        ),
        ("id", [Candidate("b"), Candidate("a")], "ab"),
    ],
)
def test_each_key_has_its_order(key: str, lots: list[Candidate], wanted: str) -> None:
    """A key alone puts lots in its order; where it cannot tell them apart they stay as given."""
    assert order(lots, key) == wanted


def test_the_first_key_that_tells_lots_apart_decides() -> None:
    """Never expiring comes last within a priority, not last of all; keys in another order change that."""
    lots = [
        Candidate("a", priority=2, expires_at=hour(1)),
        Candidate("b", priority=1),
        Candidate("c", priority=1, expires_at=hour(9)),
    ]
    assert order(lots) == "cba"
    assert order(lots, "expires_at", "priority") == "acb"
    assert DrawPolicy(("kind", "id"), kinds=(PAID, BONUS)).key(Candidate("a", PAID)) < DrawPolicy(
        ("kind", "id"), kinds=(PAID, BONUS)
    ).key(Candidate("a", BONUS))


def test_only_the_fields_named_are_needed() -> None:
    """Anything with those fields is put in order; a field that is missing is named."""
    vouchers = [SimpleNamespace(priority=3), SimpleNamespace(priority=1)]
    assert draw_order(vouchers, DrawPolicy(("priority",))) == vouchers[::-1]
    with pytest.raises(BadDrawPolicy, match="'expires_at', which SimpleNamespace"):
        draw_order(vouchers, DrawPolicy(("priority", "expires_at")))


def test_lots_may_lie_inside_other_things() -> None:
    """What is sorted is what was given; where its lot lies is for the caller to say."""
    pairs = [("first", Candidate("b")), ("second", Candidate("a"))]
    assert draw_order(pairs, of=itemgetter(1)) == pairs[::-1]


def test_instants_of_other_offsets_are_compared_as_instants() -> None:
    """An expiry in another zone counts as the instant it is; a naive one is none and is refused."""
    east = timezone(timedelta(hours=5, minutes=30))
    lots = [Candidate("a", expires_at=hour(1)), Candidate("b", expires_at=hour(0.5).astimezone(east))]
    assert order(lots) == "ba"
    with pytest.raises(InvalidValue):
        order([Candidate("a", expires_at=datetime(2026, 3, 1))])  # noqa: DTZ001


@pytest.mark.parametrize("keys", [(), ("id", "id"), ("cost",), ("id", "Priority")])
def test_a_policy_of_no_keys_or_strange_ones_is_refused(keys: tuple[str, ...]) -> None:
    """No key, a key twice, a key that there is not: none of them is an order."""
    with pytest.raises(BadDrawPolicy):
        DrawPolicy(keys)


def test_the_ledger_s_policy_is_written_down() -> None:
    """The default is bonus before paid, priority, expiry, creation, id."""
    assert DrawPolicy(("kind", "priority", "expires_at", "created_at", "id"), (BONUS, PAID)) == LEDGER_POLICY
    assert set(OrderKey) - set(LEDGER_POLICY.keys) == {OrderKey.RESTRICTED_FIRST}


@given(wallets(), st.sampled_from([LEDGER_POLICY, DrawPolicy(("restricted_first", "priority", "id"))]))
def test_a_lot_has_one_place_however_it_is_seen(wallet: Wallet, policy: DrawPolicy) -> None:
    """Open lots, their lots, and the timeline's lots made of them come in the same order."""
    ordered = [str(item.id) for item in draw_order(wallet.lots, policy)]
    assert [str(lot.id) for lot in draw_order([item.lot for item in wallet.lots], policy)] == ordered
    assert [lot.id for lot in draw_order([TimelineLot.of(item) for item in wallet.lots], policy)] == ordered


@given(st.lists(st.sampled_from("abcdef").flatmap(lots), unique_by=lambda lot: lot.id), st.randoms())
def test_an_order_that_ends_with_the_id_is_total(given: list[TimelineLot], random: object) -> None:
    """However the lots lie, they are drawn in one order."""
    shuffled = sorted(given, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert draw_order(shuffled) == draw_order(given)


def test_a_refund_gives_back_the_last_drawn_first() -> None:
    """A part goes to the lots drawn last; what stays used is the beginning of the draw, zeros included."""
    draws = [LotDraw("a", 5), LotDraw("b", 5), LotDraw("c", 2)]
    found = refund_draws(draws, 4)
    assert found.restored == (LotDraw("c", 2), LotDraw("b", 2))
    assert found.still_used == {"a": 5, "b": 3, "c": 0}
    assert refund_draws(draws, 12).still_used == {"a": 0, "b": 0, "c": 0}


def test_a_refund_beyond_the_draw_is_refused() -> None:
    """One token more than was drawn, or none at all, is not given back."""
    with pytest.raises(RefundBeyondDraws) as refused:
        refund_draws([LotDraw("a", 5), LotDraw("b", 1)], 7)
    assert (refused.value.amount, refused.value.drawn) == (7, 6)
    for amount in (0, -1, 1.0):
        with pytest.raises(BadTokenAmount):
            refund_draws([LotDraw("a", 5)], amount)  # type: ignore[arg-type]
    with pytest.raises(BadTokenAmount):
        refund_draws([LotDraw("a", -5), LotDraw("b", 7)], 1)
