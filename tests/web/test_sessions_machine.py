"""A random life of being signed in, over HTTP: no token outlives its session, a member's or staff's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

import pytest
from attrs import define, field
from dependency_injector import providers
from flask.testing import FlaskClient
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pyotp import TOTP
from werkzeug.test import TestResponse

from buddy_core.access import SYSTEM
from buddy_core.flows import AssignRole
from buddy_core.sessions import POLICY
from tests.web.service import PASSWORD, Service, running

T = TypeVar("T")
PICK = st.integers(0, 99)
QUARTER = timedelta(minutes=15)
STEPS = [
    timedelta(seconds=1),
    timedelta(minutes=4),
    timedelta(minutes=14, seconds=59),
    QUARTER,
    timedelta(hours=13),
    timedelta(days=7),
]
LOOK = timedelta(minutes=10)


@define
class Session:
    """A session as the model knows it."""

    id: str
    owner: Person
    over_at: datetime
    ended: str = ""
    is_proven: bool = False
    parent: Session | None = None

    def why_dead(self, at: datetime) -> str:
        """Return why it is over, or nothing while it lives."""
        if self.ended or at >= self.over_at:
            return self.ended or "over by itself"
        if self.parent is not None and self.parent.why_dead(at):
            return "staff signed out"
        if self.parent is not None and not self.parent.owner.has_role:
            return "role taken away"
        return ""


@define
class Access:
    """An access token that somebody was given, and a thief has copied."""

    text: str
    of: Session
    expires_at: datetime

    def why_dead(self, at: datetime) -> str:
        """Return why it should not be accepted, or nothing."""
        return self.of.why_dead(at) or ("" if at < self.expires_at else "too old")


@define
class Refresh:
    """A refresh token that somebody was given."""

    text: str
    of: Session
    expires_at: datetime
    is_used: bool = False


@define
class Tries:
    """What was tried at a door since the last success."""

    at: list[datetime] = field(factory=list)

    def is_locked(self, now: datetime) -> bool:
        five = self.at[-5:]
        return len(five) == 5 and five[-1] - five[0] < QUARTER and now < five[-1] + QUARTER


@define
class Person:
    """A member, or one who has a role and a second factor."""

    email: str
    user_id: str = ""
    secret: str = ""
    has_role: bool = False
    passwords: Tries = field(factory=Tries)
    codes: Tries = field(factory=Tries)


class Life(RuleBasedStateMachine):
    """A member and a member of staff with their apps, and a thief with every token ever given out."""

    service: ClassVar[Service]
    fired: ClassVar[Counter[str]] = Counter()
    born: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.http: FlaskClient = self.service.app.test_client(use_cookies=False)
        self.access: list[Access] = []
        self.refreshes: list[Refresh] = []
        self.sessions: list[Session] = []
        self.used: set[str] = set()
        self.turn = 0

    @property
    def now(self) -> datetime:
        return self.service.clock.now()

    # -- what apps send -----------------------------------------------------------------------------

    def send(
        self, path: str, body: Any = None, *, by: Access | None = None, method: str = "POST"
    ) -> TestResponse:
        """Send a request as an app does, with an access token or none."""
        headers = {"Authorization": f"Bearer {by.text}"} if by else {}
        answer = self.http.open(path, method=method, json=body, headers=headers)
        assert answer.status_code < 500, answer.text
        return answer

    def keep(self, answer: Any, session: Session) -> Access:
        """Remember the tokens of an answer."""
        self.access.append(
            Access(answer["access_token"], session, datetime.fromisoformat(answer["expires_at"]))
        )
        session.over_at = self.now + POLICY.refresh_life
        self.refreshes.append(Refresh(answer["refresh_token"], session, session.over_at))
        return self.access[-1]

    def entered(self, answer: Any, who: Person) -> Access:
        """Remember the session that an answer began."""
        session = Session("", who, self.now)
        access = self.keep(answer, session)
        verified = self.send("/v1/auth/verify", by=access, method="GET").json
        session.id = verified["session_id"]
        self.sessions.append(session)
        return access

    def pick(self, among: list[T], number: int) -> T:
        """Return one of several, a new one more often."""
        return among[-1 - min(number % len(among), number // 7)]

    def living(self, who: Person | None = None, *, proven: bool = False) -> list[Access]:
        """Return the tokens that should be accepted, of somebody's own sessions if they are named."""
        return [
            item
            for item in self.access
            if not item.why_dead(self.now)
            and (who is None or (item.of.owner is who and item.of.parent is None))
            and (item.of.is_proven or not proven)
        ]

    def end(self, sessions: list[Session], why: str) -> None:
        """Take sessions for ended."""
        for session in sessions:
            session.ended = session.ended or why
        self.fired[why] += 1

    def of(self, who: Person) -> list[Session]:
        """Return the sessions in somebody's account, those of staff who look at it too."""
        return [item for item in self.sessions if item.owner is who or (item.parent and who is self.member)]

    # -- what happens -------------------------------------------------------------------------------

    @initialize()
    def two_people(self) -> None:
        """A member registers, and so does one who is given a role and sets a second factor."""
        Life.born += 1
        # What was tried and stepped in the life before lies more than an hour back.
        self.service.clock.advance(timedelta(hours=1))
        self.member = Person(f"asha{self.born}@example.com")
        self.staff = Person(f"bilal{self.born}@example.com")
        for who in (self.member, self.staff):
            answer = self.send("/v1/auth/register", {"email": who.email, "password": PASSWORD})
            assert answer.status_code == 201, answer.text
            who.user_id = answer.json["user_id"]
            self.entered(answer.json, who)
        self.change_role("assign_role")
        begun = self.send("/v1/auth/second-factor", {"password": PASSWORD}, by=self.access[-1])
        self.staff.secret = begun.json["secret"]
        self.used.add(self.code())
        confirmed = self.send("/v1/auth/second-factor/confirm", {"code": self.code()}, by=self.access[-1])
        assert confirmed.status_code == 200, confirmed.text
        self.sessions[-1].is_proven = True

    @rule(number=PICK, is_right=st.booleans())
    def sign_in(self, number: int, is_right: bool) -> None:
        """Sign in, or try to; five failures within a quarter of an hour lock the door for one."""
        who = (self.member, self.staff)[number % 2]
        password = PASSWORD if is_right else "Wrong-2026"
        answer = self.send("/v1/auth/login", {"email": who.email, "password": password})
        if who.passwords.is_locked(self.now):
            assert (answer.status_code, answer.json.get("code")) == (429, "sessions.locked")
            self.fired["locked"] += 1
            return
        who.passwords.at.append(self.now)
        if not is_right:
            assert answer.json.get("code") == "accounts.wrong_credentials"
            return
        assert answer.status_code == 200, answer.text
        who.passwords.at.clear()
        assert answer.json["needs_second_factor"] == (who is self.staff)
        self.entered(answer.json, who)
        self.fired["signed in"] += 1

    @rule(number=PICK)
    def fail_often(self, number: int) -> None:
        """Fail as often as it takes to be locked out."""
        for _ in range(5):
            self.sign_in(number % 2, False)

    @rule(number=PICK, is_thief_next=st.booleans())
    def renew(self, number: int, is_thief_next: bool) -> None:
        """Renew a session; the thief may send the same token after it."""
        token = self.pick(self.refreshes, number)
        for _ in range(1 + is_thief_next):
            self.refresh(token)

    def refresh(self, token: Refresh) -> None:
        """Send a refresh token; one that was used before ends its session instead of renewing it."""
        answer = self.send("/v1/auth/refresh", {"refresh_token": token.text})
        if token.of.ended or self.now >= token.expires_at or self.now >= token.of.over_at:
            assert answer.json.get("code") == "sessions.refresh_refused"
            self.fired["refresh of what is over"] += 1
        elif token.is_used:
            assert (answer.json.get("code"), answer.json["facts"]) == (
                "sessions.refresh_refused",
                {"reason": "reused"},
            )
            self.end([token.of], "reused")
        else:
            assert answer.status_code == 200, answer.text
            token.is_used = True
            self.keep(answer.json, token.of)
            self.fired["refreshed"] += 1

    @precondition(lambda self: self.living())
    @rule(number=PICK)
    def log_out(self, number: int) -> None:
        """End a session by its own token; staff who look as a member stop by it."""
        token = self.pick(self.living(), number)
        assert self.send("/v1/auth/logout", by=token).json["kind"] == "nobody"
        self.end([token.of], "logged out")

    @precondition(lambda self: self.living())
    @rule(number=PICK, other=PICK)
    def revoke_one(self, number: int, other: int) -> None:
        """End one session by the token of another; only one's own, and only with what the account asks."""
        token, target = self.pick(self.living(), number), self.pick(self.sessions, other)
        answer = self.send(f"/v1/auth/sessions/{target.id}", by=token, method="DELETE")
        if self.is_kept_from_changing(token, answer):
            return
        if target not in self.of(token.of.owner) and not (
            target.parent is not None and token.of.owner is target.parent.owner
        ):
            assert (answer.status_code, answer.json.get("code")) == (404, "sessions.not_found")
            self.fired["another's session"] += 1
            return
        assert answer.status_code == 204, answer.text
        self.end([target], "revoked")

    @precondition(lambda self: self.living())
    @rule(number=PICK, keep_current=st.booleans())
    def revoke_all(self, number: int, keep_current: bool) -> None:
        """Sign out everywhere, or everywhere else."""
        token = self.pick(self.living(), number)
        answer = self.send("/v1/auth/logout-all", {"keep_current": keep_current}, by=token)
        if self.is_kept_from_changing(token, answer):
            return
        assert answer.status_code == 200, answer.text
        ended = [item for item in self.of(token.of.owner) if not (keep_current and item is token.of)]
        self.end(ended, "revoked")

    @precondition(lambda self: self.living(self.staff))
    @rule(number=PICK, is_fresh=st.booleans())
    def prove(self, number: int, is_fresh: bool) -> None:
        """Enter the code of the authenticator; one that was used before proves nothing."""
        if is_fresh:
            self.service.clock.advance(timedelta(seconds=30))
        tokens = self.living(self.staff)
        if not tokens:
            return
        self.prove_with(self.pick(tokens, number))

    def prove_with(self, token: Access) -> None:
        """Enter the code that the authenticator shows now."""
        is_known = self.code() in self.used
        answer = self.send("/v1/auth/second-factor/prove", {"code": self.code()}, by=token)
        if self.staff.codes.is_locked(self.now):
            assert answer.json.get("code") == "sessions.locked"
            self.fired["code locked"] += 1
            return
        self.staff.codes.at.append(self.now)
        if is_known:
            assert answer.json.get("code") == "sessions.second_factor_wrong"
            self.fired["used code"] += 1
            return
        assert answer.status_code == 200, answer.text
        self.staff.codes.at.clear()
        self.used.add(self.code())
        token.of.is_proven = True
        self.fired["proved"] += 1

    @rule(number=PICK)
    def role_comes_or_goes(self, number: int) -> None:
        """Take the role away, or give it back: it counts from the next request on."""
        self.change_role("revoke_role" if self.staff.has_role and number % 3 == 0 else "assign_role")
        self.fired["role changed"] += 1

    @precondition(lambda self: self.living(self.staff))
    @rule(number=PICK)
    def look(self, number: int) -> None:
        """Look as the member: with the role, a proven session, and not while looking."""
        asking = [item for item in self.living() if item.of.owner is self.staff or item.of.parent]
        proven = self.living(self.staff, proven=True)
        self.look_with(self.pick(proven if proven and number % 4 else asking, number))

    def look_with(self, token: Access) -> None:
        """Ask to look as the member with a token."""
        body = {"reason": "a film does not play", "minutes": 10}
        answer = self.send(f"/v1/admin/users/{self.member.user_id}/impersonate", body, by=token)
        if self.is_kept_from_changing(token, answer, needs_role=True):
            return
        assert answer.status_code == 201, answer.text
        session = Session("", self.member, self.now + LOOK, parent=token.of)
        access = Access(answer.json["access_token"], session, datetime.fromisoformat(answer.json["until"]))
        verified = self.send("/v1/auth/verify", by=access, method="GET").json
        assert (verified["is_support"], verified["email"]) == (True, self.member.email)
        session.id = verified["session_id"]
        self.access.append(access)
        self.sessions.append(session)
        self.fired["looked"] += 1

    @rule(number=PICK, how=st.sampled_from(["role", "session", "time", "wish"]))
    def look_and_lose(self, number: int, how: str) -> None:
        """Look as the member from a new session; then lose the role, the session, the time or the wish."""
        self.change_role("assign_role")
        self.sign_in(1, True)
        parent = self.access[-1]
        if parent.of.owner is not self.staff or parent.why_dead(self.now):
            return
        self.service.clock.advance(timedelta(seconds=30))
        self.prove_with(parent)
        if not parent.of.is_proven:
            return
        self.look_with(parent)
        if how == "role":
            self.change_role("revoke_role")
        elif how == "session":
            self.send("/v1/auth/logout", by=parent)
            self.end([parent.of], "logged out")
        elif how == "time":
            self.service.clock.advance(LOOK)
        else:
            self.stop(self.access[-1])

    @precondition(lambda self: any(item.of.parent for item in self.living()))
    @rule(number=PICK)
    def stop_looking(self, number: int) -> None:
        """Stop looking as the member."""
        token = self.pick([item for item in self.living() if item.of.parent], number)
        self.stop(token)

    def stop(self, token: Access) -> None:
        """Stop looking by a token of support."""
        answer = self.send("/v1/admin/impersonation/end", by=token)
        assert answer.status_code == 200, answer.text
        self.end([token.of], "stopped looking")

    @precondition(lambda self: self.living(self.staff))
    @rule(number=PICK)
    def sign_the_member_out(self, number: int) -> None:
        """Staff end every session of the member, and those of staff in the member's account."""
        token = self.pick(self.living(self.staff), number)
        answer = self.send(f"/v1/admin/users/{self.member.user_id}/sign-out", {"reason": "asked"}, by=token)
        if self.is_kept_from_changing(token, answer, needs_role=True):
            return
        assert answer.status_code == 200, answer.text
        self.end(self.of(self.member), "signed out by staff")

    @rule(step=st.sampled_from(STEPS))
    def time_passes(self, step: timedelta) -> None:
        """Step the clock on."""
        self.service.clock.advance(step)

    # -- what holds ---------------------------------------------------------------------------------

    @invariant()
    def tokens_open_just_what_lives(self) -> None:
        """The thief tries the newest tokens and some older ones: accepted where the model says, else 401."""
        self.turn += 1
        older = self.access[:-4]
        some = [older[(self.turn * 3 + place) % len(older)] for place in range(3) if older]
        for token in (*self.access[-4:], *some):
            whose = "support" if token.of.parent else "staff" if token.of.owner is self.staff else "member"
            answer = self.send("/v1/auth/verify", by=token, method="GET")
            why = token.why_dead(self.now)
            if why:
                assert (answer.status_code, answer.json.get("code")) == (401, "web.token_refused"), why
                self.fired[f"{whose} refused: {why}"] += 1
                continue
            assert answer.status_code == 200, answer.text
            assert answer.json["session_id"] == token.of.id
            self.fired[f"{whose} accepted"] += 1

    @invariant()
    def staff_read_with_role_and_factor_alone(self) -> None:
        """The desk opens to staff just while they have the role and the session was proven."""
        tokens = self.living(self.staff)
        if not tokens:
            return
        token = tokens[self.turn % len(tokens)]
        answer = self.send("/v1/admin/users?limit=1", by=token, method="GET")
        if not self.staff.has_role:
            assert answer.json.get("code") == "access.not_permitted"
        elif not token.of.is_proven:
            assert answer.json.get("code") == "access.second_factor_needed"
        else:
            assert answer.status_code == 200, answer.text
            self.fired["desk opened"] += 1

    # -- the model's own ----------------------------------------------------------------------------

    def is_kept_from_changing(self, token: Access, answer: TestResponse, *, needs_role: bool = False) -> bool:
        """Compare a refusal with the model's, and tell whether there is one."""
        expected = ""
        if token.of.parent is not None or (needs_role and not token.of.owner.has_role):
            expected = "access.not_permitted"
        elif token.of.owner is self.staff and not token.of.is_proven:
            expected = "access.second_factor_needed"
        if expected:
            assert (answer.status_code, answer.json.get("code")) == (403, expected)
            self.fired[expected] += 1
        return bool(expected)

    def change_role(self, handler: str) -> None:
        """Give the role or take it."""
        command = AssignRole(self.staff.email, "support")
        work = getattr(self.service.container, handler)
        self.service.call(work, SYSTEM, command, correlation_id="test")
        self.staff.has_role = handler == "assign_role"

    def code(self) -> str:
        """Return what the authenticator shows now."""
        return TOTP(self.staff.secret).at(self.now)


ACTIONS = {
    "signed in",
    "locked",
    "refreshed",
    "refresh of what is over",
    "reused",
    "logged out",
    "revoked",
    "another's session",
    "proved",
    "used code",
    "role changed",
    "looked",
    "stopped looking",
    "signed out by staff",
    "desk opened",
    "access.not_permitted",
    "access.second_factor_needed",
    *(f"{whose} accepted" for whose in ("member", "staff", "support")),
    *(
        f"{whose} refused: {why}"
        for whose in ("member", "staff")
        for why in ("logged out", "revoked", "reused", "too old", "over by itself")
    ),
    "member refused: signed out by staff",
    "support refused: stopped looking",
    "support refused: staff signed out",
    "support refused: role taken away",
    "support refused: over by itself",
}
"""What has to happen, so that what holds was put to the test."""
MAX_ROUNDS = 12
"""Hypothesis leaves some rules out of whole lives, so one round may miss a rare one."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Run one service for all lives, whose sessions live as long as an operator's."""
    with running(tmp_path_factory.mktemp("sessions")) as found:
        found.container.session_policy.override(providers.Object(POLICY))
        yield found


def test_a_random_life_over_http(service: Service, request: pytest.FixtureRequest) -> None:
    """Whatever happens, no access token is accepted after log-out or revocation, and each action happens."""
    Life.fired.clear()
    first = int(request.config.getoption("--hypothesis-seed"))
    for number in range(MAX_ROUNDS):
        machine = seed(first + number)(type("Round", (Life,), {"service": service}))
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=10,
                stateful_step_count=40,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            ),
        )
        if set(Life.fired) >= ACTIONS:
            break
    assert ACTIONS - set(Life.fired) == set()
