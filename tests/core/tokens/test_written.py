"""What each operation writes: one whole entry, to the last column, and the wallet that it leaves."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve

from buddy_core.kernel import GENESIS, EntryId, HoldId, LotId, derived_uuid
from buddy_core.tokens import (
    ADJUSTED,
    BONUS,
    EXPIRED,
    HELD,
    ISSUED,
    MAX_SKEW,
    PAID,
    SOLD,
    TRANSFERRED,
    WALLET,
    AdjustTokens,
    BuyTokens,
    ClockBehind,
    EarnTokens,
    Entry,
    ExpireTokens,
    FreezeWallet,
    HeldLot,
    Hold,
    HoldTokens,
    Lot,
    MergeWallets,
    NewIds,
    OpenHold,
    OpenLot,
    Operation,
    Posted,
    PostHold,
    Posting,
    RefundTokens,
    ReverseTokens,
    Spending,
    SpendTokens,
    VoidHold,
    Wallet,
    adjust,
    buy,
    earn,
    expire,
    freeze,
    hold,
    lapse,
    merge,
    post,
    refund,
    reverse,
    spend,
    spent_on,
    void,
)
from tests.contracts.cases import AT, LATER, NEWTACT, account, title, uid, version_of

DAY = timedelta(days=1)
SECOND = AT.replace(microsecond=0)
GUEST, MEMBER = account(1), account(2)
ENTRY, LOT, HOLD = EntryId(uid(1)), LotId(uid(2)), HoldId(uid(3))
NEW = NewIds(ENTRY, LOT, HOLD)
VERSIONS = {
    BONUS: version_of(BONUS, 3, values={"INR": Fraction(50)}),
    PAID: version_of(PAID, 7, values={"INR": Fraction(7, 3)}),
}
"""Two kinds with other numbers and values, so that none can stand in for the other."""
NEWER = {
    BONUS: version_of(BONUS, 4, values={"INR": Fraction(60)}),
    PAID: version_of(PAID, 8, values={"INR": Fraction(8, 3)}),
}
"""What is in force later on."""


def lot_of(number: int, **changes: Any) -> Lot:
    """Return a lot; `number` makes its id."""
    values: dict[str, Any] = {
        "id": LotId(uid(number)),
        "origin_id": LotId(uid(number)),
        "kind": BONUS,
        "amount": 5,
        "effective_from": AT - DAY,
        "expires_at": None,
        "created_at": AT - DAY,
        "source": "ads.reward",
        "earned_as_guest": True,
    }
    return Lot(**{**values, **changes})


FIRST = lot_of(21, expires_at=SECOND + timedelta(minutes=30))
"""Five bonus tokens, drawn first; over in half an hour."""
SECOND_LOT = lot_of(
    22, kind=PAID, amount=10, cost_minor=1_000, cost_currency="INR", source="order", earned_as_guest=False
)
"""Ten paid tokens of a rupee each, which last."""
FULL = Wallet(GUEST, 4, b"h" * 32, lots=(OpenLot(FIRST, 5), OpenLot(SECOND_LOT, 10)))


def after(wallet: Wallet, made: Posted, **changes: Any) -> Wallet:
    """Return a wallet at the head of what was made, but for `changes` as it was."""
    entry = made.entry
    values = {"sequence": entry.sequence, "head": entry.hash, "moved_at": entry.recorded_at, **changes}
    return evolve(wallet, **values)


def entry_of(wallet: Wallet, operation: Operation, **changes: Any) -> Entry:
    """Return the entry that comes next in a wallet, as an operation at `AT` without postings writes it."""
    values: dict[str, Any] = {
        "id": ENTRY,
        "account_id": wallet.account_id,
        "sequence": wallet.sequence + 1,
        "previous_hash": wallet.head,
        "operation": operation,
        "effective_at": AT,
        "recorded_at": AT,
        "idempotency_key": "key",
        "source": "why",
        "source_ref": "ref",
    }
    return Entry(**{**values, **changes})


def bonus(account: str, amount: int, lot: Lot | None = None, **changes: Any) -> Posting:
    """Return a posting of bonus tokens at the version in force."""
    return evolve(Posting(account, None if lot is None else lot.id, BONUS, amount, 3), **changes)


def paid(account: str, amount: int, lot: Lot | None = None, **changes: Any) -> Posting:
    """Return a posting of paid tokens at the version in force."""
    return evolve(Posting(account, None if lot is None else lot.id, PAID, amount, 7), **changes)


def rupees(numerator: int, denominator: int = 1) -> dict[str, Any]:
    """Return the stamp of a posting that is worth so many paise."""
    return {"currency": "INR", "value": Fraction(numerator, denominator)}


SELLER: dict[str, Any] = {"country": "IN", "entity": NEWTACT, "currency": "INR"}
SCOPES = ("type:film",)


def test_an_earning() -> None:
    """The lot has what the command says and begins now; the tokens are issued."""
    command = EarnTokens(
        GUEST, PAID, 6, "why", "ref", "key", LATER, False, rule_version=9, priority=7, scopes=SCOPES
    )
    made = earn(FULL, command, VERSIONS, AT, NEW)
    lot = Lot(
        LOT, LOT, PAID, 6, AT, LATER.replace(microsecond=0), AT, "why", False, priority=7, scopes=SCOPES
    )
    assert made.entry == entry_of(
        FULL,
        Operation.EARN,
        postings=(paid(ISSUED, -6), paid(WALLET, 6, lot)),
        lots=(lot,),
        rule_version=9,
    )
    assert made.wallet == after(FULL, made, lots=(*FULL.lots, OpenLot(lot, 6)))


def test_a_purchase() -> None:
    """The lot has its cost and begins when the command says; the tokens are sold."""
    command = BuyTokens(
        GUEST,
        PAID,
        6,
        499,
        "USD",
        "why",
        "ref",
        "key",
        LATER + DAY,
        effective_from=LATER,
        rule_version=9,
        priority=7,
        scopes=SCOPES,
    )
    made = buy(FULL, command, VERSIONS, AT, NEW)
    lot = Lot(
        LOT,
        LOT,
        PAID,
        6,
        LATER,
        (LATER + DAY).replace(microsecond=0),
        AT,
        "why",
        False,
        priority=7,
        scopes=SCOPES,
        cost_minor=499,
        cost_currency="USD",
    )
    assert made.entry == entry_of(
        FULL, Operation.PURCHASE, postings=(paid(SOLD, -6), paid(WALLET, 6, lot)), lots=(lot,), rule_version=9
    )
    assert made.wallet.lots == (*FULL.lots, OpenLot(lot, 6))
    assert buy(FULL, evolve(command, effective_from=AT), VERSIONS, AT, NEW).entry.lots[0].effective_from == AT


def test_a_spend() -> None:
    """Each lot drawn and the title have the version, the currency and the exact value."""
    command = SpendTokens(GUEST, title(1), SCOPES, 8, "why", "ref", "key", **SELLER, rule_version=9)
    made = spend(FULL, command, VERSIONS, AT, NEW)
    assert made.entry == entry_of(
        FULL,
        Operation.SPEND,
        postings=(
            bonus(WALLET, -5, FIRST, **rupees(-250)),
            paid(WALLET, -3, SECOND_LOT, **rupees(-7)),
            bonus(spent_on(title(1)), 5, **rupees(250)),
            paid(spent_on(title(1)), 3, **rupees(7)),
        ),
        rule_version=9,
        country="IN",
        entity=NEWTACT,
    )
    assert made.wallet == after(FULL, made, lots=(OpenLot(SECOND_LOT, 7),))


def test_a_sweep() -> None:
    """Only what is over goes to `expired`; the sweep names itself as the source."""
    made = expire(FULL, ExpireTokens(GUEST, "key"), VERSIONS, LATER, NEW)
    assert made is not None
    assert made.entry == entry_of(
        FULL,
        Operation.EXPIRE,
        effective_at=LATER,
        recorded_at=LATER,
        source="sweep",
        source_ref="",
        postings=(bonus(WALLET, -5, FIRST), bonus(EXPIRED, 5)),
    )
    assert made.wallet.lots == (OpenLot(SECOND_LOT, 10),)


def held() -> Wallet:
    """Return the wallet with eight tokens held for an hour: all of the first lot, three of the second."""
    return hold(FULL, HoldTokens(GUEST, SCOPES, 8, LATER, "why", "ref", "key"), VERSIONS, AT, NEW).wallet


def test_a_hold() -> None:
    """What each lot gave is on `held`, and the wallet remembers it with its versions."""
    made = hold(FULL, HoldTokens(GUEST, SCOPES, 8, LATER, "why", "ref", "key"), VERSIONS, AT, NEW)
    assert made.entry == entry_of(
        FULL,
        Operation.HOLD,
        postings=(
            bonus(WALLET, -5, FIRST),
            paid(WALLET, -3, SECOND_LOT),
            bonus(HELD, 5),
            paid(HELD, 3),
        ),
        holds=(Hold(HOLD, 8, LATER),),
    )
    parts = (HeldLot(FIRST, 5, 3), HeldLot(SECOND_LOT, 3, 7))
    assert made.wallet == after(
        FULL,
        made,
        lots=(OpenLot(SECOND_LOT, 7),),
        holds=(OpenHold(Hold(HOLD, 8, LATER), parts),),
    )


def test_a_post_of_a_part() -> None:
    """All that was held goes back, the part is spent, and what of the rest is over expires."""
    before, late = held(), AT + timedelta(minutes=40)
    command = PostHold(GUEST, HOLD, title(1), SCOPES, "why", "ref", "key", **SELLER, amount=2, rule_version=9)
    made = post(before, command, NEWER, late, NewIds(EntryId(uid(4))))
    assert made.entry == entry_of(
        before,
        Operation.POST,
        id=EntryId(uid(4)),
        effective_at=late,
        recorded_at=late,
        postings=(
            bonus(WALLET, 5, FIRST, version=4),
            paid(WALLET, 3, SECOND_LOT, version=8),
            bonus(HELD, -5, version=4),
            paid(HELD, -3, version=8),
            bonus(WALLET, -2, FIRST, version=4, **rupees(-120)),
            bonus(spent_on(title(1)), 2, version=4, **rupees(120)),
            bonus(WALLET, -3, FIRST, version=4),
            bonus(EXPIRED, 3, version=4),
        ),
        rule_version=9,
        hold_id=HOLD,
        country="IN",
        entity=NEWTACT,
    )
    assert made.wallet == after(FULL, made, lots=(OpenLot(SECOND_LOT, 10),), holds=())


def test_a_void() -> None:
    """The hold's postings turned, at its versions, not at today's; what is over expires."""
    before, late = held(), AT + timedelta(minutes=40)
    made = void(before, VoidHold(GUEST, HOLD, "why", "ref", "key"), late, NewIds(EntryId(uid(4))))
    assert made.entry == entry_of(
        before,
        Operation.VOID,
        id=EntryId(uid(4)),
        effective_at=late,
        recorded_at=late,
        postings=(
            bonus(WALLET, 5, FIRST),
            paid(WALLET, 3, SECOND_LOT),
            bonus(HELD, -5),
            paid(HELD, -3),
            bonus(WALLET, -5, FIRST),
            bonus(EXPIRED, 5),
        ),
        hold_id=HOLD,
    )
    assert made.wallet == after(FULL, made, lots=(OpenLot(SECOND_LOT, 10),), holds=())


def test_a_hold_that_lapses() -> None:
    """It ends at its own instant, whenever that is written, under an id and a key that follow from it."""
    before = held()
    [made] = lapse(before, LATER + DAY)
    assert (made.entry.effective_at, made.entry.recorded_at) == (LATER, LATER + DAY)
    assert (made.entry.id, made.entry.idempotency_key) == (derived_uuid("lapse", HOLD), f"lapse:{HOLD}")
    assert (made.entry.source, made.entry.source_ref) == ("time-out", str(HOLD))
    assert (made.entry.operation, made.entry.hold_id, made.wallet.holds) == (Operation.VOID, HOLD, ())


def test_a_refund() -> None:
    """The spend's postings turned, the last drawn first, at its versions and values; what is over expires."""
    command = SpendTokens(GUEST, title(1), SCOPES, 8, "why", "ref", "spend", **SELLER)
    spent = spend(FULL, command, VERSIONS, AT, NEW)
    known = {FIRST.id: FIRST, SECOND_LOT.id: SECOND_LOT}
    wish = RefundTokens(GUEST, ENTRY, "why", "ref", "key", amount=5)
    made = refund(spent.wallet, Spending(spent.entry, (), known), wish, LATER, NewIds(EntryId(uid(4))))
    assert made.entry == entry_of(
        spent.wallet,
        Operation.REFUND,
        id=EntryId(uid(4)),
        effective_at=LATER,
        recorded_at=LATER,
        postings=(
            paid(WALLET, 3, SECOND_LOT, **rupees(7)),
            bonus(WALLET, 2, FIRST, **rupees(100)),
            paid(spent_on(title(1)), -3, **rupees(-7)),
            bonus(spent_on(title(1)), -2, **rupees(-100)),
            bonus(WALLET, -2, FIRST),
            bonus(EXPIRED, 2),
        ),
        corrects=ENTRY,
        country="IN",
        entity=NEWTACT,
    )
    assert made.wallet == after(FULL, made, lots=(OpenLot(SECOND_LOT, 10),))


def test_a_refund_to_what_was_withdrawn() -> None:
    """It comes back as spent and is taken at once, lot by lot; that it has expired as well does not count."""
    command = SpendTokens(GUEST, title(1), SCOPES, 8, "why", "ref", "spend", **SELLER)
    spent = spend(FULL, command, VERSIONS, AT, NEW)
    known = {FIRST.id: FIRST, SECOND_LOT.id: SECOND_LOT}
    wish = RefundTokens(GUEST, ENTRY, "why", "ref", "key", amount=5)
    back = (
        paid(WALLET, 3, SECOND_LOT, **rupees(7)),
        bonus(WALLET, 2, FIRST, **rupees(100)),
        paid(spent_on(title(1)), -3, **rupees(-7)),
        bonus(spent_on(title(1)), -2, **rupees(-100)),
    )
    over = (bonus(WALLET, -2, FIRST), bonus(EXPIRED, 2))
    first = (bonus(WALLET, -2, FIRST), bonus(ADJUSTED, 2, FIRST))
    second = (paid(WALLET, -3, SECOND_LOT), paid(ADJUSTED, 3, SECOND_LOT))
    for withdrawn, rest, left in (
        ({SECOND_LOT.id: 3}, (*over, *second), 7),
        ({FIRST.id: 2}, first, 10),
        ({FIRST.id: 9, SECOND_LOT.id: 9}, (*second, *first), 7),
    ):
        spending = Spending(spent.entry, (), known, withdrawn)
        made = refund(spent.wallet, spending, wish, LATER, NewIds(EntryId(uid(4))))
        assert made.entry.postings == (*back, *rest)
        assert made.wallet == after(FULL, made, lots=(OpenLot(SECOND_LOT, left),))


def test_a_reversal() -> None:
    """What is left of the lot is taken, and what is gone stands on `adjusted`."""
    command = BuyTokens(GUEST, PAID, 6, 499, "USD", "why", "ref", "buy", None)
    bought = buy(Wallet(GUEST), command, VERSIONS, AT, NEW)
    lot = bought.entry.lots[0]
    wish = SpendTokens(GUEST, title(1), SCOPES, 2, "why", "ref", "spend", **SELLER)
    spent = spend(bought.wallet, wish, VERSIONS, AT, NewIds(EntryId(uid(5))))
    withdrawn = ReverseTokens(GUEST, ENTRY, "why", "ref", "key")
    made = reverse(spent.wallet, bought.entry, (), withdrawn, NEWER, LATER, NewIds(EntryId(uid(4))))
    assert made.entry == entry_of(
        spent.wallet,
        Operation.REVERSE,
        id=EntryId(uid(4)),
        effective_at=LATER,
        recorded_at=LATER,
        postings=(
            paid(WALLET, -4, lot, version=8),
            paid(SOLD, 6, version=8),
            paid(ADJUSTED, -2, version=8),
        ),
        corrects=ENTRY,
    )
    assert made.wallet == after(Wallet(GUEST), made)


def test_an_adjustment() -> None:
    """The lot against `adjusted`, with the person as the source and the reason as the reference."""
    corrected = entry_of(FULL, Operation.EARN, id=EntryId(uid(9)))
    given = AdjustTokens(GUEST, corrected.id, FIRST.id, 2, "ref", "why", "key")
    made = adjust(FULL, FIRST, corrected, given, VERSIONS, AT, NEW)
    assert made.entry == entry_of(
        FULL,
        Operation.ADJUST,
        postings=(bonus(WALLET, 2, FIRST), bonus(ADJUSTED, -2)),
        corrects=corrected.id,
    )
    assert made.wallet.lots == (OpenLot(FIRST, 7), OpenLot(SECOND_LOT, 10))
    one = adjust(FULL, FIRST, corrected, evolve(given, amount=1), VERSIONS, AT, NEW)
    assert one.wallet.lots == (OpenLot(FIRST, 6), OpenLot(SECOND_LOT, 10))


def test_a_freeze_and_its_end() -> None:
    """Neither moves a token; the person is the source and the reason the reference."""
    made = freeze(FULL, FreezeWallet(GUEST, True, "ref", "why", "key"), AT, NEW)
    assert made.entry == entry_of(FULL, Operation.FREEZE)
    assert made.wallet == after(FULL, made, is_frozen=True)
    back = freeze(made.wallet, FreezeWallet(GUEST, False, "ref", "why", "key"), AT, NEW)
    assert back.entry == entry_of(made.wallet, Operation.UNFREEZE)
    assert back.wallet == after(FULL, back)


def test_a_clock_that_is_a_little_behind() -> None:
    """What counts from now is recorded with the wallet's last entry, so that records never go back."""
    moved = evolve(FULL, moved_at=AT + MAX_SKEW)
    command = FreezeWallet(GUEST, True, "ref", "why", "key")
    made = freeze(moved, command, AT, NEW)
    assert made.entry == entry_of(FULL, Operation.FREEZE, recorded_at=AT + MAX_SKEW)
    assert made.wallet.moved_at == AT + MAX_SKEW
    on_time = freeze(evolve(FULL, moved_at=AT), command, AT, NEW)
    assert on_time.entry == entry_of(FULL, Operation.FREEZE)
    with pytest.raises(ClockBehind) as refused:
        freeze(evolve(FULL, moved_at=AT + MAX_SKEW + timedelta(microseconds=1)), command, AT, NEW)
    assert refused.value.facts() == {"at": AT, "last": AT + MAX_SKEW + timedelta(microseconds=1)}


def test_a_merge_of_everything_at_once() -> None:
    """A hold, a lot that is over, two that move, the cap and a freeze: six entries in two chains."""
    over = lot_of(23, expires_at=SECOND - DAY / 2)
    much = lot_of(24, amount=9)
    lots = (OpenLot(over, 4), OpenLot(much, 9), OpenLot(SECOND_LOT, 7))
    waiting = OpenHold(Hold(HOLD, 5, LATER), (HeldLot(FIRST, 5, 2),))
    source = Wallet(GUEST, 4, b"h" * 32, is_frozen=True, lots=lots, holds=(waiting,))
    merged = merge(source, Wallet(MEMBER), MergeWallets(GUEST, MEMBER, 10, "key"), VERSIONS, AT, ENTRY)
    assert (merged.transferred, merged.expired_by_cap) == (9 + 7 + 5, 4)

    def moved(lot: Lot, amount: int, **changes: Any) -> Lot:
        new = LotId(derived_uuid("lot", lot.origin_id, MEMBER))
        return evolve(lot, id=new, amount=amount, **changes)

    def derived(step: str) -> EntryId:
        return EntryId(derived_uuid(ENTRY, step))

    arrived = (moved(much, 9), moved(SECOND_LOT, 7, cost_minor=700), moved(FIRST, 5))
    voided, stale, out, into, cap, frozen = merged.entries
    assert voided == entry_of(
        source,
        Operation.VOID,
        id=EntryId(derived_uuid("merge", HOLD)),
        idempotency_key=f"merge:{HOLD}",
        source="merge",
        source_ref=str(HOLD),
        postings=(bonus(WALLET, 5, FIRST, version=2), bonus(HELD, -5, version=2)),
        hold_id=HOLD,
    )
    told = {"source": "merge", "source_ref": str(MEMBER)}
    assert stale == entry_of(
        evolve(source, sequence=5, head=voided.hash),
        Operation.EXPIRE,
        id=derived("stale"),
        postings=(bonus(WALLET, -4, over), bonus(EXPIRED, 4)),
        **told,
    )
    assert out == entry_of(
        evolve(source, sequence=6, head=stale.hash),
        Operation.TRANSFER_OUT,
        id=derived("out"),
        postings=(
            bonus(WALLET, -9, much),
            paid(WALLET, -7, SECOND_LOT),
            bonus(WALLET, -5, FIRST),
            bonus(TRANSFERRED, 14),
            paid(TRANSFERRED, 7),
        ),
        **told,
    )
    told["source_ref"] = str(GUEST)
    assert into == entry_of(
        Wallet(MEMBER),
        Operation.TRANSFER_IN,
        id=derived("in"),
        postings=(
            bonus(WALLET, 9, arrived[0]),
            paid(WALLET, 7, arrived[1]),
            bonus(WALLET, 5, arrived[2]),
            bonus(TRANSFERRED, -14),
            paid(TRANSFERRED, -7),
        ),
        lots=arrived,
        **told,
    )
    assert cap == entry_of(
        Wallet(MEMBER, 1, into.hash),
        Operation.EXPIRE,
        id=derived("cap"),
        postings=(bonus(WALLET, -4, arrived[2]), bonus(EXPIRED, 4)),
        **told,
    )
    assert frozen == entry_of(Wallet(MEMBER, 2, cap.hash), Operation.FREEZE, id=derived("freeze"), **told)
    assert merged.source == Wallet(GUEST, 7, out.hash, is_frozen=True, moved_at=AT)
    assert merged.target == Wallet(
        MEMBER,
        3,
        frozen.hash,
        is_frozen=True,
        lots=(OpenLot(arrived[0], 9), OpenLot(arrived[1], 7), OpenLot(arrived[2], 1)),
        moved_at=AT,
    )
    assert into.previous_hash == GENESIS
