"""What nobody types, sent to every page and form: answered as wrong or not found, and never a fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_from_bytes

import pytest
from werkzeug.routing import Rule

from tests.web.api_client import ADMIN
from tests.web.service import Browser, Service, running, seed_database
from tests.web.test_producer_admin_pages import MONTH, NEW_VALUE, signed_in
from tests.web.test_viewer_pages import short

NUL, LONE_SURROGATE, HUGE = "%00", quote_from_bytes(b"\xed\xa0\x80"), "1" + "0" * 30
SWEPT = [NUL, LONE_SURROGATE, HUGE]
USUAL = {
    "reward_id": "rwd_" + "0" * 32, "session_id": "ses_" + "0" * 32, "short_id": "abcd", "slug": "a-title",
    "month": MONTH, "rendition": "144p", "language": "en", "filename": "app.css", "name": "a/144p/00000.ts",
    "media_key": "a-film", "shape": "poster", "code": "web.fault", "line": "ln_1", "id": "abcd",
    "type": "film", "title_type": "film",
}  # fmt: skip
QUERY = [
    "reward", "next", "ad", "before", "producer", "currency", "entity", "q", "action", "saved", "done",
    "page", "limit", "cursor", "type", "status",
]  # fmt: skip
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
    "/v1/titles?page={}", "/v1/producer/statements/{}", "/v1/ads/rewards/{}", "/v1/admin/audit?cursor={}",
]  # fmt: skip
FORMS = {
    "/join": {"email": "asha@example.com", "password": "Long-enough-1", "next": "/"},
    "/sign-in": {"email": "asha@example.com", "password": "Long-enough-1", "next": "/"},
    "/country": {"country": "IN", "next": "/"},
    "/earn/start": {"next": "/"},
    "/unlock/{short}": {"idempotency_key": "k-12345678", "cost": "1", "rule_version": "1"},
    "/admin/values": {**NEW_VALUE, "idempotency_key": "val-1"},
    "/admin/values/preview": NEW_VALUE,
    "/admin/close/2026-10": {"entity": "newtact"},
    "/admin/rewards": {"reward_id": "rwd_1", "decision": "release", "reason": "a test"},
    "/admin/wallets": {"owner": "rwd_1", "act": "freeze", "reason": "a test", "idempotency_key": "k-1"},
    "/admin/demo/clock": {"by": "+1week"},
}


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
    title = short(service.browser())
    viewer = service.browser()
    for path, form in FORMS.items():
        who = admin if path.startswith("/admin") else viewer
        for name in form:
            for odd in ODD:
                who.get("/")
                answer = who.post(path.format(short=title), {**form, name: odd})
                assert answer.status_code < 500, (path, name, odd[:10])
                assert answer.status_code != 403, (path, name, odd[:10])


def addresses(rule: Rule) -> Iterator[str]:
    """Return a rule's addresses: each of its parts odd in turn, then its queries, a field at a time."""
    for part in sorted(rule.arguments):
        for odd in SWEPT:
            yield _PART.sub(
                lambda found, part=part, odd=odd: odd if found[1] == part else _usual(found[1]), rule.rule
            )
    usual = _PART.sub(lambda found: _usual(found[1]), rule.rule)
    for name in QUERY:
        for odd in SWEPT:
            yield f"{usual}?{name}={odd}"


def _usual(part: str) -> str:
    return quote(USUAL[part])


def test_no_rule_breaks_by_its_address(service: Service, admin: Browser) -> None:
    """NUL, half a surrogate pair and 10^30, in every part and query of every rule, are no fault."""
    rules = [rule for rule in service.app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    assert len(rules) > 40
    for rule in rules:
        for address in addresses(rule):
            answer = admin.client.get(address, headers={"Accept": "text/html"}, buffered=True)
            assert answer.status_code < 500, (rule.rule, address[:120])


def test_no_rule_breaks_by_its_body(service: Service, admin: Browser) -> None:
    """JSON nested deep, or with half a surrogate pair or 10^30 in it, is a fault to no rule."""
    names = ("email", "password", "reason", "id", "type", "position_s", "seen_tokens", "entity", "reward_id")
    fields = [f'{{"{name}": {value}}}' for name in names for value in ('"\\ud800"', '"\\u0000"', HUGE)]
    for rule in service.app.url_map.iter_rules():
        for method in {"POST", "PUT"} & (rule.methods or set()):
            address = _PART.sub(lambda found: _usual(found[1]), rule.rule)
            for body in (DEEP, '{"position_s": ' + DEEP + "}", *fields):
                headers = {"X-CSRF-Token": admin.token, "Accept": "application/json"}
                answer = admin.client.open(
                    address, method=method, data=body, headers=headers, content_type="application/json"
                )
                admin.get("/join") if answer.status_code == 403 else None
                assert answer.status_code < 500, (rule.rule, body[:60])


def test_every_form_is_swept(service: Service) -> None:
    """Each rule of a page that takes a form is among those that are sent odd fields, or takes none."""
    without_fields = {"/sign-out", "/play/<opaque_id:session_id>/beat", "/sandbox/ads/<opaque_id:reward_id>"}
    rules = {
        rule.rule
        for rule in service.app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.rule.startswith("/v1/")
    }
    swept = {"/unlock/<any(film, series, short, episode):type>/<short_id:short_id>", "/admin/close/<month>"}
    assert rules - without_fields - swept <= set(FORMS)
