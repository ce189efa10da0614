"""Values that the contracts store, and the little they share: made by the real rules where there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from buddy_core.entitlements import TOKEN_UNLOCK, Grant, GrantStatus
from buddy_core.kernel import AccountId, BuddyError, EntityId, EntryId, GrantId, LotId, TitleId, UnitOfWork
from buddy_core.tokens import (
    BONUS,
    PAID,
    EarnTokens,
    NewIds,
    Posted,
    SpendTokens,
    TokenKind,
    ValueVersion,
    Wallet,
    earn,
    spend,
)

Uow = UnitOfWork[Any]
"""The store under test: its transaction has every port as an attribute."""

AT = datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
NEWTACT = EntityId("newtact")


def uid(number: int) -> UUID:
    """Return the internal id of a thing of the tests."""
    return UUID(int=number)


def account(number: int) -> AccountId:
    """Return an account id; accounts are apart from the other things of the tests."""
    return AccountId(uid(1_000 + number))


def title(number: int) -> TitleId:
    """Return a title id."""
    return TitleId(uid(2_000 + number))


def version_of(kind: TokenKind, number: int = 1, **changes: Any) -> ValueVersion:
    """Return a value version of a kind: half a rupee and 3/5 of a cent."""
    values: dict[str, Any] = {
        "kind": kind,
        "version": number,
        "effective_from": AT - timedelta(days=30),
        "values": {"INR": Fraction(50), "USD": Fraction(3, 5)},
        "recorded_at": AT - timedelta(days=31),
        "recorded_by": "system",
    }
    return ValueVersion(**{**values, **changes})


VERSIONS = {BONUS: version_of(BONUS), PAID: version_of(PAID)}


def earning(who: AccountId, amount: int, key: str, **changes: Any) -> EarnTokens:
    """Return a command that earns bonus tokens which last 90 days."""
    values: dict[str, Any] = {
        "account_id": who,
        "kind": BONUS,
        "amount": amount,
        "source": "ads.reward",
        "source_ref": f"rwd_{key}",
        "idempotency_key": key,
        "expires_at": AT + timedelta(days=90),
        "earned_as_guest": True,
        "rule_version": 1,
    }
    return EarnTokens(**{**values, **changes})


def spending(who: AccountId, amount: int, key: str, on: TitleId | None = None, **changes: Any) -> SpendTokens:
    """Return a command that spends tokens on a title in India."""
    wanted = on or title(1)
    values: dict[str, Any] = {
        "account_id": who,
        "title_id": wanted,
        "title_scopes": (f"title:{wanted}", "type:episode"),
        "amount": amount,
        "source": "unlock",
        "source_ref": str(wanted),
        "idempotency_key": key,
        "country": "IN",
        "entity": NEWTACT,
        "currency": "INR",
        "rule_version": 1,
    }
    return SpendTokens(**{**values, **changes})


def earned(wallet: Wallet, amount: int, number: int, at: datetime = AT, **changes: Any) -> Posted:
    """Earn in a wallet by the real rule; `number` makes the ids."""
    command = earning(wallet.account_id, amount, f"earn-{number}", **changes)
    ids = NewIds(EntryId(uid(10_000 + number)), LotId(uid(20_000 + number)))
    return earn(wallet, command, VERSIONS, at, ids)


def spent(wallet: Wallet, amount: int, number: int, at: datetime = AT) -> Posted:
    """Spend from a wallet by the real rule."""
    command = spending(wallet.account_id, amount, f"spend-{number}")
    return spend(wallet, command, VERSIONS, at, NewIds(EntryId(uid(10_000 + number))))


def grant(number: int, who: AccountId, on: TitleId, **changes: Any) -> Grant:
    """Return an active unlock."""
    values: dict[str, Any] = {
        "id": GrantId(uid(30_000 + number)),
        "origin_id": GrantId(uid(30_000 + number)),
        "account_id": who,
        "title_id": on,
        "kind": TOKEN_UNLOCK,
        "status": GrantStatus.ACTIVE,
        "granted_at": AT,
        "recorded_at": AT,
        "ends_at": None,
        "entry_id": EntryId(uid(10_000 + number)),
    }
    return Grant(**{**values, **changes})


def same_wallet(left: Wallet, right: Wallet) -> bool:
    """Tell whether two wallets are equal; the order of their lots is the store's own."""
    return _facts(left) == _facts(right) and len(left.lots) == len(right.lots)


def _facts(wallet: Wallet) -> tuple[Any, ...]:
    return wallet.account_id, wallet.sequence, wallet.head, wallet.is_frozen, frozenset(wallet.lots)


async def race(*tries: Awaitable[Any]) -> tuple[list[Any], list[BuddyError]]:
    """Run all at once; return the answers and the refusals, and raise whatever is neither."""
    answers: list[Any] = []
    refusals: list[BuddyError] = []
    for outcome in await asyncio.gather(*tries, return_exceptions=True):
        if isinstance(outcome, BuddyError):
            refusals.append(outcome)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            answers.append(outcome)
    return answers, refusals


async def post(uow: Uow, posted: Sequence[Posted]) -> None:
    """Append in a transaction of its own."""
    async with uow.begin() as tx:
        await tx.wallets.append(posted)
