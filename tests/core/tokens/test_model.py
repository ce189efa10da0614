"""The ledger's format: what a hash covers, and what a lot may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import attrs
import pytest
from attrs import evolve

from buddy_core.kernel import EntryId, HoldId, InvalidValue, LotId
from buddy_core.tokens import (
    BONUS,
    BadLot,
    Entry,
    Hold,
    Lot,
    OpenLot,
    Operation,
    Posting,
    ValueVersion,
    Wallet,
)
from tests.contracts.cases import AT, LATER, account, earned, uid, version_of

OTHER: dict[type, Any] = {
    int: 99,
    str: "other",
    bytes: bytes(31) + b"x",
    bool: False,
    Fraction: Fraction(9, 7),
}


def full_entry() -> Entry:
    """Return an entry whose every column has a value."""
    entry = earned(Wallet(account(1)), 5, 1, scopes=("type:film",)).entry
    lot = evolve(entry.lots[0], cost_minor=499, cost_currency="INR")
    postings = tuple(
        evolve(p, currency="INR", value=Fraction(1, 3), lot_id=p.lot_id or LotId(uid(4)))
        for p in entry.postings
    )
    return evolve(
        entry,
        lots=(lot,),
        postings=postings,
        holds=(Hold(HoldId(uid(3)), 2, LATER),),
        corrects=EntryId(uid(5)),
        hold_id=HoldId(uid(6)),
        country="IN",
        entity="newtact",
    )


def altered(value: Any) -> Any:
    """Return another value of the same type."""
    if isinstance(value, datetime):
        return value + timedelta(seconds=1)
    if isinstance(value, Operation):
        return Operation.REVERSE
    if type(value).__name__ == "UUID":
        return uid(value.int + 1)
    if isinstance(value, tuple):
        return (*value, "more")
    if isinstance(value, dict):
        return {**value, "AED": Fraction(1)}
    return OTHER[type(value)]


def changed(item: Any) -> list[tuple[str, Any]]:
    """Return the item with each of its fields altered in turn."""
    nested = {"postings", "lots", "holds"}
    fields = [field.name for field in attrs.fields(type(item)) if field.name not in nested]
    return [(name, evolve(item, **{name: altered_field(name, getattr(item, name))})) for name in fields]


def altered_field(name: str, value: Any) -> Any:
    """Return another value that the field may hold."""
    return "USD" if name == "cost_currency" else altered(value)


def test_the_hash_covers_every_column_of_an_entry() -> None:
    """Altering any one field of entry, posting, lot or hold gives another hash."""
    entry = full_entry()
    variants = changed(entry)
    for name in ("postings", "lots", "holds"):
        first, *rest = getattr(entry, name)
        variants += [(f"{name}.{n}", evolve(entry, **{name: (v, *rest)})) for n, v in changed(first)]
        variants.append((name, evolve(entry, **{name: ()})))
    missed = [name for name, variant in variants if variant.hash == entry.hash]
    assert missed == []
    assert len(variants) == 18 + 7 + 13 + 3 + 3 - 3


def test_the_hash_covers_every_column_of_a_value_version() -> None:
    """Altering any one field of a value version gives another hash."""
    version: ValueVersion = version_of(BONUS)
    assert [name for name, variant in changed(version) if variant.hash == version.hash] == []


def test_the_order_of_postings_is_part_of_the_hash() -> None:
    """The same postings in another order are another entry."""
    entry = full_entry()
    assert evolve(entry, postings=entry.postings[::-1]).hash != entry.hash


def test_a_hash_does_not_depend_on_the_offset_of_an_instant() -> None:
    """A lot made with an instant in another offset is the same lot."""
    lot = full_entry().lots[0]
    india = timezone(timedelta(hours=5, minutes=30))
    assert evolve(lot, created_at=lot.created_at.astimezone(india)) == lot
    assert evolve(lot, created_at=lot.created_at.astimezone(india)).created_at.tzinfo is UTC


def test_a_lot_lives_a_second_at_least() -> None:
    """It may expire a second after it takes effect, and neither at that instant nor before."""
    lot: Lot = evolve(
        earned(Wallet(account(1)), 5, 1).entry.lots[0], effective_from=AT.replace(microsecond=0)
    )
    second = timedelta(seconds=1)
    assert evolve(lot, expires_at=lot.effective_from + second).expires_at == lot.effective_from + second
    for expires_at in (lot.effective_from, lot.effective_from + second * 0.9, lot.effective_from - second):
        with pytest.raises(BadLot):
            evolve(lot, expires_at=expires_at)


def test_a_cost_needs_amount_and_currency() -> None:
    """A cost without its currency, or a currency without a cost, is refused; nothing is a cost, too."""
    lot: Lot = earned(Wallet(account(1)), 5, 1).entry.lots[0]
    assert evolve(lot, cost_minor=0, cost_currency="INR").cost_minor == 0
    with pytest.raises(BadLot):
        evolve(lot, cost_minor=5)
    with pytest.raises(BadLot):
        evolve(lot, cost_currency="INR")


def test_naive_instants_make_no_lot() -> None:
    """A lot, hold or version with an instant without an offset is refused."""
    naive = AT.replace(tzinfo=None)
    lot: Lot = earned(Wallet(account(1)), 5, 1).entry.lots[0]
    for name in ("effective_from", "expires_at", "created_at"):
        with pytest.raises(InvalidValue):
            evolve(lot, **{name: naive})
    with pytest.raises(InvalidValue):
        Hold(HoldId(uid(1)), 1, naive)
    with pytest.raises(InvalidValue):
        version_of(BONUS, effective_from=naive)


def test_an_empty_lot_leaves_the_wallet() -> None:
    """A wallet after an entry holds only lots with something left, and the entry's place and hash."""
    posted = earned(Wallet(account(1)), 5, 1)
    lot = posted.entry.lots[0]
    wallet = Wallet(account(1)).after(posted.entry, (OpenLot(lot, 0),))
    assert (wallet.lots, wallet.sequence, wallet.head) == ((), 1, posted.entry.hash)
    assert Posting("issued", None, BONUS, -5, 1) in posted.entry.postings
