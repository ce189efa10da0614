"""What nobody types, sent to every page and form: answered as wrong or not found, and never a fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, quote_from_bytes

import pytest
from flask import Request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from buddy_core.sessions import POLICY
from tests.web.api_client import ADMIN, VIEWER, app
from tests.web.service import Browser, Service, running, seed_database
from tests.web.test_producer_admin_pages import MONTH, NEW_VALUE, signed_in
from tests.web.test_viewer_pages import short

NUL, LONE_SURROGATE, HUGE = "%00", quote_from_bytes(b"\xed\xa0\x80"), "1" + "0" * 30
SWEPT = [NUL, LONE_SURROGATE, HUGE]
USUAL = {
    "reward_id": "rwd_" + "0" * 32, "session_id": "ses_" + "0" * 32, "short_id": "abcd", "slug": "a-title",
    "month": MONTH, "rendition": "144p", "language": "en", "filename": "app.css", "name": "a/144p/00000.ts",
    "media_key": "a-film", "shape": "poster", "code": "web.fault", "line": "ln_1", "id": "abcd",
    "type": "film", "title_type": "film", "request_id": "apr_" + "0" * 32, "user": "usr_" + "0" * 32,
    "step": "set-up", "form": "roles", "entry": "7-1a2b3c4d", "promotion": "MONSOON26",
    "grant": "gra_" + "0" * 32, "kind": "pool", "takedown": "tkd_" + "0" * 32,
}  # fmt: skip
QUERY = {
    "reward", "next", "ad", "before", "producer", "currency", "entity", "q", "action", "saved", "done",
    "page", "limit", "cursor", "type", "email", "after", "permission", "territory", "role", "actor",
    "about", "ip", "key", "reference", "since", "until", "waiting", "owner",
}  # fmt: skip
"""Fields of queries that some rule is known to look for."""
IDS = {
    "/v1/admin/users/": {"id": USUAL["user"], "entry": USUAL["entry"]},
    "/v1/admin/approvals/": {"id": USUAL["request_id"]},
    "/v1/admin/rewards/": {"id": USUAL["reward_id"]},
    "/v1/admin/roles/": {"name": "night_desk"},
    "/v1/playback/sessions/": {"id": USUAL["session_id"]},
}
"""What ids look like in the addresses that would have no other: else no body is looked at there."""
_PART = re.compile(r"<(?:[a-z_]+(?:\([^)]*\))?:)?([a-z_]+)>")
DEEP = "[" * 5000 + "]" * 5000
ODD = ["\0", "rwd_\0", "9" * 30, "x" * 5000, chr(0x1F600) * 20, "../..", "' OR 1=1 --"]
PATHS = [
    "/{}", "/film/{}", "/film/abcd/{}", "/unlock/film/{}", "/watch/film/{}", "/problems/{}",
    "/earn?reward={}", "/earn?next={}", "/earn?ad={}", "/earn/{}/status", "/sandbox/ads/{}",
    "/wallet?before={}", "/join?next={}", "/sign-in?next={}", "/play/{}/master.m3u8", "/play/{}/key",
    "/media/{}", "/art/{}/poster.svg", "/producer?producer={}", "/producer?currency={}", "/producer/{}",
    f"/producer/{MONTH}?entity={{}}", f"/producer/{MONTH}/why/{{}}", "/admin/audit?q={}",
    "/admin/audit?before={}", "/admin/values?saved={}", "/admin/rewards?done={}", "/v1/titles/film/{}",
    "/admin/rewards?owner={}", "/admin/costs?saved={}", "/admin/ad-rule?saved={}",
    "/account?done={}", "/account/second-factor?next={}", "/account/sessions/{}", "/admin/audit?about={}",
    "/admin/audit?since={}", "/admin/approvals/{}", "/admin/approvals?done={}", "/admin/users/{}",
    "/admin/users?email={}", "/admin/users?after={}", "/admin/roles/form?role={}", "/v1/admin/users?email={}",
    "/v1/admin/users/{}", "/v1/admin/users?cursor={}", "/v1/admin/approvals/{}",
    "/v1/admin/explain?email={}&permission=desk:read",
    "/v1/titles?page={}", "/v1/producer/statements/{}", "/v1/ads/rewards/{}", "/v1/admin/audit?cursor={}",
]  # fmt: skip
RIGHTS = {
    "act": "add_licence", "base": "1", "partner_1": "abcd", "ownership_1": "100%", "share_1": "1/2",
    "territories": "IN", "excluding": "", "starts": "2026-12-01", "ends": "", "zone": "UTC", "tail": "yes",
    "exclusive": "yes", "item": "win_" + "0" * 32, "how": "day", "type": "svod", "tiers": "gold",
    "tokens": "usual", "free": "", "label": "15", "reason": "a test",
}  # fmt: skip
STOP = {"territories": "GB", "excluding": "", "notice": "a notice", "reason": "a test"}
FORMS = {
    "/join": {"email": "asha@example.com", "password": "Long-enough-1", "next": "/"},
    "/sign-in": {"email": "asha@example.com", "password": "Long-enough-1", "next": "/"},
    "/country": {"country": "IN", "next": "/"},
    "/earn/start": {"next": "/"},
    "/unlock/{short}": {"idempotency_key": "k-12345678", "cost": "1", "rule_version": "1"},
    "/admin/values": {**NEW_VALUE, "idempotency_key": "val-1"},
    "/admin/values/preview": NEW_VALUE,
    "/admin/costs": {
        "change_film": "9", "change_film/abcd": "", "effective_from": "2026-12-01T00:00:00.000000Z",
        "base": "1", "idempotency_key": "cst-1",
    },
    "/admin/costs/preview": {
        "type_short": "1", "type_episode": "3", "type_film": "10", "new_title": "film/abcd", "new_cost": "2",
        "effective_from": "2026-12-01",
    },
    "/admin/ad-rule": {
        "change_tokens": "2", "change_x": "1", "effective_from": "", "base": "1", "idempotency_key": "rul-1",
    },
    "/admin/ad-rule/preview": {
        "tokens": "2", "days": "90", "account_daily": "10", "device_daily": "20", "ip_daily": "30",
        "guest_life": "20", "effective_from": "2026-12-01",
    },
    "/admin/promotions": {
        "code": "MONSOON26", "tokens": "5", "days": "30", "limit": "10", "first_day": "2026-12-01",
        "last_day": "2026-12-31", "for_guests": "yes", "reason": "a test", "idempotency_key": "prm-1",
    },
    "/admin/prices": {"id": "est-film-in", "act": "remove", "base": "1", "idempotency_key": "prc-1"},
    "/admin/prices/preview": {"id": "est-film-in", "act": "remove", "base": "1"},
    "/admin/users/{user}/access": {
        "kind": "gift", "title": "film/{film}", "hours": "24", "ends_at": "2027-01-01", "tier": "gold",
        "plan": "active", "reason": "a test", "idempotency_key": "acs-1",
    },
    "/admin/users/{user}/access/{grant}/extend": {
        "ends_at": "2027-01-01", "reason": "a test", "idempotency_key": "acs-2",
    },
    "/admin/users/{user}/access/{grant}/revoke": {"reason": "a test", "idempotency_key": "acs-3"},
    "/wallet/promotions": {"code": "MONSOON26", "idempotency_key": "cod-1"},
    "/admin/promotions/MONSOON26/end": {"reason": "a test", "idempotency_key": "prm-2"},
    "/admin/close/2026-10": {"entity": "newtact"},
    "/admin/close/2026-10/publish": {"entity": "newtact", "request_id": "{request}"},
    "/admin/facts": {"entity": "newtact", "month": "2026-10", "name": "sales", "section": "sales"},
    "/admin/facts/announce": {"entity": "newtact", "month": "2026-10", "name": "sales"},
    "/admin/terms/licence/preview": {
        "entity": "newtact", "item": "L-aaaaaaaaaa", "seen": "0", "preset": "film", "rate_rental": "50",
        "rate_est": "1/3", "fee": "5", "expense_cap": "100", "ads_by": "watch", "account": "asha",
        "more": "{}", "month": "2026-10", "act": "set",
    },
    "/admin/terms/account/preview": {
        "entity": "newtact", "item": "", "seen": "0", "key": "asha", "holder": "blue", "currency": "INR",
        "advance": "3000.00", "threshold": "1", "negative": "carry", "recoups": "other", "reserve_part": "10",
        "reserve_months": "3", "tax_rate": "10", "tax_key": "IN:194J", "tax_from": "2026-04-01",
        "guarantee_minimum": "5", "guarantee_from": "2026-10-01", "guarantee_until": "2027-10-01",
        "more": "{}", "month": "2026-10",
    },
    "/admin/terms/pool": {
        "entity": "newtact", "item": "", "seen": "0", "key": "gold", "method": "user_centric",
        "min_seconds": "60", "max_seconds": "600", "silent": "carry", "excluded_accounts": "a",
        "excluded_titles": "film/aaaa", "more": "{}", "month": "2026-10",
    },
    "/admin/terms/waterfall/preview": {
        "entity": "newtact", "item": "", "seen": "0", "key": "film/ab2d", "currency": "INR",
        "step1_name": "fee", "step1_takes": "percent_of_gross", "step1_rate": "20", "step1_cap": "500.00",
        "step1_taker": "platform", "step2_name": "equity", "step2_takes": "recoup", "step2_amount": "3000",
        "step2_taken_before": "1", "step2_taker": "blue", "step2_account": "asha", "more": "{}",
        "month": "2026-10",
    },
    "/admin/rewards": {"reward_id": "rwd_1", "decision": "release", "reason": "a test"},
    "/admin/wallets": {"owner": "rwd_1", "act": "freeze", "reason": "a test", "idempotency_key": "k-1"},
    "/admin/demo/clock": {"by": "+1week"},
    "/account/second-factor": {"code": "123456", "next": "/"},
    "/account/second-factor/set-up": {"password": "Long-enough-1", "next": "/"},
    "/account/second-factor/confirm": {"code": "123456", "uri": "otpauth://totp/a?secret=A", "next": "/"},
    "/admin/rights/film/{film}/preview": RIGHTS,
    "/admin/rights/film/{film}/changes": {**RIGHTS, "idempotency_key": "rgt-1"},
    "/admin/rights/film/{film}/takedown/preview": STOP,
    "/admin/rights/film/{film}/takedown": {**STOP, "idempotency_key": "rgt-2"},
    "/admin/rights/film/{film}/restore/preview": {"item": "tkd_" + "0" * 32, "reason": "a test"},
    "/admin/rights/film/{film}/restore": {
        "item": "tkd_" + "0" * 32, "reason": "a test", "idempotency_key": "rgt-3",
    },
    "/admin/rights/import/preview": {"sheet": "title,type", "reason": "a test"},
    "/admin/rights/import": {
        "sheet": "title,type", "reason": "a test", "lines": "all", "idempotency_key": "csv-1",
    },
    "/admin/approvals/{request}": {"decision": "approve", "reason": "a test"},
    "/admin/roles": {"role": "night_desk"},
    "/admin/roles/form": {
        "is_new": "yes", "name": "night_desk", "title": "Night desk", "note": "", "permissions": "desk:read",
        "includes": "support", "scopes": "global",
    },
    # Before the roles: nobody looks as staff.
    "/admin/users/{user}/look": {"minutes": "5", "reason": "a test"},
    "/admin/users/{user}/roles": {
        "act": "give", "role": "analyst", "where": "territory", "producer": "blue", "territory": "IN",
    },
    "/admin/users/{user}/sign-out": {"reason": "a test"},
    "/admin/users/{user}/second-factor": {"reason": "a test"},
    "/admin/users/{user}/tokens": {"tokens": "1", "reason": "a test", "idempotency_key": "gft-1"},
    # After the gift, which is the first entry.
    "/admin/users/{user}/entries/{entry}/adjust": {
        "lot": "1", "tokens": "1", "reason": "a test", "seen": "yes", "idempotency_key": "cor-1",
    },
    "/admin/users/{user}/entries/{entry}/refund": {"reason": "a test", "idempotency_key": "cor-2"},
    "/admin/users/{user}/entries/{entry}/reverse": {"reason": "a test", "idempotency_key": "cor-3"},
    "/admin/users/{user}/freeze": {"act": "freeze", "reason": "a test", "idempotency_key": "frz-1"},
}  # fmt: skip
"""Each form of a page; those of an account and of the desk are sent by staff."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    if request.param == "sqlite":
        with running(tmp_path) as found:
            yield found
        return
    server = request.getfixturevalue("postgres_server")
    url = server.create_database(server.template("demo", seed_database))
    with running(tmp_path, database_url=url) as found:
        yield found
    server.drop_database(url)


@pytest.fixture
def admin(service: Service) -> Browser:
    return signed_in(service, ADMIN)


def test_no_address_breaks_a_page(admin: Browser) -> None:
    """Each address with each odd text in it has an answer below 500."""
    for path in PATHS:
        for odd in ODD:
            answer = admin.get(path.format(quote(odd, safe="")))
            assert answer.status_code < 500, (path, odd[:10])


def test_no_field_breaks_a_form(service: Service, admin: Browser) -> None:
    """Each form with each odd text in each of its fields has an answer below 500."""
    viewer = service.browser()
    user = re.findall(r"/admin/users/(usr_[0-9a-f]{32})", admin.get(f"/admin/users?email={VIEWER}").text)[0]
    known = {
        "film": short(viewer, "the-last-monsoon").split("/")[1],
        "short": short(viewer),
        "user": user,
        "request": "apr_" + "0" * 32,
        "entry": "1",
        "grant": "gra_" + "0" * 32,
    }
    for path, form in FORMS.items():
        who = admin if path.startswith(("/admin", "/account")) else viewer
        who.get("/")
        for name in form:
            for odd in ODD:
                answer = sent(who, path.format(**known), {**form, name: odd})
                assert answer.status_code < 500, (path, name, odd[:10])
                assert answer.status_code != 403, (path, name, odd[:10])
    assert admin.get("/admin").status_code == 200


def sent(who: Browser, path: str, form: dict[str, str]) -> TestResponse:
    """Send a form; one that is refused is sent again from a page of now, by who does not look as another.

    Whoever has signed in by the form before has another token, and staff who look as a
    member can send no form but the one that ends it.
    """
    answer = who.post(path, form)
    if answer.status_code == 403:
        who.get("/")
        who.post("/looking/end")
        who.get("/")
        answer = who.post(path, form)
    return answer


class Noted(ImmutableMultiDict[str, str]):
    """The fields of a query or form, which notes by what names it is asked."""

    names: ClassVar[set[str]] = set()

    def __getitem__(self, key: str) -> str:
        self.names.add(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.names.add(str(key))
        return super().__contains__(key)

    def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self.names.add(key)
        return super().get(key, *args, **kwargs)

    def getlist(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self.names.add(key)
        return super().getlist(key, *args, **kwargs)


class Noting(Request):
    """A request that notes which fields are asked for, and whether its body is read as it is."""

    parameter_storage_class = Noted
    reads: ClassVar[bool] = False

    def get_data(self, *args: Any, **kwargs: Any) -> Any:
        type(self).reads = True
        return super().get_data(*args, **kwargs)


def asked_by(rule: Rule, admin: Browser) -> set[str]:
    """Return the names that a rule looks for in its query when there is none of them.

    A request with a field that is not looked for goes as one without: those that are looked for
    are all that need be sent.
    """
    Noted.names.clear()
    opened(_PART.sub(lambda found: _usual(found[1]), rule.rule), admin)
    return {name for name in Noted.names if name.isidentifier()}


def opened(address: str, admin: Browser) -> TestResponse:
    """Open an address as a browser does."""
    return admin.client.get(address, headers={"Accept": "text/html"}, buffered=True)


def addresses(rule: Rule, names: set[str]) -> Iterator[str]:
    """Return a rule's addresses: each of its parts odd in turn, then each field of its query and one more."""
    for part in sorted(rule.arguments):
        for odd in SWEPT:
            yield _PART.sub(
                lambda found, part=part, odd=odd: odd if found[1] == part else _usual(found[1]), rule.rule
            )
    usual = _PART.sub(lambda found: _usual(found[1]), rule.rule)
    for name in [*sorted(names), "unheard_of"]:
        for odd in SWEPT:
            yield f"{usual}?{name}={odd}"


def _usual(part: str) -> str:
    return quote(USUAL[part])


def test_no_rule_breaks_by_its_address(service: Service, admin: Browser) -> None:
    """NUL, half a surrogate pair and 10^30, in every part and query of every rule, are no fault."""
    service.app.request_class = Noting
    rules = [rule for rule in service.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    assert len(rules) > 40
    asked: set[str] = set()
    for rule in rules:
        names = asked_by(rule, admin)
        asked |= names
        for address in addresses(rule, names):
            answer = opened(address, admin)
            assert answer.status_code < 500, (rule.rule, address[:120])
    assert asked >= QUERY


def test_no_rule_breaks_by_its_body(service: Service) -> None:
    """JSON nested deep, or with half a surrogate pair or 10^30 in it, is a fault to no rule.

    To a rule that does not look at its body every other one is the same.
    """
    service.app.request_class = Noting
    reading = set()
    client = app(service, ADMIN)
    names = ("email", "password", "reason", "id", "type", "position_s", "seen_tokens", "entity", "reward_id")
    fields = [f'{{"{name}": {value}}}' for name in names for value in ('"\\ud800"', '"\\u0000"', HUGE)]
    for rule in service.app.url_map.iter_rules():
        for method in {"POST", "PUT", "DELETE"} & (rule.methods or set()):
            usual = next((odd for start, odd in IDS.items() if rule.rule.startswith(start)), {})
            address = _PART.sub(lambda found, usual=usual: usual.get(found[1]) or _usual(found[1]), rule.rule)
            if client.get("/v1/me").status_code != 200:
                # The rule before has signed them out, and its odd passwords may have locked the door.
                service.clock.advance(POLICY.lock_for)
                client = app(service, ADMIN)
            service.prove(ADMIN)
            # Without a second factor an admin could not send the rest.
            who = app(service, VIEWER) if "/second-factor" in rule.rule else client
            for number, body in enumerate((DEEP, '{"position_s": ' + DEEP + "}", *fields)):
                Noting.reads = False
                headers = {
                    **who.proof(),
                    "Idempotency-Key": f"odd-body-{number}-{len(reading)}",
                    "Accept": "application/json",
                }
                answer = who.http.open(
                    address, method=method, data=body, headers=headers, content_type="application/json"
                )
                assert answer.status_code < 500, (rule.rule, body[:60])
                if not Noting.reads:
                    break
                reading.add((rule.rule, method))
    assert len(reading) > 30


def test_every_form_is_swept(service: Service) -> None:
    """Each rule of a page that takes a form is among those that are sent odd fields, or takes none."""
    without_fields = {
        "/sign-out", "/play/<opaque_id:session_id>/beat", "/sandbox/ads/<opaque_id:reward_id>",
        "/account/sessions", "/account/sessions/<opaque_id:session_id>", "/account/second-factor/remove",
        "/looking/end",
    }  # fmt: skip
    rules = {
        rule.rule
        for rule in service.app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/v1/")
    }
    swept = {"/unlock/<any(film, series, short, episode):type>/<short_id:short_id>", "/admin/close/<month>",
             "/admin/close/<month>/publish", "/admin/terms/<any(licence, account, pool, waterfall):kind>",
             "/admin/terms/<any(licence, account, pool, waterfall):kind>/preview"}  # fmt: skip
    named = {
        "<opaque_id:user>": "{user}", "<opaque_id:request_id>": "{request}", "<entry>": "{entry}",
        "<promotion>": "MONSOON26", "<opaque_id:grant>": "{grant}",
        "<any(film, series, short, episode):title_type>/<short_id:short_id>": "film/{film}",
    }  # fmt: skip
    for part, name in named.items():
        rules = {rule.replace(part, name) for rule in rules}
    assert rules - without_fields - swept <= set(FORMS)
