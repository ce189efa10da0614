"""The event that tells of an entry, from the entry alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from uuid import UUID

from buddy_core.kernel.events import Event
from buddy_core.kernel.ids import TitleId
from buddy_core.tokens.events import (
    HoldPosted,
    HoldVoided,
    TokensAdjusted,
    TokensBought,
    TokensEarned,
    TokensExpired,
    TokensHeld,
    TokensRefunded,
    TokensReversed,
    TokensSpent,
)
from buddy_core.tokens.model import ADJUSTED, EXPIRED, WALLET, Entry, Operation, is_spent


def tell(entry: Entry) -> Event:
    """Return the event of an entry, of any operation that moves tokens within one wallet."""
    return _TELLING[entry.operation](entry)


def by_kind(entry: Entry, account: str) -> dict[str, int]:
    """Return what an entry moves on an account, summed by kind."""
    sums: dict[str, int] = {}
    for item in entry.postings:
        if item.account == account:
            sums[str(item.kind)] = sums.get(str(item.kind), 0) + item.amount
    return sums


def _earned(entry: Entry) -> Event:
    [lot] = entry.lots
    return TokensEarned(entry.id, entry.account_id, lot.kind, lot.amount, entry.source, entry.source_ref)


def _bought(entry: Entry) -> Event:
    [lot] = entry.lots
    assert lot.cost_minor is not None, "what is bought has a cost"
    assert lot.cost_currency is not None, "a cost has a currency"
    return TokensBought(
        entry.id,
        entry.account_id,
        lot.kind,
        lot.amount,
        lot.cost_minor,
        lot.cost_currency,
        entry.source,
        entry.source_ref,
    )


def _spending(entry: Entry) -> Event:
    title, collected, currency = _collected(entry)
    return TokensSpent(entry.id, entry.account_id, title, collected, currency)


def _expired(entry: Entry) -> Event:
    return TokensExpired(entry.id, entry.account_id, by_kind(entry, EXPIRED))


def _held(entry: Entry) -> Event:
    [made] = entry.holds
    return TokensHeld(entry.id, entry.account_id, made.id, made.amount, made.expires_at)


def _hold_posted(entry: Entry) -> Event:
    assert entry.hold_id is not None, "a post names its hold"
    title, collected, currency = _collected(entry)
    return HoldPosted(entry.id, entry.account_id, entry.hold_id, title, collected, currency)


def _hold_voided(entry: Entry) -> Event:
    assert entry.hold_id is not None, "a void names its hold"
    return HoldVoided(entry.id, entry.account_id, entry.hold_id, entry.source)


def _refunded(entry: Entry) -> Event:
    assert entry.corrects is not None, "a refund names the spend"
    _, taken, _ = _collected(entry)
    given_back = {kind: -amount for kind, amount in taken.items()}
    expired = sum(by_kind(entry, EXPIRED).values())
    withdrawn = sum(by_kind(entry, ADJUSTED).values())
    return TokensRefunded(entry.id, entry.account_id, entry.corrects, given_back, expired, withdrawn)


def _reversed(entry: Entry) -> Event:
    assert entry.corrects is not None, "a reversal names the earning"
    taken = -sum(by_kind(entry, WALLET).values())
    uncollectable = -sum(by_kind(entry, ADJUSTED).values())
    return TokensReversed(entry.id, entry.account_id, entry.corrects, taken, uncollectable)


def _adjusted(entry: Entry) -> Event:
    assert entry.corrects is not None, "an adjustment names what it corrects"
    [posting] = [item for item in entry.postings if item.lot_id is not None]
    assert posting.lot_id is not None, "the wallet's posting has the lot"
    return TokensAdjusted(
        entry.id,
        entry.account_id,
        entry.corrects,
        posting.lot_id,
        posting.amount,
        entry.source_ref,
        entry.source,
    )


def _collected(entry: Entry) -> tuple[TitleId, dict[str, int], str]:
    """Return the title of a spend or its refund, what it collected of each kind, and the currency."""
    [first, *_] = [item for item in entry.postings if is_spent(item.account)]
    assert first.currency is not None, "what a title collects is valued"
    return _title(first.account), by_kind(entry, first.account), first.currency


@lru_cache(4096)
def _title(account: str) -> TitleId:
    return TitleId(UUID(account.partition(":")[2]))


_TELLING: Mapping[Operation, Callable[[Entry], Event]] = {
    Operation.EARN: _earned,
    Operation.PURCHASE: _bought,
    Operation.SPEND: _spending,
    Operation.EXPIRE: _expired,
    Operation.HOLD: _held,
    Operation.POST: _hold_posted,
    Operation.VOID: _hold_voided,
    Operation.REFUND: _refunded,
    Operation.REVERSE: _reversed,
    Operation.ADJUST: _adjusted,
}
