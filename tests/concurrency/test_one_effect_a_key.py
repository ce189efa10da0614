"""64 callers at once with overlapping keys and wallets: each key has one effect and one answer.

Each by itself through its handler, and all through a queue that does many in one
transaction. On the databases they are in two processes. What is asked, and by whom, comes from a
seed that the test prints; BUDDY_RACE_SEED repeats it.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import random
import secrets
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from buddy_adapters.system import SystemClock, SystemIds
from buddy_core.flows import verify
from buddy_core.kernel import AccountId, EntryId
from buddy_core.tokens import WALLET, Entry, Swept, balance
from buddy_web.reference import SELLER_ROUTES
from tests.concurrency.caller import everybody
from tests.concurrency.calls import (
    CALLERS,
    EXPIRED,
    POOR,
    RICH,
    ROADS,
    Answer,
    Call,
    Place,
    gained,
    planned,
    prepare,
)
from tests.contracts.cases import Uow

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]
MISMATCH = "kernel.idempotency_mismatch"
LIMIT_S = 240


@pytest.mark.parametrize("road", ROADS)
async def test_each_key_has_one_effect_and_one_answer(uow: Uow, database_url: str | None, road: str) -> None:
    """Of each key one body takes effect, once; whoever sent it has its answer, the others a refusal."""
    seed = int(os.environ.get("BUDDY_RACE_SEED") or secrets.randbelow(2**32))
    print(f"repeat with BUDDY_RACE_SEED={seed}")
    at = datetime.now(UTC)
    plan = planned(await prepare(uow, at), at)
    before, live = await _entries(uow), await _live(uow)
    callers = plan.dealt(random.Random(seed))
    assert len(callers) == CALLERS
    assert all(callers)
    if database_url is None:
        who = {"uow": uow, "clock": SystemClock(), "ids": SystemIds()}
        answers = await everybody(callers, ROADS[road](who))
    else:
        answers = await asyncio.to_thread(_in_two_processes, road, database_url, callers)
    assert len(answers) == len(plan.calls)

    winners = _one_answer_a_key(answers, plan.rivals)
    made = {item.id: item for item in (await _entries(uow)).values() if item.id not in before}
    _one_effect_a_key(winners, made)
    for wallet in (*RICH, *POOR):
        change = sum(gained(won) for won in winners if won.call.command.account_id == wallet)
        assert (await _live(uow))[wallet] == live[wallet] + change
    for wallet in RICH:
        swept = [
            won.value.expired
            for won in winners
            if isinstance(won.value, Swept) and won.call.command.account_id == wallet
        ]
        # A correction that came before the sweep has written them off already.
        assert sorted(swept) in ([0, 0], [0, EXPIRED])
    _conserved((before | made).values())
    assert (await verify(uow=uow, routes=SELLER_ROUTES)).faults == ()


def _in_two_processes(road: str, url: str, callers: list[list[Call]]) -> list[Answer]:
    """Let two processes open their connections, begin together, and return what all their callers got."""
    with ExitStack() as stack:
        processes = [_Process(road, url, callers[number::2]) for number in range(2)]
        for process in processes:
            stack.callback(process.end)
        for process in processes:
            process.wait_until_ready()
        for process in processes:
            process.go()
        return [answer for process in processes for answer in process.answers()]


class _Process:
    """A process of callers."""

    def __init__(self, road: str, url: str, callers: list[list[Call]]) -> None:
        command = [sys.executable, "-m", "tests.concurrency.caller", road, url]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe)
        self._send(pickle.dumps(callers))

    def _send(self, given: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(given)
        self._process.stdin.flush()

    def wait_until_ready(self) -> None:
        """Wait until its connections are open."""
        assert self._process.stderr is not None
        first = self._process.stderr.readline()
        assert first == b"ready\n", first + self._process.stderr.read()

    def go(self) -> None:
        """Let its callers begin."""
        self._send(b"go\n")

    def answers(self) -> list[Answer]:
        """Wait for its end and return what its callers got."""
        out, err = self._process.communicate(timeout=LIMIT_S)
        assert self._process.returncode == 0, err.decode()
        found: list[Answer] = pickle.loads(out)
        return found

    def end(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.communicate()


def _one_answer_a_key(answers: list[Answer], rivals: dict[Place, tuple[str, int]]) -> list[Answer]:
    """Return the answer of each key that took effect; no key has two, and other bodies are refused."""
    by_key: defaultdict[Place, list[Answer]] = defaultdict(list)
    for answer in answers:
        by_key[answer.call.place].append(answer)
    winners: list[Answer] = []
    won: Counter[tuple[str, int]] = Counter()
    for place, given in by_key.items():
        done = [answer for answer in given if answer.code is None]
        codes = {(answer.call.body, answer.code) for answer in given if answer.code is not None}
        rival = rivals.get(place)
        if not done:
            assert rival is not None, f"{place} took no effect: {codes}"
            assert all(code.startswith("tokens.") for _, code in codes), codes
            continue
        winners.append(done[0])
        assert len({(answer.call.body, repr(answer.value)) for answer in done}) == 1, done
        body = done[0].call.body
        if rival is None:
            # Nothing could refuse it, so whoever sent that body was answered, and nobody else was.
            assert codes <= {(1 - body, MISMATCH)}
            assert len(done) == sum(answer.call.body == body for answer in given)
        else:
            won[rival] += 1
            # Before a rival's effect was there, the other body could still be refused for its own sake.
            assert all(code == MISMATCH or code.startswith("tokens.") for _, code in codes), codes
            assert (body, MISMATCH) not in codes
    assert won == {rival: rival[1] for rival in rivals.values()}
    return winners


def _one_effect_a_key(winners: list[Answer], made: Mapping[EntryId, Entry]) -> None:
    """Each answer is one entry of its key, and there is no entry without an answer."""
    entries = {(e.operation.value, e.account_id, e.idempotency_key): e for e in made.values()}
    assert len(entries) == len(made), "an operation has a key twice in one wallet"
    # A correction writes off what has expired first, in an entry with a key of the ledger's own.
    entries = {place: entry for place, entry in entries.items() if not place[2].startswith("expired:")}
    expected = [won for won in winners if not (isinstance(won.value, Swept) and not won.value.expired)]
    assert entries.keys() == {won.call.place for won in expected}
    for won in expected:
        entry = entries[won.call.place]
        if won.call.operation == "hold":
            assert [hold.id for hold in entry.holds] == [won.value]
        elif won.call.operation != "expire":
            assert entry.id == won.value
        amount = getattr(won.call.command, "amount", None)
        if amount is not None and won.call.operation not in ("post", "refund"):
            moved = sum(posting.amount for posting in entry.postings if posting.account == WALLET)
            assert abs(moved) == amount


def _conserved(entries: Iterable[Entry]) -> None:
    """Every entry sums to zero for each kind."""
    for entry in entries:
        sums: Counter[str] = Counter()
        for posting in entry.postings:
            sums[posting.kind] += posting.amount
        assert not any(sums.values())


async def _entries(uow: Uow) -> dict[EntryId, Entry]:
    async with uow.read() as tx:
        books = await tx.ledger_books.of_accounts(await tx.ledger_books.accounts())
    return {entry.id: entry for item in books for entry in item.entries}


async def _live(uow: Uow) -> dict[AccountId, int]:
    async with uow.read() as tx:
        wallets = await tx.wallets.load([*RICH, *POOR])
    return {who: sum(balance(wallet, SystemClock().now()).values()) for who, wallet in wallets.items()}
