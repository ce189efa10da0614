"""The API's promotions: claiming with a code, and running them."""

from __future__ import annotations

from typing import Any

from buddy_core.access import OwnAccount, ReasonMissing
from buddy_core.accounts import AccountNotFound
from buddy_core.flows import Awaiting, Claimed, PromotionNow
from buddy_core.kernel.errors import Contention
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.promotions import (
    AddPromotion,
    AlreadyClaimed,
    BadCode,
    BadPromotion,
    ClaimPromotion,
    CodeTaken,
    DeviceClaimed,
    EndPromotion,
    GuestCapReached,
    NotBegun,
    NotForGuests,
    Over,
    Promotion,
    UnknownCode,
    UsedUp,
)
from buddy_core.tokens import WalletFrozen
from buddy_web.app import web
from buddy_web.guests import current_visitor
from buddy_web.logs import correlation_id
from buddy_web.operations import Api
from buddy_web.permissions import current_actor
from buddy_web.routes.api_admin import waiting
from buddy_web.schemas import promotions as schema
from buddy_web.schemas.admin import Waiting
from buddy_web.schemas.common import IdempotencyHeader, PageQuery

api = Api("promotions", "Codes that bring bonus tokens, so many in all and once an account.")

MANAGE = "campaign:manage"


@api.post(
    "/wallet/promotions",
    may="reward:earn",
    answer=schema.Claimed,
    status=201,
    errors=(
        BadCode,
        UnknownCode,
        NotBegun,
        Over,
        UsedUp,
        AlreadyClaimed,
        DeviceClaimed,
        NotForGuests,
        GuestCapReached,
        WalletFrozen,
        OwnAccount,
        AccountNotFound,
        IdempotencyMismatch,
        Contention,
    ),
)
def claim_promotion(header: IdempotencyHeader, body: schema.ClaimBody) -> tuple[dict[str, Any], int]:
    """Claim what a code brings; guests hear of a code that brings nothing now as of one there is not."""
    w = web()
    visitor = current_visitor(w)
    command = ClaimPromotion(visitor.account_id, visitor.device_id, body.code, header.idempotency_key)
    found: Claimed = w.call(w.container.claim_promotion, current_actor(), command)
    answer = schema.Claimed(code=found.code, tokens=found.tokens, expires_at=found.expires_at)
    return answer.model_dump(mode="json"), 201


@api.get("/admin/promotions", may=MANAGE, answer=schema.Promotions)
def promotions(query: PageQuery) -> dict[str, Any]:
    """Return promotions with how many have claimed, those that begin last first."""
    w = web()
    offset = (query.page - 1) * query.limit
    found: tuple[PromotionNow, ...] = w.call(
        w.container.list_promotions, current_actor(), limit=query.limit + 1, offset=offset
    )
    answer = schema.Promotions(
        promotions=[_shown(item) for item in found[: query.limit]], has_more=len(found) > query.limit
    )
    return answer.model_dump(mode="json")


@api.post(
    "/admin/promotions",
    may=MANAGE,
    answer=schema.PromotionSet,
    status=201,
    also={202: Waiting},
    errors=(BadCode, BadPromotion, CodeTaken, ReasonMissing, IdempotencyMismatch, Contention),
)
def add_promotion(header: IdempotencyHeader, body: schema.PromotionBody) -> tuple[dict[str, Any], int]:
    """Begin a promotion; one that may give very many tokens waits for a second person (202)."""
    w = web()
    command = AddPromotion(**body.model_dump(), idempotency_key=header.idempotency_key)
    found: Promotion | Awaiting = w.call(
        w.container.add_promotion, current_actor(), command, correlation_id=correlation_id.get()
    )
    return (waiting(found), 202) if isinstance(found, Awaiting) else (_set(found), 201)


@api.post(
    "/admin/promotions/<promotion>/end",
    may=MANAGE,
    answer=schema.PromotionSet,
    status=201,
    errors=(BadCode, UnknownCode, Over, ReasonMissing, IdempotencyMismatch, Contention),
)
def end_promotion(
    path: schema.PromotionPath, header: IdempotencyHeader, body: schema.EndBody
) -> tuple[dict[str, Any], int]:
    """End a promotion now; what was claimed stays, and the code names no other one."""
    w = web()
    command = EndPromotion(path.promotion, body.reason, header.idempotency_key)
    found: Promotion = w.call(
        w.container.end_promotion, current_actor(), command, correlation_id=correlation_id.get()
    )
    return _set(found), 201


def _set(found: Promotion) -> dict[str, Any]:
    answer = schema.PromotionSet(code=found.code, starts_at=found.starts_at, ends_at=found.ends_at)
    return answer.model_dump(mode="json")


def _shown(item: PromotionNow) -> schema.Promotion:
    found = item.promotion
    return schema.Promotion(
        code=found.code,
        state=item.state.value,
        tokens=found.tokens,
        days=found.days,
        limit=found.limit,
        claimed=item.claimed,
        starts_at=found.starts_at,
        ends_at=found.ends_at,
        for_guests=found.for_guests,
        reason=found.reason,
    )
