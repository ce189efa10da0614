"""Sign-in sessions, refresh tokens, counted tries and second factors in memory."""

from __future__ import annotations

from datetime import datetime

from attrs import evolve

from buddy_adapters.memory.tables import TableName, Tables
from buddy_core.kernel import AccountId, Contention, LoginSessionId
from buddy_core.sessions import Attempts, LoginSession, RefreshToken, SecondFactor

LOGIN_SESSIONS: TableName[LoginSessionId, LoginSession] = TableName("login_sessions")
REFRESH_TOKENS: TableName[bytes, RefreshToken] = TableName("refresh_tokens")
GENERATIONS: TableName[tuple[LoginSessionId, int], bytes] = TableName("refresh_token_generations")
LOCKOUTS: TableName[str, Attempts] = TableName("lockouts")
SECOND_FACTORS: TableName[AccountId, SecondFactor] = TableName("second_factors")


class MemoryLoginSessions:
    """Sign-in sessions by id."""

    def __init__(self, tables: Tables) -> None:
        self._sessions = tables[LOGIN_SESSIONS]

    async def add(self, session: LoginSession) -> None:
        if not self._sessions.add(session.id, session):
            raise Contention("sign-in session")

    async def get(self, session: LoginSessionId) -> LoginSession | None:
        return self._sessions.get(session)

    async def lock(self, session: LoginSessionId) -> LoginSession | None:
        return self._sessions.get(session)

    async def lock_open(self, account: AccountId) -> list[LoginSession]:
        found = [item for item in self._sessions.rows() if item.account_id == account]
        return sorted((item for item in found if item.ended_at is None), key=_id)

    async def lock_over(self, at: datetime, limit: int) -> list[LoginSession]:
        found = [item for item in self._sessions.rows() if item.ended_at is None and item.over_at <= at]
        return sorted(found, key=_id)[:limit]

    async def save(self, session: LoginSession) -> None:
        if session.id not in self._sessions:
            raise Contention("sign-in session")
        self._sessions.put(session.id, session)

    async def of_account(self, account: AccountId, limit: int) -> list[LoginSession]:
        mine = [item for item in self._sessions.rows() if item.account_id == account]
        last_used_first = sorted(mine, key=lambda item: (item.last_used_at, item.id), reverse=True)
        return sorted(last_used_first, key=lambda item: item.ended_at is not None)[:limit]


class MemoryRefreshTokens:
    """Refresh tokens by hash; each generation of a session has one."""

    def __init__(self, tables: Tables) -> None:
        self._tokens, self._generations = tables[REFRESH_TOKENS], tables[GENERATIONS]

    async def add(self, token: RefreshToken) -> None:
        is_new = self._tokens.add(token.hash, token)
        if not is_new or not self._generations.add((token.session_id, token.generation), token.hash):
            raise Contention("refresh token")

    async def lock(self, token_hash: bytes) -> RefreshToken | None:
        return self._tokens.get(token_hash)

    async def mark_used(self, token_hash: bytes, at: datetime) -> None:
        token = self._tokens.get(token_hash)
        if token is None or token.used_at is not None:
            raise Contention("refresh token")
        self._tokens.put(token_hash, evolve(token, used_at=at))

    async def sweep(self, at: datetime) -> int:
        expired = [token for token in self._tokens.rows() if token.expires_at <= at]
        for token in expired:
            self._tokens.drop(token.hash)
            self._generations.drop((token.session_id, token.generation))
        return len(expired)


class MemoryLockouts:
    """Counted tries by key."""

    def __init__(self, tables: Tables) -> None:
        self._lockouts = tables[LOCKOUTS]

    async def lock(self, key: str) -> Attempts:
        return self._lockouts.get(key) or Attempts(key)

    async def save(self, attempts: Attempts) -> None:
        self._lockouts.put(attempts.key, attempts)

    async def clear(self, key: str) -> None:
        if key in self._lockouts:
            self._lockouts.put(key, Attempts(key))

    async def sweep(self, before: datetime) -> int:
        quiet = [item.key for item in self._lockouts.rows() if max(item.failures, default=before) <= before]
        for key in quiet:
            self._lockouts.drop(key)
        return len(quiet)


class MemorySecondFactors:
    """Second factors by account."""

    def __init__(self, tables: Tables) -> None:
        self._factors = tables[SECOND_FACTORS]

    async def add(self, factor: SecondFactor) -> None:
        if not self._factors.add(factor.account_id, factor):
            raise Contention("second factor")

    async def get(self, account: AccountId) -> SecondFactor | None:
        return self._factors.get(account)

    async def lock(self, account: AccountId) -> SecondFactor | None:
        return self._factors.get(account)

    async def save(self, factor: SecondFactor) -> None:
        if factor.account_id not in self._factors:
            raise Contention("second factor")
        self._factors.put(factor.account_id, factor)

    async def remove(self, account: AccountId) -> None:
        if account in self._factors:
            self._factors.drop(account)


def _id(session: LoginSession) -> str:
    return session.id
