"""Months worked out in a thread of their own, so that what serves requests goes on, and kept in memory."""

from __future__ import annotations

import asyncio
import math
import os
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from threading import Lock, Thread
from time import monotonic
from typing import Any, TypeVar

from attrs import define, field, frozen

from buddy_core.royalty import BadInput, BeingWorkedOut, Month, TermsProblems, Workings

T = TypeVar("T")
_Place = tuple[str, str]
"""Entity and month."""
_KEPT_ERRORS = (BadInput, TermsProblems)
_EACH = 2
"""How many results of a month are kept."""
_SHORTEST_S, _LONGEST_S = 2, 30
"""Between these is what is said of when to try again."""


class PlainWorkings:
    """Works a month out where it is asked for, and keeps nothing: for commands, tests and examples."""

    async def worked_out(
        self, month: Month, key: bytes, gather: Callable[[], Awaitable[Callable[[], T]]]
    ) -> T:
        return (await gather())()

    async def aside(self, work: Callable[[], T]) -> T:
        return work()

    def last(self, month: Month) -> Any:
        return None


@frozen
class _Outcome:
    """What the work came to, or why it could not."""

    value: Any = None
    error: BaseException | None = None

    @property
    def is_kept(self) -> bool:
        """Tell whether the same would come of it again."""
        return self.error is None or isinstance(self.error, _KEPT_ERRORS)

    def result(self) -> Any:
        """Return the value, or raise the error; each time as if for the first time."""
        if self.error is not None:
            raise self.error.with_traceback(None)
        return self.value


@define
class _Work:
    """Work under way. It never raises: its outcome says what came of it."""

    key: bytes
    place: _Place
    began: float = field(factory=monotonic)
    done: Future[_Outcome] = field(factory=Future)


class ThreadWorkings:
    """Works out one month at a time beside the event loop, and keeps what the last `most` months came to.

    Of a month two results are kept: by the terms as they stand, and by those that are tried.
    Whoever asks waits at most `patience_s` from when the work began. It goes on without them.
    """

    def __init__(self, patience_s: float = 1.5, most: int = 24) -> None:
        self._patience_s = patience_s
        self._most = most
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = Lock()
        self._turn = Lock()
        self._kept: OrderedDict[_Place, OrderedDict[bytes, _Outcome]] = OrderedDict()
        self._took_s: dict[_Place, float] = {}
        self._under_way: dict[bytes, _Work] = {}

    async def worked_out(
        self, month: Month, key: bytes, gather: Callable[[], Awaitable[Callable[[], T]]]
    ) -> T:
        if os.getpid() != self._pid:
            # Threads stay behind when a process forks, and with them whatever they were at.
            self._begin()
        place = (month.entity, month.name)
        with self._lock:
            kept, work = self._find(place, key), self._under_way.get(key)
            is_mine = kept is None and work is None
            if is_mine:
                work = self._under_way[key] = _Work(key, place)
        if work is not None and is_mine:
            await self._start(work, gather)
        if kept is None and work is not None:
            kept = await self._waited(month, work)
        assert kept is not None, "it was kept, or is under way"
        found: T = kept.result()
        return found

    async def aside(self, work: Callable[[], T]) -> T:
        return await asyncio.to_thread(work)

    def last(self, month: Month) -> Any:
        with self._lock:
            results = self._kept.get((month.entity, month.name)) or OrderedDict[bytes, _Outcome]()
            return next((item.value for item in reversed(results.values()) if item.error is None), None)

    def _find(self, place: _Place, key: bytes) -> _Outcome | None:
        results = self._kept.get(place)
        if results is None or key not in results:
            return None
        results.move_to_end(key)
        self._kept.move_to_end(place)
        return results[key]

    async def _start(self, work: _Work, gather: Callable[[], Awaitable[Callable[[], Any]]]) -> None:
        try:
            calculate = await gather()
        except BaseException:
            # Whoever waits for it begins anew: what kept this one from reading may not keep them.
            waited = BeingWorkedOut(work.place[1], work.place[0], _SHORTEST_S)
            self._finish(work, _Outcome(error=waited))
            raise
        Thread(target=self._run, args=(work, calculate), daemon=True, name="buddy-workings").start()

    def _run(self, work: _Work, calculate: Callable[[], Any]) -> None:
        with self._turn:
            began = monotonic()
            try:
                outcome = _Outcome(calculate())
            except BaseException as error:
                outcome = _Outcome(error=error)
            self._took_s[work.place] = monotonic() - began
        self._finish(work, outcome)

    def _finish(self, work: _Work, outcome: _Outcome) -> None:
        with self._lock:
            self._under_way.pop(work.key, None)
            if outcome.is_kept:
                self._keep(work, outcome)
        work.done.set_result(outcome)

    def _keep(self, work: _Work, outcome: _Outcome) -> None:
        results = self._kept.setdefault(work.place, OrderedDict())
        results[work.key] = outcome
        if len(results) > _EACH:
            results.popitem(last=False)
        self._kept.move_to_end(work.place)
        if len(self._kept) > self._most:
            self._took_s.pop(self._kept.popitem(last=False)[0], None)

    async def _waited(self, month: Month, work: _Work) -> _Outcome:
        spent = monotonic() - work.began
        if not work.done.done():
            left = max(self._patience_s - spent, 0.01)
            await asyncio.wait({asyncio.wrap_future(work.done)}, timeout=left)
        if not work.done.done():
            raise BeingWorkedOut(month.name, month.entity, self._retry_after_s(work))
        return work.done.result()

    def _retry_after_s(self, work: _Work) -> int:
        expected = self._took_s.get(work.place, _SHORTEST_S + self._patience_s)
        left = math.ceil(expected - (monotonic() - work.began))
        return min(max(left, _SHORTEST_S), _LONGEST_S)


def _conforms() -> tuple[Workings, Workings]:
    """Hold the classes here to their port; read by the type checker alone."""
    return PlainWorkings(), ThreadWorkings()
