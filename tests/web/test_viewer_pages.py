"""The viewer's pages on the whole service: arriving, looking, unlocking, joining."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve
from sqlalchemy import event

from buddy_core.kernel.ids import AccountId, LoginSessionId, TitleId
from buddy_core.pricing import HONOUR, TokenCosts
from buddy_core.rights import first_book
from buddy_core.sessions import AccessClaims
from buddy_core.tokens import FreezeWallet, freeze_in
from buddy_web.demo.seed import DEMO_PASSWORD
from tests.web.service import START, Browser, Service, running, sheet_form

UUID_TEXT = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with running(tmp_path) as found:
        yield found


@pytest.fixture
def browser(service: Service) -> Browser:
    return service.browser()


def link(browser: Browser, name: str, of: str = "/") -> str:
    """Return the address of a title by the end of its slug, as a page links to it."""
    found = re.search(rf'href="(/(?:film|series|short|episode)/[a-z0-9]+/{name})"', browser.get(of).text)
    assert found is not None, name
    return found[1]


def episode_of(browser: Browser, series: str, number: int) -> str:
    """Return `episode/<id>` of an episode, as the series' page lists it."""
    found = re.findall(r'class="ep" href="/(?:unlock/|watch/)?(episode/[a-z0-9]+)', browser.get(series).text)
    return str(found[number - 1])


def short(browser: Browser, name: str = "paper-kites") -> str:
    """Return `short/<id>` of a short."""
    return "/".join(link(browser, name).split("/")[1:3])


async def make_costs(service: Service, **by_type: int) -> None:
    """Put a new table of costs in force."""
    async with service.container.uow().begin() as tx:
        await tx.token_costs.add(TokenCosts(2, service.clock.now(), by_type))


def test_a_guest_arrives_with_two_signed_cookies(browser: Browser) -> None:
    """The first page makes a guest account, and the second page knows it again."""
    first = browser.get("/")
    assert first.status_code == 200
    names = {header.partition("=")[0] for header in first.headers.getlist("Set-Cookie")}
    assert {"buddy_account", "buddy_device"} <= names
    again = browser.get("/")
    assert not [header for header in again.headers.getlist("Set-Cookie") if "buddy_account" in header]


def test_a_forged_cookie_becomes_a_new_guest(service: Service, browser: Browser) -> None:
    """A cookie that was altered by one character is nobody's: its bearer is a new guest with nothing."""
    browser.earn()
    held = browser.cookie("buddy_account") or ""
    forger = service.browser()
    forger.client.set_cookie("buddy_account", held[:-1] + ("A" if held[-1] != "A" else "B"))
    assert forger.balance() == 0
    assert (forger.cookie("buddy_account") or "").split("~")[1] != held.split("~")[1]


def test_a_cookie_for_an_account_that_is_gone_becomes_a_new_guest(service: Service) -> None:
    """A database that was made anew leaves signed cookies without accounts; their bearers begin again."""
    web = service.app.extensions["buddy"]
    cookie, gone = web.visitors.guest_cookie, AccountId(UUID(int=7))
    browser = service.browser()
    browser.client.set_cookie("buddy_account", cookie.encode(cookie.issue(gone)))
    assert browser.get("/").status_code == 200
    assert cookie.decode(browser.cookie("buddy_account") or "").account_id != gone
    other, now = service.browser(), service.clock.now()
    claims = AccessClaims(LoginSessionId(f"sgn_{7:032x}"), gone, 1, now, now + timedelta(minutes=15))
    other.client.set_cookie("buddy_session", web.tokens.encode(claims))
    other.client.set_cookie("buddy_refresh", f"rft_{7:032x}")
    assert other.get("/").status_code == 200
    assert other.balance() == 0
    assert (other.cookie("buddy_session"), other.cookie("buddy_refresh")) == (None, None)
    assert cookie.decode(other.cookie("buddy_account") or "") is not None


def test_static_files_and_health_make_no_guest(browser: Browser) -> None:
    """What machines ask for leaves no account behind."""
    for path in ("/static/css/buddy.css", "/health", "/v1/openapi.json", "/art/salt-road/poster.svg"):
        response = browser.get(path)
        assert response.status_code == 200
        assert "Set-Cookie" not in response.headers


def test_home_shows_what_there_is_and_what_it_costs(browser: Browser) -> None:
    """Each card says its price, and the series counts its episodes."""
    text = browser.get("/").text
    for words in ("The Last Monsoon", "Night Ferry", "3 episodes", "Paper Kites", "10 ads left today"):
        assert words in text


def test_a_wrong_slug_leads_to_the_right_one(browser: Browser) -> None:
    """The id decides: without a slug, with a wrong one or in capitals the address is put right."""
    right = link(browser, "salt-road")
    film_id = right.split("/")[2]
    for wrong in (
        f"/film/{film_id}",
        f"/film/{film_id}/something-else",
        f"/film/{film_id.upper()}/salt-road",
    ):
        response = browser.get(wrong)
        assert (response.status_code, response.location) == (301, right)
    assert browser.get(right).status_code == 200
    assert browser.get("/film/zzzz/salt-road").status_code == 404


def test_no_page_shows_an_internal_id(browser: Browser) -> None:
    """Nothing that a viewer is sent holds a UUID."""
    browser.earn(2)
    series = link(browser, "night-ferry")
    episode = episode_of(browser, series, 1)
    browser.unlock(episode)
    paths = ["/", series, f"/{episode}/the-crossing", "/earn", "/wallet", "/join", "/sign-in"]
    paths += [f"/watch/{episode}", f"/unlock/{short(browser)}", f"/watch/{short(browser)}", "/nowhere"]
    for path in paths:
        assert not UUID_TEXT.search(browser.get(path).text), path


def test_a_form_without_its_token_is_refused(browser: Browser) -> None:
    """Another site cannot unlock, join or sign out in the viewer's name."""
    browser.get("/")
    for path in ("/unlock/short/abcd", "/join", "/sign-in", "/sign-out", "/earn/start", "/country"):
        browser.token = "forged"
        assert browser.post(path).status_code == 403, path


def test_unlocking_shows_the_sum_and_then_plays(browser: Browser) -> None:
    """Two taps: the sheet says what is left, the button leads to the player, and the price is gone."""
    browser.earn(3)
    title = short(browser)
    sheet = browser.get(f"/unlock/{title}").text
    assert re.search(r"Left after</dt><dd[^>]*>2 tokens", sheet)
    response = browser.unlock(title)
    assert (response.status_code, response.location) == (303, f"/watch/{title}")
    assert browser.balance() == 2
    assert browser.get(f"/unlock/{title}").location == f"/watch/{title}"
    assert 'class="chip good"' in browser.get(link(browser, "paper-kites")).text


def test_a_double_click_pays_once(browser: Browser) -> None:
    """The same form sent twice leads to the player twice and takes its tokens once."""
    browser.earn(3)
    title = short(browser)
    form = sheet_form(browser.get(f"/unlock/{title}").text)
    answers = [browser.post(f"/unlock/{title}", form) for _ in range(2)]
    assert [answer.location for answer in answers] == [f"/watch/{title}"] * 2
    assert browser.balance() == 2


def test_a_price_that_changed_meanwhile_is_shown_again(service: Service, browser: Browser) -> None:
    """A price is held for a while; then nothing is spent at it, and the sheet tells the old and the new."""
    browser.earn(3)
    title = short(browser)
    form = sheet_form(browser.get(f"/unlock/{title}").text)
    service.call(make_costs, service, short=2, episode=2, film=10)
    service.clock.advance(HONOUR)
    response = browser.post(f"/unlock/{title}", form)
    assert response.status_code == 409
    assert "it was 1 token" in response.text
    assert sheet_form(response.text)["cost"] == "2"
    assert browser.balance() == 3
    assert browser.post(f"/unlock/{title}", sheet_form(response.text)).status_code == 303
    assert browser.balance() == 1


def test_too_few_tokens_show_the_way_to_more(browser: Browser) -> None:
    """The sheet counts what is missing and leads to an ad and back; a form sent anyway spends nothing."""
    film = "/".join(link(browser, "salt-road").split("/")[1:3])
    sheet = browser.get(f"/unlock/{film}").text
    assert "10 tokens short" in sheet
    assert f'href="/earn?next=/unlock/{film}"' in sheet
    form = {"idempotency_key": "k-12345678", "cost": "10", "rule_version": "1"}
    assert browser.post(f"/unlock/{film}", form).status_code == 422
    earn = browser.get(f"/earn?next=/unlock/{film}").text
    assert "10 tokens more and <b>Salt Road</b> is yours" in earn


def test_a_form_that_is_none_of_ours_is_shown_again(browser: Browser) -> None:
    """Fields that no sheet sends change nothing and bring the sheet back."""
    title = short(browser)
    browser.get("/")
    response = browser.post(f"/unlock/{title}", {"cost": "free"})
    assert response.status_code == 400
    assert "nothing was spent" in response.text


def test_htmx_gets_the_sheet_alone(browser: Browser) -> None:
    """An open page asks for the part; without htmx the same address is a whole page."""
    title = short(browser)
    part = browser.get(f"/unlock/{title}", headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert 'class="offer"' in part
    assert "<html" in browser.get(f"/unlock/{title}").text


def test_a_series_acts_on_the_episode_that_is_next(browser: Browser) -> None:
    """Its button unlocks the first episode, then the second once the first is seen."""
    series = link(browser, "night-ferry")
    assert "Get 2 tokens to unlock episode 1" in browser.get(series).text
    browser.earn(2)
    assert "Unlock episode 1 for 2 tokens" in browser.get(series).text
    episode = episode_of(browser, series, 1)
    browser.unlock(episode)
    assert "Play episode 1" in browser.get(series).text
    session = browser.watch(episode)
    browser.beat(f"{session}/beat", {"position_s": 12, "playing": True})
    assert "Resume episode 1 from 0:12" in browser.get(series).text
    browser.service.clock.advance(timedelta(seconds=20))
    browser.beat(f"{session}/beat", {"position_s": 28, "playing": False})
    assert "Get 2 tokens to unlock episode 2" in browser.get(series).text
    assert browser.get(f"/unlock/{series.split('/', 1)[1].rpartition('/')[0]}").location == series


def test_a_title_not_licensed_here_says_so(browser: Browser) -> None:
    """In a country without a licence page, sheet and player all give the same reason, and no price."""
    title = short(browser, "eleven-minutes")
    browser.get("/")
    browser.post("/country", {"country": "AE", "next": "/wallet"})
    assert 'data-reason="entitlements.no_licence"' in browser.get(f"/watch/{title}").text
    for path in (f"/{title}/eleven-minutes", f"/unlock/{title}"):
        text = browser.get(path).text
        assert "Not available where you are" in text
        assert 'name="cost"' not in text


def test_a_frozen_wallet_says_so_everywhere(service: Service, browser: Browser) -> None:
    """It neither earns nor spends: sheet and earn page tell, and a form sent anyway spends nothing."""
    browser.earn(2)
    title = short(browser)
    form = sheet_form(browser.get(f"/unlock/{title}").text)
    cookie = service.app.extensions["buddy"].visitors.guest_cookie
    service.call(freeze, service, cookie.decode(browser.cookie("buddy_account") or "").account_id)
    for text in (browser.get(f"/unlock/{title}").text, browser.get("/earn").text):
        assert "Your wallet is on hold" in text
    assert browser.post(f"/unlock/{title}", form).status_code == 422
    assert browser.post("/earn/start").status_code == 422
    assert browser.balance() == 2


async def freeze(service: Service, account_id: Any) -> None:
    async with service.container.uow().begin() as tx:
        command = FreezeWallet(account_id, True, "looked at", "test", "freeze-1")
        await freeze_in(tx, command, service.clock.now(), service.container.ids())


def test_joining_keeps_everything_and_gives_a_new_cookie(service: Service, browser: Browser) -> None:
    """Tokens and unlocks come along; the guest's old cookie opens a new guest, never the member."""
    browser.earn(3)
    title = short(browser)
    browser.unlock(title)
    old = browser.cookie("buddy_account") or ""
    assert "2 tokens and 1 unlocked title" in browser.get("/join").text
    assert browser.join("asha@example.com").status_code == 303
    assert browser.balance() == 2
    assert browser.get(f"/unlock/{title}").location == f"/watch/{title}"
    planted = service.browser()
    planted.client.set_cookie("buddy_account", old)
    assert planted.balance() == 0
    assert "asha@example.com" not in planted.get("/").text


def test_signing_in_elsewhere_brings_both_together(service: Service, browser: Browser) -> None:
    """What was earned on a second device is added to what the member had."""
    browser.earn(2)
    browser.join("asha@example.com")
    other = service.browser()
    other.earn()
    assert other.sign_in("asha@example.com", "Wrong-pass-1").status_code == 422
    assert other.balance() == 1
    assert other.sign_in(" Asha@Example.com").status_code == 303
    assert other.balance() == 3
    assert browser.balance() == 3
    other.post("/sign-out")
    assert other.balance() == 0


@pytest.mark.parametrize(
    ("email", "password", "words"),
    [
        ("asha", "Long-enough-1", "e-mail address has something missing"),
        ("asha@example.com", "pw-1", "at least 8 characters"),
        ("viewer@example.com", "Long-enough-1", "There is an account with this e-mail already"),
    ],
)
def test_what_was_wrong_stands_at_the_field(browser: Browser, email: str, password: str, words: str) -> None:
    """The form comes back with the address in it, the problem beside it and nothing changed."""
    response = browser.join(email, password)
    assert response.status_code in (400, 409)
    assert words in response.text
    assert f'value="{email}"' in response.text
    assert password not in response.text


def test_a_next_address_never_leads_off_the_site(browser: Browser) -> None:
    """Only a path on this site is followed after joining."""
    for bad in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        fresh = browser.service.browser()
        fresh.get("/join")
        response = fresh.post(
            "/join", {"email": f"a{hash(bad) % 999}@example.com", "password": "Long-enough-1", "next": bad}
        )
        assert response.location == "/"


def test_the_demo_shows_its_logins_and_staff_see_their_links(browser: Browser) -> None:
    """The sign-in page lists the seeded accounts; an admin's pages link to the admin's desk."""
    assert DEMO_PASSWORD in browser.get("/sign-in").text
    browser.sign_in("admin@example.com", DEMO_PASSWORD)
    assert 'href="/admin"' in browser.get("/").text


def test_the_wallet_tells_every_line_and_what_expires(service: Service, browser: Browser) -> None:
    """Running balances add up, each line names its lots, and what expired is told apart."""
    browser.earn(3)
    browser.unlock(short(browser))
    text = browser.get("/wallet").text
    assert re.findall(r"balance ([0-9]+)", text) == ["2", "3", "2", "1"]
    assert "Paper Kites" in text
    assert "costs-1" in text
    service.clock.set(START + timedelta(days=120))
    later = browser.get("/wallet").text
    assert browser.balance() == 0
    assert "2 tokens expired" in later


def test_older_lines_keep_their_balances(service: Service, browser: Browser) -> None:
    """The second page of the history goes on where the first ended."""
    for day in range(4):
        service.clock.set(START + timedelta(days=day))
        browser.earn(10 if day < 2 else 0)
    browser.join("asha@example.com")
    for day in range(4, 6):
        service.clock.set(START + timedelta(days=day))
        browser.earn(10)
    balances = []
    path: str | None = "/wallet"
    while path:
        text = browser.get(path).text
        balances += [int(found) for found in re.findall(r"balance ([0-9]+)", text)]
        older = re.search(r'href="(/wallet\?before=[0-9A-Za-z_-]+)"', text)
        path = older[1] if older else None
    assert balances == list(range(40, 19, -1))


def test_pages_ask_the_stores_as_often_for_many_titles(service: Service, browser: Browser) -> None:
    """Home and a title's page run as many statements with 60 more titles as with the demo's eight."""
    film = link(browser, "salt-road")
    before = [statements(service, browser, path) for path in ("/", film, "/wallet")]
    service.call(add_films, service, 60)
    after = [statements(service, browser, path) for path in ("/", film, "/wallet")]
    assert before == after
    assert "Film 7" in browser.get("/").text


def statements(service: Service, browser: Browser, path: str, engine: Any = None) -> int:
    """Count what a page asks the database, or what comes of it by one engine."""
    seen: list[str] = []
    engine = (engine or service.container.engine()).sync_engine

    def note(_: Any, __: Any, statement: str, *rest: Any) -> None:
        if statement.startswith("SELECT"):
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    assert browser.get(path).status_code == 200
    event.remove(engine, "before_cursor_execute", note)
    return len(seen)


async def add_films(service: Service, count: int) -> None:
    ids = service.container.ids()
    async with service.container.uow().begin() as tx:
        model = next(item for item in await tx.titles.all() if item.slug == "salt-road")
        book = (await tx.rights.of_titles([model.id]))[model.id]
        for number in range(count):
            title = evolve(
                model,
                id=TitleId(ids.uuid7()),
                short_id=f"zz{number:02}",
                slug=f"film-{number}",
                name=f"Film {number}",
                published_at=START - timedelta(days=1, minutes=number),
            )
            await tx.titles.add(title)
            licences = [evolve(item, id=ids.uuid7(), title_id=title.id) for item in book.licences]
            await tx.rights.append(first_book(title.id, START, "test", licences))
