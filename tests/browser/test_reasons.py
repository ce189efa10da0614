"""Why a title plays or does not, as somebody on a phone reads it: a page for each reason and each yes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote

import pytest
from attrs import evolve, field, frozen
from playwright.sync_api import Page, expect
from werkzeug.serving import make_server

from buddy_core.catalog import Title
from buddy_core.entitlements import (
    Grant,
    GrantChange,
    GrantKind,
    GrantStatus,
    GrantUse,
    PlanState,
    Rights,
    Terms,
    UseKind,
    end_in,
    grant_in,
)
from buddy_core.flows import AddTitle, add_title
from buddy_core.kernel.ids import AccountId, GrantId, LicenceId, SessionId, TitleId
from tests.browser.devices import Devices
from tests.browser.service import Service as Process
from tests.web.service import Service, running

RIGHTS = Rights(max_height=1080, ads=False, downloads=False, streams=2)
TERMS = Terms(RIGHTS)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FILM, PLAN_FILM = "salt-road", "the-glass-hour"


@frozen
class Held:
    """A grant that the viewer of a case holds, by when it was given and how it runs, all as of now."""

    kind: GrantKind
    terms: Terms = TERMS
    given: timedelta = -DAY
    ends: timedelta | None = None
    started: timedelta | None = None
    consumed: timedelta | None = None
    closed: GrantStatus | None = None


@frozen
class Case:
    """What a viewer opens, from where and holding what; the answer, and the words that tell it."""

    name: str
    slug: str
    says: tuple[str, ...]
    status: int = 422
    held: tuple[Held, ...] = ()
    country: str = "IN"
    is_app: bool = False
    never: tuple[str, ...] = field(default=())


def plan(state: PlanState, tier: str = "standard", ends: timedelta | None = None, **more: Any) -> Held:
    """Return a plan in a state."""
    return Held(GrantKind.SUBSCRIPTION, Terms(RIGHTS, tier=tier, plan=state), ends=ends, **more)


RENTAL = Terms(RIGHTS, hours=48)
ONCE = Terms(RIGHTS, hours=24)
PRICES = ("₹49", "48 h", "Watch once", "₹29", "Buy", "₹199", "Card and UPI payments open soon")

DENIED = (
    Case("taken-down", "borrowed-words", ("Taken down", "what you are owed"), 451, never=("₹", "Unlock")),
    Case("not-published", "announced", ("Not out yet", "It opens tomorrow at 3:30 pm")),
    Case("no-licence", "eleven-minutes", ("Not available where you are",), country="AE", never=("AED",)),
    Case("country-unknown", FILM, ("We cannot tell your country", "VPN"), country="QQ", never=("₹", "$")),
    Case("not-yet", "first-harvest", ("Not here yet", "It opens on 21 Dec"), never=("₹",)),
    Case("over", "the-ash-line", ("No longer available", "has ended"), never=("₹",)),
    Case("no-grant", FILM, ("This one is locked", "10 tokens", "Watch a short ad", *PRICES)),
    Case("no-grant-dubai", FILM, ("10 tokens", "AED 14.99", "Card payments open soon"), country="AE"),
    Case(
        "money-only",
        "after-the-verdict",
        ("To rent or buy", "Rent early", "₹299"),
        never=("Unlock", "Watch a short ad"),
    ),
    Case("plan-only", PLAN_FILM, ("Part of a plan", "Standard plan", "₹299", "a month")),
    Case("in-app", FILM, ("This one is locked",), is_app=True, never=("₹", "Unlock", "Watch a short ad")),
    Case("not-in-plan", PLAN_FILM, ("Not in your plan",), held=(plan(PlanState.ACTIVE, "basic"),)),
    Case("not-begun", FILM, ("Begins later",), held=(Held(GrantKind.GIFT, given=DAY),)),
    Case(
        "rental-not-started",
        FILM,
        ("Your rental has run out", "within 30 days", "₹49"),
        held=(Held(GrantKind.RENTAL, RENTAL, given=-40 * DAY),),
    ),
    Case(
        "rental-ended",
        FILM,
        ("Your rental has ended", "₹49"),
        held=(Held(GrantKind.RENTAL, RENTAL, given=-5 * DAY, started=-3 * DAY),),
    ),
    Case(
        "consumed",
        FILM,
        ("You have watched this one",),
        held=(Held(GrantKind.WATCH_ONCE, ONCE, started=-3 * HOUR, consumed=-HOUR),),
    ),
    Case("plan-paused", PLAN_FILM, ("Your plan is paused",), held=(plan(PlanState.PAUSED),)),
    Case("plan-lapsed", PLAN_FILM, ("Your plan has ended",), held=(plan(PlanState.CANCELLED, ends=-HOUR),)),
    Case("grant-ended", FILM, ("Your time with it has ended",), held=(Held(GrantKind.GIFT, ends=-HOUR),)),
    Case(
        "refunded",
        FILM,
        ("This was refunded", "10 tokens"),
        held=(Held(GrantKind.EST, closed=GrantStatus.REFUNDED),),
    ),
    Case(
        "revoked",
        FILM,
        ("Your access was taken back", "support"),
        held=(Held(GrantKind.GIFT, closed=GrantStatus.REVOKED),),
    ),
)
ALLOWED = (
    Case("free", "lamp-street", ("Free, with ads, up to 720p", "Play free"), 200, never=("₹",)),
    Case("yours", FILM, ("Yours for ever, unlocked with tokens",), 200, (Held(GrantKind.TOKEN_UNLOCK),)),
    Case(
        "rented",
        FILM,
        ("Rented: ends tomorrow at 6:30 pm",),
        200,
        (Held(GrantKind.RENTAL, RENTAL, started=-21 * HOUR),),
    ),
    Case("plan", PLAN_FILM, ("With your plan",), 200, (plan(PlanState.ACTIVE),)),
    Case(
        "grace",
        PLAN_FILM,
        ("With your plan; payment is overdue, open until 3 Dec",),
        200,
        (plan(PlanState.GRACE, ends=12 * DAY),),
    ),
    Case("bought", "after-the-verdict", ("Bought, yours to keep",), 200, (Held(GrantKind.EST),)),
    Case("gift", FILM, ("A gift, open until 24 Nov at 3:30 pm",), 200, (Held(GrantKind.GIFT, ends=3 * DAY),)),
)


@pytest.fixture(scope="module")
def site(chromium_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, str]]:
    """The whole service in this process, whose clock stands, behind a real server."""
    with running(tmp_path_factory.mktemp("reasons")) as service:
        service.call(_announce, service)
        server = make_server("127.0.0.1", 0, service.app, threaded=True)
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield service, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("case", DENIED, ids=lambda case: case.name)
def test_each_reason_is_said_in_words(
    case: Case,
    site: tuple[Service, str],
    devices: Devices,
    axe: Callable[[Page], list[str]],
    shoot: Callable[[Page, str], Path],
) -> None:
    """Title and player say why, what opens it at which price, and when; no price is a button."""
    page, address = arrive(case, site, devices)
    code = 451 if case.status == 451 else 200
    for path, status, name in (
        (f"/{address}", code, f"title-{case.name}"),
        (f"/watch/{address}", case.status, f"watch-{case.name}"),
    ):
        answer = page.goto(site[1] + path)
        assert answer is not None
        assert answer.status == status
        reads(page, case, name)
        shoot(page, name)
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth - screen.width") <= 0
        assert page.locator(".prices a, .prices button").count() == 0


@pytest.mark.parametrize("case", ALLOWED, ids=lambda case: case.name)
def test_what_plays_says_why_and_until_when(
    case: Case,
    site: tuple[Service, str],
    devices: Devices,
    axe: Callable[[Page], list[str]],
    shoot: Callable[[Page, str], Path],
) -> None:
    """The title's page names what opens it and its end in the reader's own time, and its button plays."""
    page, address = arrive(case, site, devices)
    answer = page.goto(f"{site[1]}/{address}")
    assert answer is not None
    assert answer.status == case.status
    reads(page, case, f"title-{case.name}")
    expect(page.get_by_role("link", name="Play").first).to_be_visible()
    shoot(page, f"title-{case.name}")
    assert axe(page) == []
    answer = page.goto(f"{site[1]}/watch/{address}")
    assert answer is not None
    assert answer.status == case.status
    assert case.says[0] in read(page)


def test_as_many_devices_as_the_access_allows(
    site: tuple[Service, str], devices: Devices, shoot: Callable[[Page, str], Path]
) -> None:
    """A second device of somebody with one stream is told to stop the first, and offered nothing to buy."""
    one = Terms(evolve(RIGHTS, streams=1))
    page, address = arrive(Case("streams", FILM, (), held=(Held(GrantKind.GIFT, one),)), site, devices)
    first = page.goto(f"{site[1]}/watch/{address}")
    assert first is not None
    assert first.status == 200
    other = devices.phone()
    account = next(found for found in page.context.cookies() if found["name"] == "buddy_account")
    other.context.add_cookies([{"name": "buddy_account", "value": account["value"], "url": site[1]}])
    second = other.goto(f"{site[1]}/watch/{address}")
    assert second is not None
    assert second.status == 422
    expect(other.get_by_role("heading", name="Playing on another device")).to_be_visible()
    assert other.locator(".prices, .ways").count() == 0
    shoot(other, "watch-too-many-streams")


def test_a_free_film_plays_with_its_reason_below(
    service: Process, devices: Devices, axe: Callable[[Page], list[str]], shoot: Callable[[Page, str], Path]
) -> None:
    """A newcomer plays a film that is free, and the page says so: with ads, and up to which picture."""
    page = devices.phone()
    page.goto(service.url)
    page.get_by_role("link", name="Lamp Street").last.click()
    page.get_by_role("link", name="Play free").click()
    page.locator(".player-big").click()
    page.wait_for_function("() => document.querySelector('video').currentTime > 0.5")
    expect(page.get_by_text("Free, with ads, up to 720p")).to_be_visible()
    shoot(page, "watch-free")
    assert axe(page) == []


def arrive(case: Case, site: tuple[Service, str], devices: Devices) -> tuple[Page, str]:
    """Let a guest come who holds what the case says; return their page, and the title as `film/<id>`."""
    service, url = site
    page = devices.phone(extra_http_headers={"X-Buddy-Channel": "app"} if case.is_app else {})
    page.context.add_cookies([{"name": "buddy_country", "value": case.country, "url": url}])
    # Home has its tests elsewhere: only the guest's cookie is wanted of it.
    assert page.context.request.get(url).ok
    cookie = next(found["value"] for found in page.context.cookies() if found["name"] == "buddy_account")
    account = service.app.extensions["buddy"].visitors.guest_cookie.decode(unquote(cookie)).account_id
    title = service.call(_title, service, case.slug)
    for held in case.held:
        service.call(_give, service, account, title, held)
    return page, f"{title.type}/{title.short_id}"


def reads(page: Page, case: Case, name: str) -> None:
    """Check what a page says and what it never says."""
    text = read(page)
    missing = [words for words in case.says if words not in text and not _is_elsewhere(words, name)]
    assert missing == [], text
    assert [words for words in case.never if words in text] == [], text


def read(page: Page) -> str:
    """Return the words about the title itself, with plain blanks: Babel keeps number and unit together."""
    text = "\n".join(page.locator(".hero, .about, .refused, .watch-info > .why-open").all_inner_texts())
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def _is_elsewhere(words: str, name: str) -> bool:
    """Tell of words that stand on one of the two pages alone: the button's, and the refusal's."""
    on_title, on_watch = ("Play free", "You have"), ("This one is locked", "Watch a short ad")
    return words in (on_watch if name.startswith("title") else on_title)


async def _announce(service: Service) -> None:
    """Add a film that is to come out tomorrow."""
    container = service.container
    model = await _title(service, FILM)
    title = evolve(
        model,
        id=TitleId(container.ids().uuid7()),
        short_id="",
        slug="announced",
        name="Announced",
        published_at=service.clock.now() + DAY,
    )
    async with container.uow().read() as tx:
        book = (await tx.rights.of_titles([model.id]))[model.id]
    licence = evolve(book.licences[0], id=LicenceId(container.ids().uuid7()), title_id=title.id)
    await add_title(
        AddTitle(title, (licence,)),
        uow=container.uow(),
        clock=container.clock(),
        transliterator=container.transliterator(),
        stock=container.short_ids(),
    )


async def _title(service: Service, slug: str) -> Title:
    async with service.container.uow().read() as tx:
        return await _find(tx, slug)


async def _find(tx: Any, slug: str) -> Title:
    found: Title = next(title for title in await tx.titles.all() if title.slug == slug)
    return found


async def _give(service: Service, account: AccountId, title: Title, held: Held) -> None:
    """Write what somebody holds, as if it had been given and used then."""
    ids, now = service.container.ids(), service.clock.now()
    grant_id = GrantId(ids.uuid7())

    def at(span: timedelta | None) -> datetime | None:
        return None if span is None else now + span

    given = now + held.given
    grant = Grant(
        id=grant_id,
        origin_id=grant_id,
        account_id=account,
        title_id=None if held.kind is GrantKind.SUBSCRIPTION else title.id,
        kind=held.kind,
        status=GrantStatus.ACTIVE,
        granted_at=given,
        recorded_at=min(given, now),
        ends_at=at(held.ends),
        entry_id=None,
        terms=held.terms,
        source="test",
    )
    uses = [(UseKind.STARTED, at(held.started)), (UseKind.CONSUMED, at(held.consumed))]
    async with service.container.uow().begin() as tx:
        await grant_in(tx, [grant], now, ids)
        for kind, used_at in uses:
            if used_at is not None:
                use = GrantUse(grant_id, kind, used_at, used_at, SessionId(ids.opaque("ses")))
                await tx.grants.use(use)
        if held.closed is not None:
            await end_in(tx, [GrantChange(grant_id, held.closed, now, "test", None)], [grant], ids)
