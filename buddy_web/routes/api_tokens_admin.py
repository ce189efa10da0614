"""The API's corrections of wallets by staff: refund, reverse, adjust."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from buddy_core.access import OwnAccount, ReasonMissing
from buddy_core.accounts import AccountNotFound
from buddy_core.flows import (
    AdjustLot,
    Awaiting,
    RefundedUnlock,
    RefundUnlock,
    ReversedEarning,
    ReverseEarning,
)
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.kernel.ids import AccountId, EntryId, LotId
from buddy_core.tokens import (
    AdjustBeyondLot,
    AlreadyRefunded,
    AlreadyReversed,
    BadAdjustment,
    BadTokenAmount,
    EntryNotFound,
    LotNotFound,
    NotRefundable,
    NotReversible,
)
from buddy_core.views.admin_wallet import EntryFound
from buddy_core.views.errors import WalletEntryNotFound
from buddy_core.views.ledger import Look
from buddy_web.app import Web, web
from buddy_web.logs import correlation_id
from buddy_web.operations import Api
from buddy_web.permissions import current_actor
from buddy_web.routes.api_admin import waiting
from buddy_web.routes.api_users import for_account
from buddy_web.schemas import tokens_admin as schema
from buddy_web.schemas.admin import Waiting
from buddy_web.schemas.common import IdempotencyHeader
from buddy_web.schemas.wallet import EntryTitle

api = Api("tokens", "What staff do to tokens: each act needs a reason and a second factor, and is recorded.")

REFUND, REVERSE, ADJUST = "tokens:refund", "tokens:reverse", "tokens:adjust"
_ALWAYS = (
    AccountNotFound,
    WalletEntryNotFound,
    EntryNotFound,
    ReasonMissing,
    OwnAccount,
    IdempotencyMismatch,
    Contention,
)


@api.post(
    "/admin/users/<id>/entries/<entry>/refund",
    may=REFUND,
    answer=schema.Refunded,
    status=201,
    errors=(*_ALWAYS, NotRefundable, AlreadyRefunded),
)
def refund(
    path: schema.EntryPath, header: IdempotencyHeader, body: schema.CorrectionBody
) -> tuple[dict[str, Any], int]:
    """Give back all that an entry spent; an unlock is closed by it, and its royalty taken back."""
    w = web()

    def give_back(account: AccountId) -> dict[str, Any]:
        found = entry_named(w, account, path.entry, REFUND)
        command = RefundUnlock(account, found.entry_id, body.reason, header.idempotency_key)
        done: RefundedUnlock = w.call(
            w.container.refund_unlock, current_actor(), command, correlation_id=correlation_id.get()
        )
        title = found.line.line.title
        answer = schema.Refunded(
            title=EntryTitle(type=title.type.value, id=title.short_id, name=title.name) if title else None,
            tokens=done.tokens,
            expired=done.expired,
            withdrawn=done.withdrawn,
            grant_ended=done.grant_ended,
            was_played=done.was_played,
        )
        return answer.model_dump(mode="json")

    return for_account(w, path.id, give_back), 201


@api.post(
    "/admin/users/<id>/entries/<entry>/reverse",
    may=REVERSE,
    answer=schema.Reversed,
    status=201,
    errors=(*_ALWAYS, NotReversible, AlreadyReversed),
)
def reverse(
    path: schema.EntryPath, header: IdempotencyHeader, body: schema.CorrectionBody
) -> tuple[dict[str, Any], int]:
    """Take back what is left of an earning or a purchase, because its source withdraws it."""
    w = web()

    def take_back(account: AccountId) -> dict[str, Any]:
        found = entry_named(w, account, path.entry, REVERSE)
        command = ReverseEarning(account, found.entry_id, body.reason, header.idempotency_key)
        done: ReversedEarning = w.call(
            w.container.reverse_earning, current_actor(), command, correlation_id=correlation_id.get()
        )
        return schema.Reversed(taken=done.taken, uncollectable=done.uncollectable).model_dump(mode="json")

    return for_account(w, path.id, take_back), 201


@api.post(
    "/admin/users/<id>/entries/<entry>/adjust",
    may=ADJUST,
    answer=schema.Adjusted,
    status=201,
    also={202: Waiting},
    errors=(*_ALWAYS, LotNotFound, BadTokenAmount, BadAdjustment, AdjustBeyondLot),
)
def adjust(
    path: schema.EntryPath, header: IdempotencyHeader, body: schema.AdjustmentBody
) -> tuple[dict[str, Any], int]:
    """Put a lot of an entry right; more than one person may move waits for a second one (202)."""
    w = web()

    def put_right(account: AccountId) -> EntryId | Awaiting:
        found = entry_named(w, account, path.entry, ADJUST)
        # Any number is sent on: the ledger's own rule says which is none.
        tokens: Any = body.tokens
        lot_id = lot_of(found, body.lot)
        command = AdjustLot(account, found.entry_id, lot_id, tokens, body.reason, header.idempotency_key)
        done: EntryId | Awaiting = w.call(
            w.container.adjust_lot, current_actor(), command, correlation_id=correlation_id.get()
        )
        return done

    done = for_account(w, path.id, put_right)
    if isinstance(done, Awaiting):
        return waiting(done), 202
    return schema.Adjusted(tokens=int(body.tokens)).model_dump(mode="json"), 201


def entry_named(
    w: Web, account: AccountId, reference: str, permission: str, *, is_recorded: bool = False
) -> EntryFound:
    """Return the entry of an account's wallet that a number or a reference names.

    Raises:
        NotPermitted, SecondFactorNeeded, AccountNotFound, WalletEntryNotFound.
    """
    found: EntryFound = w.call(
        w.container.find_wallet_entry,
        Look(current_actor(), correlation_id.get()),
        account,
        reference,
        permission,
        is_recorded=is_recorded,
    )
    return found


def lot_of(found: EntryFound, place: int) -> LotId:
    """Return the lot at a place of an entry.

    Raises:
        LotNotFound: the entry has no such lot, or it is not this wallet's.
    """
    lot = found.lot(place)
    if lot is None:
        raise LotNotFound(LotId(UUID(int=0)))
    return lot.lot_id
