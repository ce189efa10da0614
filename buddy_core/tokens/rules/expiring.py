"""Writing off what has expired: a lot whose time is over counts for nothing before that, too."""

from __future__ import annotations

from datetime import datetime

from buddy_core.kernel.clock import utc
from buddy_core.tokens.commands import ExpireTokens, NewIds
from buddy_core.tokens.model import EXPIRED, Operation, Wallet
from buddy_core.tokens.rules.drawing import Draw, is_expired, reduced
from buddy_core.tokens.rules.posting import Because, Posted, check_own, moves, next_entry, numbers
from buddy_core.tokens.rules.valuing import Versions


def expire(
    wallet: Wallet, command: ExpireTokens, versions: Versions, at: datetime, ids: NewIds
) -> Posted | None:
    """Write off all that has expired, in one entry, also of a frozen wallet; None: nothing has.

    Raises:
        UnknownKind: a kind that expired has no version in force.
        InvalidValue: the command names another account.
    """
    at = utc(at)
    check_own(wallet, command)
    gone = [Draw(item.lot, item.remaining) for item in wallet.lots if is_expired(item.lot, at)]
    if not gone:
        return None
    cause = Because(command.idempotency_key, "sweep", "")
    postings = moves(gone, EXPIRED, numbers(gone, versions))
    entry = next_entry(wallet, Operation.EXPIRE, cause, at, ids.entry, postings)
    return Posted(wallet.after(entry, reduced(wallet.lots, gone)), entry)
