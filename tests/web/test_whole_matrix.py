"""Page, signed link, key and API hold to docs/entitlements-matrix.md, over HTTP on stored facts.

The matrix has more than 400,000 rows, and the pure decision is held to all of them elsewhere. Here stands a
covering subset of the rows that a store can hold:

- every pair of values of show, state, territory, grant, plan and channel that the matrix can ask: so each
  kind of grant in each of its states meets each plan, each window, each licence and each channel;
- where a TVOD, SVOD or AVOD window is open and licensed, every grant, with the plans in turn: there the
  grant decides;
- one row of every different answer that the matrix gives: all reasons, and all combinations of rights.

`rows_asked` makes it, with one fixed seed; `test_the_subset_covers_what_it_promises` counts it. What the
service cannot be asked is in `UNREACHABLE`, with the reason.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cache
from itertools import combinations, product
from typing import Any
from uuid import UUID

import pytest
from attrs import evolve, field, frozen

from buddy_core.access import SYSTEM
from buddy_core.accounts import Account, AccountType
from buddy_core.catalog import Title, TitleType
from buddy_core.entitlements import (
    Allowed,
    Channel,
    Decision,
    Grant,
    GrantKind,
    GrantStatus,
    GrantUse,
    Reason,
    Terms,
)
from buddy_core.flows import RevokeAccess, TakeTitleDown
from buddy_core.kernel.ids import (
    AccountId,
    DeviceId,
    GrantId,
    LicenceId,
    PartnerId,
    SessionId,
    TakedownId,
    TitleId,
    WindowId,
)
from buddy_core.playback import PlaybackSession
from buddy_core.rights import (
    Licence,
    Takedown,
    Territories,
    TitleRights,
    Window,
    WindowType,
    check_book,
    first_book,
)
from buddy_core.shortids import assign_in, publish_in, stock_short_ids
from tests.entitlements_matrix import (
    AT,
    BASE,
    GRANTS,
    LICENSED,
    PLANS,
    PROFILES,
    SHOWS,
    STATES,
    TIERS,
    Row,
    day,
    parts,
    rows,
    stored,
)
from tests.web.service import KEY, MEDIA, Service, running

DEVICE = DeviceId("dev_" + "0" * 32)
HEIGHTS = (720, 1080, 2160)
"""The renditions that the media of the test have; the rights of the matrix end at each of them."""
UNREACHABLE: Mapping[str, str] = {
    "above the profile's age": "no request names a profile: all watch as their account",
    "a PIN is asked": "no request names a profile, and so none has a PIN",
    "the PIN was given": "no request brings a PIN; the answer is that of a profile that fits",
}
"""The profiles of the matrix that no request of a viewer can have, and why."""
_MASTER = "#EXTM3U\n" + "".join(
    f"#EXT-X-STREAM-INF:BANDWIDTH={height * 1000},RESOLUTION={height * 16 // 9}x{height}\n"
    f"{height}p/index.m3u8\n"
    for height in HEIGHTS
)


# -- which rows ----------------------------------------------------------------------------------------

Case = tuple[str, str, str]
Values = tuple[str, str, str, str, str, Channel]
DIMENSIONS: tuple[Sequence[Any], ...] = (
    list(SHOWS),
    list(STATES),
    list(LICENSED),
    list(GRANTS),
    list(PLANS),
    list(Channel),
)


GRANT, PLAN = 3, 4
"""Their places among the dimensions."""


def row_of(values: Sequence[Any]) -> Row:
    """Return the row of some values, for a profile that fits."""
    show, state, territory, grant, plan, channel = values
    return Row(show, state, territory, grant, plan, BASE, channel)


def pairs_of(values: Sequence[Any]) -> set[tuple[int, Any, int, Any]]:
    """Return the pairs of values in a row, each with its place."""
    return {(a, values[a], b, values[b]) for a, b in combinations(range(len(values)), 2)}


CASES: Sequence[Case] = [
    (show, [*STATES][(number + place) % len(STATES)], territory)
    for number, show in enumerate(SHOWS)
    for place, territory in enumerate(LICENSED)
]
"""As few titles as have every two of show, state and territory together: each is on every title's page."""


@cache
def rows_asked() -> list[Row]:
    """Return the covering subset, the same each time."""
    draw = random.Random(20261121)
    chosen: dict[Values, None] = {}
    left = {
        (a, one, b, other)
        for a, b in combinations(range(len(DIMENSIONS)), 2)
        for one, other in product(DIMENSIONS[a], DIMENSIONS[b])
    }
    plans = list(PLANS)
    for number, (show, grant) in enumerate(product(("tvod", "svod", "avod"), GRANTS)):
        # The number of grants has no divisor with that of plans: each grant meets three plans here.
        values: Values = (show, "open", "licensed", grant, plans[number % len(plans)], Channel.WEB)
        chosen[values] = None
        left -= pairs_of(values)
    for grant, plan in product(GRANTS, PLANS):
        if (GRANT, grant, PLAN, plan) not in left:
            continue
        # Each pair of the two largest dimensions once, beside what covers most of the other pairs.
        tries = [_drawn(draw, grant, plan) for _ in range(24)]
        best = max(tries, key=lambda values: len(pairs_of(values) & left))
        chosen[best] = None
        left -= pairs_of(best)
    while left:
        a, one, b, other = min(left, key=repr)
        drawn: list[Any] = list(_drawn(draw, draw.choice(list(GRANTS)), draw.choice(list(PLANS))))
        drawn[a], drawn[b] = one, other
        show, state, territory, grant, plan, channel = drawn
        chosen[show, state, territory, grant, plan, channel] = None
        left -= pairs_of(drawn)
    seen = {told(row_of(values).decide()) for values in chosen}
    for row in rows((BASE,), (Channel.WEB,)):
        answer = told(row.decide())
        if answer not in seen:
            seen.add(answer)
            chosen[row.show, row.state, row.territory, row.grant, row.plan, row.channel] = None
    return [row_of(values) for values in chosen]


def _drawn(draw: random.Random, grant: str, plan: str) -> Values:
    return *draw.choice(CASES), grant, plan, draw.choice(list(Channel))


def told(answer: Decision) -> tuple[object, ...]:
    """Return an answer without what is sold: that depends on prices."""
    return parts(answer) if isinstance(answer, Allowed) else parts(answer)[:2]


# -- as stored facts -----------------------------------------------------------------------------------


def book_of(case: Case, title: TitleId, partner: PartnerId) -> TitleRights:
    """Return the book of a title with the window and the licence of a case."""
    show, state, territory = case
    kind, is_free = SHOWS[show]
    start, end = STATES[state]
    tiers = ("premium",) if kind is WindowType.SVOD else ()
    window = Window(_new(WindowId), title, kind, Territories(("*",)), day(start), day(end), tiers, is_free)
    # Two whole licences of one country would be more than the whole; nobody is asked from AE.
    licences = [_licence(title, partner, Territories(("AE",)), -300, None, has_tail=True)]
    licence = LICENSED[territory]
    if licence is not None:
        begins, ends, has_tail = licence
        everywhere = Territories(("*",), ("AE",))
        licences.append(_licence(title, partner, everywhere, begins, ends, has_tail=has_tail))
    book = first_book(title, day(-200), "matrix", licences, [window])
    if territory == "taken down":
        book = evolve(book, takedowns=(Takedown(_new(TakedownId), Territories(("IN",)), "", day(-1)),))
    check_book(book)
    return book


def _licence(
    title: TitleId, partner: PartnerId, where: Territories, start: int, end: int | None, *, has_tail: bool
) -> Licence:
    ends_at = None if end is None else day(end)
    return Licence(
        _new(LicenceId), title, partner, Fraction(1, 2), where, day(start), ends_at, has_tail=has_tail
    )


def plan_spans(plan: str, account: AccountId) -> Iterator[Grant]:
    """Return the spans of a plan as an account holds them."""
    for tier, state, start, end in PLANS[plan]:
        found = _new(GrantId)
        yield Grant(
            id=found,
            origin_id=found,
            account_id=account,
            title_id=None,
            kind=GrantKind.SUBSCRIPTION,
            status=GrantStatus.ACTIVE,
            granted_at=day(start),
            recorded_at=day(min(start, -10)),
            ends_at=day(end),
            entry_id=None,
            terms=Terms(TIERS[tier], tier=tier, plan=state),
            source="matrix",
        )


@frozen
class Place:
    """Where a row is asked: the viewer's cookies and their session, and the title."""

    account: AccountId
    title: Title
    session: SessionId
    grant: GrantId | None
    """What the viewer holds of the title."""


@frozen
class Stage:
    """The service with the facts of every row, and what to ask for each."""

    service: Service
    places: Mapping[Row, Place]
    _tokens: dict[AccountId, str] = field(factory=dict, init=False)

    def ask(self, row: Row) -> Asked:
        """Return a client of the row's viewer in the row's country and channel."""
        country = "QQ" if row.territory == "country unknown" else "IN"
        return self.viewer(self.places[row], country, row.channel)

    def viewer(self, place: Place, country: str = "IN", channel: Channel = Channel.WEB) -> Asked:
        """Return a client of a viewer, from a country and on a channel."""
        web = self.service.app.extensions["buddy"]
        guest, device = web.visitors.guest_cookie, web.visitors.device
        cookies = {
            guest.name: guest.encode(guest.issue(place.account)),
            device.name: device.encode(DEVICE),
            "buddy_country": country,
        }
        if place.account not in self._tokens:
            with self.service.app.test_request_context(headers={"Cookie": _joined(cookies)}):
                self._tokens[place.account] = web.form_tokens.token()
        token = self._tokens[place.account]
        headers = {
            "Cookie": _joined({**cookies, "buddy_csrf": token}),
            "X-CSRF-Token": token,
            "X-Buddy-Channel": channel.value,
        }
        return Asked(self.service, place, headers)


@frozen
class Asked:
    """One viewer who asks for one title at each of the places where it is decided."""

    service: Service
    place: Place
    headers: Mapping[str, str]

    def get(self, path: str, accept: str = "*/*") -> Any:
        """Ask for an address."""
        client = self.service.app.test_client(use_cookies=False)
        return client.get(path, headers={**self.headers, "Accept": accept}, buffered=True)

    def availability(self) -> tuple[object, ...]:
        """Return what the API says, in the form of `told`."""
        title = self.place.title
        found = self.get(f"/v1/titles/{title.type}/{title.short_id}/availability").json
        if not found["allowed"]:
            return found["reason"], _instant(found["opens_at"])
        rights = found["rights"]
        names = ("max_height", "ads", "downloads", "streams")
        return (
            "yes",
            found["via"],
            _instant(found["until"]),
            tuple(rights[name]["value"] for name in names),
            tuple(_instant(rights[name]["until"]) for name in names),
            found["is_in_grace"],
        )

    def page(self) -> str:
        """Return what the title's page says: `yes` where its button plays, else the reason."""
        title = self.place.title
        page = self.get(f"/{title.type}/{title.short_id}/{title.slug}", "text/html")
        assert page.status_code == (451 if "entitlements.taken_down" in page.text else 200)
        if re.search(rf'class="btn go" href="/watch/{title.type}/{title.short_id}"', page.text):
            assert 'data-reason="' not in page.text
            return "yes"
        found = re.search(r'data-reason="entitlements\.([a-z_]+)"', page.text)
        # The button that unlocks says enough where nothing was ever held.
        return found[1] if found else "no_grant" if f"/unlock/{title.type}/" in page.text else "nothing"

    def start(self) -> tuple[str, SessionId | None]:
        """Press play: return `yes` and the session, or the reason."""
        body = {"type": self.place.title.type.value, "id": self.place.title.short_id}
        client = self.service.app.test_client(use_cookies=False)
        found = client.post("/v1/playback/sessions", json=body, headers=self.headers)
        if found.status_code == 201:
            answer: Any = found.json
            return "yes", SessionId(answer["session_id"])
        return _refused(found), None

    def link(self, session: SessionId, height: int) -> str:
        """Ask for the signed links up to a height: return `yes` if they are the highest, or the reason."""
        playlist = self.get(f"/play/{session}/{height or HEIGHTS[0]}p.m3u8")
        if playlist.status_code != 200:
            return _refused(playlist)
        above = [item for item in HEIGHTS if item > height][:1]
        assert all(self.get(f"/play/{session}/{item}p.m3u8").status_code == 404 for item in above)
        return "yes"

    def film(self, session: SessionId, height: int) -> str:
        """Load a session as a player does, to the first bytes of its highest picture: return `yes`."""
        master = self.get(f"/play/{session}/master.m3u8").text
        offered = tuple(int(found) for found in re.findall(r"/([0-9]+)p\.m3u8", master))
        assert offered == tuple(item for item in HEIGHTS if item <= height)
        playlist = self.get(f"/play/{session}/{height}p.m3u8").text
        signed = next(line for line in playlist.splitlines() if line.startswith("/media/"))
        assert self.get(signed).status_code == 200
        return "yes"

    def key(self, session: SessionId) -> str:
        """Ask for the content key: return `yes`, or the reason."""
        found = self.get(f"/play/{session}/key")
        if found.status_code == 200:
            assert found.data == KEY
            return "yes"
        return _refused(found)


def _refused(answer: Any) -> str:
    assert answer.status_code == (451 if answer.json["code"] == "playback.taken_down" else 422), answer.text
    reason: str = answer.json["facts"]["reason"]
    return reason


def _joined(cookies: Mapping[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in cookies.items())


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


# -- setting it up -------------------------------------------------------------------------------------

_numbers = iter(range(1, 10**6))


def _new(kind: Any) -> Any:
    return kind(UUID(int=0x7_0000_0000 + next(_numbers)))


async def _set_up(service: Service, asked: Sequence[Row]) -> dict[Row, Place]:
    """Store a title for each case, an account for each grant beside a plan, and what a row's viewer holds."""
    container = service.container
    uow, stock = container.uow(), container.short_ids()
    async with uow.read() as tx:
        partner = (await tx.producers.all())[0].id
    await stock_short_ids(uow, stock, TitleType.FILM.value)
    titles: dict[Case, Title] = {}
    accounts: dict[tuple[str, str], AccountId] = {}
    places: dict[Row, Place] = {}
    for case in sorted({(row.show, row.state, row.territory) for row in asked}):
        titles[case] = await _add_title(service, case, partner)
    async with uow.begin() as tx:
        for grant, plan in sorted({(row.grant, row.plan) for row in asked}):
            account = accounts[grant, plan] = _new(AccountId)
            await tx.accounts.add(Account(account, AccountType.GUEST, day(-100)))
            await tx.grants.add(list(plan_spans(plan, account)))
        held: dict[tuple[AccountId, TitleId], tuple[SessionId, GrantId | None]] = {}
        for row in asked:
            account, title = accounts[row.grant, row.plan], titles[row.show, row.state, row.territory]
            if (account, title.id) not in held:
                session = SessionId(container.ids().opaque("ses"))
                await tx.sessions.add(_begun(session, account, title.id))
                held[account, title.id] = session, await _hold_in(tx, row.grant, account, title.id, session)
            places[row] = Place(account, title, *held[account, title.id])
    return places


async def _add_title(service: Service, case: Case, partner: PartnerId) -> Title:
    container, title_id = service.container, _new(TitleId)
    async with container.uow().begin() as tx:
        given = await assign_in(tx, TitleType.FILM.value, title_id, AT, stock=container.short_ids())
        title = Title(
            id=title_id,
            short_id=given.short_id.text,
            slug=f"matrix-{title_id.hex[-6:]}",
            type=TitleType.FILM,
            name=", ".join(case),
            synopsis="",
            producer_id=partner,
            maturity="UA 13+",
            languages=("hi",),
            year=2026,
            duration_s=6000,
            published_at=day(-200),
            media_key="matrix",
        )
        await tx.titles.add(title)
        await publish_in(tx, title_id, AT)
        await tx.rights.append(book_of(case, title_id, partner))
    return title


async def _hold_in(
    tx: Any, name: str, account: AccountId, title: TitleId, session: SessionId, **other: Any
) -> GrantId | None:
    """Store a grant of the matrix with what was recorded about it; return its id."""
    held = GRANTS[name]
    if held is None:
        return None
    model, changes, uses = stored(held)
    found: GrantId = _new(GrantId)
    grant = evolve(
        model,
        id=found,
        origin_id=found,
        account_id=account,
        title_id=title,
        status=GrantStatus.ACTIVE,
        source="matrix",
        **other,
    )
    await tx.grants.add([grant])
    await tx.grants.change([evolve(change, grant_id=found) for change in changes])
    for use in uses:
        mine = session if held.here else SessionId("ses_" + "f" * 32)
        assert await tx.grants.use(GrantUse(found, use.kind, use.at, use.recorded_at, mine))
    return found


def _begun(session: SessionId, account: AccountId, title: TitleId) -> PlaybackSession:
    """Return a session that the viewer began a while ago, when they still might."""
    return PlaybackSession(
        id=session,
        account_id=account,
        title_id=title,
        device_id=DEVICE,
        grant_id=UUID(int=1),
        country="IN",
        started_at=AT - timedelta(hours=1),
        ends_at=AT + timedelta(hours=3),
        last_beat_at=AT - timedelta(hours=1),
        is_playing=False,
        watched_ms=0,
    )


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One service for all rows, on day 0."""
    with running(tmp_path_factory.mktemp("matrix")) as service:
        service.clock.set(AT)
        folder = service.media_dir / "matrix"
        for height in HEIGHTS:
            (folder / f"{height}p").mkdir(parents=True)
            (folder / f"{height}p" / "index.m3u8").write_text(MEDIA)
            (folder / f"{height}p" / "00000.ts").write_bytes(bytes(64))
        (folder / "master.m3u8").write_text(_MASTER)
        (folder / "key.bin").write_bytes(KEY)
        yield Stage(service, service.container.bridge().call_within(60, _set_up, service, rows_asked()))


# -- the tests -----------------------------------------------------------------------------------------


def test_the_subset_covers_what_it_promises() -> None:
    """Every pair of values, every answer and every reason of the matrix is asked; the rest says why not."""
    asked = rows_asked()
    covered = set().union(
        *(pairs_of((row.show, row.state, row.territory, row.grant, row.plan, row.channel)) for row in asked)
    )
    sizes = [len(values) for values in DIMENSIONS]
    assert len(covered) == sum(a * b for a, b in combinations(sizes, 2))
    answers = {told(row.decide()) for row in rows((BASE,), (Channel.WEB,))}
    assert {told(row.decide()) for row in asked} == answers
    assert {*PROFILES} == {BASE, *UNREACHABLE}
    reasons = {str(answer[0]) for answer in answers} - {"yes"}
    # A profile is asked for two of them; a title that is not out and other streams are no part of the matrix.
    without = {Reason.MATURITY, Reason.PROFILE_PIN, Reason.NOT_PUBLISHED, Reason.TOO_MANY_STREAMS}
    assert reasons == {str(item) for item in Reason} - {str(item) for item in without}
    reachable = len(SHOWS) * len(STATES) * len(LICENSED) * len(GRANTS) * len(PLANS) * len(Channel)
    assert sum(1 for _ in rows()) - reachable == reachable * len(UNREACHABLE)


def test_page_play_link_key_and_api_give_the_answer_of_the_matrix(stage: Stage) -> None:
    """For each row all five say yes or the same reason, and show no higher picture than is allowed."""
    wrong = [(row, *found) for row in rows_asked() if (found := _differing(stage, row))]
    assert wrong == []


def _differing(stage: Stage, row: Row) -> list[str]:
    """Ask for a row everywhere; return what says something else than the rules."""
    place, asked = stage.places[row], stage.ask(row)
    said = row.decide()
    # The session that used a grant up goes on to its end; whoever comes anew is told that it is used up.
    held = GRANTS[row.grant]
    anew = evolve(row, grant=_WATCHED).decide() if held is not None and held.here else said
    wrong: list[str] = []

    def hold(where: str, found: object, wanted: object) -> None:
        if found != wanted:
            wrong.append(f"{where}: {found}, not {wanted}")

    hold("API", asked.availability(), told(anew))
    hold("page", asked.page(), _short(anew))
    # What runs already, and then what is begun now: a first play changes how long a rental runs.
    hold("link", asked.link(place.session, _height(said)), _short(said))
    hold("key", asked.key(place.session), _short(said))
    started, session = asked.start()
    hold("play", started, _short(anew))
    if session is not None:
        hold("link of a new session", asked.film(session, _height(anew)), "yes")
        hold("key of a new session", asked.key(session), "yes")
    return wrong


_WATCHED = "watch-once, watched to the end"


def _short(answer: Decision) -> str:
    return "yes" if isinstance(answer, Allowed) else str(answer.reason)


def _height(answer: Decision) -> int:
    return answer.max_height if isinstance(answer, Allowed) else 0


# -- what changes between pressing play and the key ------------------------------------------------------


@pytest.mark.parametrize("change", ["revoked", "taken_down", "over", "grant_ended"])
def test_a_change_after_the_start_stops_links_and_key(stage: Stage, change: str) -> None:
    """Revoked, taken down, window over or grant ended: what plays gets no link and no key any more."""
    service = stage.service
    place = service.call(_soon_over, service, change)
    asked = stage.viewer(place)
    started, session = asked.start()
    assert session is not None, started
    assert (asked.link(session, _LAST_HEIGHT[change]), asked.key(session)) == ("yes", "yes")
    try:
        _make(service, place, change)
        assert (asked.link(session, 0), asked.key(session), asked.start()[0]) == (change, change, change)
        assert (asked.availability()[0], asked.page()) == (change, change)
    finally:
        service.clock.set(AT)


_LAST_HEIGHT = {"revoked": 1080, "taken_down": 1080, "over": 720, "grant_ended": 1080}


async def _soon_over(service: Service, change: str) -> Place:
    """Store a title and a viewer who may watch it for an hour at least."""
    container, account = service.container, _new(AccountId)
    ends = day(1 / 24)
    async with container.uow().read() as tx:
        partner = (await tx.producers.all())[0].id
    await stock_short_ids(container.uow(), container.short_ids(), TitleType.FILM.value)
    title = await _add_title(service, ("avod" if change == "over" else "tvod", "open", "licensed"), partner)
    found = None
    async with container.uow().begin() as tx:
        await tx.accounts.add(Account(account, AccountType.GUEST, day(-100)))
        if change == "over":
            book = (await tx.rights.of_titles([title.id]))[title.id]
            windows = tuple(evolve(item, ends_at=ends) for item in book.windows)
            await tx.rights.append(evolve(book, revision=2, windows=windows))
        else:
            found = await _hold_in(tx, "gift", account, title.id, SessionId(""), ends_at=ends)
    return Place(account, title, SessionId(""), found)


def _make(service: Service, place: Place, change: str) -> None:
    """Let it happen, as staff or by the time that passes."""
    if change == "revoked":
        assert place.grant is not None
        revoke = RevokeAccess(place.account, place.grant, "a mistake", "revoke")
        service.call(service.container.revoke_access, SYSTEM, revoke, correlation_id="matrix")
    elif change == "taken_down":
        down = TakeTitleDown(place.title.id, Territories(("IN",)), "a court", "an order", "down")
        service.call(service.container.take_down, SYSTEM, down, correlation_id="matrix")
    else:
        service.clock.set(day(1 / 24))
