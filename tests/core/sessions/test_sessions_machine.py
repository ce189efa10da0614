"""A random life of being signed in, on the memory store and shortly on SQLite, against a flat model."""

from __future__ import annotations

import asyncio
import base64
import shutil
from collections import Counter
from collections.abc import Coroutine, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qs, urlsplit

import pytest
from attrs import define, field
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from pyotp import TOTP

from buddy_adapters.memory import MemoryUnitOfWork
from buddy_adapters.onetime import PyotpCodes
from buddy_adapters.sealing import AesGcmSealer
from buddy_adapters.sql.engine import make_engine
from buddy_adapters.sql.migrate import migrate
from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_adapters.system import SequentialIds, SettableClock
from buddy_core.kernel import AccountId, BuddyError, LoginSessionId
from buddy_core.sessions import (
    AccessClaims,
    BeginImpersonation,
    CannotImpersonate,
    Live,
    LoginSessionNotFound,
    NotWhileImpersonating,
    RefreshRefused,
    SecondFactorExists,
    SecondFactorMissing,
    SecondFactorWrong,
    SignInLocked,
    Started,
    StartSession,
    begin_impersonation,
    clear_tries,
    confirm_second_factor,
    end_all_sessions,
    end_session,
    enrol_second_factor,
    judge_access,
    list_sessions,
    prove_second_factor,
    refresh_session,
    remove_second_factor,
    reserve_try,
    start_in,
    sweep_sessions,
    touch_session,
)
from tests.contracts.cases import AT, Uow, account
from tests.postgres import memory_folder

T = TypeVar("T")
PICK = st.integers(0, 999)
WHO = st.integers(0, 1)
STEP = st.integers(-1, 1)
SKEW = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)
WEEK = timedelta(days=7)
STEPS = {
    "a second": timedelta(seconds=1),
    "half a minute": timedelta(seconds=30),
    "two minutes": timedelta(minutes=2),
    "a quarter": QUARTER,
    "an hour": timedelta(hours=1),
    "a day": timedelta(days=1),
    "a week": WEEK,
    "back a second": timedelta(seconds=-1),
    "back an hour": timedelta(hours=-1),
}


@define
class Known:
    """A session as the model knows it."""

    id: LoginSessionId
    owner: AccountId
    over_at: datetime
    parent: Known | None = None
    has_ended: bool = False
    proven: bool = False

    def is_live(self, at: datetime) -> bool:
        """Tell whether it should be live."""
        return not self.has_ended and at < self.over_at


@define
class Text:
    """A refresh token that a browser holds."""

    text: str
    of: Known
    number: int
    expires_at: datetime
    used_at: datetime | None = None


@define
class Tries:
    """The tries of a key that were let through since the last good one."""

    through: list[datetime] = field(factory=list)
    is_sure: bool = True
    """False after the clock was set back: then the model makes no forecast."""

    def is_locked(self, at: datetime) -> bool:
        """Tell whether five tries within 15 minutes locked the key, less than 15 minutes ago."""
        five = self.through[-5:]
        return len(five) == 5 and five[-1] - five[0] < QUARTER and at < five[-1] + QUARTER


@define
class Factor:
    """A second factor as its owner's app knows it."""

    secret: bytes
    is_confirmed: bool = False
    last_step: int = -1


class SignedInLife(RuleBasedStateMachine):
    """Two members and a member of staff, their browsers, and a thief who kept every token ever made."""

    fired: ClassVar[Counter[str]] = Counter()
    checked: ClassVar[int] = 12

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = SettableClock(AT)
        self.ids = SequentialIds()
        self.codes = PyotpCodes("Buddy")
        self.sealer = AesGcmSealer([bytes(32)])
        self.sessions: list[Known] = []
        self.claims: list[tuple[AccessClaims, Known]] = []
        self.texts: list[Text] = []
        self.tries: dict[str, Tries] = {}
        self.factors: dict[AccountId, Factor] = {}
        self.uow = self.open()

    def open(self) -> Uow:
        """Return an empty store."""
        return MemoryUnitOfWork()

    def teardown(self) -> None:
        self.runner.close()

    @property
    def now(self) -> datetime:
        """The time that the clock shows."""
        return self.clock.now()

    @property
    def tools(self) -> dict[str, Any]:
        """What most handlers take."""
        return {"uow": self.uow, "clock": self.clock, "ids": self.ids}

    @property
    def seals(self) -> dict[str, Any]:
        """What handlers of second factors take besides."""
        return {"codes": self.codes, "sealer": self.sealer}

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a handler to its end."""
        return self.runner.run(work)

    def refusal(self, work: Coroutine[Any, Any, Any]) -> type[BuddyError] | None:
        """Run a handler and return how it was refused, or None."""
        try:
            self.do(work)
        except BuddyError as error:
            return type(error)
        return None

    def keep(self, started: Started, known: Known, number: int) -> None:
        """Remember what a browser, and the thief, were given."""
        self.claims.append((started.claims, known))
        if started.refresh_token is not None:
            self.texts.append(Text(started.refresh_token, known, number, known.over_at))

    def tries_of(self, key: str) -> Tries:
        """Return the tries of a key."""
        return self.tries.setdefault(key, Tries())

    def after_try(self, key: str, error: type[BuddyError] | None, is_good: bool) -> bool:
        """Compare with the forecast whether a try was let through, count it, and tell."""
        tries, locked = self.tries_of(key), error is SignInLocked
        if tries.is_sure:
            assert locked == tries.is_locked(self.now)
        if locked:
            self.fired["locked"] += 1
            return False
        tries.through.append(self.now)
        if is_good:
            self.tries[key] = Tries()
        return True

    def pick(self, number: int, among: list[T]) -> T:
        """Return one of several, the newest ones more often."""
        return among[-1 - min(number % len(among), number // 7 % len(among))]

    def pick_session(self, number: int) -> Known:
        """Return a session, mostly one that should be live."""
        live = [item for item in self.sessions if item.is_live(self.now)]
        return self.pick(number, live if live and number % 5 else self.sessions)

    @initialize()
    def both_sign_in(self) -> None:
        """Begin with a session each."""
        self.sign_in(0)
        self.sign_in(1)

    @rule(who=WHO)
    def sign_in(self, who: int) -> None:
        """Sign in."""

        async def begin() -> Started:
            async with self.uow.begin() as tx:
                return await start_in(tx, StartSession(account(who)), self.now, self.ids)

        started = self.do(begin())
        known = Known(started.session.id, account(who), self.now + WEEK)
        self.sessions.append(known)
        self.keep(started, known, 1)
        self.fired["sign in"] += 1

    @rule(who=WHO, is_right=st.booleans(), times=st.integers(1, 6))
    def try_password(self, who: int, is_right: bool, times: int) -> None:
        """Enter a wrong password several times, or the right one."""
        key = f"password:{who}"
        for _ in range(1 if is_right else times):
            if self.after_try(key, self.refusal(reserve_try(key, **self.tools)), is_right) and is_right:
                self.do(clear_tries(key, uow=self.uow))
                self.fired["right password"] += 1

    @rule(pick=PICK, which=st.sampled_from(("unused", "used", "any")), tabs=st.booleans())
    def refresh(self, pick: int, which: str, tabs: bool) -> None:
        """Present one of the refresh tokens that were ever made, from two tabs twice."""
        live = [item for item in self.texts if item.of.is_live(self.now)]
        fitting = [item for item in live if (item.used_at is None) == (which == "unused")]
        text = self.pick(pick, self.texts if which == "any" else fitting or self.texts)
        for _ in range(1 + tabs):
            self.present(text, timedelta(seconds=10) if tabs else timedelta())

    def present(self, text: Text, leeway: timedelta) -> None:
        """Ask for new tokens, and compare the answer with the forecast."""
        of = text.of
        forecast, reason = self.refresh_forecast(text, leeway), None
        try:
            started = self.do(refresh_session(text.text, leeway=leeway, **self.tools))
        except RefreshRefused as refused:
            reason = refused.reason
        if reason is not None:
            assert reason in forecast
            of.has_ended = of.has_ended or reason == "reused"
            self.fired[f"refresh {reason}"] += 1
            return
        newest = max(item.number for item in self.texts if item.of is of)
        assert forecast == ("good" if started.refresh_token else "again",)
        if started.refresh_token:
            text.used_at = self.now
            of.over_at = self.now + WEEK
        self.keep(started, of, newest + 1)
        self.fired["refresh" if started.refresh_token else "refresh again"] += 1

    def refresh_forecast(self, text: Text, leeway: timedelta) -> tuple[str, ...]:
        """Return how a refresh may end."""
        if not text.of.is_live(self.now):
            return ("ended", "unknown")
        if self.now >= text.expires_at:
            return ("expired", "unknown")
        if text.used_at is None:
            return ("good",)
        newest = max(item.number for item in self.texts if item.of is text.of)
        is_last = text.number == newest - 1
        return ("again",) if is_last and abs(self.now - text.used_at) < leeway else ("reused",)

    @rule(pick=PICK, is_stranger=st.booleans())
    def log_out(self, pick: int, is_stranger: bool) -> None:
        """End one session; a stranger's is not found."""
        known = self.pick_session(pick)
        who = known.owner
        if is_stranger:
            who = account(1) if who == account(0) else account(0)
        mine = who == known.owner or (known.parent is not None and known.parent.owner == who)
        error = self.refusal(end_session(who, known.id, **self.tools))
        assert error is (None if mine else LoginSessionNotFound)
        known.has_ended = known.has_ended or mine
        self.fired["log out" if mine else "not found"] += 1

    @rule(who=WHO, pick=PICK, spare=st.booleans())
    def revoke_all(self, who: int, pick: int, spare: bool) -> None:
        """End every session of an account but one, or without exception."""
        spared = {self.pick_session(pick).id} if spare else set()
        expected = {item.id for item in self.sessions if item.owner == account(who) and not item.has_ended}
        ended = self.do(end_all_sessions(account(who), except_=next(iter(spared), None), **self.tools))
        assert {item.id for item in ended} == expected - spared
        for item in self.sessions:
            item.has_ended = item.has_ended or item.id in {one.id for one in ended}
        self.fired["revoke all"] += 1

    @rule(pick=PICK, leave=st.booleans())
    def impersonate(self, pick: int, leave: bool) -> None:
        """Staff, who are member 1, enter the account of member 0, or leave it."""
        entered = [item for item in self.sessions if item.parent and item.is_live(self.now)]
        if leave and entered:
            known = self.pick(pick, entered)
            self.do(end_session(account(1), known.id, **self.tools))
            known.has_ended = True
            self.fired["leave"] += 1
            return
        parent = self.pick_session(pick)
        command = BeginImpersonation(account(1), parent.id, account(0), "a ticket")
        is_fit = parent.owner == account(1) and parent.parent is None and parent.is_live(self.now)
        try:
            started = self.do(begin_impersonation(command, **self.tools))
        except CannotImpersonate:
            assert not is_fit
            self.fired["impersonate refused"] += 1
            return
        assert is_fit
        assert started.refresh_token is None
        assert started.session.ends_at is not None
        known = Known(started.session.id, account(0), started.session.ends_at, parent)
        assert known.over_at <= self.now + timedelta(minutes=30)
        self.sessions.append(known)
        self.keep(started, known, 1)
        self.fired["impersonate"] += 1

    def enrol(self, who: AccountId) -> None:
        """Set a second factor; a confirmed one stands."""
        existing = self.factors.get(who)
        work = enrol_second_factor(who, "me", uow=self.uow, clock=self.clock, **self.seals)
        if existing is not None and existing.is_confirmed:
            assert self.refusal(work) is SecondFactorExists
            return
        uri = self.do(work).uri
        secret = parse_qs(urlsplit(uri).query)["secret"][0]
        self.factors[who] = Factor(base64.b32decode(secret))
        self.fired["enrol"] += 1

    @rule(pick=PICK, how=st.sampled_from(("code", "code", "wrong code", "enrol", "remove")), steps=STEP)
    def second_factor(self, pick: int, how: str, steps: int) -> None:
        """Set a second factor, confirm it, prove a session with it, or remove it."""
        known = self.pick_session(pick)
        if how == "remove":
            self.remove_factor(known.owner)
            return
        if how == "enrol" or (known.owner not in self.factors and pick % 4):
            self.enrol(known.owner)
        if how != "enrol":
            self.enter_code(known, steps, how == "code")

    def enter_code(self, known: Known, steps: int, is_right: bool) -> None:
        """Confirm a new factor or prove a session, with a right or a wrong code."""
        factor, key = self.factors.get(known.owner), f"totp:{known.owner}"
        code = "no code"
        if factor is not None and is_right:
            secret = base64.b32encode(factor.secret).decode()
            # The first code is one of the past, so that there are newer ones to prove with.
            away = steps if factor.is_confirmed else -1
            code = TOTP(secret).at(self.now + away * timedelta(seconds=30))
        is_first = factor is not None and not factor.is_confirmed
        enter = confirm_second_factor if is_first else prove_second_factor
        error = self.refusal(enter(known.owner, known.id, code, **self.tools, **self.seals))
        expected = self.code_forecast(known, factor, code)
        if self.after_try(key, error, expected is None):
            assert error is expected
            self.fired[expected.__name__ if expected else "confirm" if is_first else "prove"] += 1
        if error is None and factor is not None:
            step = self.codes.matching_step(factor.secret, code, self.now)
            assert step is not None
            factor.is_confirmed, factor.last_step, known.proven = True, step, True

    def code_forecast(self, known: Known, factor: Factor | None, code: str) -> type[BuddyError] | None:
        """Return how a code that is let through must be refused, or None."""
        if factor is None:
            return SecondFactorMissing
        step = self.codes.matching_step(factor.secret, code, self.now)
        if step is None or step <= factor.last_step:
            return SecondFactorWrong
        if not known.is_live(self.now):
            return LoginSessionNotFound
        return NotWhileImpersonating if known.parent else None

    def remove_factor(self, who: AccountId) -> None:
        """Remove a second factor; what it has proven counts no more."""
        factor = self.factors.pop(who, None)
        error = self.refusal(remove_second_factor(who, **self.tools))
        assert error is (None if factor else SecondFactorMissing)
        if factor:
            for item in self.sessions:
                item.proven = item.proven and (item.owner != who or item.has_ended)
            self.fired["remove factor"] += 1

    @rule(pick=PICK)
    def use_and_sweep(self, pick: int) -> None:
        """Use a session, then clear away what says nothing any more; neither changes an answer."""
        self.do(touch_session(self.pick_session(pick).id, uow=self.uow, clock=self.clock))
        swept = self.do(sweep_sessions(**self.tools))
        over = [item for item in self.sessions if not item.has_ended and not item.is_live(self.now)]
        assert swept.sessions == len(over)
        for item in over:
            item.has_ended = True
        self.fired["sweep"] += bool(over)

    @rule(step=st.sampled_from(sorted(STEPS)))
    def wait(self, step: str) -> None:
        """Let time pass, or set the clock back."""
        self.clock.advance(STEPS[step])
        if STEPS[step] < timedelta():
            for tries in self.tries.values():
                tries.is_sure = False
            self.fired["clock set back"] += 1

    @invariant()
    def only_live_tokens_are_accepted(self) -> None:
        """The answer to each access token is the forecast: none after its session's end, or past its time."""
        for claims, known in self.claims[-self.checked :]:
            expected = (
                known.is_live(self.now)
                and (known.parent is None or known.parent.is_live(self.now))
                and claims.issued_at - SKEW <= self.now < claims.expires_at
            )
            verdict = self.do(judge_access(claims, uow=self.uow, clock=self.clock))
            assert isinstance(verdict, Live) == expected, verdict
            self.fired["accepted" if expected else "not accepted"] += 1

    @invariant()
    def a_refresh_token_works_once(self) -> None:
        """No two tokens share a place in their session: each gave at most one other."""
        places = Counter((item.of.id, item.number) for item in self.texts)
        assert set(places.values()) <= {1}

    @invariant()
    def the_list_is_what_is_live(self) -> None:
        """An account sees its live sessions, and which of them a second factor has proven."""
        for who in (account(0), account(1)):
            found = self.do(list_sessions(who, uow=self.uow, clock=self.clock))
            expected = {item.id: item.proven for item in self.sessions if item.owner == who}
            live = {item.id for item in self.sessions if item.is_live(self.now)}
            assert {item.id: item.second_factor_at is not None for item in found} == {
                name: proven for name, proven in expected.items() if name in live
            }


ACTIONS = {
    "sign in",
    "right password",
    "locked",
    "refresh",
    "refresh again",
    "refresh reused",
    "refresh ended",
    "log out",
    "not found",
    "revoke all",
    "impersonate",
    "impersonate refused",
    "leave",
    "enrol",
    "confirm",
    "prove",
    "SecondFactorWrong",
    "remove factor",
    "sweep",
    "clock set back",
    "accepted",
    "not accepted",
}

MAX_ROUNDS = 10
"""Hypothesis leaves some actions out of whole lives, so one round may miss a rare one."""


def test_a_random_life_in_memory(request: pytest.FixtureRequest) -> None:
    """Over many random lives every action happens, and every answer is the model's."""
    SignedInLife.fired.clear()
    first = int(request.config.getoption("--hypothesis-seed"))
    for number in range(MAX_ROUNDS):
        # Under the one seed of the run all rounds would be the same.
        machine = seed(first + number)(type("Life", (SignedInLife,), {}))
        run_state_machine_as_test(machine, settings=settings(max_examples=60, stateful_step_count=40))
        if set(SignedInLife.fired) >= ACTIONS:
            break
    assert ACTIONS - set(SignedInLife.fired) == set()


@pytest.fixture
def template() -> Iterator[Path]:
    """Make a SQLite file with the schema."""
    folder = memory_folder("buddy-sessions-")
    path = folder / "template.db"

    async def build() -> None:
        engine = make_engine(f"sqlite+aiosqlite:///{path}")
        await migrate(engine)
        await engine.dispose()

    asyncio.run(build())
    yield path
    shutil.rmtree(folder, ignore_errors=True)


def test_a_random_life_on_sqlite(template: Path) -> None:
    """The same life on a database, whose files never hold a refresh token or a secret in clear."""

    class OnSqlite(SignedInLife):
        fired: ClassVar[Counter[str]] = Counter()
        checked: ClassVar[int] = 3

        def open(self) -> Uow:
            self.path = shutil.copy(template, template.with_name("store.db"))
            self.engine = make_engine(f"sqlite+aiosqlite:///{self.path}")
            return SqlUnitOfWork(self.engine)

        def teardown(self) -> None:
            self.do(self.engine.dispose())
            stored = b"".join(path.read_bytes() for path in self.path.parent.glob("store.db*"))
            for path in self.path.parent.glob("store.db*"):
                path.unlink()
            assert b"rft_" not in stored
            for factor in self.factors.values():
                assert factor.secret not in stored
                assert base64.b32encode(factor.secret) not in stored
            super().teardown()

    run_state_machine_as_test(OnSqlite, settings=settings(max_examples=8, stateful_step_count=25))
    assert {"sign in", "accepted"} <= set(OnSqlite.fired)
