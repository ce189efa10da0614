"""Which template is shown with which sample, and the context that all of them get."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen
from jinja2 import Environment, FileSystemLoader, StrictUndefined

import buddy_web
from buddy_core.access import MEMBER_PERMISSIONS, PERMISSIONS
from buddy_core.views import Viewer
from buddy_web import formats
from tests.web.samples import (
    access,
    accounts,
    closing,
    earning,
    earnings,
    entitlements,
    liability,
    numbers,
    prices,
    promotions,
    rights,
    royalty,
    viewing,
    wallets,
)

WEB = Path(buddy_web.__file__).parent
GUEST = Viewer(True, None, 3, 0, "IN", True)
MEMBER = Viewer(False, "asha@example.com", 3, 0, "IN", True, MEMBER_PERMISSIONS)
PRODUCER = evolve(MEMBER, email="producer@example.com", may=MEMBER_PERMISSIONS | {"statement:read"})
ADMIN = evolve(MEMBER, email="admin@example.com", may=frozenset(PERMISSIONS))
LOOKED_AT = evolve(MEMBER, may=frozenset({"wallet:read", "account:read"}))
DESK = {"waiting": 2, "user_url": lambda _: "/admin/users/usr_1"}
SEARCHED = {"problem": None, "actions": ("role.assign",), "older_url": None}


@frozen
class Sample:
    """One file of the preview; `path` is the address that the page believes it is at."""

    template: str
    path: str = "/"
    page: Any = None
    viewer: Viewer = GUEST
    locale: str = "en_IN"
    more: dict[str, Any] = field(factory=dict)

    def context(self) -> dict[str, Any]:
        """Return what the service would give the template."""
        common = {"csrf_token": "t0k3n", "locale": self.locale, "zone": "Asia/Kolkata", "path": self.path}
        return {**common, "viewer": self.viewer, "page": self.page, **self.more}


SAMPLES: dict[str, Sample] = {
    "home": Sample("home.html", "/", viewing.HOME, MEMBER),
    "home-guest": Sample("home.html", "/", viewing.HOME_GUEST),
    "home-empty": Sample("home.html", "/", viewing.HOME_EMPTY),
    "home-ar": Sample("home.html", "/", viewing.HOME, GUEST, "ar_AE"),
    "series": Sample("title.html", "/series/c8rt/night-ferry", viewing.SERIES),
    "series-hi": Sample("title.html", "/series/c8rt/night-ferry", viewing.SERIES, locale="hi_IN"),
    "film": Sample("title.html", "/film/7fqk/the-last-monsoon", viewing.FILM),
    "film-denied": Sample("title.html", "/film/m2wd/salt-road", viewing.FILM_DENIED),
    "film-priced": Sample("title.html", "/film/m2wd/salt-road", viewing.FILM_PRICED),
    "film-coming": Sample("title.html", "/film/m2wd/salt-road", viewing.FILM_COMING),
    "film-overdue": Sample("title.html", "/film/7fqk/the-last-monsoon", viewing.FILM_OVERDUE),
    "unlock": Sample("unlock.html", "/unlock/episode/k6ym", viewing.UNLOCK),
    "unlock-short": Sample("unlock.html", "/unlock/film/7fqk", viewing.UNLOCK_SHORT),
    "unlock-changed": Sample("unlock.html", "/unlock/episode/k6ym", viewing.UNLOCK_CHANGED),
    "unlock-denied": Sample("unlock.html", "/unlock/film/m2wd", viewing.UNLOCK_DENIED),
    "watch": Sample("watch.html", "/watch/episode/h3sd", viewing.WATCH, MEMBER),
    "watch-denied": Sample("watch.html", "/watch/episode/k6ym", viewing.WATCH_DENIED),
    "watch-age": Sample("watch.html", "/watch/episode/k6ym", viewing.WATCH_AGE),
    "watch-pin": Sample("watch.html", "/watch/episode/k6ym", viewing.WATCH_PIN),
    **{f"earn-{name}": Sample("earn.html", "/earn", page) for name, page in accounts.EARN_STATES.items()},
    "sandbox-ad": Sample("sandbox_ad.html", "/sandbox/ads/rw_1", accounts.SANDBOX_AD),
    "wallet": Sample(
        "wallet.html",
        "/wallet",
        accounts.WALLET,
        more={"older_url": "/wallet?before=x", "code": promotions.CODE_DONE},
    ),
    "wallet-empty": Sample(
        "wallet.html",
        "/wallet",
        accounts.WALLET_EMPTY,
        MEMBER,
        more={"older_url": None, "code": promotions.CODE},
    ),
    "wallet-code": Sample(
        "wallet.html",
        "/wallet",
        accounts.WALLET,
        more={"older_url": None, "code": promotions.CODE_WRONG},
    ),
    "join": Sample("join.html", "/join", accounts.JOIN),
    "join-taken": Sample("join.html", "/join", accounts.JOIN_TAKEN),
    "sign-in": Sample("sign_in.html", "/sign-in", accounts.SIGN_IN),
    "producer": Sample("producer.html", "/producer", earnings.PRODUCER, PRODUCER),
    "producer-new": Sample("producer.html", "/producer", earnings.PRODUCER_NEW, PRODUCER),
    "producers": Sample("producers.html", "/producer", earnings.PRODUCERS, ADMIN),
    "statement": Sample("statement.html", "/producer/2026-10", earnings.STATEMENT, PRODUCER),
    "statement-paged": Sample("statement.html", "/producer/2026-10", earnings.STATEMENT_PAGED, PRODUCER),
    "statement-running": Sample("statement.html", "/producer/2026-11", earnings.STATEMENT_RUNNING, PRODUCER),
    "why-model": Sample("why.html", "/producer/2026-11/why/model-rental", earnings.WHY_MODEL, PRODUCER),
    "why-many": Sample("why.html", "/producer/2026-10/why/film-ln2", earnings.WHY_MANY, PRODUCER),
    "why": Sample("why.html", "/producer/2026-10/why/series-ln1", earnings.WHY, PRODUCER),
    "admin": Sample("admin_home.html", "/admin", numbers.ADMIN, ADMIN),
    "admin-quiet": Sample("admin_home.html", "/admin", numbers.ADMIN_QUIET, ADMIN),
    "admin-values": Sample("admin_values.html", "/admin/values", numbers.VALUES, ADMIN),
    "admin-values-wrong": Sample("admin_values.html", "/admin/values", numbers.VALUES_WRONG, ADMIN),
    "admin-costs": Sample("admin_costs.html", "/admin/costs", earning.COSTS, ADMIN),
    "admin-costs-wrong": Sample("admin_costs.html", "/admin/costs", earning.COSTS_WRONG, ADMIN),
    "admin-prices": Sample("admin_prices.html", "/admin/prices", prices.PRICES, ADMIN),
    "admin-prices-none": Sample("admin_prices.html", "/admin/prices", prices.PRICES_NONE, ADMIN),
    "admin-prices-wrong": Sample("admin_prices.html", "/admin/prices", prices.PRICES_WRONG, ADMIN),
    "admin-rights": Sample("admin_rights.html", "/admin/rights", rights.LIST, ADMIN, more=rights.LIST_MORE),
    "admin-rights-none": Sample(
        "admin_rights.html", "/admin/rights", rights.LIST_NONE, ADMIN, more=rights.LIST_MORE
    ),
    **{
        f"admin-rights-{name}": Sample(
            "admin_rights_title.html",
            "/admin/rights/film/ab2d",
            page,
            ADMIN,
            more=rights.more(page, problem, done),
        )
        for name, page, problem, done in (
            ("title", rights.PAGE, None, "changed"),
            ("empty", rights.NONE, None, ""),
            ("asked", rights.ASKED, None, ""),
            ("there", rights.THERE, None, "down"),
            ("effect", rights.EFFECT, None, ""),
            ("no-effect", rights.NO_EFFECT, None, "restored"),
            ("wrong", rights.WRONG, None, ""),
            ("refused", rights.WRONG, "In IN two SVOD windows would be open.", ""),
            ("takedown", rights.TAKEDOWN, None, ""),
            ("restore", rights.RESTORE, None, ""),
        )
    },
    **{
        f"admin-rights-{name}": Sample(
            "admin_rights_import.html", "/admin/rights/import", page, ADMIN, more=rights.SHEET_MORE
        )
        for name, page in (
            ("sheet", rights.SHEET),
            ("sheet-wrong", rights.SHEET_WRONG),
            ("sheet-large", rights.SHEET_LARGE),
            ("sheet-nothing", rights.SHEET_NOTHING),
            ("sheet-done", rights.SHEET_DONE),
        )
    },
    **{
        f"admin-facts-{name}": Sample("admin_facts.html", "/admin/facts", page, ADMIN, more=more)
        for name, page, more in (
            ("", royalty.FACTS, royalty.facts_more(done="brought")),
            ("closed", royalty.FACTS_CLOSED, royalty.facts_more(done="late")),
            ("none", royalty.FACTS_NONE, royalty.facts_more()),
            ("wrong", royalty.FACTS, royalty.FACTS_WRONG_MORE),
        )
    },
    "admin-terms": Sample(
        "admin_terms.html", "/admin/terms", royalty.BOOK, ADMIN, more={"done": "set", "key": "asha"}
    ),
    "admin-terms-none": Sample(
        "admin_terms.html", "/admin/terms", royalty.BOOK_NONE, ADMIN, more={"done": "removed", "key": "asha"}
    ),
    **{
        f"admin-terms-{name}": Sample(
            "admin_terms_form.html", "/admin/terms/x", page, ADMIN, more={"models": royalty.MODELS}
        )
        for name, page in royalty.FORMS.items()
    },
    "admin-ad-rule": Sample("admin_ad_rule.html", "/admin/ad-rule", earning.RULE, ADMIN),
    "admin-ad-rule-soon": Sample("admin_ad_rule.html", "/admin/ad-rule", earning.RULE_SOON, ADMIN),
    "admin-ad-rule-wrong": Sample("admin_ad_rule.html", "/admin/ad-rule", earning.RULE_WRONG, ADMIN),
    "admin-promotions": Sample("admin_promotions.html", "/admin/promotions", promotions.PROMOTIONS, ADMIN),
    "admin-promotions-none": Sample(
        "admin_promotions.html", "/admin/promotions", promotions.PROMOTIONS_NONE, ADMIN
    ),
    "admin-promotions-wrong": Sample(
        "admin_promotions.html", "/admin/promotions", promotions.PROMOTIONS_WRONG, ADMIN
    ),
    "admin-promotions-ending": Sample(
        "admin_promotions.html", "/admin/promotions", promotions.ENDING_WRONG, ADMIN
    ),
    "admin-alerts": Sample("admin_alerts.html", "/admin/alerts", earning.ALERTS, ADMIN, more=DESK),
    "admin-alerts-none": Sample("admin_alerts.html", "/admin/alerts", earning.ALERTS_NONE, ADMIN, more=DESK),
    "admin-close": Sample("admin_close.html", "/admin/close", closing.CLOSE, ADMIN),
    "admin-close-reviewed": Sample("admin_close.html", "/admin/close", closing.CLOSE_REVIEWED, ADMIN),
    "admin-close-again": Sample("admin_close.html", "/admin/close", closing.CLOSE_AGAIN, ADMIN),
    "admin-close-blocked": Sample("admin_close.html", "/admin/close", closing.CLOSE_BLOCKED, ADMIN),
    "admin-close-nothing": Sample("admin_close.html", "/admin/close", closing.CLOSE_NOTHING, ADMIN),
    "admin-approvals-months": Sample("admin_approvals.html", "/admin/approvals", closing.APPROVALS, ADMIN),
    "admin-liability": Sample("admin_liability.html", "/admin/liability", liability.LIABILITY, ADMIN),
    "admin-liability-nothing": Sample(
        "admin_liability.html",
        "/admin/liability",
        liability.NOTHING,
        ADMIN,
        more={"problem": "'soon' is not a month.", "typed": "soon"},
    ),
    "admin-audit": Sample(
        "admin_audit.html",
        "/admin/audit",
        numbers.AUDIT,
        ADMIN,
        more={
            **SEARCHED,
            "typed": access.ASKED | {"since": "", "until": ""},
            "older_url": "/admin/audit?before=2",
        },
    ),
    "admin-audit-empty": Sample(
        "admin_audit.html",
        "/admin/audit",
        numbers.AUDIT_EMPTY,
        ADMIN,
        more={**SEARCHED, "typed": access.ASKED | access.DAYS, "problem": "until"},
    ),
    "admin-rewards": Sample("admin_rewards.html", "/admin/rewards", numbers.REWARDS, ADMIN),
    "account": Sample("account.html", "/account", access.ACCOUNT, MEMBER),
    "account-plain": Sample("account.html", "/account", access.ACCOUNT_PLAIN, MEMBER),
    "account-guest": Sample("account.html", "/account", access.ACCOUNT),
    "account-looked-at": Sample(
        "account.html", "/account", access.ACCOUNT_PLAIN, LOOKED_AT, more={"looking": access.LOOKING}
    ),
    **{
        f"factor-{name}": Sample("second_factor.html", "/account/second-factor", page, MEMBER)
        for name, page in {
            "none": access.FACTOR_NONE,
            "new": access.FACTOR_NEW,
            "asked": access.FACTOR_ASKED,
            "wrong": access.FACTOR_WRONG,
            "proven": access.FACTOR_PROVEN,
        }.items()
    },
    "admin-approvals": Sample("admin_approvals.html", "/admin/approvals", access.APPROVALS, ADMIN, more=DESK),
    "admin-approvals-empty": Sample(
        "admin_approvals.html", "/admin/approvals", access.APPROVALS_EMPTY, ADMIN, more=DESK
    ),
    "admin-approval": Sample("admin_approvals.html", "/admin/approvals/x", access.APPROVAL, ADMIN, more=DESK),
    "admin-users": Sample(
        "admin_users.html", "/admin/users", access.USERS, ADMIN, more=DESK | {"public_id": str}
    ),
    "admin-users-empty": Sample("admin_users.html", "/admin/users", access.USERS_EMPTY, ADMIN, more=DESK),
    "admin-user": Sample(
        "admin_user.html", "/admin/users/usr_1", access.USER, ADMIN, more=DESK | {"public_id": "usr_1"}
    ),
    "admin-user-staff": Sample(
        "admin_user.html", "/admin/users/usr_1", access.USER_STAFF, ADMIN, more=DESK | {"public_id": "usr_1"}
    ),
    **{
        f"admin-wallet-{name}": Sample(
            "admin_wallet.html", "/admin/users/usr_1/wallet", page, ADMIN, more=DESK | {"public_id": "usr_1"}
        )
        for name, page in {"": wallets.SHOWN, "before": wallets.BEFORE, "empty": wallets.EMPTY}.items()
    },
    **{
        f"admin-access-{name}": Sample(
            "admin_access.html", "/admin/users/usr_1/access", page, ADMIN, more=DESK | entitlements.MORE
        )
        for name, page in {
            "": entitlements.ACCESS,
            "empty": entitlements.ACCESS_EMPTY,
            "wrong": entitlements.ACCESS_WRONG,
        }.items()
    },
    **{
        f"admin-why-{name}": Sample(
            "admin_why.html", "/admin/users/usr_1/access/why", page, ADMIN, more=DESK | {"public_id": "usr_1"}
        )
        for name, page in {
            "": entitlements.WHY,
            "yes": entitlements.WHY_YES,
            "ask": entitlements.WHY_ASK,
            "wrong": entitlements.WHY_WRONG,
        }.items()
    },
    **{
        f"admin-entry-{name}": Sample(
            "admin_entry.html",
            "/admin/users/usr_1/entries/14",
            page,
            ADMIN,
            more=DESK | {"public_id": "usr_1"},
        )
        for name, page in {
            "refund": wallets.REFUND,
            "refund-one": wallets.REFUND_ONE,
            "refund-done": wallets.REFUND_DONE,
            "reverse": wallets.REVERSE,
            "reverse-all": wallets.REVERSE_ALL,
            "adjust": wallets.ADJUST,
            "adjust-seen": wallets.ADJUST_SEEN,
            "adjust-wrong": wallets.ADJUST_WRONG,
            "adjust-gone": wallets.ADJUST_GONE,
        }.items()
    },
    "admin-roles": Sample(
        "admin_roles.html",
        "/admin/roles",
        access.ROLES,
        ADMIN,
        more=DESK | {"done": "saved", "problem": "It is in use."},
    ),
    **{
        f"admin-role-{name}": Sample(
            "admin_role_form.html",
            "/admin/roles/form",
            page,
            ADMIN,
            more=DESK | {"typed": access.TYPED, "groups": access.GROUPS},
        )
        for name, page in {"new": access.ROLE_NEW, "changed": access.ROLE_CHANGED}.items()
    },
    "error-looking": Sample(
        "error.html", "/wallet", accounts.FORBIDDEN, LOOKED_AT, more={"looking": access.LOOKING}
    ),
    "error-404": Sample("error.html", "/nowhere", accounts.MISSING),
    "error-500": Sample("error.html", "/nowhere", accounts.BROKEN),
}

PARTS: dict[str, Sample] = {
    "part-unlock": Sample("_unlock_sheet.html", page=viewing.UNLOCK),
    "part-statement-lines": Sample("_statement_lines.html", page=earnings.STATEMENT_PAGED),
    "part-why": Sample("_why.html", page=earnings.WHY),
    "part-earn": Sample(
        "_earn_status.html",
        more={
            "status": accounts.EARN_STATES["paid"].status,
            "next_url": "/unlock/film/7fqk",
            "wanted": accounts.EARN.wanted,
            "left_today": 8,
            "oob": True,
        },
    ),
    "part-effect": Sample("_value_effect.html", more={"effect": numbers.EFFECT, "zone_name": numbers.ZONE}),
    "part-costs-effect": Sample(
        "_costs_effect.html", more={"effect": earning.COSTS_EFFECT, "zone_name": earning.ZONE}
    ),
    "part-prices-effect": Sample(
        "_prices_effect.html",
        more={"effect": prices.EFFECT, "fields": prices.FIELDS, "zone_name": prices.ZONE},
    ),
    "part-rule-effect": Sample(
        "_ad_rule_effect.html", more={"effect": earning.RULE_EFFECT, "zone_name": earning.ZONE}
    ),
    "part-balance": Sample("_balance.html"),
}
"""Templates that htmx puts into an open page; they have no frame of their own."""


def environment() -> Environment:
    """Return the templates as the service sets them up, but with every missing variable an error."""
    found = Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=False,
    )
    formats.install(found)
    return found


def render(sample: Sample, templates: Environment | None = None) -> str:
    """Return the page as HTML."""
    return (templates or environment()).get_template(sample.template).render(sample.context())
