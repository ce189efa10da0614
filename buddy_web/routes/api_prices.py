"""The API's staff operations on prices in money: the rules there are, and new versions of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from buddy_core.flows import SetPrices
from buddy_core.kernel.errors import Contention, InvalidValue
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.pricing import (
    BadAmount,
    BadCurrency,
    BadDates,
    BadHours,
    BadPriceRule,
    BadTerritory,
    PricesChanged,
    PricesInPast,
    PricesTooFar,
    SameRank,
)
from buddy_core.views import PriceVersion
from buddy_web.app import web
from buddy_web.logs import correlation_id
from buddy_web.operations import Api
from buddy_web.permissions import current_actor
from buddy_web.schemas import prices as schema
from buddy_web.schemas.common import IdempotencyHeader

api = Api("prices", "Prices in money as rules, in versions; each change is recorded in the audit.")


@api.get("/admin/prices", may="price:edit", answer=schema.Prices)
def prices() -> dict[str, Any]:
    """Return the newest versions of the prices."""
    w = web()
    found: Sequence[PriceVersion] = w.call(w.container.price_versions, current_actor())
    versions = [
        schema.PriceVersion(
            version=item.version,
            effective_from=item.effective_from,
            currencies=dict(item.currencies),
            rules=[schema.PriceRule.model_validate(rule.data) for rule in item.rules],
            state=item.state,
        )
        for item in found
    ]
    return schema.Prices(versions=versions).model_dump(mode="json")


@api.post(
    "/admin/prices",
    may="price:publish",
    answer=schema.PricesSet,
    status=201,
    errors=(
        BadAmount,
        BadCurrency,
        BadDates,
        BadHours,
        BadPriceRule,
        BadTerritory,
        SameRank,
        PricesChanged,
        PricesInPast,
        PricesTooFar,
        InvalidValue,
        IdempotencyMismatch,
        Contention,
    ),
)
def set_prices(header: IdempotencyHeader, body: schema.PricesBody) -> tuple[dict[str, Any], int]:
    """Add a version; what was quoted is held until it expires, and what was sold stays."""
    w = web()
    command = SetPrices(
        [rule.model_dump(exclude_none=True) for rule in body.rules],
        header.idempotency_key,
        body.removed,
        body.currencies,
        body.is_whole,
        body.effective_from,
        body.base_version,
    )
    version: int = w.call(
        w.container.set_prices, current_actor(), command, correlation_id=correlation_id.get()
    )
    return schema.PricesSet(version=version).model_dump(mode="json"), 201
