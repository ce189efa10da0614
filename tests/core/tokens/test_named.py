"""A pure rule does what its command names: another account, entry or lot than those given is refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from attrs import evolve

from buddy_core.kernel import EntryId, HoldId, InvalidValue, LotId, TitleId
from buddy_core.tokens import (
    BONUS,
    PAID,
    AdjustTokens,
    BuyTokens,
    ExpireTokens,
    FreezeWallet,
    HoldTokens,
    LotNotFound,
    MergeWallets,
    NewIds,
    PostHold,
    RefundTokens,
    ReverseTokens,
    Spending,
    SpendTokens,
    ValueVersionInPast,
    VoidHold,
    Wallet,
    adjust,
    buy,
    earn,
    expire,
    freeze,
    hold,
    merge,
    post,
    refund,
    reverse,
    spend,
    void,
)
from tests.contracts.cases import AT, LATER, NEWTACT, VERSIONS, account, earned, earning, spending, title, uid

ME, OTHER = account(1), account(2)
NEW = NewIds(EntryId(uid(800)), LotId(uid(801)), HoldId(uid(802)))
WHY = ("why", "ref", "key")
FIRST = earned(Wallet(ME), 9, 1)
[LOT] = FIRST.entry.lots
SPEND = spending(ME, 4, "s")
SPENT = spend(FIRST.wallet, SPEND, VERSIONS, AT, NEW)
KNOWN = Spending(SPENT.entry, (), {LOT.id: LOT})
HOLD = HoldTokens(ME, (), 2, LATER, *WHY)
HELD = hold(FIRST.wallet, HOLD, VERSIONS, AT, NEW).wallet
POST = PostHold(ME, HoldId(uid(802)), title(1), (), *WHY, "IN", NEWTACT, "INR")
VOID = VoidHold(ME, HoldId(uid(802)), *WHY)
REFUND, REVERSE = RefundTokens(ME, SPENT.entry.id, *WHY), ReverseTokens(ME, FIRST.entry.id, *WHY)
ADJUST = AdjustTokens(ME, FIRST.entry.id, LOT.id, 1, "a slip", "me", "a")
BUY = BuyTokens(ME, PAID, 1, 100, "INR", *WHY, expires_at=None)
FREEZE, EXPIRE = FreezeWallet(ME, True, "why", "me", "f"), ExpireTokens(ME, "e")
MERGE = MergeWallets(ME, OTHER, 10, "m")
RULES: dict[type, Callable[[Any], object]] = {
    type(earning(ME, 1, "k")): lambda asked: earn(FIRST.wallet, asked, VERSIONS, AT, NEW),
    BuyTokens: lambda asked: buy(FIRST.wallet, asked, VERSIONS, AT, NEW),
    SpendTokens: lambda asked: spend(FIRST.wallet, asked, VERSIONS, AT, NEW),
    HoldTokens: lambda asked: hold(FIRST.wallet, asked, VERSIONS, AT, NEW),
    PostHold: lambda asked: post(HELD, asked, VERSIONS, AT, NEW),
    VoidHold: lambda asked: void(HELD, asked, AT, NEW),
    RefundTokens: lambda asked: refund(SPENT.wallet, KNOWN, asked, AT, NEW),
    ReverseTokens: lambda asked: reverse(FIRST.wallet, FIRST.entry, (), asked, VERSIONS, AT, NEW),
    AdjustTokens: lambda asked: adjust(FIRST.wallet, LOT, FIRST.entry, asked, VERSIONS, AT, NEW),
    FreezeWallet: lambda asked: freeze(FIRST.wallet, asked, AT, NEW),
    ExpireTokens: lambda asked: expire(FIRST.wallet, asked, VERSIONS, AT, NEW),
    MergeWallets: lambda asked: merge(FIRST.wallet, Wallet(OTHER), asked, VERSIONS, AT, NEW.entry),
}
"""Each rule on a wallet of mine, on which its command below is right."""
EARN = earning(ME, 1, "k")
RIGHT = (EARN, BUY, SPEND, HOLD, POST, VOID, REFUND, REVERSE, ADJUST, FREEZE, EXPIRE, MERGE)
WRONG: list[tuple[Any, str, object]] = [
    *((command, "account_id", OTHER) for command in RIGHT if command is not MERGE),
    *((command, "entry_id", uid(9)) for command in (REFUND, REVERSE, ADJUST)),
    (ADJUST, "lot_id", uid(9)),
    (MERGE, "from_account", account(3)),
    (MERGE, "to_account", account(3)),
    *((command, "title_id", value) for command in (SPEND, POST) for value in (None, str(uid(1)))),
    *((EARN, "idempotency_key", key) for key in ("", "k" * 10_000, "a\nb", None)),
    *((command, "source_ref", "x" * 10_000) for command in (EARN, BUY, SPEND, HOLD, REFUND)),
    *((command, "reason", "x" * 10_000) for command in (ADJUST, FREEZE)),
]


def test_what_is_named_right_is_done() -> None:
    """Every command is taken on the wallet, entry and lot that it names."""
    for command in RIGHT:
        RULES[type(command)](command)


@pytest.mark.parametrize(("command", "field", "value"), WRONG)
def test_what_is_named_wrong_is_refused(command: Any, field: str, value: object) -> None:
    """The refusal names the field, and nothing is posted to what was given instead."""
    with pytest.raises(InvalidValue) as refused:
        RULES[type(command)](evolve(command, **{field: value}))
    assert refused.value.field == field


def test_a_refund_without_the_lots_names_the_one_it_lacks() -> None:
    """The lots that the spend drew on must be given; one that is not is named."""
    with pytest.raises(LotNotFound) as refused:
        refund(SPENT.wallet, Spending(SPENT.entry, (), {}), REFUND, AT, NEW)
    assert refused.value.lot_id == LOT.id


def test_no_title_has_an_account_of_none() -> None:
    """A spend that names no title posts to none: the account is that of the title alone."""
    assert SPENT.entry.postings[-1].account == f"spent:{SPEND.title_id}"
    with pytest.raises(InvalidValue):
        spend(FIRST.wallet, evolve(SPEND, title_id=cast(TitleId, None)), VERSIONS, AT, NEW)


def test_the_earliest_start_of_a_value_is_told_as_a_whole_second() -> None:
    """The second told may be chosen: it is the first whole one that is not too early."""
    after = ValueVersionInPast(BONUS, AT, AT.replace(microsecond=0) + timedelta(microseconds=1))
    assert f"{AT.replace(microsecond=0) + timedelta(seconds=1):%Y-%m-%d %H:%M:%S} UTC or later" in str(after)
