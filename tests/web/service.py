"""The whole demo on a SQLite file of its own, with fake packaged media and a quick sandbox."""

from __future__ import annotations

import functools
import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from attrs import define, evolve, field, frozen
from dependency_injector import providers
from flask.testing import FlaskClient
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.test import TestResponse

from buddy_adapters.media.hls import KEY_URI
from buddy_adapters.sql.migrate import migrate
from buddy_adapters.system.clock import SettableClock, ShiftedClock
from buddy_core.accounts import fold_email
from buddy_core.kernel.clock import Clock
from buddy_web.app import BuddyApp, create_app
from buddy_web.container import Container
from buddy_web.demo.catalogue import TITLES
from buddy_web.demo.media import draw_posters
from buddy_web.demo.seed import seed_demo
from buddy_web.reference import seed_reference
from buddy_web.routes import blueprints
from buddy_web.sandbox.ads import AD_S
from buddy_web.sandbox.network import SandboxNetwork, ShownAd, sandbox_key, sandbox_keys
from buddy_web.settings import Settings

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
SECRET = "a-secret-key-that-is-long-enough-for-tests"
KEY = bytes(range(16))
PASSWORD = "Long-enough-1"
_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')

MASTER = """#EXTM3U
#EXT-X-VERSION:3
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="captions",NAME="English",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,FORCED=NO,URI="captions/en/index.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=300000,AVERAGE-BANDWIDTH=250000,RESOLUTION=256x144,CODECS="avc1.4d401e,mp4a.40.2",SUBTITLES="captions"
144p/index.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=9000000,AVERAGE-BANDWIDTH=8000000,RESOLUTION=3840x2160,CODECS="avc1.4d4033,mp4a.40.2",SUBTITLES="captions"
2160p/index.m3u8
"""
MEDIA = f"""#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:4
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-KEY:METHOD=AES-128,URI="{KEY_URI}",IV=0x000102030405060708090a0b0c0d0e0f
#EXTINF:4.000000,
00000.ts
#EXTINF:2.000000,
00001.ts
#EXT-X-ENDLIST
"""
CAPTIONS = """#EXTM3U
#EXT-X-VERSION:3
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-TARGETDURATION:6
#EXTINF:6.000,
captions.vtt
#EXT-X-ENDLIST
"""


class QuickPasswords:
    """Hashes at once; the slow hash has tests of its own."""

    async def hash(self, password: str) -> str:
        return hashlib.sha256(password.encode()).hexdigest()

    async def matches(self, password: str, stored: str | None) -> bool:
        return stored == await self.hash(password)


@define
class Compiled(BytecodeCache):
    """Keeps the code of templates, which each new application would compile again."""

    kept: dict[str, bytes] = field(factory=dict)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take what is kept of this very source."""
        if bucket.key + bucket.checksum in self.kept:
            bucket.bytecode_from_string(self.kept[bucket.key + bucket.checksum])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self.kept[bucket.key + bucket.checksum] = bucket.bytecode_to_string()


COMPILED = Compiled()


@define
class Later:
    """Keeps what the sandbox would do in the background until the test lets it happen."""

    waiting: list[Callable[[], None]] = field(factory=list)
    is_immediate: bool = True
    waited_s: list[float] = field(factory=list)

    def run(self, work: Callable[[], None]) -> None:
        if self.is_immediate:
            work()
        else:
            self.waiting.append(work)

    def happen(self) -> None:
        for work in self.waiting:
            work()
        self.waiting.clear()


@frozen
class Service:
    """The running demo: its application, what it is made of, and the sandbox's hands."""

    app: BuddyApp
    container: Any
    clock: SettableClock
    later: Later
    media_dir: Path
    network: SandboxNetwork

    def confirm(self, ad_unit: str, custom_data: str) -> None:
        """Have the ad network say, server to server, that an ad was seen to its end."""
        self.network.confirm(ShownAd(ad_unit, custom_data, self.container.clock().now()))

    def browser(self) -> Browser:
        """Return a browser that nobody has used yet."""
        return Browser(self.app.test_client(), self)

    def prove(self, email: str) -> None:
        """Have every session of a member count as proven by their second factor, without a code.

        A clock that stands would give each code only once; the codes have tests of their own.
        """
        self.call(_prove, self.container.uow(), email, self.clock.now())

    def call(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run a coroutine function on the service's loop."""
        return self.container.bridge().call(work, *args, **kwargs)


@define
class Browser:
    """A client with its cookies, that sends each form with the token of the page it last saw."""

    client: FlaskClient
    service: Service
    token: str = ""

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        """Open a page as a browser does."""
        headers = {"Accept": "text/html", **kwargs.pop("headers", {})}
        return self._seen(self.client.get(path, headers=headers, buffered=True, **kwargs))

    def post(self, path: str, form: dict[str, str] | None = None, **kwargs: Any) -> TestResponse:
        """Send a form."""
        data = {"csrf_token": self.token, **(form or {})}
        return self._seen(self.client.post(path, data=data, headers={"Accept": "text/html"}, **kwargs))

    def beat(self, path: str, body: Any) -> TestResponse:
        """Send a heartbeat as the player does."""
        return self.client.post(path, json=body, headers={"X-CSRF-Token": self.token})

    def earn(self, times: int = 1) -> None:
        """Watch ads to their end, and let the network call back."""
        for _ in range(times):
            self.get("/earn")
            address = self.post("/earn/start").location
            self.service.clock.advance(timedelta(seconds=AD_S))
            self.get(address)
            self.post(address, {"finished": "yes"})

    def unlock(self, title: str, **other: str) -> TestResponse:
        """Open the sheet of `episode/k6ym` and press its one button."""
        sheet = self.get(f"/unlock/{title}").text
        return self.post(f"/unlock/{title}", {**sheet_form(sheet), **other})

    def watch(self, title: str) -> str:
        """Open the player and return the address of its session."""
        page = self.get(f"/watch/{title}")
        found = re.search(r'data-playlist="(/play/ses_[0-9a-f]{32})/master\.m3u8"', page.text)
        assert found is not None, page.text
        return found[1]

    def join(self, email: str, password: str = PASSWORD) -> TestResponse:
        """Register."""
        self.get("/join")
        return self.post("/join", {"email": email, "password": password})

    def sign_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        """Sign in."""
        self.get("/sign-in")
        answer = self.post("/sign-in", {"email": email, "password": password})
        if answer.status_code == 303:
            self.service.prove(fold_email(email))
        return answer

    def balance(self) -> int:
        """Return the number at the top of the page."""
        found = re.search(r'aria-label="Your wallet: ([0-9]+) token', self.get("/wallet").text)
        assert found is not None
        return int(found[1])

    def cookie(self, name: str) -> str | None:
        """Return a cookie's value."""
        held = self.client.get_cookie(name)
        return held.value if held else None

    def _seen(self, response: TestResponse) -> TestResponse:
        found = _TOKEN.search(response.text) if response.mimetype == "text/html" else None
        self.token = found[1] if found else self.token
        return response


def sheet_form(html: str) -> dict[str, str]:
    """Return the hidden fields of an unlock sheet."""
    names = ("idempotency_key", "cost", "rule_version")
    found = {name: re.search(rf'name="{name}" value="([^"]*)"', html) for name in names}
    return {name: match[1] for name, match in found.items() if match}


@contextmanager
def running(folder: Path, *, database_url: str | None = None, **settings: Any) -> Iterator[Service]:
    """Run the demo in a folder, seeded and with media of a few bytes.

    Its database is a SQLite file of its own, or the seeded one that is named.
    """
    media_dir = folder / "media"
    fake_media(media_dir)
    if database_url is None:
        (folder / "buddy.db").write_bytes(_seeded_file())
    wanted = Settings(
        secret_key=SECRET,
        secret_file=folder / "secret.key",
        database_url=database_url or f"sqlite+aiosqlite:///{folder / 'buddy.db'}",
        media_dir=media_dir,
        # On a busy machine a request may wait for its turn; what is tested here is not speed.
        **{"rate_limits": "off", "call_timeout_s": 30, **settings},
    )
    clock, later = SettableClock(START), Later()
    key = sandbox_key(folder / "ads.pem")
    container = make_container(wanted, ShiftedClock(clock, folder / "clock.json"), key)
    transport = httpx.WSGITransport(app=_Late())
    network = SandboxNetwork(
        key, "http://localhost/v1/webhooks/admob", transport, later.run, later.waited_s.append
    )
    app = create_app(wanted, container, blueprints(wanted, network))
    app.jinja_env.bytecode_cache = COMPILED
    transport.app = app
    bridge = container.bridge()
    try:
        yield Service(app, container, clock, later, media_dir, network)
    finally:
        bridge.call(container.engine().dispose)
        bridge.close()
        container.long_bridge().close()


class _Late:
    """Stands for the application until there is one."""

    def __call__(self, environ: Any, start: Any) -> Any:
        raise AssertionError("the service is not up yet")


def make_container(settings: Settings, clock: Clock, key: Any) -> Any:
    """Return the real composition root with a clock that stands, quick passwords and the test's key."""
    container: Any = Container(settings=settings)
    container.clock.override(providers.Object(clock))
    container.passwords.override(providers.Singleton(QuickPasswords))
    container.ssv_keys.override(providers.Object(sandbox_keys(key)))
    return container


@functools.cache
def _seeded_file() -> bytes:
    """Return the demo's database as a file, made once a process."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "buddy.db")
        seed_database(f"sqlite+aiosqlite:///{file}")
        return file.read_bytes()


def seed_database(url: str) -> None:
    """Fill an empty database with the demo, and leave it: the last one out writes SQLite's one file."""
    container: Any = Container(settings=Settings(secret_key=SECRET, database_url=url))
    container.clock.override(providers.Object(SettableClock(START)))
    container.passwords.override(providers.Singleton(QuickPasswords))
    bridge = container.bridge()
    try:
        bridge.call_within(60, _set_up, container)
        bridge.call(container.engine().dispose)
    finally:
        bridge.close()


async def _prove(uow: Any, email: str, at: datetime) -> None:
    async with uow.begin() as tx:
        account, _ = await tx.accounts.by_email(email)
        for session in await tx.login_sessions.lock_open(account.id):
            await tx.login_sessions.save(evolve(session, second_factor_at=at))


async def _set_up(container: Any) -> None:
    uow, clock, ids = container.uow(), container.clock(), container.ids()
    await migrate(container.engine())
    await seed_reference(uow=uow, clock=clock)
    await seed_demo(
        uow=uow,
        clock=clock,
        ids=ids,
        passwords=container.passwords(),
        sealer=container.sealer(),
        transliterator=container.transliterator(),
        stock=container.short_ids(),
    )


def fake_media(root: Path) -> None:
    """Lay down packaged media as the packager does, a few bytes a segment."""
    draw_posters(root / "posters")
    for title in TITLES:
        if not title.clip_s or title.plays:
            continue
        folder = root / title.key
        for name in ("144p", "2160p"):
            (folder / name).mkdir(parents=True)
            (folder / name / "index.m3u8").write_text(MEDIA)
            for number in range(2):
                (folder / name / f"{number:05}.ts").write_bytes(bytes([number]) * 64)
        (folder / "captions" / "en").mkdir(parents=True)
        (folder / "captions" / "en" / "index.m3u8").write_text(CAPTIONS)
        (folder / "captions" / "en" / "captions.vtt").write_text("WEBVTT\n")
        (folder / "master.m3u8").write_text(MASTER)
        (folder / "key.bin").write_bytes(KEY)
