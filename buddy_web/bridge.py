"""The one way from a synchronous view to the async core: one event loop in one thread a process."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future
from typing import ParamSpec, TypeVar

import anyio
import attrs
from anyio.from_thread import BlockingPortal
from attrs import frozen

from buddy_core.kernel.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

_LOG = logging.getLogger("buddy.bridge")
_GRACE_S = 2.0
"""How long a thread waits beyond the timeout for a coroutine that does not let itself be cancelled."""


@attrs.define
class TimedOut(Unavailable):
    """The work did not finish in the time allowed."""

    code = "web.timed_out"

    def message(self) -> str:
        return "This took too long and was stopped. Try again in a moment."


@attrs.define
class BridgeClosed(Unavailable):
    """The process is shutting down and takes no more work."""

    code = "web.closed"

    def message(self) -> str:
        return "The service is restarting. Try again in a moment."


@frozen
class _Loop:
    """A running event loop: whose process it is, its thread, and the portal into it."""

    pid: int
    thread: threading.Thread
    portal: BlockingPortal


class Bridge:
    """Runs coroutines on one event loop for the life of the process.

    The loop is made at the first call, in the process that calls, so that a
    server may fork after the app is built: a child never uses its parent's loop.
    Pools of connections belong to this loop; nothing else in the process may use them.
    """

    def __init__(self, timeout_s: float = 5) -> None:
        self.timeout_s = timeout_s
        self._loop: _Loop | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._on_close: list[Callable[[], Awaitable[None]]] = []
        self._after_fork: list[Callable[[], None]] = []
        _BRIDGES.add(self)

    def call(self, work: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(*args, **kwargs)` on the loop and return its result.

        Context variables of the calling thread are seen by the coroutine.

        Raises:
            TimedOut: not done within `timeout_s`; the coroutine was cancelled.
            BridgeClosed: `close` was called.
            Exception: whatever `work` raises, unchanged.
        """
        return self.call_within(self.timeout_s, work, *args, **kwargs)

    def call_within(
        self, timeout_s: float, work: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do as `call` does, with another time limit."""

        async def bounded() -> T:
            with anyio.fail_after(timeout_s):
                return await work(*args, **kwargs)

        portal = self._running().portal
        try:
            future = portal.start_task_soon(bounded)
        except RuntimeError:
            # The loop was stopped between the two lines above.
            if self._closed:
                raise BridgeClosed from None
            raise
        return _result(future, timeout_s + _GRACE_S)

    def on_close(self, dispose: Callable[[], Awaitable[None]]) -> None:
        """Have `dispose` awaited on the loop at `close`; the last registered goes first."""
        self._on_close.append(dispose)

    def after_fork(self, forget: Callable[[], None]) -> None:
        """Have `forget` called in a child whose parent had already used this bridge.

        For what must be dropped without closing it, such as pooled connections:
        their sockets are still the parent's (`engine.sync_engine.dispose(close=False)`).
        """
        self._after_fork.append(forget)

    def close(self) -> None:
        """Dispose what was registered, stop the loop and wait for its thread; again is harmless."""
        with self._lock:
            loop, self._loop, self._closed = self._loop, None, True
        if loop is None or loop.pid != os.getpid():
            return
        for dispose in reversed(self._on_close):
            self._dispose(loop.portal, dispose)
        loop.portal.start_task_soon(loop.portal.stop, True)
        loop.thread.join(timeout=self.timeout_s + _GRACE_S)
        if loop.thread.is_alive():
            # The thread is a daemon: it ends with the process, whatever holds it.
            _LOG.error("the loop did not stop; something blocks it")

    def _dispose(self, portal: BlockingPortal, dispose: Callable[[], Awaitable[None]]) -> None:
        async def bounded() -> None:
            with anyio.fail_after(self.timeout_s):
                await dispose()

        try:
            _result(portal.start_task_soon(bounded), self.timeout_s + _GRACE_S)
        except Exception:
            # One resource that cannot be closed must not keep the others open.
            _LOG.exception("a resource could not be disposed")

    def _running(self) -> _Loop:
        loop = self._loop
        if loop is not None and loop.pid == os.getpid():
            return loop
        with self._lock:
            if self._closed:
                raise BridgeClosed
            if self._loop is None or self._loop.pid != os.getpid():
                self._loop = _start()
            return self._loop

    def _forked(self) -> None:
        """Begin anew in a child: the lock may be held by a thread that does not exist here."""
        self._lock = threading.Lock()
        had_loop, self._loop = self._loop is not None, None
        if had_loop:
            for forget in self._after_fork:
                forget()


_BRIDGES: weakref.WeakSet[Bridge] = weakref.WeakSet()


def _renew_in_child() -> None:
    for bridge in list(_BRIDGES):
        bridge._forked()


os.register_at_fork(after_in_child=_renew_in_child)


def _start() -> _Loop:
    """Start the thread and its loop; return when it takes calls.

    `anyio.from_thread.start_blocking_portal` does the same, but as a generator that
    stops the loop when it is collected: in a forked child that would wait for ever
    for a thread that does not exist. A plain thread has nothing to be collected.
    """
    ready: Future[BlockingPortal] = Future()

    async def serve() -> None:
        async with BlockingPortal() as portal:
            ready.set_result(portal)
            await portal.sleep_until_stopped()

    def run() -> None:
        try:
            anyio.run(serve)
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = threading.Thread(target=run, daemon=True, name="buddy-loop")
    thread.start()
    return _Loop(os.getpid(), thread, ready.result())


def _result(future: Future[T], timeout_s: float) -> T:
    try:
        return future.result(timeout=timeout_s)
    except (TimeoutError, CancelledError) as error:
        # Also reached when a driver gave up by itself: to the caller it is the same.
        future.cancel()
        raise TimedOut from error
