"""The built-in permissions, the thirteen roles, and which acts need a second person: data, not rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from fractions import Fraction

from buddy_core.access.model.approvals import SecondPersonRule
from buddy_core.access.model.roles import EVERYTHING, Permission, Role, ScopeKind

VIEWER = "viewer"
"""What everybody with an account is, over their own account; never assigned."""
SUPER_ADMIN = "super_admin"

_MEMBERS = (
    Permission("title:watch", "play a title"),
    Permission("title:unlock", "spend tokens on a title"),
    Permission("reward:earn", "earn tokens with an ad or a code"),
    Permission("wallet:read", "see the wallet and its entries", while_impersonating=True),
    Permission("account:read", "see the account, its sessions and places in films", while_impersonating=True),
    Permission("account:manage", "end sessions and set up a second factor"),
)
_DESK = (
    Permission("desk:read", "open the staff's start page", is_unbound=True),
    Permission("user:read", "find accounts and look at one"),
    Permission("user:impersonate", "look at the service as a member", is_guarded=True),
    Permission("session:revoke", "sign somebody out everywhere"),
    Permission("second_factor:reset", "take away a lost second factor", is_guarded=True),
    Permission("role:read", "see the roles and who has them"),
    Permission("role:assign", "give and take roles", is_guarded=True),
    Permission("role:edit", "define roles", is_guarded=True),
    Permission("approval:read", "see what waits for a second person"),
    Permission("audit:read", "search the audit"),
    Permission("flag:set", "turn features on and off"),
    Permission("demo:clock", "move the demo's clock on"),
)
_MONEY = (
    Permission("token_value:read", "see what a token counts"),
    Permission("token_value:set", "set what a token counts from a day on", is_guarded=True),
    Permission("token_value:approve", "approve a large change of a token's value", is_guarded=True),
    Permission("cost:read", "see what unlocks cost"),
    Permission("cost:set", "change what an unlock costs", is_guarded=True),
    Permission("reward_rule:read", "see what an ad pays"),
    Permission("reward_rule:set", "change what an ad pays", is_guarded=True),
    Permission("reward:read", "see rewards that wait for a decision"),
    Permission("reward:release", "pay or refuse a held reward", is_guarded=True),
    Permission("entitlement:read", "see what an account holds, and why it may or may not watch"),
    Permission("entitlement:grant", "give, extend and take away access to titles", is_guarded=True),
    Permission("wallet:freeze", "freeze a wallet and let it go on"),
    Permission("tokens:grant", "give tokens to make up for something", is_guarded=True),
    Permission("tokens:refund", "give back what tokens were spent on", is_guarded=True),
    Permission("tokens:reverse", "take back tokens whose source withdraws them", is_guarded=True),
    Permission("tokens:adjust", "put a lot of tokens right by hand", is_guarded=True),
    Permission("tokens:approve", "approve a large gift or correction of tokens", is_guarded=True),
    Permission("period:read", "see months, open and closed"),
    Permission("period:close", "review a month, so that it can be published", is_guarded=True),
    Permission("period:publish", "publish a month that somebody else has reviewed", is_guarded=True),
    Permission("royalty:import", "bring in facts of a month, such as sales and watching", is_guarded=True),
    Permission("statement:read", "see a producer's figures and statements"),
    Permission("terms:edit", "change what a producer is owed", is_guarded=True),
    Permission("payout:read", "see payouts", is_planned=True),
    Permission("payout:prepare", "prepare a payout", is_guarded=True, is_planned=True),
    Permission("payout:approve", "approve a payout", is_guarded=True, is_planned=True),
    Permission("refund:issue", "refund up to the limit", is_guarded=True, is_planned=True),
    Permission("refund:approve", "approve a larger refund", is_guarded=True, is_planned=True),
    Permission("invoice:read", "see invoices", is_planned=True),
)
_CONTENT = (
    Permission("title:read", "see titles that are not out", is_planned=True),
    Permission("title:edit", "change a title", is_planned=True),
    Permission("title:submit", "hand a title in for review", is_planned=True),
    Permission("title:review", "approve a title or send it back", is_planned=True),
    Permission("title:publish", "publish a title", is_planned=True),
    Permission("title:takedown", "take a title down, and restore it"),
    Permission("rights:read", "see windows, licences and certificates"),
    Permission("rights:edit", "change windows, licences and certificates", is_guarded=True),
    Permission("price:edit", "see price rules, and what a change of them would do"),
    Permission("price:publish", "change price rules from an instant on", is_guarded=True),
    Permission("master:upload", "upload masters", is_planned=True),
)
_GROWTH = (
    Permission("ad:manage", "run ads", is_planned=True),
    Permission("campaign:manage", "run campaigns: promotions by code", is_guarded=True),
    Permission("coupon:manage", "make coupons", is_planned=True),
    Permission("analytics:read", "see analytics", is_planned=True),
)

PERMISSIONS: Mapping[str, Permission] = {
    item.name: item for item in (*_MEMBERS, *_DESK, *_MONEY, *_CONTENT, *_GROWTH)
}
"""Every permission by name, those for what is still to be built among them."""

MEMBER_PERMISSIONS = frozenset(item.name for item in _MEMBERS)
"""What a viewer may do with their own account; a staff role of these would reach into others'."""

_PLACED = frozenset({ScopeKind.GLOBAL, ScopeKind.TERRITORY})
_PARTNER = frozenset({ScopeKind.PARTNER})


def _role(
    name: str,
    title: str,
    *permissions: str,
    includes: tuple[str, ...] = (),
    scopes: frozenset[ScopeKind] = frozenset({ScopeKind.GLOBAL}),
    note: str = "",
) -> Role:
    return Role(name, title, frozenset(permissions), frozenset(includes), scopes, note)


VIEWER_ROLE = Role(VIEWER, "Viewer", MEMBER_PERMISSIONS, scopes=frozenset({ScopeKind.OWN}))

_BUILT_IN = (
    _role(SUPER_ADMIN, "Super admin", EVERYTHING, note="approves nothing of their own, as nobody does"),
    _role(
        "platform_admin",
        "Platform admin",
        "user:read",
        "user:impersonate",
        "session:revoke",
        "second_factor:reset",
        "role:read",
        "approval:read",
        "audit:read",
        "flag:set",
        "cost:read",
        "cost:set",
        "reward_rule:read",
        "reward_rule:set",
        "reward:read",
        "demo:clock",
        "analytics:read",
        includes=("content_manager",),
        note="content, users and configuration; edits and gives no role, approves no payout",
    ),
    _role(
        "content_manager",
        "Content manager",
        "desk:read",
        "rights:read",
        "title:read",
        "title:edit",
        "title:submit",
        "title:publish",
        "title:takedown",
        "rights:edit",
        "price:edit",
        "price:publish",
        "master:upload",
        scopes=_PLACED,
    ),
    _role(
        "content_reviewer",
        "Content reviewer / QC",
        "desk:read",
        "rights:read",
        "title:read",
        "title:review",
        scopes=_PLACED,
        note="publishes no price",
    ),
    _role(
        "finance",
        "Finance / billing",
        "desk:read",
        "rights:read",
        "approval:read",
        "token_value:read",
        "token_value:set",
        "token_value:approve",
        "tokens:refund",
        "tokens:reverse",
        "tokens:adjust",
        "tokens:approve",
        "cost:read",
        "reward_rule:read",
        "reward:read",
        "reward:release",
        "wallet:freeze",
        "period:read",
        "period:close",
        "period:publish",
        "royalty:import",
        "statement:read",
        "payout:read",
        "payout:approve",
        "refund:issue",
        "refund:approve",
        "invoice:read",
        "analytics:read",
    ),
    _role(
        "royalty_ops",
        "Royalty / partner operations",
        "desk:read",
        "rights:read",
        "token_value:read",
        "cost:read",
        "period:read",
        "period:close",
        "royalty:import",
        "statement:read",
        "terms:edit",
        "payout:read",
        "payout:prepare",
        note="prepares payouts, approves none",
    ),
    _role(
        "partner_admin",
        "Partner admin",
        "statement:read",
        "payout:read",
        "analytics:read",
        includes=("partner_uploader",),
        scopes=_PARTNER,
        note="own partner only",
    ),
    _role(
        "partner_uploader",
        "Partner uploader",
        "title:read",
        "title:submit",
        "master:upload",
        scopes=_PARTNER,
        note="own masters only",
    ),
    _role(
        "ads_manager",
        "Ads manager",
        "desk:read",
        "ad:manage",
        "reward_rule:read",
        "reward_rule:set",
        "reward:read",
    ),
    _role(
        "support",
        "Support / customer service",
        "desk:read",
        "rights:read",
        "approval:read",
        "user:read",
        "user:impersonate",
        "session:revoke",
        "second_factor:reset",
        "entitlement:read",
        "entitlement:grant",
        "tokens:grant",
        "tokens:refund",
        "tokens:reverse",
        "tokens:adjust",
        "wallet:freeze",
        "cost:read",
        "reward_rule:read",
        "reward:read",
        note="gives and corrects tokens up to a cap; above it a second person approves",
    ),
    _role(
        "marketing",
        "Marketing",
        "desk:read",
        "campaign:manage",
        "coupon:manage",
        "analytics:read",
        scopes=_PLACED,
    ),
    _role("analyst", "Analyst (reads only)", "desk:read", "analytics:read", scopes=_PLACED),
    _role(
        "auditor",
        "Auditor (reads only)",
        "desk:read",
        "rights:read",
        "audit:read",
        "role:read",
        "approval:read",
        "token_value:read",
        "cost:read",
        "reward_rule:read",
        "reward:read",
        "period:read",
        "statement:read",
        "payout:read",
        "invoice:read",
        "analytics:read",
        "entitlement:read",
    ),
)

ROLES: Mapping[str, Role] = {role.name: role for role in _BUILT_IN}
"""The thirteen built-in roles by name (row 15.02, with the notes of decisions C11 and C12)."""

ALIASES: Mapping[str, str] = {
    "creator": "partner_uploader",
    "reviewer": "content_reviewer",
    "qc": "content_reviewer",
    "publisher": "content_manager",
}
"""Names that other systems use for a built-in role (decision C11); `user` and `viewer` are none to give."""

SECOND_PERSON_RULES: Mapping[str, SecondPersonRule] = {
    rule.act: rule
    for rule in (
        SecondPersonRule(
            "token_value.set",
            "token_value:approve",
            above=Fraction(1, 5),
            measure="largest change against any value of the last 30 days, as a part of it (1/5 is 20 %)",
            over=timedelta(days=30),
        ),
        SecondPersonRule(
            "tokens.grant",
            "tokens:approve",
            above=Fraction(50),
            measure="tokens that this person gave or corrected alone, or this account had so, within a day",
            over=timedelta(days=1),
            lives_for=timedelta(days=3),
        ),
        SecondPersonRule(
            "tokens.adjust",
            "tokens:approve",
            above=Fraction(50),
            measure="tokens that this person gave or corrected alone, or this account had so, within a day",
            over=timedelta(days=1),
            lives_for=timedelta(days=3),
        ),
        SecondPersonRule(
            "promotion.add",
            "tokens:approve",
            above=Fraction(10_000),
            measure="tokens that this person's promotions give at most, those of the last 30 days together",
            over=timedelta(days=30),
        ),
        SecondPersonRule(
            "period.close",
            "period:publish",
            above=Fraction(0),
            measure="every month: one person reviews its figures, another one publishes them",
            over=timedelta(0),
        ),
    )
}
"""Which acts need a second person, above which amount."""
