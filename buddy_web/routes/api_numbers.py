"""The API's staff operations on numbers: costs, the reward rule, and what looks odd about earning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from buddy_core.ads import (
    RULE_NUMBERS,
    BadRewardRule,
    NoRewardRule,
    RewardRuleChanged,
    RewardRuleInPast,
    RewardRuleTooFar,
    SetRewardRule,
)
from buddy_core.catalog import TitleNotFound
from buddy_core.flows import SetTokenCosts
from buddy_core.kernel.errors import Contention, InvalidValue
from buddy_core.kernel.idempotency import IdempotencyMismatch
from buddy_core.pricing import BadCost, CostsChanged, CostsInPast, CostsTooFar, NoTokenCosts
from buddy_core.views import CostVersion, RewardAlert, RuleVersion
from buddy_web.app import web
from buddy_web.logs import correlation_id
from buddy_web.operations import Api
from buddy_web.permissions import current_actor
from buddy_web.schemas import numbers as schema
from buddy_web.schemas.common import IdempotencyHeader

api = Api("numbers", "What unlocks cost and ads pay, in versions; each change is recorded in the audit.")


@api.get("/admin/token-costs", may="cost:read", answer=schema.TokenCosts)
def token_costs() -> dict[str, Any]:
    """Return the newest versions of what unlocks cost."""
    w = web()
    found: Sequence[CostVersion] = w.call(w.container.cost_versions, current_actor())
    versions = [
        schema.CostVersion(
            version=item.version,
            effective_from=item.effective_from,
            by_type=dict(item.by_type),
            by_title=[
                schema.TitleCost(name=own.name, title=own.title, tokens=own.tokens) for own in item.by_title
            ],
            state=item.state,
        )
        for item in found
    ]
    return schema.TokenCosts(versions=versions).model_dump(mode="json")


@api.post(
    "/admin/token-costs",
    may="cost:set",
    answer=schema.NumberSet,
    status=201,
    errors=(
        BadCost,
        CostsChanged,
        CostsInPast,
        CostsTooFar,
        NoTokenCosts,
        TitleNotFound,
        InvalidValue,
        IdempotencyMismatch,
        Contention,
    ),
)
def set_token_costs(header: IdempotencyHeader, body: schema.TokenCostsBody) -> tuple[dict[str, Any], int]:
    """Add a version; what was quoted and spent stays. Whoever saw older costs is asked again."""
    w = web()
    command = SetTokenCosts(body.changes, header.idempotency_key, body.effective_from, body.base_version)
    version: int = w.call(
        w.container.set_token_costs, current_actor(), command, correlation_id=correlation_id.get()
    )
    return schema.NumberSet(version=version).model_dump(mode="json"), 201


@api.get("/admin/reward-rules", may="reward_rule:read", answer=schema.RewardRules)
def reward_rules() -> dict[str, Any]:
    """Return the newest versions of what an ad pays and how often."""
    w = web()
    found: Sequence[RuleVersion] = w.call(w.container.rule_versions, current_actor())
    versions = [
        schema.RewardRule(
            version=item.version,
            effective_from=item.effective_from,
            token_kind=item.token_kind,
            state=item.state,
            **dict(item.numbers),
        )
        for item in found
    ]
    return schema.RewardRules(versions=versions).model_dump(mode="json")


@api.post(
    "/admin/reward-rules",
    may="reward_rule:set",
    answer=schema.NumberSet,
    status=201,
    errors=(
        BadRewardRule,
        RewardRuleChanged,
        RewardRuleInPast,
        RewardRuleTooFar,
        NoRewardRule,
        IdempotencyMismatch,
        Contention,
    ),
)
def set_reward_rule(header: IdempotencyHeader, body: schema.RewardRuleBody) -> tuple[dict[str, Any], int]:
    """Add a version; what was paid stays, and new caps hold against the counts of the day."""
    w = web()
    given = {name: getattr(body, name) for name in RULE_NUMBERS}
    changes = {name: number for name, number in given.items() if number is not None}
    command = SetRewardRule(changes, header.idempotency_key, body.effective_from, body.base_version)
    version: int = w.call(
        w.container.set_reward_rule, current_actor(), command, correlation_id=correlation_id.get()
    )
    return schema.NumberSet(version=version).model_dump(mode="json"), 201


@api.get("/admin/reward-alerts", may="reward:read", answer=schema.RewardAlerts, errors=(Contention,))
def reward_alerts() -> dict[str, Any]:
    """Return where many accounts earned today and yesterday; that somebody looked is recorded."""
    w = web()
    found: Sequence[RewardAlert] = w.call(
        w.container.reward_alerts, current_actor(), correlation_id=correlation_id.get()
    )
    alerts = [
        schema.RewardAlert(
            scope="device" if item.scope == "device" else "ip",
            name=item.name,
            day=item.day,
            limit=item.limit,
            paid=item.paid,
            account_count=item.account_count,
            accounts=[
                schema.AlertedAccount(
                    id=w.public_ids.show(account.account_id),
                    name=account.name,
                    paid=account.paid,
                    capped=account.capped,
                    held=account.held,
                    is_frozen=account.is_frozen,
                    reward_id=account.reward_id,
                )
                for account in item.accounts
            ],
        )
        for item in found
    ]
    return schema.RewardAlerts(alerts=alerts).model_dump(mode="json")
