"""The pages of the months: bring everything in, review, publish; by forms alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from buddy_core.access import SYSTEM
from buddy_core.flows import BringFacts, SetTerms
from buddy_core.royalty import InputKind
from buddy_core.tax import SellingEntity
from buddy_web.reference import NEWTACT
from tests.web.api_client import ADMIN, FINANCE
from tests.web.months import MONTH, close, publishing, signed_in, spend
from tests.web.service import START, Service, running
from tests.web.test_viewer_pages import UUID_TEXT, short

SALES = json.dumps(
    {"sales": [{"id": "s1", "title": "{short}", "territory": "IN", "model": "rental", "currency": "INR",
                "units": 1, "gross": 10_000, "at": "2026-11-20T10:00:00Z"}]}
).encode()  # fmt: skip
PLANS = json.dumps(
    {"subscriptions": [{"plan": "gold", "territory": "IN", "currency": "INR", "gross": 10_000, "id": "p1"}]}
).encode()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


def bring(service: Service, name: str, content: bytes | None, entity: SellingEntity = NEWTACT) -> None:
    """Bring facts of the month in for an entity, or announce them; `{short}` is a short of the demo."""
    if content is not None:
        content = content.replace(b"{short}", short(service.browser()).encode())
    command = BringFacts(entity, MONTH, name, content)
    service.call(lambda: service.container.bring_facts(SYSTEM, command, correlation_id="test"))


def test_one_reviews_a_month_and_another_publishes_it(service: Service) -> None:
    """Running it has no button; ended, one person reviews it and another publishes; both are on record."""
    spend(service)
    admin = signed_in(service, ADMIN)
    assert "Running until the end of" in admin.get("/admin/close").text
    running = admin.post(f"/admin/close/{MONTH}", {"entity": "newtact"})
    assert running.status_code == 422
    assert "it can be closed from then on" in running.text
    service.clock.set(START + timedelta(days=14))
    # The session of the cookie is still good; the page of before is too.
    assert "A month has ended" in admin.get("/admin").text
    page = admin.get("/admin/close").text
    for words in ("₹0.90", "Where all INR went", "From the token fund", "Left over", "All facts have come"):
        assert words in page, words
    form = {"entity": "newtact"}
    assert admin.post(f"/admin/close/{MONTH}", form).location == "/admin/close?done=reviewed"
    assert admin.post(f"/admin/close/{MONTH}", form).location == "/admin/close?done=reviewed"
    own = admin.get("/admin/close?done=reviewed").text
    assert "You reviewed it: somebody else publishes it." in own
    assert publishing(admin) == []
    assert "A month is reviewed" in admin.get("/admin").text

    finance = signed_in(service, FINANCE)
    [publish] = publishing(finance)
    assert f"Reviewed by {ADMIN}" in finance.get("/admin/close").text
    admin_tries = admin.post(f"/admin/close/{MONTH}/publish", publish)
    assert admin_tries.status_code == 403
    done = finance.post(f"/admin/close/{MONTH}/publish", publish)
    assert done.location == "/admin/close?done=published"
    closed = finance.get(done.location).text
    assert "The statements are final" in closed
    assert f"Reviewed by {ADMIN}, published by {FINANCE}" in closed
    assert "sha256:" in closed
    assert not UUID_TEXT.search(closed)
    assert admin.post(f"/admin/close/{MONTH}", form).location == "/admin/close?done=closed_before"
    assert finance.post(f"/admin/close/{MONTH}/publish", publish).status_code == 409
    audit = admin.get("/admin/audit?action=period.close").text
    assert audit.count("Period: close</b>") == 1
    assert admin.post(f"/admin/close/{MONTH}", {"entity": "nobody"}).status_code == 404
    assert admin.post("/admin/close/2026-13").status_code == 400


def test_a_review_is_read_and_approved_under_approvals(service: Service) -> None:
    """The request says which month of whom, and what is paid; approving it there publishes."""
    spend(service)
    service.clock.set(START + timedelta(days=14))
    admin, finance = signed_in(service, ADMIN), signed_in(service, FINANCE)
    admin.get("/admin/close")
    admin.post(f"/admin/close/{MONTH}", {"entity": "newtact"})
    page = finance.get("/admin/approvals").text
    for words in ("Publish November 2026 of newtact", "Blue Lantern", "₹0.90", "sha256:"):
        assert words in page, words
    [publish] = publishing(finance)
    address = f"/admin/approvals/{publish['request_id']}"
    assert f'href="{address}"' in finance.get("/admin/close").text
    assert finance.post(address, {"decision": "approve"}).location == "/admin/approvals?done=approved"
    assert "Publish November 2026 of newtact" in finance.get(address).text
    assert f"published by {FINANCE}" in finance.get("/admin/close").text


def test_what_comes_after_a_review_makes_it_outdated(service: Service) -> None:
    """Facts that came since are told, the old review publishes nothing, and reviewing again is offered."""
    spend(service)
    service.clock.set(START + timedelta(days=14))
    admin, finance = signed_in(service, ADMIN), signed_in(service, FINANCE)
    admin.get("/admin/close")
    admin.post(f"/admin/close/{MONTH}", {"entity": "newtact"})
    [publish] = publishing(finance)
    bring(service, "sales of november", b"{}")
    assert "Reviewed by" in finance.get("/admin/close").text
    bring(service, "more sales", SALES)
    page = finance.get("/admin/close").text
    assert "Facts or terms have changed since" in page
    assert "Review again: November 2026" in page
    assert "1 row" in page
    refused = finance.post(f"/admin/close/{MONTH}/publish", publish)
    assert refused.status_code == 409
    assert "have changed since it was reviewed" in refused.text
    assert "cannot be published" in finance.get("/admin/approvals").text
    admin.post(f"/admin/close/{MONTH}", {"entity": "newtact"})
    [again] = publishing(finance)
    assert finance.post(f"/admin/close/{MONTH}/publish", again).location == "/admin/close?done=published"


def test_what_is_rejected_goes_back_to_whoever_reviewed(service: Service) -> None:
    """The page of the months says who did not publish it and why."""
    spend(service)
    service.clock.set(START + timedelta(days=14))
    admin, finance = signed_in(service, ADMIN), signed_in(service, FINANCE)
    admin.get("/admin/close")
    admin.post(f"/admin/close/{MONTH}", {"entity": "newtact"})
    [publish] = publishing(finance)
    decision = {"decision": "reject", "reason": "The ads of a week are missing"}
    finance.post(f"/admin/approvals/{publish['request_id']}", decision)
    page = admin.get("/admin/close").text
    assert f"{FINANCE} did not publish what you reviewed: “The ads of a week are missing”" in page
    assert "Review again: November 2026" in page


def test_facts_that_are_awaited_keep_a_month_open(service: Service) -> None:
    """A name that was announced is listed as awaited, the month is not ready, and reviewing it is refused."""
    spend(service)
    bring(service, "ad network, november", None)
    service.clock.set(START + timedelta(days=14))
    admin = signed_in(service, ADMIN)
    page = admin.get("/admin/close").text
    for words in ("ad network, november", "Awaited", "Not ready"):
        assert words in page, words
    refused = admin.post(f"/admin/close/{MONTH}", {"entity": "newtact"})
    assert refused.status_code == 422
    assert "awaits ad network, november" in refused.text
    bring(service, "ad network, november", b"{}")
    assert "Awaited" not in admin.get("/admin/close").text


def test_a_month_that_cannot_be_stated_says_why(service: Service) -> None:
    """The page opens with every problem in words and no figures; the other entity's month is as it was."""
    rule = SetTerms(NEWTACT, InputKind.POOL, "gold", {"method": "user_centric", "silent": "platform"})
    service.call(lambda: service.container.set_terms(SYSTEM, rule, correlation_id="test"))
    bring(service, "plans", PLANS)
    service.clock.set(START + timedelta(days=14))
    admin = signed_in(service, ADMIN)
    page = admin.get("/admin/close").text
    assert "The month cannot be calculated" in page
    assert "gold" in page
    assert "Facts and terms go together" in page
    refused = admin.post(f"/admin/close/{MONTH}", {"entity": "newtact"})
    assert refused.status_code == 400
    assert 'role="alert"' in refused.text
    assert admin.get("/admin").status_code == 200


def test_facts_of_a_published_month_stand_as_adjustments(service: Service) -> None:
    """What comes late is listed in the next month, which says so before it is reviewed."""
    spend(service)
    admin = close(service)
    bring(service, "late sales", SALES)
    page = admin.get("/admin/close").text
    assert "late sales" in page
    assert "They stand in this month as adjustments" in page


def test_a_month_that_is_being_worked_out_says_so_and_comes_by_itself(service: Service) -> None:
    """Pages and the review are answered meanwhile, nothing is lost, and the figures are there afterwards."""
    spend(service)
    service.clock.set(START + timedelta(days=14))
    admin, finance = signed_in(service, ADMIN), signed_in(service, FINANCE)
    workings = service.container.workings()
    workings._patience_s = 0.01
    with workings._turn:
        page = admin.get("/admin/close").text
        assert "its figures are being worked out and come by themselves" in page
        assert 'hx-trigger="every 4s"' in page
        assert admin.get("/admin").status_code == 200
        asked = admin.post(f"/admin/close/{MONTH}", {"entity": "newtact"})
        assert (asked.status_code, "is being worked out. Try again in" in asked.text) == (503, True)
        statement = finance.get(f"/producer/{MONTH}?producer={_producer(service)}")
        assert statement.status_code == 503
        assert int(statement.headers["Retry-After"]) >= 2
        assert 'http-equiv="refresh"' in statement.text
    workings._patience_s = 60
    assert "₹0.90" in admin.get("/admin/close").text
    assert admin.post(f"/admin/close/{MONTH}", {"entity": "newtact"}).location.endswith("?done=reviewed")
    [publish] = publishing(finance)
    assert finance.post(f"/admin/close/{MONTH}/publish", publish).location.endswith("?done=published")
    again = finance.post(f"/admin/close/{MONTH}/publish", publish)
    assert (again.status_code, "has been published already" in again.text) == (409, True)


def _producer(service: Service) -> str:
    """Return the short id of a producer."""

    async def first() -> str:
        async with service.container.uow().read() as tx:
            return str((await tx.producers.all())[0].short_id)

    return service.call(first)
