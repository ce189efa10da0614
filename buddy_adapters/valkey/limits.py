"""Rate limits on Valkey: one script decides and counts, so that nobody comes in between."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from redis.asyncio import Redis

from buddy_adapters.valkey.errors import server_errors
from buddy_core.limits import (
    GRACE,
    Hit,
    Let,
    RateLimits,
    Verdict,
    in_order,
    micros,
    room_of,
    stopped,
    tightest,
)

_MICROSECOND = timedelta(microseconds=1)

# The same decision as `buddy_core.limits.admit`. Each key is a list of instants in whole microseconds, the
# oldest first; doubles hold them exactly until the year 2255. Numbers are written by format, for a server may
# write one with many zeros as a power of ten. Nothing is written before all counts are known to have room.
_TAKE = """
local at, grace = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept, full, is_full = {}, {}, false
for i, key in ipairs(KEYS) do
  local limit, window = tonumber(ARGV[2 * i + 1]), tonumber(ARGV[2 * i + 2])
  local last = -1
  local newest = redis.call('LINDEX', key, last)
  while newest and tonumber(newest) - at >= window do
    last = last - 1
    newest = redis.call('LINDEX', key, last)
  end
  local now = at
  if newest and tonumber(newest) > at then now = tonumber(newest) end
  kept[i] = {now, -1 - last, window}
  local first = redis.call('LINDEX', key, last - limit + 1)
  if first and now - tonumber(first) < window then
    full[i] = tonumber(first) + window
    is_full = true
  else
    full[i] = 0
  end
end
if is_full then return {0, full} end
local counted, oldest = {}, {}
for i, key in ipairs(KEYS) do
  local now, ahead, window = kept[i][1], kept[i][2], kept[i][3]
  if ahead > 0 then redis.call('RPOP', key, ahead) end
  redis.call('RPUSH', key, string.format('%.0f', now))
  local first = tonumber(redis.call('LINDEX', key, 0))
  while now - first >= window do
    redis.call('LPOP', key)
    first = tonumber(redis.call('LINDEX', key, 0))
  end
  redis.call('PEXPIRE', key, string.format('%.0f', math.ceil((now - at + window + grace) / 1000)))
  counted[i], oldest[i] = redis.call('LLEN', key), first
end
return {1, counted, oldest}
"""


class ValkeyRateLimits:
    """Counts that all processes on one Valkey server share.

    Time is the callers', as everywhere. The server only forgets keys by its own clock, a
    minute after their windows; give it room and `noeviction`, or it may forget sooner.
    All keys have one hash tag, so that on a cluster they lie together.
    """

    def __init__(self, client: Redis, prefix: str = "{buddy-limits}:") -> None:
        self._prefix = prefix
        self._take = client.register_script(_TAKE)

    async def take(self, hits: Sequence[Hit], at: datetime) -> Verdict:
        wanted, now = in_order(hits), micros(at)
        if not wanted:
            return Let()
        arguments = [now, GRACE // _MICROSECOND]
        for hit in wanted:
            arguments += [hit.limit, hit.window // _MICROSECOND]
        with server_errors():
            is_let, *found = await self._take([self._prefix + hit.key for hit in wanted], arguments)
        if not is_let:
            (full,) = found
            return stopped([(hit, retry) for hit, retry in zip(wanted, full, strict=True) if retry])
        counted, oldest = found
        return tightest(map(room_of, wanted, counted, oldest))

    async def sweep(self, at: datetime) -> int:
        # The server does.
        return 0


_conforms: type[RateLimits] = ValkeyRateLimits
