"""Load, decide and save inside a transaction that is given; never begins or commits one.

Whoever calls a step has locked the wallets, or must be ready to begin again: a wallet that
has moved on since it was loaded is a Contention, at the latest when the transaction ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from functools import partial
from typing import Protocol, TypeVar
from uuid import UUID

from attrs import frozen

from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.events import Envelope, Event, envelope
from buddy_core.kernel.ids import AccountId, EntryId, EventId, HoldId, IdSource, LotId
from buddy_core.kernel.outcomes import Done, Outcome, Refused
from buddy_core.tokens.commands import (
    AdjustTokens,
    BuyTokens,
    EarnTokens,
    ExpireTokens,
    FreezeWallet,
    HoldTokens,
    MergeWallets,
    NewIds,
    PostHold,
    RefundTokens,
    ReverseTokens,
    SetTokenValue,
    SpendTokens,
    VoidHold,
    own_key,
)
from buddy_core.tokens.errors import (
    ClockBehind,
    EntryNotFound,
    HoldExpired,
    HoldNotFound,
    LotNotFound,
    WalletMoved,
)
from buddy_core.tokens.events import (
    TokensTransferred,
    TokenValueSet,
    WalletFreezeChanged,
)
from buddy_core.tokens.model import (
    EXPIRED,
    WALLET,
    Entry,
    Hold,
    Lot,
    Operation,
    TokenKind,
    ValueVersion,
    Wallet,
)
from buddy_core.tokens.ports import TokensTx
from buddy_core.tokens.rules.correcting import (
    Spending,
    adjust,
    holds_on,
    home_id,
    refund,
    reverse,
    taken_at_once,
    uncollectable,
)
from buddy_core.tokens.rules.drawing import balance
from buddy_core.tokens.rules.expiring import expire
from buddy_core.tokens.rules.holding import hold, lapse, post, release, void
from buddy_core.tokens.rules.merging import merge
from buddy_core.tokens.rules.posting import Posted, buy, earn, freeze, spend
from buddy_core.tokens.rules.telling import by_kind, tell
from buddy_core.tokens.rules.valuing import Versions, next_version


@frozen
class SpentByKind:
    """How many tokens of one kind a spend took, and their exact worth."""

    kind: TokenKind
    amount: int
    version: int
    value: Fraction
    """Minor units of the spend's currency."""


@frozen
class Spent:
    """What a spend did; `parts` has one item a kind, in the order drawn."""

    entry_id: EntryId
    parts: tuple[SpentByKind, ...]
    left: int
    at: datetime
    """When it counts: on a clock that is a little behind, when all that was drawn had begun."""


@frozen
class Swept:
    """How many tokens of one wallet were written off, and how many holds were over."""

    expired: int
    voided: int


@frozen
class MergeSummary:
    """What a merge of wallets moved."""

    transferred: int
    expired_by_cap: int


class _OfAccount(Protocol):
    @property
    def account_id(self) -> AccountId: ...


class _Correction(_OfAccount, Protocol):
    @property
    def entry_id(self) -> EntryId: ...


_ENTRIES_AT_ONCE = 100
C = TypeVar("C", bound=_OfAccount)
Made = Sequence[Posted]
"""The entries that one command makes, the one it asks for last."""


async def earn_in(
    tx: TokensTx, commands: Sequence[EarnTokens], at: datetime, ids: IdSource
) -> list[Outcome[Entry]]:
    """Open a lot for each command; a refused one refuses alone."""
    versions = await tx.token_values.in_force(at)

    def decide(wallet: Wallet, command: EarnTokens) -> Made:
        new = NewIds(EntryId(ids.uuid7()), LotId(ids.uuid7()))
        return [earn(wallet, command, versions, at, new)]

    return _entries(await _decide_all(tx, commands, at, ids, decide))


async def buy_in(
    tx: TokensTx, commands: Sequence[BuyTokens], at: datetime, ids: IdSource
) -> list[Outcome[Entry]]:
    """Open a lot with its cost for each command; a refused one refuses alone."""
    versions = await tx.token_values.in_force(at)

    def decide(wallet: Wallet, command: BuyTokens) -> Made:
        new = NewIds(EntryId(ids.uuid7()), LotId(ids.uuid7()))
        return [buy(wallet, command, versions, at, new)]

    return _entries(await _decide_all(tx, commands, at, ids, decide))


async def spend_in(
    tx: TokensTx, commands: Sequence[SpendTokens], at: datetime, ids: IdSource
) -> list[Outcome[Spent]]:
    """Draw tokens for each command; a refused one refuses alone.

    Two commands on one wallet are decided in the order given.
    """
    versions = await tx.token_values.in_force(at)

    def decide(wallet: Wallet, command: SpendTokens) -> Made:
        return [spend(wallet, command, versions, at, NewIds(EntryId(ids.uuid7())))]

    return _all_spent(await _decide_all(tx, commands, at, ids, decide), at)


async def expire_in(
    tx: TokensTx, commands: Sequence[ExpireTokens], at: datetime, ids: IdSource
) -> list[Outcome[Swept]]:
    """Write off what has expired in each wallet and end its lapsed holds; a frozen wallet is no matter."""
    versions = await tx.token_values.in_force(at)

    def decide(wallet: Wallet, command: ExpireTokens) -> Made:
        posted = expire(wallet, command, versions, at, NewIds(EntryId(ids.uuid7())))
        return [] if posted is None else [posted]

    decided = await _decide_all(tx, commands, at, ids, decide)
    return [Done(_swept(found.value)) if isinstance(found, Done) else found for found in decided]


async def hold_in(
    tx: TokensTx, commands: Sequence[HoldTokens], at: datetime, ids: IdSource
) -> list[Outcome[Entry]]:
    """Set tokens aside for each command; the entry has the hold. A refused one refuses alone."""
    versions = await tx.token_values.in_force(at)

    def decide(wallet: Wallet, command: HoldTokens) -> Made:
        new = NewIds(EntryId(ids.uuid7()), hold=HoldId(ids.uuid7()))
        return [hold(wallet, command, versions, at, new)]

    return _entries(await _decide_all(tx, commands, at, ids, decide))


async def post_in(
    tx: TokensTx, commands: Sequence[PostHold], at: datetime, ids: IdSource
) -> list[Outcome[Spent]]:
    """Spend what each hold set aside, or a part; a refused one refuses alone."""
    versions = await tx.token_values.in_force(at)
    known = await tx.entries.holds([command.hold_id for command in commands])

    def decide(wallet: Wallet, command: PostHold) -> Made:
        try:
            return [post(wallet, command, versions, at, NewIds(EntryId(ids.uuid7())))]
        except HoldNotFound:
            raise _why_gone(known.get(command.hold_id), command, at) from None

    return _all_spent(await _decide_all(tx, commands, at, ids, decide), at)


async def void_in(
    tx: TokensTx, commands: Sequence[VoidHold], at: datetime, ids: IdSource
) -> list[Outcome[Entry]]:
    """Set free what each hold set aside; a refused one refuses alone."""
    known = await tx.entries.holds([command.hold_id for command in commands])

    def decide(wallet: Wallet, command: VoidHold) -> Made:
        try:
            return [void(wallet, command, at, NewIds(EntryId(ids.uuid7())))]
        except HoldNotFound:
            raise _why_gone(known.get(command.hold_id), command, at) from None

    return _entries(await _decide_all(tx, commands, at, ids, decide))


async def refund_in(
    tx: TokensTx, commands: Sequence[RefundTokens], at: datetime, ids: IdSource
) -> list[Outcome[Entry]]:
    """Give back what each entry spent, or a part; a refused one refuses alone."""
    found = await _corrected(tx, commands)
    lots = await _lots_of(tx, commands, found)
    withdrawn = await _withdrawn(tx, lots.values())

    def decide(wallet: Wallet, command: RefundTokens) -> Made:
        spending = Spending(found.entry(command), found.earlier[command.entry_id], lots, withdrawn)
        posted = refund(wallet, spending, command, at, NewIds(EntryId(ids.uuid7())))
        found.earlier[command.entry_id].append(posted.entry)
        lots.update((lot.id, lot) for lot in posted.entry.lots)
        for origin in withdrawn:
            withdrawn[origin] -= taken_at_once([posted.entry], origin)
        return [posted]

    return _entries(await _decide_all(tx, commands, at, ids, decide))


async def reverse_in(
    tx: TokensTx, commands: Sequence[ReverseTokens], at: datetime, ids: IdSource
) -> list[Outcome[Entry]]:
    """Take back what each entry brought in; a refused one refuses alone.

    What has expired is written off first, so that it is the same whether a sweep came
    before or not. Then holds that set aside such tokens are voided: what was withdrawn
    cannot be promised to anybody.
    """
    found = await _corrected(tx, commands)
    versions = await tx.token_values.in_force(at)

    def decide(wallet: Wallet, command: ReverseTokens) -> Made:
        earned, earlier = found.entry(command), found.earlier[command.entry_id]
        swept = _written_off(wallet, versions, at, ids)
        wallet = swept[-1].wallet if swept else wallet
        freed = release(wallet, holds_on(wallet, earned), "reverse", "reverse", at)
        before = freed[-1].wallet if freed else wallet
        new = NewIds(EntryId(ids.uuid7()))
        posted = reverse(before, earned, earlier, command, versions, at, new)
        earlier.append(posted.entry)
        return [*swept, *freed, posted]

    return _entries(await _decide_all(tx, commands, at, ids, decide))


async def adjust_in(
    tx: TokensTx, commands: Sequence[AdjustTokens], at: datetime, ids: IdSource
) -> list[Outcome[Entry]]:
    """Put a lot right for each command; a refused one refuses alone. Who may is for the caller to ask.

    What has expired is written off first, as `reverse_in` does.
    """
    found = await _corrected(tx, commands)
    versions = await tx.token_values.in_force(at)
    lots = await tx.entries.lots([command.lot_id for command in commands])

    def decide(wallet: Wallet, command: AdjustTokens) -> Made:
        corrected = found.entry(command)
        owner, lot = lots.get(command.lot_id, (None, None))
        if lot is None or owner != wallet.account_id:
            raise LotNotFound(command.lot_id)
        swept = _written_off(wallet, versions, at, ids)
        wallet = swept[-1].wallet if swept else wallet
        new = NewIds(EntryId(ids.uuid7()))
        return [*swept, adjust(wallet, lot, corrected, command, versions, at, new)]

    return _entries(await _decide_all(tx, commands, at, ids, decide))


async def merge_in(tx: TokensTx, command: MergeWallets, at: datetime, ids: IdSource) -> MergeSummary:
    """Move all tokens of one wallet to another; both must be locked by the caller's flow."""
    wallets = await tx.wallets.load([command.from_account, command.to_account])
    versions = await tx.token_values.in_force(at)
    merged = merge(
        wallets[command.from_account],
        wallets[command.to_account],
        command,
        versions,
        at,
        EntryId(ids.uuid7()),
    )
    after = {command.from_account: merged.source, command.to_account: merged.target}
    await tx.wallets.append([Posted(after[entry.account_id], entry) for entry in merged.entries])
    voided = [entry for entry in merged.entries if entry.operation is Operation.VOID]
    event = TokensTransferred(
        command.from_account, command.to_account, merged.transferred, merged.expired_by_cap
    )
    await tx.outbox.add([*_told(voided, ids), _sealed(event, merged.entries[-1], ids)])
    return MergeSummary(merged.transferred, merged.expired_by_cap)


async def freeze_in(tx: TokensTx, command: FreezeWallet, at: datetime, ids: IdSource) -> Entry:
    """Freeze or unfreeze one wallet."""
    await tx.wallets.lock([command.account_id])
    wallet = (await tx.wallets.load([command.account_id]))[command.account_id]
    posted = freeze(wallet, command, at, NewIds(EntryId(ids.uuid7())))
    await tx.wallets.append([posted])
    event = WalletFreezeChanged(command.account_id, command.is_frozen, command.reason)
    await tx.outbox.add([_sealed(event, posted.entry, ids)])
    return posted.entry


async def set_value_in(
    tx: TokensTx, command: SetTokenValue, currencies: Sequence[str], at: datetime, ids: IdSource
) -> ValueVersion:
    """Append a value version; `currencies` are those every version must have a value in."""
    existing = await tx.token_values.of_kind(command.kind)
    version = next_version(existing, command, currencies, at)
    await tx.token_values.add(version)
    event = TokenValueSet(version.kind, version.version)
    await tx.outbox.add([envelope(event, id=EventId(ids.uuid7()), subject=version.kind, at=at)])
    return version


async def _decide_all(
    tx: TokensTx,
    commands: Sequence[C],
    at: datetime,
    ids: IdSource,
    decide: Callable[[Wallet, C], Made],
) -> list[Outcome[Made]]:
    """Decide each command on its wallet, without the holds that have lapsed, and write what was decided.

    What ends a lapsed hold is written with the first command that takes effect; one
    that is refused writes nothing at all.
    """
    wallets = await tx.wallets.load(list(dict.fromkeys(command.account_id for command in commands)))
    # Only an empty wallet with a history can be one that was merged into another.
    empty = [item.account_id for item in wallets.values() if item.sequence and not (item.lots or item.holds)]
    gone = await tx.wallets.moved_away(empty) if empty else set()
    revalued = await _revalued(tx, wallets.values(), at)
    outcomes: list[Outcome[Made]] = []
    for command in commands:
        wallet = wallets[command.account_id]
        if gone and command.account_id in gone:
            outcomes.append(Refused(WalletMoved(command.account_id)))
            continue
        if command.account_id in revalued:
            outcomes.append(Refused(ClockBehind(at, revalued[command.account_id])))
            continue
        try:
            over = lapse(wallet, at) if wallet.holds else []
            made = [*over, *decide(over[-1].wallet if over else wallet, command)]
        except BuddyError as error:
            outcomes.append(Refused(error))
            continue
        if made:
            wallets[command.account_id] = made[-1].wallet
        outcomes.append(Done(made))
    posted = [item for outcome in outcomes if isinstance(outcome, Done) for item in outcome.value]
    await tx.wallets.append(posted)
    await tx.outbox.add(_told((item.entry for item in posted), ids))
    return outcomes


async def _revalued(tx: TokensTx, wallets: Iterable[Wallet], at: datetime) -> dict[AccountId, datetime]:
    """Return the wallets that were written to, by a clock ahead of ours, when tokens had another value."""
    ahead = {item.account_id: item.moved_at for item in wallets if item.moved_at and item.moved_at > at}
    if not ahead:
        return {}
    now = await tx.token_values.in_force(at)
    return {who: last for who, last in ahead.items() if await tx.token_values.in_force(last) != now}


@frozen
class _Corrected:
    """The entries that commands want to put right, and what has put them right before."""

    entries: dict[EntryId, Entry]
    earlier: defaultdict[EntryId, list[Entry]]
    owners: dict[AccountId, AccountId]
    """Who owns today what each account of an entry had."""

    def entry(self, command: _Correction) -> Entry:
        """Return the entry that a command names, if it belongs to the command's account by now.

        Raises:
            EntryNotFound: there is none.
        """
        entry = self.entries.get(command.entry_id)
        if entry is None or self.owners[entry.account_id] != command.account_id:
            raise EntryNotFound(command.entry_id)
        return entry


async def _corrected(tx: TokensTx, commands: Sequence[_Correction]) -> _Corrected:
    """Read what commands correct, once their wallets are locked: nobody can correct it meanwhile."""
    await tx.wallets.lock(sorted({command.account_id for command in commands}))
    wanted = sorted({command.entry_id for command in commands})
    found = await tx.entries.get(wanted)
    earlier: defaultdict[EntryId, list[Entry]] = defaultdict(list)
    for entry in await tx.entries.correcting(wanted):
        if entry.corrects is not None:
            earlier[entry.corrects].append(entry)
    spenders = sorted({entry.account_id for entry in found.values()})
    return _Corrected(found, earlier, {spender: await _owner(tx, spender) for spender in spenders})


async def _owner(tx: TokensTx, account: AccountId) -> AccountId:
    """Return who has what an account had: a wallet whose last entry moved it all is no more."""
    seen: set[AccountId] = set()
    while account not in seen:
        seen.add(account)
        newest = await tx.entries.of_account(account, before=None, limit=1)
        if not newest or newest[0].operation is not Operation.TRANSFER_OUT:
            break
        account = AccountId(UUID(newest[0].source_ref))
    return account


async def _lots_of(tx: TokensTx, commands: Sequence[RefundTokens], found: _Corrected) -> dict[LotId, Lot]:
    """Return the lots that spends drew on, and those that take the tokens back where they exist."""
    drawn = {
        posting.lot_id
        for entry in found.entries.values()
        for posting in entry.postings
        if posting.lot_id is not None
    }
    lots = {lot_id: lot for lot_id, (_, lot) in (await tx.entries.lots(sorted(drawn))).items()}
    homes = {
        home_id(lots[posting.lot_id], entry.account_id, command.account_id)
        for command in commands
        if (entry := found.entries.get(command.entry_id)) is not None
        for posting in entry.postings
        if posting.lot_id is not None and posting.lot_id in lots
    }
    there = await tx.entries.lots(sorted(homes - lots.keys()))
    return lots | {lot_id: lot for lot_id, (_, lot) in there.items()}


async def _withdrawn(tx: TokensTx, lots: Iterable[Lot]) -> dict[LotId, int]:
    """Return what is uncollectable still of each first lot of these whose opening entry was reversed."""
    opened = await tx.entries.openings(sorted({lot.origin_id for lot in lots}))
    corrections = await tx.entries.correcting(sorted(set(opened.values())))
    reversals = {entry.corrects: entry for entry in corrections if entry.operation is Operation.REVERSE}
    lacking: dict[LotId, int] = {}
    for origin, entry_id in opened.items():
        if (reversal := reversals.get(entry_id)) is not None and uncollectable(reversal):
            lacking[origin] = uncollectable(reversal) - taken_at_once(await _since(tx, reversal), origin)
    return lacking


async def _since(tx: TokensTx, first: Entry) -> list[Entry]:
    """Return what came after an entry in its wallet, and in those that it moved to; reversals are rare."""
    found = await _down_to(tx, first.account_id, lambda entry: entry.id == first.id)
    newest = (await tx.entries.of_account(first.account_id, before=None, limit=1))[0]
    seen = {first.account_id}
    while newest.operation is Operation.TRANSFER_OUT:
        owner = AccountId(UUID(newest.source_ref))
        if owner in seen:
            break
        seen.add(owner)
        since = await _down_to(tx, owner, partial(_came_from, str(newest.account_id)))
        found, newest = [*found, *since], (await tx.entries.of_account(owner, before=None, limit=1))[0]
    return found


async def _down_to(tx: TokensTx, account: AccountId, is_reached: Callable[[Entry], bool]) -> list[Entry]:
    """Return the entries of a wallet after the newest for which that is so."""
    found: list[Entry] = []
    before = None
    while page := await tx.entries.of_account(account, before=before, limit=_ENTRIES_AT_ONCE):
        for entry in page:
            if is_reached(entry):
                return found
            found.append(entry)
        before = page[-1].sequence
    return found


def _came_from(account: str, entry: Entry) -> bool:
    return entry.operation is Operation.TRANSFER_IN and entry.source_ref == account


def _written_off(wallet: Wallet, versions: Versions, at: datetime, ids: IdSource) -> list[Posted]:
    """Return what a sweep would write now; nothing where nothing has expired."""
    new = EntryId(ids.uuid7())
    made = expire(
        wallet, ExpireTokens(wallet.account_id, own_key("expired", str(new))), versions, at, NewIds(new)
    )
    return [] if made is None else [made]


def _why_gone(
    known: tuple[AccountId, Hold] | None, command: PostHold | VoidHold, at: datetime
) -> HoldNotFound | HoldExpired:
    if known is not None and known[0] == command.account_id and known[1].expires_at <= at:
        return HoldExpired(command.hold_id, known[1].expires_at)
    return HoldNotFound(command.hold_id)


def _entries(decided: Sequence[Outcome[Made]]) -> list[Outcome[Entry]]:
    return [Done(found.value[-1].entry) if isinstance(found, Done) else found for found in decided]


def _all_spent(decided: Sequence[Outcome[Made]], at: datetime) -> list[Outcome[Spent]]:
    return [Done(_spent(found.value[-1], at)) if isinstance(found, Done) else found for found in decided]


def _spent(posted: Posted, at: datetime) -> Spent:
    # A title collects each kind in one posting.
    parts = [
        SpentByKind(posting.kind, posting.amount, posting.version, posting.value)
        for posting in posted.entry.postings
        if posting.account != WALLET and posting.value is not None
    ]
    left = balance(posted.wallet, max(at, posted.entry.recorded_at))
    return Spent(posted.entry.id, tuple(parts), sum(left.values()), posted.entry.effective_at)


def _swept(made: Made) -> Swept:
    expired = sum(sum(by_kind(item.entry, EXPIRED).values()) for item in made)
    return Swept(expired, sum(item.entry.operation is Operation.VOID for item in made))


def _told(entries: Iterable[Entry], ids: IdSource) -> list[Envelope]:
    return [_sealed(tell(entry), entry, ids) for entry in entries]


def _sealed(event: Event, entry: Entry, ids: IdSource) -> Envelope:
    return envelope(event, id=EventId(ids.uuid7()), subject=str(entry.account_id), at=entry.effective_at)
