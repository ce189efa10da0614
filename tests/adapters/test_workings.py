"""The contract of `Workings`, and what the thread of its own adds: patience, one at a time, a bound."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from time import monotonic

import pytest

from buddy_adapters.workings import PlainWorkings, ThreadWorkings
from buddy_core.flows import month_for
from buddy_core.royalty import BadInput, BeingWorkedOut, Month, Problem, Workings
from buddy_web.reference import NEWTACT

pytestmark = pytest.mark.anyio

OCTOBER = month_for(NEWTACT, "2026-10")
Gather = Callable[[], Awaitable[Callable[[], str]]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def gathers(calculate: Callable[[], str]) -> Gather:
    """Return what reads nothing and answers `calculate`."""

    async def gather() -> Callable[[], str]:
        return calculate

    return gather


async def months_of(workings: Workings, count: int) -> list[Month]:
    """Have `count` months worked out, each under its name, and return them."""
    months = [month_for(NEWTACT, f"20{year:02}-01") for year in range(count)]
    for month in months:
        await workings.worked_out(month, month.name.encode(), gathers(lambda name=month.name: str(name)))  # type: ignore[misc]
    return months


@pytest.mark.parametrize("workings", [PlainWorkings(), ThreadWorkings()], ids=["plain", "thread"])
async def test_what_is_worked_out_is_answered_and_what_goes_wrong_is_raised(workings: Workings) -> None:
    """Whichever it is, the value or the error of the work comes back."""

    def bad() -> str:
        raise BadInput((Problem("facts", 1, "at", "is no time", "write one"),), 1)

    assert await workings.worked_out(OCTOBER, b"1", gathers(lambda: "done")) == "done"
    for _ in range(2):
        with pytest.raises(BadInput):
            await workings.worked_out(OCTOBER, b"2", gathers(bad))


async def test_the_same_is_worked_out_once_and_another_anew() -> None:
    """By its key; the loop's own thread does none of it, and `last` is the newest there is."""
    workings, threads = ThreadWorkings(), list[int]()

    def calculate() -> str:
        threads.append(threading.get_ident())
        return f"run {len(threads)}"

    assert workings.last(OCTOBER) is None
    both = [workings.worked_out(OCTOBER, b"1", gathers(calculate)) for _ in range(3)]
    assert await asyncio.gather(*both) == ["run 1"] * 3
    assert await workings.worked_out(OCTOBER, b"1", gathers(calculate)) == "run 1"
    assert await workings.worked_out(OCTOBER, b"2", gathers(calculate)) == "run 2"
    assert workings.last(OCTOBER) == "run 2"
    assert threading.get_ident() not in threads


async def test_nobody_waits_longer_than_their_patience_and_the_work_goes_on() -> None:
    """They are told when to ask again; then it is there at once. The loop is free meanwhile."""
    workings, go_on = ThreadWorkings(patience_s=0.05), threading.Event()

    def calculate() -> str:
        go_on.wait(20)
        return "done"

    began = monotonic()
    for _ in range(3):
        with pytest.raises(BeingWorkedOut) as raised:
            await workings.worked_out(OCTOBER, b"1", gathers(calculate))
    assert monotonic() - began < 10
    assert (raised.value.month, raised.value.entity) == ("2026-10", "newtact")
    assert 2 <= raised.value.retry_after_s <= 30
    go_on.set()
    for _ in range(200):
        if workings.last(OCTOBER):
            break
        await asyncio.sleep(0.05)
    assert await workings.worked_out(OCTOBER, b"1", gathers(calculate)) == "done"


async def test_what_breaks_off_is_begun_anew() -> None:
    """Whoever could not read, or was cancelled meanwhile, keeps nobody from it; faults are not kept."""
    workings = ThreadWorkings(patience_s=5)

    async def breaks() -> Callable[[], str]:
        raise OSError("gone")

    async def hangs() -> Callable[[], str]:
        await asyncio.sleep(60)
        raise AssertionError

    def fails() -> str:
        raise ZeroDivisionError

    with pytest.raises(OSError, match="gone"):
        await workings.worked_out(OCTOBER, b"1", breaks)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(workings.worked_out(OCTOBER, b"1", hangs), 0.05)
    with pytest.raises(ZeroDivisionError):
        await workings.worked_out(OCTOBER, b"1", gathers(fails))
    assert await workings.worked_out(OCTOBER, b"1", gathers(lambda: "done")) == "done"


async def test_only_so_many_are_kept() -> None:
    """Of a month the two newest, and of months those asked for last."""
    workings = ThreadWorkings(most=3)
    first, *_, last = await months_of(workings, 4)
    assert (workings.last(first), workings.last(last)) == (None, "2003-01")
    for key in (b"1", b"2", b"3"):
        await workings.worked_out(OCTOBER, key, gathers(key.decode))
    again = [await workings.worked_out(OCTOBER, key, gathers(lambda: "anew")) for key in (b"3", b"2", b"1")]
    assert again == ["3", "2", "anew"]
