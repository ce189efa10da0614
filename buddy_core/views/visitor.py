"""Who looks at a page: what the host knows of them, and what every page shows of them."""

from __future__ import annotations

from typing import Protocol

from attrs import frozen

from buddy_core.accounts import Accounts, AccountType
from buddy_core.entitlements import Channel, Context, Grants, is_live
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.ids import AccountId, DeviceId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.playback import Positions
from buddy_core.tokens import BONUS, PAID, Wallets, balance
from buddy_core.views.account import Kept
from buddy_core.views.common import Viewer


@frozen
class Visitor:
    """Who asks, as the host established it: never as the client says.

    `country` is None where it cannot be told; `ip_key` is a keyed hash of the address.
    """

    account_id: AccountId
    device_id: DeviceId
    country: str | None
    ip_key: str
    is_guest: bool
    is_demo: bool = False
    channel: Channel = Channel.WEB
    may: frozenset[str] = frozenset()
    """The permissions that the visitor has for anything at all, a missing second factor left aside."""

    @property
    def context(self) -> Context:
        """From where and how the visitor asks for titles."""
        return Context(self.country, self.channel)


class ViewerTx(Protocol):
    """What the top of every page reads."""

    @property
    def accounts(self) -> Accounts: ...

    @property
    def wallets(self) -> Wallets: ...


class KeptTx(Protocol):
    """What joining reads: tokens, unlocks and places."""

    @property
    def wallets(self) -> Wallets: ...

    @property
    def grants(self) -> Grants: ...

    @property
    def positions(self) -> Positions: ...


async def viewer(visitor: Visitor, *, uow: UnitOfWork[ViewerTx], clock: Clock) -> Viewer:
    """Return what every page shows of its viewer."""
    async with uow.read() as tx:
        account = await tx.accounts.get(visitor.account_id)
        wallet = (await tx.wallets.load([visitor.account_id]))[visitor.account_id]
    tokens = balance(wallet, clock.now())
    return Viewer(
        is_guest=account is None or account.type is AccountType.GUEST,
        email=account.email if account else None,
        balance_bonus=tokens.get(BONUS, 0),
        balance_paid=tokens.get(PAID, 0),
        country=visitor.country,
        is_demo=visitor.is_demo,
        may=visitor.may,
    )


async def kept(visitor: Visitor, *, uow: UnitOfWork[KeptTx], clock: Clock) -> Kept:
    """Return what a guest takes along; a member has nothing to take."""
    if not visitor.is_guest:
        return Kept()
    at = clock.now()
    async with uow.read() as tx:
        wallet = (await tx.wallets.load([visitor.account_id]))[visitor.account_id]
        grants = await tx.grants.of_account(visitor.account_id)
        positions = await tx.positions.of_account(visitor.account_id)
    return Kept(
        tokens=sum(balance(wallet, at).values()),
        unlocked=sum(is_live(grant, at) for grant in grants),
        in_progress=sum(found.position_ms > 0 for found in positions.values()),
    )
