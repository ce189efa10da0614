"""The viewer's views say the same on memory and on SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.migrate import migrate
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system.clock import SettableClock
from buddy_adapters.system.ids import SequentialIds
from buddy_adapters.text.slugs import SlugifyTransliterator
from buddy_core import views
from buddy_core.access import BUILT_IN
from buddy_core.accounts import begin_guest
from buddy_core.catalog import Title
from buddy_core.entitlements import Context
from buddy_core.flows import SessionClaim, UnlockTitle, beat_session, start_playback, unlock_title
from buddy_core.kernel.ids import DeviceId
from buddy_core.playback import Beat
from buddy_core.shortids import Stock
from buddy_core.tokens import BONUS, EarnTokens, earn_in
from buddy_core.views import Asked, Visitor
from buddy_web.demo.seed import seed_demo
from buddy_web.reference import SELLER_ROUTES, seed_reference

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)

pytestmark = pytest.mark.anyio


class NoPasswords:
    """Stores no password; nobody signs in here."""

    async def hash(self, password: str) -> str:
        return "none"

    async def matches(self, password: str, stored: str | None) -> bool:
        return False


class NoSealer:
    """Seals nothing; nobody proves a second factor here."""

    def seal(self, secret: bytes, context: bytes) -> bytes:
        return b"sealed"

    def open(self, sealed: bytes, context: bytes) -> bytes:
        raise AssertionError("nothing is opened here")


@asynccontextmanager
async def store(name: str, folder: Path) -> AsyncIterator[Any]:
    if name == "memory":
        yield MemoryUnitOfWork()
        return
    engine = make_engine(f"sqlite+aiosqlite:///{folder / 'views.db'}")
    try:
        await migrate(engine)
        yield SqlUnitOfWork(engine)
    finally:
        await engine.dispose()


async def titles_of(uow: Any) -> dict[str, Title]:
    async with uow.read() as tx:
        return {title.art_key or title.slug: title for title in await tx.titles.all()}


async def give(uow: Any, visitor: Visitor, amount: int, at: datetime, ids: SequentialIds) -> None:
    command = EarnTokens(
        account_id=visitor.account_id,
        kind=BONUS,
        amount=amount,
        source="ads.reward",
        source_ref="rwd_1",
        idempotency_key=f"give-{amount}",
        expires_at=at + timedelta(days=90),
        earned_as_guest=True,
        rule_version=1,
    )
    async with uow.begin() as tx:
        await earn_in(tx, [command], at, ids)


@pytest.mark.parametrize("name", ["memory", "sqlite"])
async def test_a_viewers_evening(name: str, tmp_path: Path) -> None:
    """From an empty wallet over an unlock to the middle of an episode, every page says what is true then."""
    clock, ids = SettableClock(START), SequentialIds()
    async with store(name, tmp_path) as uow:
        await seed_reference(uow=uow, clock=clock)
        await seed_demo(
            uow=uow,
            clock=clock,
            ids=ids,
            passwords=NoPasswords(),
            sealer=NoSealer(),
            transliterator=SlugifyTransliterator(),
            stock=Stock(),
        )
        guest = await begin_guest(uow=uow, clock=clock, ids=ids)
        visitor = Visitor(guest.id, DeviceId("dev_1"), "IN", "ip", is_guest=True)
        titles = await titles_of(uow)
        first, series = titles["night-ferry-1"], titles["night-ferry"]
        ports: dict[str, Any] = {"uow": uow, "clock": clock}

        home = await views.home_page(visitor, **ports)
        assert [rail.kind for rail in home.rails] == ["new", "films", "series", "shorts"]
        assert home.earn is not None
        assert (home.earn.tokens, home.earn.left_today) == (1, 10)
        sheet = await views.unlock_sheet(first, visitor, "key-1", **ports)
        assert sheet is not None
        assert (sheet.cost, sheet.short_by, sheet.left_after) == (2, 2, None)
        assert [way.kind for way in sheet.ways] == [
            *("watch_ad", "sign_in", "buy_tokens"),
            *("rental", "est"),
        ]
        refused = await views.watch_page(first, visitor, None, **ports)
        assert refused.denial is not None
        assert refused.denial.code == "entitlements.no_grant"
        earn = await views.earn_page(visitor, Asked(wanted=first), **ports)
        assert earn.wanted is not None
        assert earn.wanted.short_by == 2

        await give(uow, visitor, 5, clock.now(), ids)
        sheet = await views.unlock_sheet(first, visitor, "key-1", **ports)
        assert sheet is not None
        assert (sheet.have_bonus, sheet.uses_bonus, sheet.left_after) == (5, 2, 3)
        seen = UnlockTitle(guest.id, first.id, sheet.cost, int(sheet.rule_version), "IN", "key-1")
        actor = BUILT_IN.actor(guest.id)
        await unlock_title(actor, seen, **ports, ids=ids, routes=SELLER_ROUTES)
        assert await views.unlock_sheet(first, visitor, "key-2", **ports) is None

        clock.advance(timedelta(seconds=1))
        playing = await start_playback(actor, visitor.device_id, first.id, Context("IN"), **ports, ids=ids)
        clock.advance(timedelta(seconds=9))
        claim = SessionClaim(playing.session.id, guest.id, visitor.device_id)
        await beat_session(claim, Beat(9000, is_playing=True), **ports, ids=ids)
        page = await views.title_page(series, visitor, "https://example.com", **ports)
        assert (page.action.kind, page.action.episode_number, page.action.resume_s) == ("resume", 1, 9)
        assert [row.state for row in page.episodes] == ["continue", "locked", "locked"]
        watch = await views.watch_page(first, visitor, playing.session.id, **ports)
        assert (watch.resume_s, watch.denial) == (9, None)
        assert watch.next is not None
        assert (watch.next.episode_number, watch.next.is_locked, watch.next.cost_tokens) == (2, True, 2)

        wallet = await views.wallet_page(visitor, **ports)
        shown = [(line.operation, line.tokens, line.balance_after) for line in wallet.lines]
        assert shown == [("spend", -2, 3), ("reward", 5, 5)]
        assert [(item.tokens, item.expires_at) for item in wallet.expiring] == [
            (3, START + timedelta(days=90))
        ]
        kept = await views.kept(visitor, **ports)
        assert (kept.tokens, kept.unlocked, kept.in_progress) == (3, 1, 1)
        viewer = await views.viewer(visitor, **ports)
        assert (viewer.is_guest, viewer.balance, viewer.may) == (True, 3, visitor.may)
