"""kill -9 of the app and of PostgreSQL under a mixed load on the ledger: nothing is lost, nothing done twice.

BUDDY_CRASH_RUNS says how often the app is killed, and how often PostgreSQL is (10
each). Stories and the instants of the kills come from a seed that every test prints;
BUDDY_CRASH_SEED repeats it.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from attrs import Factory, define

from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_core.tokens import Entry, Operation
from tests.crash.client_log import ROOT, ClientLog, killed_in_the_middle, worker_command
from tests.crash.ledger import assert_clean, settled
from tests.crash.server import CrashableServer
from tests.crash.stories import Ask, Place, by_handler, send, stories
from tests.crash.world import build, opened

RUNS = int(os.environ.get("BUDDY_CRASH_RUNS", "10"))
A_STORE = 10
"""How often PostgreSQL is killed under one store and one client."""
LIMIT_S = 300
"""How long one client may take at most."""
Ledger = dict[Place, Entry]


@define
class _Told:
    """What a client wrote down, and what the ledger had after the last crash."""

    log: ClientLog
    kinds: dict[str, Ask]
    """Each request by its key."""
    found: Ledger = Factory(dict)

    def note(self, line: str) -> None:
        """Take over a line; who asks again after a crash is told what the ledger had after it."""
        assert line, "the client ended by itself"
        what, key, *facts = line.split()
        if key in self.log.unknown and what in ("done", "refused"):
            entry = self.found.get(self.kinds[key].place)
            if entry is not None:
                assert what == "done"
                assert _names(self.kinds[key], tuple(facts), entry)
            elif what == "refused":
                assert facts[0].startswith("tokens.")
        self.log.note(line)


def apps() -> list[object]:
    """Name the runs in which the app is killed; two in five are on PostgreSQL."""
    return [
        pytest.param(run, "postgres", marks=pytest.mark.postgres)
        if run % 5 in (1, 3)
        else pytest.param(run, "sqlite")
        for run in range(RUNS)
    ]


@pytest.mark.parametrize(("run", "store_url"), apps(), indirect=["store_url"])
def test_kill_of_the_app(run: int, store_url: str, first_seed: int) -> None:
    """Log and ledger agree in both directions; asking again gives what is there, or does what was missing."""
    seed, until = _seed(first_seed, run), _until()
    log = killed_in_the_middle("stories", store_url, seed, until.isoformat())
    assert log.in_flight >= 1
    asyncio.run(_check_app(log, seed, until, store_url))


@pytest.mark.postgres
@pytest.mark.parametrize("run", range(0, RUNS, A_STORE))
def test_kill_of_postgresql(run: int, crashable: CrashableServer, first_seed: int) -> None:
    """A client that outlasts the database asks again with the same keys and is told what the ledger has."""
    seed, until = _seed(first_seed, run), _until()
    chance = random.Random(f"postgresql {seed}")
    url = asyncio.run(_filled(crashable, f"crash_{run}"))
    told = _Told(ClientLog(), {ask.key: ask for story in stories(seed, until) for ask in story})
    with _client(url, seed, until) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        for number in range(min(A_STORE, RUNS - run)):
            answers, pause_s = chance.randint(20, 60), chance.random() * 0.015
            end = told.log.answered + answers
            while told.log.answered < end or told.log.unknown:
                told.note(client.stdout.readline())
            threading.Event().wait(pause_s)
            killed_ns, processes = crashable.kill()
            assert processes > 1
            while (line := client.stdout.readline()) != "parked\n":
                told.note(line)
            in_flight = sum(sent < killed_ns for sent in told.log.unknown.values())
            assert in_flight >= 1
            crashable.start()
            told.found = asyncio.run(_checked(told, seed, url, crashable))
            stands = sum(told.kinds[key].place in told.found for key in told.log.unknown)
            print(f"kill {number}: {in_flight} in flight, {stands} done; {len(told.found)} entries")
            client.stdin.write("go\n")
            client.stdin.flush()
        while told.log.unknown:
            told.note(client.stdout.readline())
        client.kill()
        for line in client.stdout:
            told.note(line)
    asyncio.run(_checked(told, seed, url, crashable))


@contextmanager
def _client(url: str, seed: int, until: datetime) -> Iterator[subprocess.Popen[str]]:
    """Run the client that outlasts the database; it is killed at the end, or when it hangs."""
    command, pipe = worker_command("outlast", url, seed, until.isoformat()), subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as client:
        watch = threading.Timer(LIMIT_S, client.kill)
        watch.start()
        try:
            yield client
        finally:
            watch.cancel()
            client.kill()


def _seed(first: int, run: int) -> int:
    seed = (first + run) % 2**32
    print(f"repeat with BUDDY_CRASH_SEED={first} (this is run {run})")
    return seed


def _until() -> datetime:
    """Return when holds end: the same for whoever asks again, and not within the run."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=10)


async def _filled(server: CrashableServer, name: str) -> str:
    await server.ready()
    url = await server.create_database(name)
    await build(url)
    return url


async def _checked(told: _Told, seed: int, url: str, server: CrashableServer) -> Ledger:
    """Hold log and ledger against each other once the server is back, and return the ledger."""
    await server.ready()
    async with opened(url) as uow:
        await settled(uow)
        await assert_clean(uow)
        found = await _ledger(uow, seed)
    _assert_both_agree(told.log, found, told.kinds)
    return found


async def _check_app(log: ClientLog, seed: int, until: datetime, url: str) -> None:
    told = stories(seed, until)
    kinds = {ask.key: ask for story in told for ask in story}
    async with opened(url) as uow:
        await settled(uow)
        await assert_clean(uow)
        before = await _ledger(uow, seed)
        _assert_both_agree(log, before, kinds)
        sent = [[ask for ask in story if ask.key in log.started] for story in told]
        first = await _tell_again(sent, uow)
        for key, line in first.items():
            what, _, *facts = line.split()
            entry = before.get(kinds[key].place)
            if key in log.done:
                assert what == "done"
                assert log.done[key] == {tuple(facts)}
            elif entry is not None:
                assert what == "done"
                assert _names(kinds[key], tuple(facts), entry)
            else:
                assert what == "done" or facts[0].startswith("tokens.")
        after = await _ledger(uow, seed)
        done = [[ask for ask in story if first.get(ask.key, "").startswith("done")] for story in sent]
        again = await _tell_again(done, uow)
        assert again == {key: first[key] for key in again}
        assert len(again) == sum(line.startswith("done") for line in first.values())
        assert await _ledger(uow, seed) == after
        await assert_clean(uow)


async def _tell_again(told: list[list[Ask]], uow: SqlUnitOfWork) -> dict[str, str]:
    """Send stories again, one after the other, each as far as it goes; return the line of each answer."""
    lines: dict[str, str] = {}
    road = by_handler(uow)
    for story in told:
        made: dict[str, str] = {}
        for ask in story:
            lines[ask.key] = await send(ask, made, uow, road)
            if not lines[ask.key].startswith("done"):
                break
    return lines


async def _ledger(uow: SqlUnitOfWork, seed: int) -> Ledger:
    """Return the entries of this seed's requests by where their keys are; each key has one."""
    found: defaultdict[Place, list[Entry]] = defaultdict(list)
    async with uow.read() as tx:
        for books in await tx.ledger_books.of_accounts(await tx.ledger_books.accounts()):
            for entry in books.entries:
                if f"-{seed}-" in entry.idempotency_key:
                    # An unlock's entry has the account before the key of the request.
                    key = entry.idempotency_key
                    key = key.split(":", 2)[2] if key.startswith("unlock:") else key
                    place = (entry.operation.value, entry.account_id, key)
                    found[place].append(entry)
                elif entry.operation is Operation.VOID:
                    # Withdrawing tokens ends the holds on them, unasked.
                    assert entry.source == "reverse"
    assert {place: len(entries) for place, entries in found.items() if len(entries) > 1} == {}
    return {place: entry for place, [entry] in found.items()}


def _assert_both_agree(log: ClientLog, found: Ledger, kinds: dict[str, Ask]) -> None:
    """Whatever was answered is in the ledger as answered, and whatever is there was asked for."""
    for key, answers in log.done.items():
        [answer] = answers
        entry = found.get(kinds[key].place)
        assert _names(kinds[key], answer, entry), (key, answer, entry)
    for key, codes in log.refused.items():
        assert all(code.startswith("tokens.") for code in codes), (key, codes)
        if key not in log.done and log.has_all_answers(key):
            assert kinds[key].place not in found
    assert {key for _, _, key in found} <= log.started.keys()


def _names(ask: Ask, answer: tuple[str, ...], entry: Entry | None) -> bool:
    """Tell whether an answer is what the ledger has under its key: this entry, or none."""
    if ask.unlock is not None:
        made = answer[2] != "0"
        return made == (entry is not None) and (entry is None or answer[1] == str(entry.id))
    if ask.operation == "expire":
        return (answer == ("0", "0")) == (entry is None)
    if entry is None:
        return False
    if ask.operation == "hold":
        return [str(hold.id) for hold in entry.holds] == [answer[0]]
    return answer[0] == str(entry.id)
