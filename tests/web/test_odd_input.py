"""What nobody types, sent to every page and form: answered as wrong or not found, and never a fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.web.api_client import ADMIN
from tests.web.service import Browser, Service, running, seed_database
from tests.web.test_producer_admin_pages import MONTH, NEW_VALUE, signed_in
from tests.web.test_viewer_pages import short

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
