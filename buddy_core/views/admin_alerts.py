"""Where earning looks like abuse: devices and addresses on which many accounts earned in a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from attrs import evolve, frozen

from buddy_core.access import Actor, AuditTx, Change, record_in, require
from buddy_core.accounts import AccountsTx, resolve_in
from buddy_core.ads import (
    ALERT_RULES,
    MOST_ALERTS,
    AdsTx,
    Alert,
    AlertRule,
    NoRewardRule,
    PlaceUse,
    RewardStatus,
    alerts_of,
    day_of,
    day_start,
    least_paid,
)
from buddy_core.kernel.clock import Clock
from buddy_core.kernel.idempotency import retried
from buddy_core.kernel.ids import AccountId
from buddy_core.kernel.unit_of_work import UnitOfWork
from buddy_core.tokens import Wallets
from buddy_core.views.admin_names import name_of

ACCOUNTS_SHOWN = 20
_DAY = timedelta(days=1)
_TAIL = 6


class AlertsTx(AdsTx, AccountsTx, Protocol):
    """What finding alerts reads."""

    @property
    def wallets(self) -> Wallets: ...


class AdminAlertsTx(AlertsTx, AuditTx, Protocol):
    """What the page of alerts needs."""


@frozen
class AlertedAccount:
    """An account that earned at the place; a guest that joined is shown as the member.

    `reward_id` is one of its rewards there: a wallet is frozen by it where there is
    no e-mail address.
    """

    account_id: AccountId
    name: str
    paid: int
    capped: int
    held: int
    is_frozen: bool
    reward_id: str


@frozen
class RewardAlert:
    """A device or an address (`scope`) by the tail of its name, and who earned there on a UTC day.

    `paid` counts against `limit`, the day's cap there; `more` accounts are not shown.
    """

    scope: str
    name: str
    day: str
    limit: int
    paid: int
    account_count: int
    accounts: tuple[AlertedAccount, ...]
    more: int = 0


@frozen
class AdminAlerts:
    """Today's alerts and yesterday's, today's first; and the rules that raise them."""

    alerts: tuple[RewardAlert, ...]
    rules: tuple[AlertRule, ...] = ALERT_RULES


async def reward_alerts(
    actor: Actor, *, correlation_id: str, uow: UnitOfWork[AdminAlertsTx], clock: Clock
) -> tuple[RewardAlert, ...]:
    """Return what looks like abuse today and yesterday; that somebody looked is recorded.

    Raises:
        NotPermitted: the actor may not see rewards.
    """
    require(actor, "reward:read")

    async def work(tx: AdminAlertsTx) -> tuple[RewardAlert, ...]:
        at = clock.now()
        found = tuple([await _shown_in(tx, alert) for alert in await alerts_in(tx, at)])
        if found:
            seen = [f"{item.scope} {item.name} {item.day}" for item in found]
            await record_in(tx, actor, Change("reward.alerts", "rewards", None, seen, correlation_id), at)
        return found

    return await retried(uow, work)


async def alerts_in(tx: AdsTx, at: datetime) -> list[Alert]:
    """Return the alerts of today and yesterday, UTC: staff come in when the day has just begun."""
    found: list[Alert] = []
    for day in (day_of(at), day_of(at - _DAY)):
        begin = day_start(day)
        try:
            rule = await tx.reward_rules.in_force(min(at, begin + _DAY))
        except NoRewardRule:
            continue
        limits = {"device": rule.device_daily, "ip": rule.ip_daily}
        for alert_rule in ALERT_RULES:
            scope, limit = alert_rule.scope, limits[alert_rule.scope]
            least = least_paid(alert_rule, limit)
            paid = await tx.reward_counters.most(scope, day, least, MOST_ALERTS)
            uses = await tx.rewards.uses(scope, list(paid), begin, begin + _DAY) if paid else []
            found += alerts_of(alert_rule, day, limit, paid, uses)
    return found


async def open_alerts_in(tx: AlertsTx, at: datetime) -> int:
    """Return how many alerts have a wallet that is not frozen: what was dealt with needs nobody."""
    return sum([await _is_open_in(tx, alert) for alert in await alerts_in(tx, at)])


async def _is_open_in(tx: AlertsTx, alert: Alert) -> bool:
    for use in alert.uses:
        owner = (await resolve_in(tx, use.account_id)).id
        if not (await tx.wallets.load([owner]))[owner].is_frozen:
            return True
    return False


async def _shown_in(tx: AdminAlertsTx, alert: Alert) -> RewardAlert:
    shown: dict[AccountId, AlertedAccount] = {}
    for use in alert.uses:
        account = await resolve_in(tx, use.account_id)
        before = shown.get(account.id)
        if before is None:
            wallet = (await tx.wallets.load([account.id]))[account.id]
            before = AlertedAccount(account.id, name_of(account), 0, 0, 0, wallet.is_frozen, use.last_id)
        shown[account.id] = _added(before, use)
    accounts = sorted(shown.values(), key=lambda item: (-item.paid, -item.capped, item.name))
    return RewardAlert(
        scope=alert.scope,
        name=f"…{alert.subject[-_TAIL:]}",
        day=alert.day,
        limit=alert.limit,
        paid=alert.paid,
        account_count=_count(alert.uses),
        accounts=tuple(accounts[:ACCOUNTS_SHOWN]),
        more=max(0, len(accounts) - ACCOUNTS_SHOWN),
    )


def _added(account: AlertedAccount, use: PlaceUse) -> AlertedAccount:
    if use.status is RewardStatus.PAID:
        return evolve(account, paid=account.paid + use.rewards)
    if use.status is RewardStatus.CAPPED:
        return evolve(account, capped=account.capped + use.rewards)
    if use.status is RewardStatus.HELD:
        return evolve(account, held=account.held + use.rewards)
    return account


def _count(uses: Sequence[PlaceUse]) -> int:
    return len({use.account_id for use in uses})
