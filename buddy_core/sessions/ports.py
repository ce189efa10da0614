"""What being signed in needs: storage, one-time codes, and a seal for their secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from buddy_core.kernel.events import Outbox
from buddy_core.kernel.ids import AccountId, LoginSessionId
from buddy_core.sessions.model import Attempts, LoginSession, RefreshToken, SecondFactor


class LoginSessions(Protocol):
    """Sessions of those who have signed in, by id."""

    async def add(self, session: LoginSession) -> None:
        """Store a session that was begun.

        Raises:
            Contention: there is one with this id.
        """
        ...

    async def get(self, session: LoginSessionId) -> LoginSession | None:
        """Return a session, or None."""
        ...

    async def lock(self, session: LoginSessionId) -> LoginSession | None:
        """Return a session and keep other writers off it."""
        ...

    async def lock_open(self, account: AccountId) -> list[LoginSession]:
        """Return an account's sessions that were not ended, in id order, and keep other writers off them."""
        ...

    async def lock_over(self, at: datetime, limit: int) -> list[LoginSession]:
        """Return sessions that are over by themselves at `at` and were not ended, locked, in id order."""
        ...

    async def save(self, session: LoginSession) -> None:
        """Store the new state of a session that exists.

        Raises:
            Contention: there is none.
        """
        ...

    async def of_account(self, account: AccountId, limit: int) -> list[LoginSession]:
        """Return an account's sessions: those not ended first, then the last used first."""
        ...


class RefreshTokens(Protocol):
    """Refresh tokens by the hash of their text."""

    async def add(self, token: RefreshToken) -> None:
        """Store a token.

        Raises:
            Contention: there is one with this hash, or of this generation of the session.
        """
        ...

    async def lock(self, token_hash: bytes) -> RefreshToken | None:
        """Return the token with this hash and keep other writers off it."""
        ...

    async def mark_used(self, token_hash: bytes, at: datetime) -> None:
        """Record that a token was rotated; done once.

        Raises:
            Contention: there is no such token that was not used.
        """
        ...

    async def sweep(self, at: datetime) -> int:
        """Remove the tokens that have expired at `at` and return how many they were."""
        ...


class Lockouts(Protocol):
    """Counted tries by key, exact under concurrency."""

    async def lock(self, key: str) -> Attempts:
        """Return the tries of a key, none for a new one, and keep every other caller waiting for it."""
        ...

    async def save(self, attempts: Attempts) -> None:
        """Store the tries of a key that was locked in this transaction."""
        ...

    async def clear(self, key: str) -> None:
        """Forget the tries of a key; of an unknown one there is nothing to forget."""
        ...

    async def sweep(self, before: datetime) -> int:
        """Remove the keys whose last try was before `before`, or was forgotten; return how many."""
        ...


class SecondFactors(Protocol):
    """The second factor of each account that has set one."""

    async def add(self, factor: SecondFactor) -> None:
        """Store a factor.

        Raises:
            Contention: the account has one.
        """
        ...

    async def get(self, account: AccountId) -> SecondFactor | None:
        """Return an account's factor, or None."""
        ...

    async def lock(self, account: AccountId) -> SecondFactor | None:
        """Return an account's factor and keep other writers off it."""
        ...

    async def save(self, factor: SecondFactor) -> None:
        """Store the new state of a factor that exists.

        Raises:
            Contention: there is none.
        """
        ...

    async def remove(self, account: AccountId) -> None:
        """Remove an account's factor; where there is none, nothing changes."""
        ...


class SessionsTx(Protocol):
    """A transaction that session steps can work in."""

    @property
    def login_sessions(self) -> LoginSessions: ...

    @property
    def refresh_tokens(self) -> RefreshTokens: ...

    @property
    def lockouts(self) -> Lockouts: ...

    @property
    def second_factors(self) -> SecondFactors: ...

    @property
    def outbox(self) -> Outbox: ...


class OneTimeCodes(Protocol):
    """Time-based one-time codes (RFC 6238): SHA-1, six digits, steps of 30 s."""

    def new_secret(self) -> bytes:
        """Return a new random secret."""
        ...

    def matching_step(self, secret: bytes, code: str, at: datetime) -> int | None:
        """Return the newest step, at most one away from that of `at`, that has this code; None: no step."""
        ...

    def uri(self, secret: bytes, name: str) -> str:
        """Return the `otpauth` address that authenticator apps read; `name` is shown in the app."""
        ...


class Sealer(Protocol):
    """Encrypts small secrets for storage, bound to what they belong to."""

    def seal(self, secret: bytes, context: bytes) -> bytes:
        """Return the secret, encrypted; only the same `context` opens it."""
        ...

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Return what was sealed.

        Raises:
            SecretUnreadable: another key or context, or altered bytes.
        """
        ...
