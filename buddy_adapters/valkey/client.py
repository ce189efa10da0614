"""Clients for a Valkey server, set up so that nothing is done twice and nobody waits long."""

from __future__ import annotations

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from buddy_core.kernel import InvalidValue

POOL_SIZE = 20
TIMEOUT_S = 2.0
"""How long to wait for a connection, and for an answer."""

_SCHEMES = {"valkey": "redis", "valkeys": "rediss"}


def open_valkey(url: str, *, pool_size: int = POOL_SIZE, timeout_s: float = TIMEOUT_S) -> Redis:
    """Return a client for `valkey://`, `valkeys://` (TLS), `redis://`, `rediss://` or `unix://`.

    Nothing is connected yet. It belongs to the event loop that first uses it, and is
    closed there with `aclose`. A command whose answer is lost is not sent again: it
    may have been carried out.

    Raises:
        InvalidValue: the URL is none of these.
    """
    scheme, parted, rest = url.partition("://")
    try:
        pool = BlockingConnectionPool.from_url(
            f"{_SCHEMES.get(scheme, scheme)}{parted}{rest}",
            max_connections=pool_size,
            timeout=timeout_s,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        problem = "must begin with valkey://, valkeys://, redis://, rediss:// or unix://"
        raise InvalidValue("valkey url", problem) from error
    return Redis.from_pool(pool)
