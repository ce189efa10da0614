"""What goes wrong on the way to a Valkey server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis.exceptions import RedisError

from buddy_core.kernel import Unavailable


class ValkeyUnavailable(Unavailable):
    """The Valkey server does not answer as it should. Try again; if it stays so, see that it runs."""

    code = "valkey.unavailable"


@contextmanager
def server_errors() -> Iterator[None]:
    """Turn what the client raises into the kernel's error.

    Raises:
        ValkeyUnavailable: the server cannot be reached, is too slow, or refuses the command.
    """
    try:
        yield
    except (RedisError, OSError) as error:
        raise ValkeyUnavailable from error
