"""Rewarded ads on the whole service: the sandbox's pages, its callbacks, and the real webhook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from sqlalchemy import text

from buddy_adapters.ads.admob import sign
from buddy_web.routes import blueprints
from buddy_web.sandbox.ads import AD_S
from buddy_web.sandbox.network import KEY_ID, SandboxNetwork, ShownAd, sandbox_key
from buddy_web.settings import Mode, Settings
from tests.web.service import SECRET, START, Browser, Service, running


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture
def browser(service: Service) -> Browser:
    return service.browser()


def begin(browser: Browser) -> str:
    """Begin a reward and return the address of its ad, with the countdown over."""
    browser.get("/earn")
    address = browser.post("/earn/start").location
    assert browser.get(address).status_code == 200
    browser.service.clock.advance(timedelta(seconds=AD_S))
    return str(address)


def state(browser: Browser, path: str) -> str:
    """Return the state that an earn page or its part shows."""
    found = re.search(r'data-state="([a-z_]+)"', browser.get(path, headers={"HX-Request": "true"}).text)
    assert found is not None
    return found[1]


def callback(service: Service, tmp_path: Path, **other: str) -> str:
    """Return a callback for the service's newest reward, signed by the sandbox's key."""
    reward = service.call(newest, service)
    values = {
        "ad_network": "1",
        "ad_unit": reward.ad_unit,
        "custom_data": reward.nonce,
        "reward_amount": "1000",
        "reward_item": "tokens",
        "timestamp": str(int(service.clock.now().timestamp()) * 1000),
        "transaction_id": "t-1",
        **other,
    }
    return "/v1/webhooks/admob?" + sign(values, sandbox_key(tmp_path / "ads.pem"), KEY_ID)


async def newest(service: Service) -> Any:
    """Return the reward that was begun last."""
    async with service.container.uow().read() as tx:
        found = await tx.connection.execute(text("SELECT id FROM ads_rewards ORDER BY started_at DESC, id"))
        return await tx.rewards.get(found.scalars().first())


def test_an_ad_that_ran_pays_once_the_network_called_back(service: Service, browser: Browser) -> None:
    """The page is pending until the callback, looks by itself, and then shows the coin and the balance."""
    service.later.is_immediate = False
    address = begin(browser)
    done = browser.post(address, {"finished": "yes"}).location
    page = browser.get(done).text
    assert 'data-state="pending"' in page
    poll = re.search(r'hx-get="([^"]+)"', page)
    assert poll is not None
    again = poll[1].replace("&amp;", "&")
    assert state(browser, again) == "pending"
    assert browser.balance() == 0
    service.later.happen()
    part = browser.get(again, headers={"HX-Request": "true"}).text
    assert 'data-state="paid"' in part
    assert 'hx-swap-oob="true"' in part
    assert browser.balance() == 1


def test_the_ad_page_is_marked_and_counts_down(service: Service, browser: Browser) -> None:
    """It says SANDBOX, and an ad that is ended too early is shown again and pays nothing."""
    browser.get("/earn")
    address = browser.post("/earn/start", {"next": "/wallet"}).location
    text = browser.get(address).text
    assert "SANDBOX" in text
    assert f'data-seconds="{AD_S}"' in text
    assert browser.post(address, {"finished": "yes"}).location == address
    assert browser.balance() == 0


@pytest.mark.parametrize(("act", "shown"), [("no_fill", "no_fill"), ("fail", "failed")])
def test_an_ad_that_did_not_run_pays_nothing(browser: Browser, act: str, shown: str) -> None:
    """No fill and failure have their own words, and no callback is made."""
    address = begin(browser)
    assert state(browser, browser.post(address, {"act": act}).location) == shown
    assert browser.balance() == 0


def test_a_late_callback_still_pays(service: Service, browser: Browser) -> None:
    """The network waits five seconds before it calls; the token lands then."""
    browser.post(begin(browser), {"act": "late"})
    assert service.later.waited_s == [5.0]
    assert browser.balance() == 1


@pytest.mark.parametrize("act", ["late", "twice"])
def test_no_ending_spares_the_ad(service: Service, browser: Browser, act: str) -> None:
    """A late or double callback chosen at once leads back to the ad, and comes when it has run."""
    browser.get("/earn")
    address = str(browser.post("/earn/start").location)
    again = str(browser.post(address, {"act": act}).location)
    assert again == f"{address}?act={act}"
    assert f'action="{again}"' in browser.get(again).text
    assert browser.balance() == 0
    service.clock.advance(timedelta(seconds=AD_S))
    browser.post(again, {"finished": "yes"})
    assert browser.balance() == 1
    assert service.later.waited_s == ([5.0] if act == "late" else [])


def test_a_duplicate_callback_pays_once(browser: Browser) -> None:
    """The same transaction called back twice is answered twice and paid once."""
    address = begin(browser)
    browser.post(address, {"act": "twice"})
    assert browser.balance() == 1
    browser.post(address, {"finished": "yes"})
    assert browser.balance() == 1


def test_leaving_the_ad_offers_the_way_back(browser: Browser) -> None:
    """An ad left half way is shown as running, with a link back, and fails once its nonce has expired."""
    address = begin(browser)
    reward = address.rpartition("/")[2]
    text = browser.get(f"/earn?reward={reward}").text
    assert 'data-state="playing"' in text
    assert f'href="{address}"' in text
    browser.service.clock.advance(timedelta(minutes=16))
    assert state(browser, f"/earn?reward={reward}") == "failed"


def test_another_viewers_ad_is_not_found(service: Service, browser: Browser) -> None:
    """Neither its page nor its state is shown to anybody else."""
    address = begin(browser)
    other = service.browser()
    reward = address.rpartition("/")[2]
    for path in (address, f"/earn?reward={reward}", f"/earn/{reward}/status"):
        assert other.get(path, headers={"HX-Request": "true"}).status_code == 404


def test_after_todays_last_ad_the_page_says_when_more_come(service: Service, browser: Browser) -> None:
    """The eleventh ad of a day is not begun; the next day has ten more; a guest's twentieth is the last."""
    browser.earn(10)
    assert state(browser, "/earn") == "capped"
    assert browser.post("/earn/start").status_code == 422
    assert browser.balance() == 10
    service.clock.set(START + timedelta(days=1))
    assert "10 ads left today" in browser.get("/earn").text
    browser.earn(10)
    service.clock.set(START + timedelta(days=2))
    assert "a guest's last ad" in browser.get("/earn").text


def test_the_webhook_pays_by_our_rule_alone(service: Service, browser: Browser, tmp_path: Path) -> None:
    """A genuine callback that claims 1000 tokens pays one; repeated it answers the same."""
    begin(browser)
    address = callback(service, tmp_path)
    for _ in range(2):
        response = browser.client.get(address)
        assert (response.status_code, response.json) == (200, {"status": "paid"})
    assert browser.balance() == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("reward_amount=1000", "reward_amount=1001"),
        ("key_id=1", "key_id=2"),
        ("key_id=1", "key_id=1&user_id=x"),
        ("ad_network=1&ad_unit", "ad_network=1%26ad_unit"),
        ("transaction_id=t-1", "transaction_id=t-1&transaction_id=t-2"),
        ("signature=", "signature=A"),
    ],
)
def test_a_callback_that_was_touched_is_refused(
    service: Service, browser: Browser, tmp_path: Path, before: str, after: str
) -> None:
    """The raw query is what counts: altered, doubled or smuggled parameters pay nothing."""
    begin(browser)
    address = callback(service, tmp_path)
    assert before in address
    response = browser.client.get(address.replace(before, after))
    assert response.status_code == 403
    assert response.content_type == "application/problem+json"
    assert response.json["code"] == "ads.ssv_refused"
    assert browser.balance() == 0


@pytest.mark.parametrize(
    "other",
    [
        {"custom_data": "non_never_given"},
        {"ad_unit": "another"},
        {"timestamp": "1500000000000"},
        {"timestamp": "1900000000000"},
    ],
)
def test_a_genuine_callback_for_no_open_reward_is_refused(
    service: Service, browser: Browser, tmp_path: Path, other: dict[str, str]
) -> None:
    """A good signature is not enough: nonce, ad unit and time must be those of a reward that waits."""
    begin(browser)
    response = browser.client.get(callback(service, tmp_path, **other))
    assert (response.status_code, response.json["code"]) == (422, "ads.callback_refused")
    assert browser.balance() == 0


def test_a_used_nonce_pays_no_second_transaction(service: Service, browser: Browser, tmp_path: Path) -> None:
    """Another transaction for the same ad is refused."""
    begin(browser)
    assert browser.client.get(callback(service, tmp_path)).status_code == 200
    assert browser.client.get(callback(service, tmp_path, transaction_id="t-2")).status_code == 422
    assert browser.balance() == 1


def test_a_call_is_tried_again_while_our_server_is_down() -> None:
    """Two failures and a refusal: three tries, with growing pauses; a refusal is not repeated."""
    answers = iter([503, 500, 403])
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.query.decode())
        return httpx.Response(next(answers))

    waited: list[float] = []
    key = generate_private_key(SECP256R1())
    network = SandboxNetwork(
        key, "http://ours/hook", httpx.MockTransport(answer), lambda work: work(), waited.append
    )
    network.confirm(ShownAd("unit", "non_1", START))
    assert len(asked) == 3
    assert len(set(asked)) == 1
    assert waited == [2.0, 4.0]


def test_only_the_demo_has_the_sandbox(tmp_path: Path) -> None:
    """In production there is no sandbox blueprint."""
    live = Settings(mode=Mode.PRODUCTION, secret_key=SECRET, public_url="https://watch.example.com")
    assert "sandbox_ads" not in {found.name for found in blueprints(live)}
    demo = Settings(secret_key=SECRET, secret_file=tmp_path / "secret.key")
    assert "sandbox_ads" in {found.name for found in blueprints(demo)}
