"""Load, decide and save inside a transaction that is given; never begins or commits one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from fractions import Fraction
from typing import TypeVar

from attrs import frozen

from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.events import Envelope, Event, envelope
from buddy_core.kernel.ids import AccountId, EntryId, EventId, IdSource, LotId
from buddy_core.kernel.outcomes import Done, Outcome, Refused
from buddy_core.tokens.commands import (
    EarnTokens,
    FreezeWallet,
    MergeWallets,
    NewIds,
    SetTokenValue,
    SpendTokens,
)
from buddy_core.tokens.events import (
    TokensEarned,
    TokensSpent,
    TokensTransferred,
    TokenValueSet,
    WalletFreezeChanged,
)
from buddy_core.tokens.model import WALLET, Entry, TokenKind, ValueVersion, Wallet
from buddy_core.tokens.ports import TokensTx
from buddy_core.tokens.rules.drawing import balance
from buddy_core.tokens.rules.merging import merge
from buddy_core.tokens.rules.posting import Posted, earn, freeze, spend
from buddy_core.tokens.rules.valuing import next_version


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


@frozen
class MergeSummary:
    """What a merge of wallets moved."""

    transferred: int
    expired_by_cap: int


C = TypeVar("C", EarnTokens, SpendTokens)


async def earn_in(
    tx: TokensTx, commands: Sequence[EarnTokens], at: datetime, ids: IdSource
) -> list[Outcome[Entry]]:
    """Open a lot for each command; a refused one refuses alone."""
    versions = await tx.token_values.in_force(at)

    def decide(wallet: Wallet, command: EarnTokens) -> Posted:
        new = NewIds(EntryId(ids.uuid7()), LotId(ids.uuid7()))
        return earn(wallet, command, versions, at, new)

    decided = await _decide_all(tx, commands, decide)
    earned = [(c, o.value.entry) for c, o in zip(commands, decided, strict=True) if isinstance(o, Done)]
    await tx.outbox.add([_sealed(_earned(command, entry), entry, ids) for command, entry in earned])
    return [Done(o.value.entry) if isinstance(o, Done) else o for o in decided]


async def spend_in(
    tx: TokensTx, commands: Sequence[SpendTokens], at: datetime, ids: IdSource
) -> list[Outcome[Spent]]:
    """Draw tokens for each command; a refused one refuses alone.

    Two commands on one wallet are decided in the order given.
    """
    versions = await tx.token_values.in_force(at)

    def decide(wallet: Wallet, command: SpendTokens) -> Posted:
        return spend(wallet, command, versions, at, NewIds(EntryId(ids.uuid7())))

    decided = await _decide_all(tx, commands, decide)
    answers: list[Outcome[Spent]] = []
    sealed: list[Envelope] = []
    for command, outcome in zip(commands, decided, strict=True):
        if isinstance(outcome, Refused):
            answers.append(outcome)
            continue
        spent = _spent(outcome.value, at)
        by_kind = {str(part.kind): part.amount for part in spent.parts}
        event = TokensSpent(spent.entry_id, command.account_id, command.title_id, by_kind, command.currency)
        sealed.append(_sealed(event, outcome.value.entry, ids))
        answers.append(Done(spent))
    await tx.outbox.add(sealed)
    return answers


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
    event = TokensTransferred(
        command.from_account, command.to_account, merged.transferred, merged.expired_by_cap
    )
    await tx.outbox.add([_sealed(event, merged.entries[-1], ids)])
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
    tx: TokensTx, commands: Sequence[C], decide: Callable[[Wallet, C], Posted]
) -> list[Outcome[Posted]]:
    accounts = sorted({command.account_id for command in commands})
    await tx.wallets.lock(accounts)
    wallets: dict[AccountId, Wallet] = await tx.wallets.load(accounts)
    outcomes: list[Outcome[Posted]] = []
    for command in commands:
        try:
            posted = decide(wallets[command.account_id], command)
        except BuddyError as error:
            outcomes.append(Refused(error))
            continue
        wallets[command.account_id] = posted.wallet
        outcomes.append(Done(posted))
    await tx.wallets.append([outcome.value for outcome in outcomes if isinstance(outcome, Done)])
    return outcomes


def _spent(posted: Posted, at: datetime) -> Spent:
    amounts: Counter[TokenKind] = Counter()
    values: dict[TokenKind, Fraction] = {}
    versions: dict[TokenKind, int] = {}
    for posting in posted.entry.postings:
        if posting.account != WALLET and posting.value is not None:
            amounts[posting.kind] += posting.amount
            values[posting.kind] = values.get(posting.kind, Fraction(0)) + posting.value
            versions[posting.kind] = posting.version
    parts = tuple(SpentByKind(kind, amounts[kind], versions[kind], values[kind]) for kind in values)
    return Spent(posted.entry.id, parts, sum(balance(posted.wallet, at).values()))


def _earned(command: EarnTokens, entry: Entry) -> TokensEarned:
    return TokensEarned(
        entry.id, command.account_id, command.kind, command.amount, command.source, command.source_ref
    )


def _sealed(event: Event, entry: Entry, ids: IdSource) -> Envelope:
    return envelope(event, id=EventId(ids.uuid7()), subject=str(entry.account_id), at=entry.effective_at)
