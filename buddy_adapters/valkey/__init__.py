"""Rate limits on a Valkey (or Redis) server, shared by all processes that reach it."""

from buddy_adapters.valkey.client import open_valkey
from buddy_adapters.valkey.errors import ValkeyUnavailable
from buddy_adapters.valkey.limits import ValkeyRateLimits

__all__ = ["ValkeyRateLimits", "ValkeyUnavailable", "open_valkey"]
