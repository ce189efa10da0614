"""The API's wallet, its history, and the ads that fill it."""

from __future__ import annotations

from typing import Any

from buddy_core.accounts import AccountNotFound
from buddy_core.ads import Reward, RewardCapReached, RewardNotFound, RewardStatus, TooManyOpen
from buddy_core.flows import BeginReward
from buddy_core.tokens import WalletFrozen
from buddy_core.views.ledger import LedgerLine, LedgerPage, WalletState
from buddy_web.app import web
from buddy_web.guests import current_visitor
from buddy_web.operations import Api
from buddy_web.permissions import acting_account, current_actor
from buddy_web.schemas import wallet as schema
from buddy_web.schemas.common import CursorQuery

api = Api("wallet", "Tokens: what there is, what happened, and earning more by an ad.")

READ = "wallet:read"


@api.get("/wallet", may=READ, answer=schema.Wallet, errors=(AccountNotFound,))
def wallet() -> dict[str, Any]:
    """Return what can be spent now, and what expires when."""
    w = web()
    found: WalletState = w.call(w.container.wallet_state, acting_account())
    answer = schema.Wallet(
        bonus=found.tokens.get("bonus", 0),
        paid=found.tokens.get("paid", 0),
        is_frozen=found.is_frozen,
        lots=[schema.Lot(kind=lot.kind, tokens=lot.tokens, expires_at=lot.expires_at) for lot in found.lots],
    )
    return answer.model_dump(mode="json")


@api.get("/wallet/entries", may=READ, answer=schema.Entries, errors=(AccountNotFound,))
def entries(query: CursorQuery) -> dict[str, Any]:
    """Return what happened to the wallet, newest first."""
    w = web()
    page: LedgerPage = w.call(w.container.ledger_page, acting_account(), query.cursor, query.limit)
    answer = schema.Entries(entries=[_entry(line) for line in page.lines], next_cursor=page.next_before)
    return answer.model_dump(mode="json")


@api.post(
    "/ads/rewards",
    may="reward:earn",
    answer=schema.Reward,
    status=201,
    errors=(RewardCapReached, TooManyOpen, WalletFrozen, AccountNotFound),
)
def begin_reward() -> tuple[dict[str, Any], int]:
    """Begin a rewarded ad; tokens come when the network has told us, server to server, that it was seen."""
    w = web()
    visitor = current_visitor(w)
    command = BeginReward(visitor.account_id, visitor.device_id, visitor.ip_key, w.settings.ad_unit)
    return _reward(w.call(w.container.begin_reward, current_actor(), command)), 201


@api.get("/ads/rewards/<id>", may=READ, answer=schema.Reward, errors=(RewardNotFound, AccountNotFound))
def one_reward(path: schema.RewardPath) -> dict[str, Any]:
    """Say where a rewarded ad stands."""
    w = web()
    return _reward(w.call(w.container.find_reward, path.id, acting_account()))


def _entry(line: LedgerLine) -> schema.Entry:
    title = line.title
    return schema.Entry(
        number=line.number,
        at=line.at,
        operation=line.operation,
        tokens=line.tokens,
        source=line.source,
        rule_version=line.rule_version,
        title=schema.EntryTitle(type=title.type.value, id=title.short_id, name=title.name) if title else None,
    )


def _reward(reward: Reward) -> dict[str, Any]:
    is_open = reward.status is RewardStatus.PENDING
    answer = schema.Reward(
        id=reward.id,
        status=reward.status.value,
        custom_data=reward.nonce if is_open else None,
        ad_unit=reward.ad_unit,
        expires_at=reward.expires_at,
        settled_at=reward.settled_at,
        note=reward.note,
    )
    return answer.model_dump(mode="json")
