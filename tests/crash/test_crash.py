"""kill -9 in the middle of unlocks, merges and closes: nothing is lost, half done, or done twice.

Unlocks are killed half as often as BUDDY_CRASH_RUNS says (10). Requests and the instant
of the kill come from a seed that every test prints; BUDDY_CRASH_SEED repeats it.
"""

from __future__ import annotations

import asyncio
import os
from uuid import UUID

import pytest

from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_core.kernel.ids import GrantId
from buddy_core.tokens import Operation
from buddy_web.reference import SELLER_ROUTES
from tests.crash.client_log import ClientLog, killed_in_the_middle
from tests.crash.ledger import Found, assert_clean, find, settled, tokens_of
from tests.crash.world import (
    EARNED,
    GONE,
    MEMBERS,
    MONTH_NAMES,
    VIEWERS,
    Request,
    close,
    merge,
    opened,
    requests,
    unlock,
)

RUNS = int(os.environ.get("BUDDY_CRASH_RUNS", "10")) // 2
ISSUED = (sum(amount for _, amount in EARNED) + GONE) * (VIEWERS + MEMBERS)


def runs(count: int) -> pytest.MarkDecorator:
    """Run a test so often; two runs in five are on PostgreSQL."""
    stores = [
        pytest.param(run, "postgres", marks=pytest.mark.postgres)
        if run % 5 in (1, 3)
        else pytest.param(run, "sqlite")
        for run in range(count)
    ]
    return pytest.mark.parametrize(("run", "store_url"), stores, indirect=["store_url"])


@runs(RUNS)
def test_kill_in_the_middle_of_unlocks(run: int, store_url: str, first_seed: int) -> None:
    """Log and ledger agree in both directions, sending everything again adds only what was missing."""
    seed = _seed(first_seed, run)
    log = killed_in_the_middle("unlock", store_url, seed)
    assert log.in_flight >= 1
    asyncio.run(_check_unlocks(log, seed, store_url))


@runs(2)
def test_kill_in_the_middle_of_merges(run: int, store_url: str, first_seed: int) -> None:
    """A merge is whole or absent; merging all again leaves each guest merged once and no token lost."""
    seed = _seed(first_seed, run)
    log = killed_in_the_middle("merge", store_url, seed)
    assert log.in_flight >= 1
    asyncio.run(_check_merges(log, store_url))


@runs(2)
def test_kill_in_the_middle_of_closes(run: int, store_url: str, first_seed: int) -> None:
    """A month is closed whole or not at all; what was answered is the same to the byte when closed again."""
    seed = _seed(first_seed, run)
    log = killed_in_the_middle("close", store_url, seed)
    assert log.in_flight >= 1
    asyncio.run(_check_closes(log, store_url))


def _seed(first: int, run: int) -> int:
    seed = (first + run) % 2**32
    print(f"repeat with BUDDY_CRASH_SEED={first} (this is run {run})")
    return seed


async def _check_unlocks(log: ClientLog, seed: int, url: str) -> None:
    async with opened(url) as uow:
        await settled(uow)
        before = await find(uow)
        await assert_clean(uow)
        _assert_log_is_in_ledger(log, before)
        _assert_ledger_is_in_log(log, before)
        sent = {request.key: request for request in requests(seed) if request.key in log.started}
        first = await _send_all(sent, uow)
        _assert_first_answers(log, before, first)
        after = await find(uow)
        assert await _send_all(sent, uow) == first
        assert await find(uow) == after
        _assert_conserved(after)
        await assert_clean(uow)


async def _send_all(sent: dict[str, Request], uow: SqlUnitOfWork) -> dict[str, list[str]]:
    return {key: (await unlock(request, uow)).split() for key, request in sent.items()}


def _assert_log_is_in_ledger(log: ClientLog, found: Found) -> None:
    """Whatever was answered is there: one spend with its grant and its facts, or none for a refusal."""
    for key, answers in log.done.items():
        ((grant_id, entry_id, spent, _left),) = answers
        grant = next(grant for grant in found.grants.values() if str(grant.id) == grant_id)
        assert str(grant.entry_id) == entry_id
        spends = found.spends.get(key, [])
        if spent == "0":
            assert spends == []
            continue
        (entry,) = spends
        assert (str(entry.id), entry.source_ref, str(tokens_of(entry))) == (entry_id, grant_id, spent)
        assert sum(fact.tokens for fact in found.facts[entry.id]) == int(spent)
    for key in log.refused.keys() - log.done.keys():
        assert key not in found.spends


def _assert_ledger_is_in_log(log: ClientLog, found: Found) -> None:
    """Whatever is in the ledger was asked for, once; a spend never lies there without grant and facts."""
    new = {key: entries for key, entries in found.spends.items() if not key.startswith("past-")}
    assert new.keys() <= log.started.keys()
    answered = {next(iter(answers))[1] for answers in log.done.values()}
    for key, entries in found.spends.items():
        for entry in entries:
            grant = found.grants[GrantId(UUID(entry.source_ref))]
            assert (grant.entry_id, grant.account_id) == (entry.id, entry.account_id)
            assert sum(fact.tokens for fact in found.facts[entry.id]) == tokens_of(entry)
        if key in new:
            (entry,) = entries
            assert str(entry.id) in answered or key not in log.done
    ids = {entry.id for entries in found.spends.values() for entry in entries}
    assert found.facts.keys() == ids
    assert {grant.entry_id for grant in found.grants.values()} == ids


def _assert_first_answers(log: ClientLog, before: Found, again: dict[str, list[str]]) -> None:
    """Who had an answer gets it again; who had none gets what is in the ledger, or one of their own."""
    for key, (what, _, *facts) in again.items():
        if key in log.done:
            assert what == "done"
            assert log.done[key] == {tuple(facts)}
        elif key in before.spends:
            assert what == "done"
            assert facts[1] == str(before.spends[key][0].id)
        else:
            assert what == "done" or facts == ["tokens.insufficient"]


def _assert_conserved(found: Found) -> None:
    assert found.moved[Operation.EARN] == ISSUED
    assert found.balance == sum(found.moved.values())
    opened_once = {(grant.account_id, grant.title_id) for grant in found.grants.values()}
    assert len(opened_once) == len(found.grants)


async def _check_merges(log: ClientLog, url: str) -> None:
    async with opened(url) as uow:
        await settled(uow)
        await assert_clean(uow)
        before = await find(uow)
        assert -before.moved[Operation.TRANSFER_OUT] == before.moved[Operation.TRANSFER_IN]
        for number in range(VIEWERS):
            answer = (await merge(number, uow)).split()
            if f"merge-{number}" in log.done:
                # It brought all it had before the crash, and brings nothing more.
                assert answer[2:] == ["0", "0", "0"]
        after = await find(uow)
        assert [await merge(number, uow) for number in range(VIEWERS)] == [
            f"done merge-{number} 0 0 0" for number in range(VIEWERS)
        ]
        assert await find(uow) == after
        assert after.balance == sum(after.moved.values())
        assert after.moved[Operation.EARN] == ISSUED
        await assert_clean(uow)


async def _check_closes(log: ClientLog, url: str) -> None:
    async with opened(url) as uow:
        await settled(uow)
        await assert_clean(uow)
        for entity in SELLER_ROUTES.entities:
            for month in MONTH_NAMES:
                key = f"close-{entity.id}-{month}"
                answer = (await close(entity, month, uow)).split()
                assert len(answer) > 2, "every month had something to state"
                assert log.done.get(key, {tuple(answer[2:])}) == {tuple(answer[2:])}
        await assert_clean(uow)
