"""The demo's months: told by the real flows, once; every way to earn; the last one waits for a file."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from buddy_core.access import SYSTEM
from buddy_core.flows import BringFacts
from buddy_core.royalty import (
    PLATFORM,
    HolderStatement,
    PlatformStatement,
    StoredStatement,
    read_platform,
    read_statement,
)
from buddy_web.demo.figures import FactsFile
from buddy_web.demo.months import ADVANCE, PUBLISHER, REVIEWER, seed_months
from buddy_web.reference import NEWTACT
from tests.web.api_client import ADMIN, FINANCE
from tests.web.months import publishing, signed_in
from tests.web.service import Service, running

AUGUST, SEPTEMBER, OCTOBER, NOVEMBER = "2026-08", "2026-09", "2026-10", "2026-11"
MARIGOLD, BLUE_LANTERN = "marigold@example.com", "bluelantern@example.com"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture
def awaited(service: Service) -> FactsFile:
    """The months have passed; this file is awaited."""
    found = seed(service)
    assert found is not None
    return found


def seed(service: Service) -> FactsFile | None:
    """Let the demo's months pass, as its start does."""
    made = service.container
    found: FactsFile | None = service.call(
        lambda: seed_months(uow=made.uow(), clock=made.clock(), ids=made.ids(), routes=made.routes())
    )
    return found


def stored(service: Service, month: str) -> list[StoredStatement]:
    """Return the statements of a closed month."""

    async def read() -> list[StoredStatement]:
        async with service.container.uow().read() as tx:
            found: list[StoredStatement] = await tx.statements.of_month(NEWTACT.id, month)
            return found

    found: list[StoredStatement] = service.call(read)
    return found


def holders(service: Service, month: str) -> dict[str, HolderStatement]:
    """Return the statements of a month by the account they are paid from: Marigold's by its name."""
    found = [read_statement(item.body) for item in stored(service, month) if item.holder != PLATFORM]
    return {item.settlements[0].account.partition(":")[0]: item for item in found}


def platform(service: Service, month: str) -> PlatformStatement:
    """Return the platform's statement of a month."""
    [body] = [item.body for item in stored(service, month) if item.holder == PLATFORM]
    return read_platform(body)


def counts(service: Service) -> Any:
    """Return how many rows a second start might have added to."""

    async def read() -> Any:
        async with service.container.uow().read() as tx:
            last = await tx.audit.last()
            return (
                await tx.royalty_inputs.last(NEWTACT.id),
                last.sequence,
                await tx.statements.months(NEWTACT.id),
            )

    return service.call(read)


def test_the_months_pass_once(service: Service, awaited: FactsFile) -> None:
    """A second start adds nothing, a month later too; `verify` finds nothing; the file is still offered."""
    before = counts(service)
    assert before[2] == [AUGUST, SEPTEMBER]
    assert seed(service) == awaited
    service.clock.advance(timedelta(days=40))
    assert seed(service) == awaited
    assert counts(service) == before
    report = service.call(lambda: service.container.verify())
    assert report.is_clean, report.faults


def test_a_broken_start_goes_on(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A start that ends in the middle leaves months that the next one finishes, to the same figures."""

    class Stopped(Exception):
        """The process ends here."""

    async def stop(*_: Any, **__: Any) -> None:
        raise Stopped

    with monkeypatch.context() as broken:
        broken.setattr("buddy_web.demo.months.decide_request", stop)
        with pytest.raises(Stopped):
            seed(service)
    assert counts(service)[2] == []
    assert seed(service) is not None
    assert counts(service)[2] == [AUGUST, SEPTEMBER]
    assert service.call(lambda: service.container.verify()).is_clean


def test_books_of_somebody_else_stay_as_they_are(service: Service) -> None:
    """Where facts were brought in before, no month passes and no file is awaited."""
    command = BringFacts(NEWTACT, NOVEMBER, "mine", b"{}")
    service.call(lambda: service.container.bring_facts(SYSTEM, command, correlation_id="test"))
    before = counts(service)
    assert seed(service) is None
    assert counts(service) == before


@pytest.mark.usefixtures("awaited")
def test_a_closed_month_has_every_way_to_earn(service: Service) -> None:
    """Sales with tax, fees and refunds, two kinds of pools, ads, tokens and the fund; nothing is left."""
    by_account = holders(service, AUGUST)
    models = {line.model.value for item in by_account.values() for line in item.lines}
    assert models == {"rental", "est", "pvod", "subscription", "ads", "tokens"}
    whole = platform(service, AUGUST)
    assert {"pro_rata", "user_centric"} < {pool.method for pool in whole.pools}
    assert whole.reconciliation.residual == 0
    for part in (whole.reconciliation.tax, whole.reconciliation.fees, whole.reconciliation.refunds):
        assert part > 0
    funds = [platform(service, month).fund for month in (AUGUST, SEPTEMBER)]
    assert [fund is not None and fund.result > 0 for fund in funds] == [True, False]
    parts = {line.part for item in by_account.values() for line in item.lines}
    assert {str(part) for part in parts} == {"1", "3/4", "1/4"}
    assert any(line.fee and line.expenses for item in by_account.values() for line in item.lines)


@pytest.mark.usefixtures("awaited")
def test_the_figures_are_the_same_everywhere(service: Service) -> None:
    """The amounts of the closed months, and how the advance is recouped over them: to the paisa."""
    found = {month: holders(service, month) for month in (AUGUST, SEPTEMBER)}
    marigold = [found[month]["marigold-inr"] for month in (AUGUST, SEPTEMBER)]
    assert [item.earned for item in marigold] == [1842865, 1867285]
    assert [item.settlements[0].payable for item in marigold] == [0, 0]
    assert marigold[1].settlements[0].closing.recouped == 1842865 + 1867285 < ADVANCE
    late = [line for line in marigold[1].lines if line.adjusts]
    assert [(line.adjusts, line.model.value, line.amount < 0) for line in late] == [(AUGUST, "est", True)]
    others = [item for month in found.values() for name, item in month.items() if name != "marigold-inr"]
    assert [item.earned for item in others] == [1978512, 2369440]
    given_back = [line for line in others[1].lines if line.inputs.get("refund_of")]
    assert [line.inputs["refund_of"] for line in given_back] == [AUGUST]


def test_the_last_month_is_closed_in_three_steps(service: Service, awaited: FactsFile) -> None:
    """It waits for a file; when that came, one person reviews the month and another publishes it."""
    assert awaited.name == f"ads-{OCTOBER}.json"
    finance = signed_in(service, FINANCE)
    page = finance.get("/admin/close").text
    assert "Not ready" in page
    assert f"/admin/facts?entity=newtact&amp;month={OCTOBER}" in page
    assert f"sales-missed-{SEPTEMBER}.csv" in page
    assert f"Reviewed by {REVIEWER}, published by {PUBLISHER}" in page
    facts = finance.get(f"/admin/facts?entity=newtact&month={OCTOBER}").text
    assert "Waits for 1 file" in facts
    sent = {"entity": "newtact", "month": OCTOBER, "name": "", "csrf_token": finance.token}
    brought = finance.client.post(
        "/admin/facts", data={**sent, "file": (io.BytesIO(awaited.content), awaited.name)}
    )
    assert brought.location.endswith("done=brought")
    assert seed(service) is None
    finance.get("/admin/close")
    assert finance.post(f"/admin/close/{OCTOBER}", {"entity": "newtact"}).status_code == 303
    admin = signed_in(service, ADMIN)
    [form] = publishing(admin, OCTOBER)
    assert admin.post(f"/admin/close/{OCTOBER}/publish", form).location == "/admin/close?done=published"
    marigold = holders(service, OCTOBER)["marigold-inr"].settlements[0]
    assert marigold.closing.recouped == ADVANCE
    assert [step.name for step in marigold.steps] == ["earned", "recouped", "withheld"]
    assert marigold.payable > 0


@pytest.mark.usefixtures("awaited")
@pytest.mark.parametrize("email", [MARIGOLD, BLUE_LANTERN])
def test_every_amount_of_a_producer_opens(service: Service, email: str) -> None:
    """The month against the last, every statement, and each explanation: nothing raw, nothing endless."""
    browser = signed_in(service, email)
    page = browser.get("/producer")
    assert page.status_code == 200
    assert "October 2026" in page.text
    for month in (AUGUST, SEPTEMBER, OCTOBER, NOVEMBER):
        statement = browser.get(f"/producer/{month}")
        assert statement.status_code == 200
        whys = set(re.findall(rf'href="(/producer/{month}/why/[^"]+)"', statement.text))
        assert whys or (month == NOVEMBER and email == BLUE_LANTERN)
        for why in whys:
            shown = browser.get(why.replace("&amp;", "&"))
            assert shown.status_code == 200
            assert not re.search(r"[0-9]{26}", shown.text.partition("<main")[2])
            assert " INR" not in re.sub(r"/INR|in INR", "", shown.text.partition("<main")[2])
    plans = browser.get(f"/producer/{SEPTEMBER}").text
    assert "subscriptions (premium)" in plans
    assert "subscriptions (standard)" in plans
    rows = json.loads(browser.get(f"/producer/{SEPTEMBER}/statement.json").data)
    assert rows["format"] == "buddy.statement/2"


@pytest.mark.usefixtures("awaited")
def test_terms_are_told_in_words(service: Service) -> None:
    """An account and the rules of pools are amounts and words on the list of terms, not data."""
    page = signed_in(service, ADMIN).get("/admin/terms").text
    said = "advance of ₹55,000.00 · tax of 10% by IN:194J from 2026-01-01"
    for words in (
        said,
        "by each subscriber&#39;s own seconds · from 60 seconds",
        "Film: 60%",
        "the 25% that they own",
    ):
        assert words in page, words
