"""Costs, the ad rule and alerts: on the desk's pages and by the API, from the form to what it changes."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.web.api_client import ADMIN, FINANCE, SUPPORT, VIEWER, guest, member
from tests.web.service import START, Browser, Service, running
from tests.web.test_producer_admin_pages import changes, signed_in
from tests.web.test_viewer_pages import UUID_TEXT, short

MINUTE = timedelta(minutes=1)
NUMBERS = {
    "tokens": "1",
    "days": "90",
    "account_daily": "10",
    "device_daily": "20",
    "ip_daily": "30",
    "guest_life": "20",
}
COSTS = {"type_short": "1", "type_episode": "2", "type_film": "10"}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture
def admin(service: Service) -> Browser:
    """An admin who has opened the desk."""
    browser = signed_in(service, ADMIN)
    browser.get("/admin")
    return browser


def sent_on(page: str) -> dict[str, str]:
    """Return the fields that the form of the effect sends when it is saved."""
    form = page.partition('<h2 id="effect-title">')[2]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    return {html.unescape(name): html.unescape(value) for name, value in found if name != "csrf_token"}


def test_costs_are_seen_before_they_are_saved_and_saved_once(service: Service, admin: Browser) -> None:
    """The preview changes nothing; saving adds one version however often it is sent, and it counts later."""
    preview = admin.post(
        "/admin/costs/preview", {**COSTS, "type_episode": "3", "effective_from": "2026-12-01"}
    )
    assert preview.status_code == 200
    for words in ("Changes nothing before 1 Dec 2026", "3 tokens", "2 before", "₹1.50"):
        assert words in preview.text, words
    assert "Version 2" not in admin.get("/admin/costs").text
    form = sent_on(preview.text)
    assert form["change_episode"] == "3"
    assert form["effective_from"] == "2026-11-30T18:30:00.000000Z"
    saved = [admin.post("/admin/costs", form) for _ in range(2)]
    assert [answer.location for answer in saved] == ["/admin/costs?saved=2"] * 2
    page = admin.get(saved[0].location).text
    assert "Version 2 is saved" in page
    assert "Coming" in page
    assert not UUID_TEXT.search(page)
    assert changes(service) == ["token_costs.set"]


def test_new_costs_count_from_their_day(service: Service, admin: Browser) -> None:
    """A guest sees and pays the old cost up to the day, and the new one from it."""
    preview = admin.post("/admin/costs/preview", {**COSTS, "type_short": "2", "effective_from": "2026-12-01"})
    admin.post("/admin/costs", sent_on(preview.text))
    viewer = service.browser()
    viewer.earn(3)
    title = short(viewer)
    assert "1 token" in viewer.get(f"/unlock/{title}").text
    service.clock.set(START + timedelta(days=14))
    late = service.browser()
    late.earn(2)
    assert "2 tokens" in late.get(f"/unlock/{title}").text


def test_a_title_gets_a_cost_of_its_own_and_loses_it(service: Service, admin: Browser) -> None:
    """Its address names it; it stands in the list then, and empty it costs what its type does."""
    film = guest(service).title("The Last Monsoon")
    name = f"film/{film['id']}"
    preview = admin.post(
        "/admin/costs/preview", {**COSTS, "new_title": f"/{name}/the-last-monsoon", "new_cost": "4"}
    )
    assert "The Last Monsoon" in preview.text
    assert "its own cost" in preview.text
    assert "A minute after that" in preview.text
    assert admin.post("/admin/costs", sent_on(preview.text)).location == "/admin/costs?saved=2"
    service.clock.advance(MINUTE)
    assert guest(service).title("The Last Monsoon")["access"]["offer"]["tokens"] == 4
    assert f'name="title_{name}"' in admin.get("/admin/costs").text
    preview = admin.post("/admin/costs/preview", {**COSTS, f"title_{name}": ""})
    assert "as its type" in preview.text
    assert admin.post("/admin/costs", sent_on(preview.text)).location == "/admin/costs?saved=3"
    service.clock.advance(MINUTE)
    assert guest(service).title("The Last Monsoon")["access"]["offer"]["tokens"] == 10


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"type_film": "ten"}, 'id="type_film-problem"'),
        ({"type_film": ""}, 'id="type_film-problem"'),
        ({"type_film": "1000001"}, "from 1 to 1000000"),
        ({"new_title": "salt road", "new_cost": "3"}, "Write its address"),
        ({"new_title": "film/zzzz", "new_cost": "3"}, 'id="new_title-problem"'),
        ({"new_title": "film/zzzz"}, 'id="new_cost-problem"'),
        ({"type_film": "9", "effective_from": "2026-11-01"}, 'id="effective_from-problem"'),
        ({"type_film": "9", "effective_from": "2028-11-01"}, 'id="effective_from-problem"'),
        ({"effective_from": "soon"}, "Choose a date"),
        ({}, "nothing would change"),
    ],
)
def test_what_is_wrong_with_costs_stands_at_its_field(
    admin: Browser, wrong: dict[str, str], words: str
) -> None:
    """What was typed comes back with its problem; htmx gets the whole page, so that the field says it."""
    answer = admin.post("/admin/costs/preview", {**COSTS, **wrong})
    assert answer.status_code == 400
    assert words in answer.text
    form = {"csrf_token": admin.token, **COSTS, **wrong}
    as_htmx = {"Accept": "text/html", "HX-Request": "true"}
    part = admin.client.post("/admin/costs/preview", data=form, headers=as_htmx)
    assert part.headers["HX-Retarget"] == "body"


def test_a_change_from_an_older_page_is_stopped(service: Service, admin: Browser) -> None:
    """Two who looked at one version: the second is told of the first's, and nothing of theirs is saved."""
    first = admin.post("/admin/costs/preview", {**COSTS, "type_film": "9"})
    second = admin.post("/admin/costs/preview", {**COSTS, "type_film": "8"})
    assert admin.post("/admin/costs", sent_on(first.text)).status_code == 303
    stopped = admin.post("/admin/costs", sent_on(second.text))
    assert stopped.status_code == 409
    assert "Version 2 of the costs has been added" in stopped.text
    assert changes(service) == ["token_costs.set"]


def test_a_form_from_an_older_version_is_stopped_before_its_preview(service: Service, admin: Browser) -> None:
    """Whoever loaded a form before another changed the numbers is told, and is shown the new ones."""
    costs, rule = admin.get("/admin/costs").text, admin.get("/admin/ad-rule").text
    assert '<input type="hidden" name="base" value="1">' in costs
    assert '<input type="hidden" name="base" value="1">' in rule
    for address, mine, theirs, words in (
        ("/admin/costs", {**COSTS, "type_film": "9"}, {**COSTS, "type_short": "2"}, "of the costs"),
        ("/admin/ad-rule", {**NUMBERS, "days": "80"}, {**NUMBERS, "tokens": "2"}, "of the reward rule"),
    ):
        admin.post(address, sent_on(admin.post(f"{address}/preview", theirs).text))
        stale = admin.post(f"{address}/preview", {**mine, "base": "1"})
        assert stale.status_code == 400
        assert f"Version 2 {words} has been added" in stale.text
        assert "What this does" not in stale.text
        assert '<input type="hidden" name="base" value="2">' in stale.text
        assert admin.post(f"{address}/preview", {**mine, "base": "2"}).status_code == 200
    assert changes(service) == ["token_costs.set", "reward_rule.set"]


def test_a_rule_is_seen_before_it_is_saved_and_saved_once(service: Service, admin: Browser) -> None:
    """The preview says what a day pays then; saving adds one version, and ads pay by it a minute later."""
    preview = admin.post("/admin/ad-rule/preview", {**NUMBERS, "tokens": "2", "account_daily": "3"})
    for words in ("2 tokens", "6 tokens", "₹3.00", "brings at most 20 along"):
        assert words in preview.text, words
    form = sent_on(preview.text)
    assert {name for name in form if name.startswith("change_")} == {"change_tokens", "change_account_daily"}
    saved = [admin.post("/admin/ad-rule", form) for _ in range(2)]
    assert [answer.location for answer in saved] == ["/admin/ad-rule?saved=2"] * 2
    viewer = service.browser()
    viewer.earn(1)
    assert viewer.balance() == 1
    service.clock.advance(MINUTE)
    viewer.earn(1)
    assert viewer.balance() == 3
    assert "Version 2 is saved" in admin.get(saved[0].location).text
    assert changes(service) == ["reward_rule.set"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"tokens": "0"}, 'id="tokens-problem"'),
        ({"account_daily": "-1"}, 'id="account_daily-problem"'),
        ({"days": "many"}, "Write a whole number from 1"),
        ({"tokens": "2", "effective_from": "2026-11-01"}, 'id="effective_from-problem"'),
        ({}, "nothing would change"),
    ],
)
def test_what_is_wrong_with_a_rule_stands_at_its_field(
    admin: Browser, wrong: dict[str, str], words: str
) -> None:
    """What was typed comes back with its problem, and nothing is saved."""
    answer = admin.post("/admin/ad-rule/preview", {**NUMBERS, **wrong})
    assert (answer.status_code, words in answer.text) == (400, True)


@pytest.mark.parametrize("path", ["/admin/costs", "/admin/ad-rule"])
@pytest.mark.parametrize(
    "wrong",
    [{"idempotency_key": ""}, {"change_film": "x"}, {"effective_from": "2026-12-01"}, {"change_x": "1"}],
)
def test_a_form_that_no_page_of_ours_sends_changes_nothing(
    service: Service, admin: Browser, path: str, wrong: dict[str, str]
) -> None:
    """No key, no number, no instant and no such name: refused, and nothing is written."""
    form = {"idempotency_key": "key-1", "change_film": "9", **wrong}
    assert admin.post(path, form).status_code == 400
    assert changes(service) == []


def test_who_may_only_look_has_no_form(service: Service) -> None:
    """Finance sees costs and rule without a form, and may save neither."""
    finance = signed_in(service, FINANCE)
    for path in ("/admin/costs", "/admin/ad-rule"):
        page = finance.get(path)
        assert page.status_code == 200
        assert "Show what it does" not in page.text
        assert "Your role may look at the" in page.text
        assert finance.post(path, {"change_film": "1", "idempotency_key": "k"}).status_code == 403


def test_many_accounts_on_one_device_are_shown_to_staff(service: Service, admin: Browser) -> None:
    """Three guests with four ads each on one browser: today's page says so, and leads to each wallet."""
    assert "Nothing looks odd" in admin.get("/admin/alerts").text
    browser = service.browser()
    for _ in range(3):
        browser.earn(4)
        browser.client.delete_cookie("buddy_account")
    assert "Earning looks odd" in admin.get("/admin").text
    page = admin.get("/admin/alerts").text
    assert "3 accounts, 12 of 20 ads paid" in page
    assert not UUID_TEXT.search(page)
    assert re.search(r'href="/admin/users/usr_[0-9a-f]{32}"', page)
    rewards = re.findall(r"/admin/rewards\?owner=(rwd_[0-9a-f]{32})#freeze", page)
    assert len(rewards) == 3
    assert f'value="{rewards[0]}"' in admin.get(f"/admin/rewards?owner={rewards[0]}").text
    for reward in rewards:
        frozen = {"owner": reward, "reason": "one device", "act": "freeze"}
        assert admin.post("/admin/wallets", frozen).status_code == 303
    assert "Earning looks odd" not in admin.get("/admin").text, "all of its wallets are dealt with"
    assert admin.get("/admin/alerts").text.count("Frozen") == 3
    service.clock.set(START + timedelta(days=2))
    assert "Nothing looks odd" in admin.get("/admin/alerts").text


def test_the_api_has_costs_and_rules_in_versions(service: Service) -> None:
    """What is set is answered with its number, stands first in the list, and counts from its instant."""
    client = member(service, ADMIN)
    film = client.title("The Last Monsoon")
    body = {"changes": {"episode": 3, f"film/{film['id']}": 4}, "effective_from": "2026-12-01T00:00:00+05:30"}
    first = client.post("/v1/admin/token-costs", body, key="k1")
    assert (first.status_code, first.json["version"]) == (201, 2)
    assert client.post("/v1/admin/token-costs", body, key="k1").json["version"] == 2
    [coming, now] = client.get("/v1/admin/token-costs").json["versions"]
    assert (coming["state"], now["state"]) == ("coming", "in_force")
    assert coming["by_type"] == {"short": 1, "episode": 3, "film": 10}
    assert coming["by_title"] == [{"name": f"film/{film['id']}", "title": "The Last Monsoon", "tokens": 4}]
    rule = {"tokens": 2, "guest_life": 8, "effective_from": "2026-12-01T00:00:00Z", "base_version": 1}
    assert client.post("/v1/admin/reward-rules", rule, key="k1").json["version"] == 2
    newest = client.get("/v1/admin/reward-rules").json["versions"][0]
    assert (newest["tokens"], newest["guest_life"], newest["account_daily"], newest["state"]) == (
        2,
        8,
        10,
        "coming",
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("token-costs", {"changes": {"opera": 3}}, 400, "kernel.invalid_value"),
        ("token-costs", {"changes": {"film": 0}}, 400, "pricing.bad_cost"),
        ("token-costs", {"changes": {"film": 2_000_000}}, 400, "pricing.bad_cost"),
        ("token-costs", {"changes": {"film": None}}, 400, "kernel.invalid_value"),
        ("token-costs", {"changes": {"film": True}}, 400, "web.invalid_request"),
        ("token-costs", {"changes": {"film": 2.0}}, 400, "web.invalid_request"),
        ("token-costs", {"changes": {"film": 2**53 + 1}}, 400, "web.invalid_request"),
        ("token-costs", {"changes": {}}, 400, "web.invalid_request"),
        ("token-costs", {"changes": {"film/zzzz": 3}}, 404, "catalog.title_not_found"),
        ("token-costs", {"changes": {"film": 9}, "base_version": 7}, 409, "pricing.costs_changed"),
        (
            "token-costs",
            {"changes": {"film": 9}, "effective_from": "2026-01-02T00:00:00Z"},
            422,
            "pricing.costs_in_past",
        ),
        (
            "token-costs",
            {"changes": {"film": 9}, "effective_from": "2029-01-02T00:00:00Z"},
            422,
            "pricing.costs_too_far",
        ),
        ("reward-rules", {"tokens": 0}, 400, "ads.bad_reward_rule"),
        ("reward-rules", {"tokens": -1}, 400, "web.invalid_request"),
        ("reward-rules", {"price": 1}, 400, "web.invalid_request"),
        ("reward-rules", {"tokens": 2, "base_version": 7}, 409, "ads.reward_rule_changed"),
        (
            "reward-rules",
            {"tokens": 2, "effective_from": "2026-01-02T00:00:00Z"},
            422,
            "ads.reward_rule_in_past",
        ),
        (
            "reward-rules",
            {"tokens": 2, "effective_from": "2029-01-02T00:00:00Z"},
            422,
            "ads.reward_rule_too_far",
        ),
    ],
)
def test_the_api_says_what_cannot_be(
    service: Service, path: str, body: dict[str, object], status: int, code: str
) -> None:
    """Each wrong request has its own stable code, and nothing is written."""
    found = member(service, ADMIN).post(f"/v1/admin/{path}", body, key="k1")
    assert (found.status_code, found.json["code"]) == (status, code)
    assert changes(service) == []


def test_the_api_lists_alerts_with_their_wallets(service: Service) -> None:
    """An alert names the place by its tail, and each account by a public id and a reward to freeze it by."""
    browser = service.browser()
    for _ in range(3):
        browser.earn(4)
        browser.client.delete_cookie("buddy_account")
    support = member(service, SUPPORT)
    [alert] = support.get("/v1/admin/reward-alerts").json["alerts"]
    assert (alert["scope"], alert["paid"], alert["limit"], alert["account_count"]) == ("device", 12, 20, 3)
    account = alert["accounts"][0]
    assert (account["paid"], account["is_frozen"]) == (4, False)
    freeze = {"reward_id": account["reward_id"], "reason": "one device"}
    assert support.post("/v1/admin/wallets/freeze", freeze, key="k1").status_code == 200
    [alert] = support.get("/v1/admin/reward-alerts").json["alerts"]
    assert sorted(item["is_frozen"] for item in alert["accounts"]) == [False, False, True]
    assert member(service, VIEWER).get("/v1/admin/reward-alerts").status_code == 403
