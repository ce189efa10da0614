"""The API's close of a month: reviewed by one, approved by another; what is refused is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from buddy_web.reference import THAJA
from tests.web.api_client import ADMIN, FINANCE, guest, member
from tests.web.months import MONTH
from tests.web.service import Service, running
from tests.web.test_close_pages import SALES, bring

CLOSE = f"/v1/admin/periods/{MONTH}/close"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        viewer = guest(found)
        viewer.earn(1)
        viewer.unlock(viewer.title("Paper Kites"), "k1")
        found.clock.advance(timedelta(days=20))
        yield found


def test_a_review_waits_and_an_approval_publishes(service: Service) -> None:
    """202 with the request and the digest, twice the same; once approved it is 200 with the statements."""
    admin, finance = member(service, ADMIN), member(service, FINANCE)
    asked = admin.post(CLOSE, {"entity": "newtact"})
    assert asked.status_code == 202
    [review] = asked.json["reviewed"]
    assert (asked.json["closed"], asked.json["refused"]) == ([], [])
    assert review["url"] == f"/v1/admin/approvals/{review['request_id']}"
    assert admin.post(CLOSE, {"entity": "newtact"}).json == asked.json

    shown = finance.get(review["url"]).json
    assert (shown["act"], shown["may_decide"]) == ("period.close", True)
    assert shown["close"] == {
        "entity": "newtact",
        "month": MONTH,
        "digest": review["digest"],
        "statements": 2,
        "paid": [{"minor": 30, "currency": "INR"}],
    }
    own = admin.post(f"{review['url']}/approve", {})
    assert (own.status_code, own.json["code"]) == (403, "access.own_request")
    assert finance.post(f"{review['url']}/approve", {}).status_code == 200

    done = admin.post(CLOSE, {"entity": "newtact"})
    assert done.status_code == 200
    [closed] = done.json["closed"]
    assert (closed["is_new"], done.json["reviewed"]) == (False, [])
    figures = [(item["earned"], item["payable"]) for item in closed["statements"]]
    assert figures[0] == ({"minor": 30, "currency": "INR"}, {"minor": 30, "currency": "INR"})
    assert closed["statements"][-1]["holder"] == "platform"


def test_what_is_refused_is_named_with_what_to_do(service: Service) -> None:
    """One entity that awaits facts keeps the other from nothing; asked for alone it is an error."""
    bring(service, "ads", None)
    bring(service, "nothing", b"{}", THAJA)
    admin = member(service, ADMIN)
    found = admin.post(CLOSE, {})
    assert found.status_code == 202
    assert [item["entity"] for item in found.json["reviewed"]] == ["thaja"]
    [refused] = found.json["refused"]
    assert (refused["entity"], refused["code"]) == ("newtact", "royalty.facts_pending")
    assert "awaits ads" in refused["detail"]
    alone = admin.post(CLOSE, {"entity": "newtact"})
    assert (alone.status_code, alone.json["code"]) == (422, "royalty.facts_pending")


def test_an_outdated_review_is_not_published(service: Service) -> None:
    """Facts that came since make the approval a conflict; the request then shows no figures."""
    admin, finance = member(service, ADMIN), member(service, FINANCE)
    [review] = admin.post(CLOSE, {"entity": "newtact"}).json["reviewed"]
    bring(service, "sales", SALES)
    refused = finance.post(f"{review['url']}/approve", {})
    assert (refused.status_code, refused.json["code"]) == (409, "royalty.review_outdated")
    shown = finance.get(review["url"]).json["close"]
    assert (shown["statements"], shown["paid"]) == (None, None)
