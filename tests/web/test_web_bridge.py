"""The bridge: one loop a process, time limits, and what survives a fork."""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar

import anyio
import anyio.lowlevel
import pytest

from buddy_core.kernel.errors import Unavailable
from buddy_web.bridge import Bridge, BridgeClosed, TimedOut

WORD: ContextVar[str] = ContextVar("word", default="")


async def add(left: int, right: int = 0) -> int:
    await anyio.lowlevel.checkpoint()
    return left + right


async def thread_name() -> str:
    return threading.current_thread().name


def test_result_comes_back() -> None:
    """A call runs the coroutine with its arguments and returns its result."""
    bridge = Bridge()
    assert bridge.call(add, 2, right=3) == 5
    bridge.close()


def test_all_threads_share_one_loop() -> None:
    """Calls from many threads run on the same loop thread."""
    bridge = Bridge()
    names: list[str] = []
    callers = [threading.Thread(target=lambda: names.append(bridge.call(thread_name))) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    alive = [thread for thread in threading.enumerate() if thread.name == "buddy-loop"]
    assert names == ["buddy-loop"] * 8
    assert len(alive) == 1
    bridge.close()


def test_nothing_starts_before_the_first_call() -> None:
    """A new bridge has no thread, so that a server may fork after making it."""
    before = threading.active_count()
    bridge = Bridge()
    assert threading.active_count() == before
    bridge.close()


def test_exceptions_pass_unchanged() -> None:
    """What the coroutine raises reaches the caller as it is."""
    error = LookupError("mine")

    async def fail() -> None:
        raise error

    bridge = Bridge()
    with pytest.raises(LookupError) as caught:
        bridge.call(fail)
    assert caught.value is error
    bridge.close()


def test_hung_work_is_cancelled() -> None:
    """Work beyond the time limit is cancelled on the loop, and the caller gets TimedOut."""
    cancelled = threading.Event()

    async def hang() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            cancelled.set()

    bridge = Bridge()
    with pytest.raises(TimedOut):
        bridge.call_within(0.01, hang)
    assert cancelled.wait(timeout=5)
    assert bridge.call(add, 1) == 1
    bridge.close()


def test_a_drivers_own_timeout_is_unavailable() -> None:
    """A TimeoutError out of the work itself is the same Unavailable."""

    async def driver() -> None:
        raise TimeoutError("socket")

    bridge = Bridge()
    with pytest.raises(Unavailable):
        bridge.call(driver)
    bridge.close()


def test_context_variables_reach_the_coroutine() -> None:
    """A context variable of the calling thread is seen on the loop."""

    async def read() -> str:
        return WORD.get()

    bridge = Bridge()
    token = WORD.set("seen")
    assert bridge.call(read) == "seen"
    WORD.reset(token)
    assert bridge.call(read) == ""
    bridge.close()


def test_close_disposes_on_the_loop_in_reverse() -> None:
    """Resources are disposed on the loop, last first, and one that fails does not keep the others."""
    disposed: list[str] = []
    bridge = Bridge()

    async def engine() -> None:
        disposed.append(f"engine on {threading.current_thread().name}")

    async def broken() -> None:
        raise RuntimeError("cannot close")

    async def queue() -> None:
        disposed.append("queue")

    for dispose in (engine, broken, queue):
        bridge.on_close(dispose)
    bridge.call(add, 1)
    bridge.close()
    bridge.close()
    assert disposed == ["queue", "engine on buddy-loop"]
    assert not [thread for thread in threading.enumerate() if thread.name == "buddy-loop"]


def test_unused_bridge_disposes_nothing() -> None:
    """A bridge that never ran has nothing open, and closing it starts no loop."""
    disposed: list[str] = []

    async def dispose() -> None:
        disposed.append("called")

    bridge = Bridge()
    bridge.on_close(dispose)
    bridge.close()
    assert disposed == []


def test_closed_bridge_refuses() -> None:
    """After close, a call is refused as unavailable instead of starting a second loop."""
    bridge = Bridge()
    bridge.close()
    with pytest.raises(BridgeClosed):
        bridge.call(add, 1)


def test_call_from_the_loop_is_refused() -> None:
    """A call made on the loop itself would wait for ever; it raises instead."""
    bridge = Bridge()

    async def nested() -> int:
        return bridge.call(add, 1)

    with pytest.raises(RuntimeError):
        bridge.call(nested)
    bridge.close()


# Python 3.12 and later warn of every fork in a process with threads: this one is meant.
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("used_before", [False, True])
def test_forked_child_works(used_before: bool) -> None:
    """A child has a loop of its own, also when its parent had used the bridge, and so has the parent."""
    bridge = Bridge()
    forgotten: list[int] = []
    bridge.after_fork(lambda: forgotten.append(os.getpid()))
    if used_before:
        assert bridge.call(add, 1) == 1
    child = os.fork()
    if child == 0:
        good = False
        try:
            good = bridge.call(add, 20, right=22) == 42 and bool(forgotten) is used_before
            bridge.close()
        finally:
            os._exit(0 if good else 1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert bridge.call(add, 2) == 2
    assert forgotten == []
    bridge.close()
