"""The contracts of the `Sessions` and `Positions` ports."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from buddy_core.kernel import DeviceId, GrantId, SessionId
from buddy_core.playback import Beat, PlaybackSession, Position, beat, stop
from tests.contracts.cases import AT, LATER, Uow, account, race, title, uid

pytestmark = pytest.mark.anyio

SESSION = PlaybackSession(
    id=SessionId("ses_1"),
    account_id=account(1),
    title_id=title(1),
    device_id=DeviceId("dev_1"),
    grant_id=GrantId(uid(7)),
    country="IN",
    started_at=AT,
    ends_at=AT + timedelta(hours=4),
    last_beat_at=AT,
    is_playing=True,
    watched_ms=0,
)


async def test_a_session_comes_back(uow: Uow) -> None:
    """A session is found by its id, with every field; an unknown id finds none."""
    async with uow.begin() as tx:
        await tx.sessions.add(SESSION)
        assert await tx.sessions.lock(SESSION.id) == SESSION
    async with uow.read() as tx:
        assert await tx.sessions.get(SESSION.id) == SESSION
        assert await tx.sessions.get(SessionId("ses_2")) is None


async def test_what_a_heartbeat_changed_is_kept(uow: Uow) -> None:
    """After a beat and a stop the session is read back as the rules left it."""
    async with uow.begin() as tx:
        await tx.sessions.add(SESSION)
        await tx.sessions.add(evolve(SESSION, id=SessionId("ses_2")))
    beaten = beat(SESSION, Beat(5_000, is_playing=False), AT + timedelta(seconds=5))
    handed_on = evolve(beaten, grant_id=uid(88), via_kind="rental")
    for after in (beaten, handed_on, stop(handed_on, LATER)):
        async with uow.begin() as tx:
            await tx.sessions.save(after)
        async with uow.read() as tx:
            assert await tx.sessions.get(SESSION.id) == after
    async with uow.read() as tx:
        assert await tx.sessions.get(SessionId("ses_2")) == evolve(SESSION, id=SessionId("ses_2"))


async def test_beats_at_once_count_time_once(uow: Uow) -> None:
    """Concurrent heartbeats of one instant, each under the lock, add the time passed only once."""
    async with uow.begin() as tx:
        await tx.sessions.add(SESSION)

    async def report() -> None:
        async with uow.begin() as tx:
            session = await tx.sessions.lock(SESSION.id)
            await tx.sessions.save(beat(session, Beat(0, is_playing=True), AT + timedelta(seconds=10)))

    _, refusals = await race(*(report() for _ in range(6)))
    assert refusals == []
    async with uow.read() as tx:
        session = await tx.sessions.get(SESSION.id)
    assert session is not None
    assert session.watched_ms == 10_000


def position(number: int, ms: int, minutes: int = 0, who: int = 1) -> Position:
    """Return a position in a title, some minutes after the start."""
    return Position(account(who), title(number), ms, AT + timedelta(minutes=minutes))


async def save(uow: Uow, *positions: Position) -> None:
    """Save positions in a transaction of its own."""
    async with uow.begin() as tx:
        await tx.positions.save(positions)


async def test_positions_come_back_by_title(uow: Uow) -> None:
    """An account's positions are found by title; of all, of those named, or of none."""
    mine = [position(number, number * 1_000) for number in range(3)]
    await save(uow, *mine, position(0, 99, who=2))
    await save(uow)
    async with uow.read() as tx:
        assert await tx.positions.of_account(account(1)) == {item.title_id: item for item in mine}
        assert await tx.positions.of_account(account(1), [title(1), title(9)]) == {title(1): mine[1]}
        assert await tx.positions.of_account(account(1), []) == {}
        assert await tx.positions.of_account(account(3)) == {}


async def test_an_older_position_moves_nothing(uow: Uow) -> None:
    """A later report replaces the position, even backwards in the film; an earlier or equal one does not."""
    await save(uow, position(1, 5_000, minutes=5))
    await save(uow, position(1, 9_000, minutes=4))
    await save(uow, position(1, 7_000, minutes=5))
    async with uow.read() as tx:
        assert await tx.positions.of_account(account(1)) == {title(1): position(1, 5_000, minutes=5)}
    await save(uow, position(1, 1_000, minutes=6))
    async with uow.read() as tx:
        assert await tx.positions.of_account(account(1)) == {title(1): position(1, 1_000, minutes=6)}


async def test_concurrent_reports_leave_the_newest(uow: Uow) -> None:
    """Whatever order concurrent reports arrive in, the newest position stays."""
    _, refusals = await race(*(save(uow, position(1, m * 1_000, minutes=m)) for m in (3, 7, 1, 9, 5)))
    assert refusals == []
    async with uow.read() as tx:
        assert await tx.positions.of_account(account(1)) == {title(1): position(1, 9_000, minutes=9)}
