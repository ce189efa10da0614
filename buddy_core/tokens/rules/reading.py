"""What a wallet held at an instant, as was known at another, and what of it expires soon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from attrs import Factory, field, frozen

from buddy_core.kernel.clock import utc
from buddy_core.kernel.errors import InvalidValue
from buddy_core.kernel.ids import AccountId, HoldId, LotId
from buddy_core.tokens.errors import NotReplayable
from buddy_core.tokens.model import (
    WALLET,
    Entry,
    HeldLot,
    Hold,
    Lot,
    OpenHold,
    OpenLot,
    Operation,
    TokenKind,
    Wallet,
)
from buddy_core.tokens.rules.drawing import Stock, balance, is_expired, open_lots
from buddy_core.tokens.rules.replaying import replay


def _effective(value: datetime) -> datetime:
    return utc(value, "effective_at")


def _known(value: datetime) -> datetime:
    return utc(value, "known_at")


@frozen
class AsOf:
    """The instant a balance is for, and the instant up to which entries were known.

    They differ where something counts earlier than it was written: a hold that ended by
    itself on the 3rd may be recorded on the 5th. An entry was known once it, or one after
    it, was recorded. It counts once it and all before it have taken effect, or one after it
    was recorded; a void counts from its own instant, if the hold does by then.
    """

    effective_at: datetime = field(converter=_effective)
    known_at: datetime = field(converter=_known)


@frozen
class WalletThen:
    """The lots and holds of an account as of an instant; `sequence` is the last entry known then."""

    account_id: AccountId
    as_of: AsOf
    sequence: int
    lots: tuple[OpenLot, ...]
    holds: tuple[OpenHold, ...]


@frozen
class Rewound:
    """A wallet on its way back: what is left and held once the entries looked at so far are undone."""

    wallet: Wallet
    as_of: AsOf
    sequence: int
    """The newest entry that was not looked at."""
    known: int | None
    """The last entry known; None: it was not met yet."""
    is_past: bool
    left: Mapping[LotId, int]
    held: Mapping[HoldId, tuple[tuple[LotId, int, int], ...]] = Factory(dict)
    """The holds that came back, with lot, amount and version of each part."""
    undone: frozenset[HoldId] = frozenset()
    waiting: tuple[Entry, ...] = ()
    """Not undone, the newest first: they count unless one before them does not."""
    voids: Mapping[HoldId, Entry] = Factory(dict)
    """Not undone, by hold: they count unless the hold does not."""

    @property
    def is_there(self) -> bool:
        """Tell whether all older entries count, so that none need be read."""
        return self.sequence == 0 or (self.known is not None and self.is_past)

    @property
    def lots_wanted(self) -> list[LotId]:
        """The lots that the wallet has forgotten and `arrived` needs."""
        known = {item.lot.id for item in self.wallet.lots}
        parts = {lot_id for held in self.held.values() for lot_id, _, _ in held}
        return sorted((parts | {lot_id for lot_id, amount in self.left.items() if amount}) - known)


def rewinding(wallet: Wallet, as_of: AsOf) -> Rewound:
    """Begin to go back from a wallet as it is."""
    left = {item.lot.id: item.remaining for item in wallet.lots}
    return Rewound(wallet, as_of, wallet.sequence, None, False, left)


def rewind(state: Rewound, newest_first: Iterable[Entry]) -> Rewound:
    """Undo the next entries, the newest first, as far as they do not count.

    It costs what happened since, not what happened before: stop when `is_there`.

    Raises:
        NotReplayable: an entry is another account's, or not the next one back.
    """
    left, held, undone = Counter(state.left), dict(state.held), set(state.undone)
    sequence, known, is_past = state.sequence, state.known, state.is_past
    waiting, voids = list(state.waiting), dict(state.voids)
    for entry in newest_first:
        if sequence == 0 or (known is not None and is_past):
            break
        if entry.account_id != state.wallet.account_id or entry.sequence != sequence:
            raise NotReplayable(entry.sequence, f"going back, entry {sequence} of the wallet is next")
        if known is None and entry.recorded_at <= state.as_of.known_at:
            known = sequence
        is_past = is_past or entry.recorded_at <= state.as_of.effective_at
        sequence -= 1
        if known is None or not (is_past or entry.effective_at <= state.as_of.effective_at):
            # A host with a slower clock may have dated earlier what builds upon this one.
            for item in (*waiting, entry):
                for hold in item.holds:
                    if hold.id in voids:
                        _undo(voids.pop(hold.id), left, held, undone)
                _undo(item, left, held, undone)
            waiting.clear()
        elif entry.operation is Operation.VOID and entry.hold_id is not None:
            voids[entry.hold_id] = entry
        else:
            waiting.append(entry)
    return Rewound(
        state.wallet,
        state.as_of,
        sequence,
        known,
        is_past,
        left,
        held,
        frozenset(undone),
        tuple(waiting),
        voids,
    )


def _undo(
    entry: Entry,
    left: Counter[LotId],
    held: dict[HoldId, tuple[tuple[LotId, int, int], ...]],
    undone: set[HoldId],
) -> None:
    back = []
    for posting in entry.postings:
        if posting.account == WALLET and posting.lot_id is not None:
            left[posting.lot_id] -= posting.amount
            if posting.amount > 0:
                back.append((posting.lot_id, posting.amount, posting.version))
    if entry.hold_id is not None:
        # What ends a hold first puts all that was held back into its lots.
        held[entry.hold_id] = tuple(back)
    for hold in entry.holds:
        held.pop(hold.id, None)
        undone.add(hold.id)


def arrived(state: Rewound, lots: Mapping[LotId, Lot], holds: Mapping[HoldId, Hold]) -> WalletThen:
    """Return the wallet as it stood; `lots` and `holds` have at least what `lots_wanted` and `held` name."""
    known = {**lots, **{item.lot.id: item.lot for item in state.wallet.lots}}
    open_then = [OpenLot(known[lot_id], amount) for lot_id, amount in state.left.items() if amount]
    still = [item for item in state.wallet.holds if item.id not in state.undone]
    for hold_id, parts in state.held.items():
        kept = tuple(HeldLot(known[lot_id], amount, version) for lot_id, amount, version in parts)
        still.append(OpenHold(holds[hold_id], kept))
    return WalletThen(
        state.wallet.account_id,
        state.as_of,
        state.known or 0,
        tuple(sorted(open_then, key=lambda item: item.lot.id)),
        tuple(sorted(still, key=lambda item: item.id)),
    )


def balance_at(entries: Sequence[Entry], effective_at: datetime, known_at: datetime) -> dict[TokenKind, int]:
    """Return the spendable tokens of each kind at `effective_at`, by what was recorded until `known_at`.

    `entries` are all of one account, the first ever first. With a store, go back from the
    wallet of today instead (`rewinding`): that reads only what happened since.

    Raises:
        NotReplayable: entries are missing or do not follow from each other.
        InvalidValue: an instant is naive.
    """
    as_of = AsOf(effective_at, known_at)
    if not entries:
        return {}
    wallet = replay(entries[0].account_id, entries)
    state = rewind(rewinding(wallet, as_of), reversed(entries))
    lots = {lot.id: lot for entry in entries for lot in entry.lots}
    holds = {hold.id: hold for entry in entries for hold in entry.holds}
    return balance(arrived(state, lots, holds), as_of.effective_at)


@frozen
class ExpiringTokens:
    """Tokens of one kind that are gone at one instant if nobody spends them."""

    kind: TokenKind
    tokens: int
    expires_at: datetime


def expiring_soon(wallet: Stock, at: datetime, within: timedelta) -> list[ExpiringTokens]:
    """Return what expires in the time `within` from `at`, the soonest first; lots that end together are one.

    What is on hold is not in it: it does not expire while it is held. A lot that has
    not begun yet is.

    Raises:
        InvalidValue: `at` is naive, or `within` is no time.
    """
    at = utc(at)
    if within <= timedelta():
        raise InvalidValue("within", "must be longer than no time at all")
    ends: Counter[tuple[datetime, TokenKind]] = Counter()
    for item in open_lots(wallet, at):
        end = item.lot.expires_at
        if end is not None and not is_expired(item.lot, at) and end - at <= within:
            ends[end, item.lot.kind] += item.remaining
    return [ExpiringTokens(kind, tokens, end) for (end, kind), tokens in sorted(ends.items())]


def on_hold(wallet: Stock, at: datetime) -> dict[TokenKind, int]:
    """Return the tokens of each kind that holds set aside at `at`; a lapsed hold sets nothing aside."""
    totals: Counter[TokenKind] = Counter()
    for item in wallet.holds:
        if not item.has_lapsed(at):
            for part in item.lots:
                totals[part.lot.kind] += part.amount
    return dict(totals)
