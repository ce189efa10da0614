"""The ledger as text for the quick look of `buddy verify`: the database writes what was hashed.

It makes it of the columns as they lie there: the same canonical JSON as `entry_body` writes,
letter for letter, or the hash does not fit and the rows are read the slow way. While one
batch is looked at, the next is read.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from attrs import Factory, define
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from buddy_adapters.sql.dialect import is_postgresql
from buddy_adapters.sql.direct import Direct
from buddy_core.kernel.canonical import canonical_text
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.ids import AccountId
from buddy_core.tokens import Glance

_ENTRIES_POSTGRESQL = """
SELECT account_id, id, concat(
    '["', id, '","', account_id, '",', sequence, ',', to_json(operation), ',"',
    to_char(timezone('UTC', effective_at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '","',
    to_char(timezone('UTC', recorded_at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '",',
    to_json(idempotency_key), ',', to_json(source), ',', to_json(source_ref), ',',
    coalesce(rule_version::text, 'null'), ',', coalesce(to_json(corrects)::text, 'null'), ',',
    coalesce(to_json(hold_id)::text, 'null'), ',', coalesce(to_json(country)::text, 'null'), ',',
    coalesce(to_json(entity)::text, 'null'), ',', postings
  ), previous_hash, hash
FROM token_entries WHERE account_id {of} ORDER BY account_id, sequence
"""
_ENTRIES_SQLITE = """
SELECT account_id, id,
  substr(columns, 1, length(columns) - 1) || ',' || iif(typeof(postings) = 'text', postings, NULL),
  previous_hash, hash
FROM (
  SELECT account_id, id, sequence, previous_hash, hash, postings, json_array(
    id, account_id, sequence, operation, effective_at, recorded_at, idempotency_key, source, source_ref,
    rule_version, corrects, hold_id, country, entity
  ) AS columns FROM token_entries WHERE account_id {of}
) ORDER BY account_id, sequence
"""
_LOTS_POSTGRESQL = """
SELECT entry_id, position, account_id, concat(
    '["', id, '","', origin_id, '",', to_json(kind), ',', amount, ',"',
    to_char(timezone('UTC', effective_from), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '",',
    coalesce('"' || to_char(timezone('UTC', expires_at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"', 'null'),
    ',"',
    to_char(timezone('UTC', created_at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '",',
    priority, ',', scopes, ',', to_json(source), ',', earned_as_guest::text, ',',
    coalesce(cost_minor::text, 'null'), ',', coalesce(to_json(cost_currency)::text, 'null'), ']'
  )
FROM token_lots WHERE entry_id IN (SELECT id FROM token_entries WHERE account_id {of})
ORDER BY entry_id, position
"""
_LOTS_SQLITE = """
SELECT entry_id, position, account_id, coalesce(
    substr(before, 1, length(before) - 1) || ',' || iif(typeof(scopes) = 'text', scopes, NULL) ||
      ',' || json_quote(source) || ',' ||
      CASE earned_as_guest WHEN 1 THEN 'true' WHEN 0 THEN 'false' END || ',' || substr(cost, 2), '')
FROM (
  SELECT *,
    json_array(id, origin_id, kind, amount, effective_from, expires_at, created_at, priority) AS before,
    json_array(cost_minor, cost_currency) AS cost
  FROM token_lots
) WHERE entry_id IN (SELECT id FROM token_entries WHERE account_id {of})
ORDER BY entry_id, position
"""
_WALLETS_POSTGRESQL = """
SELECT account_id, sequence, head, is_frozen,
  to_char(timezone('UTC', moved_at), 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM token_wallets WHERE account_id {of}
"""
_WALLETS_SQLITE = """
SELECT account_id, sequence, head, is_frozen, moved_at FROM token_wallets WHERE account_id {of}
"""
_BALANCES = "SELECT account_id, lot_id, remaining, is_open FROM token_lot_balances WHERE account_id {of}"
_HOLDING = """
SELECT account_id FROM token_open_holds WHERE account_id {of}
UNION SELECT e.account_id FROM token_holds h JOIN token_entries e ON e.id = h.entry_id WHERE e.account_id {of}
"""


@define
class _Rows:
    """What was read of one account."""

    stored: tuple[int, bytes, bool, str | None] | None = None
    balances: dict[str, int] = Factory(dict)
    entries: list[tuple[str, bytes, bytes]] = Factory(list)
    is_odd: bool = False


async def read_glances(connection: AsyncConnection, accounts: Sequence[AccountId]) -> list[Glance]:
    """Return a glance at each account, in their order, by five statements for any number of them."""
    try:
        found = await _read(connection, accounts)
    except (DBAPIError, BuddyError, sqlite3.Error):
        if is_postgresql(connection):
            raise
        # SQLite cannot write a value of another type as JSON, nor hand over a text that is none.
        return [Glance(account, None, {}, (), is_odd=True) for account in accounts]
    return [
        Glance(account, rows.stored, rows.balances, rows.entries, rows.is_odd)
        for account in accounts
        for rows in [found[account]]
    ]


async def _read(connection: AsyncConnection, accounts: Sequence[AccountId]) -> dict[Any, _Rows]:
    on_postgresql = is_postgresql(connection)

    direct = Direct(connection)
    driver: Any = (await connection.get_raw_connection()).driver_connection

    async def rows(query: str) -> Iterable[Any]:
        if on_postgresql:
            return await direct.rows(query.replace("{of}", "= ANY($1::uuid[])"), accounts)
        of = query.replace("{of}", "IN (SELECT value FROM json_each(?1))")
        found: Iterable[Any] = await driver.execute_fetchall(of, (canonical_text(accounts),))
        return found

    # The longest first: it is under way while whoever asked looks at the batch before.
    entries = await rows(_ENTRIES_POSTGRESQL if on_postgresql else _ENTRIES_SQLITE)
    ids: dict[Any, AccountId] = {(item if on_postgresql else str(item)): item for item in accounts}
    found: defaultdict[Any, _Rows] = defaultdict(_Rows)
    for account, *stored in await rows(_WALLETS_POSTGRESQL if on_postgresql else _WALLETS_SQLITE):
        sequence, head, is_frozen, moved_at = stored
        found[ids[account]].stored = (sequence, head, is_frozen, moved_at)
    for account, lot, remaining, is_open in await rows(_BALANCES):
        mine = found[ids[account]]
        mine.balances[str(lot)] = remaining
        mine.is_odd |= not isinstance(remaining, int) or is_open != (remaining > 0)
    for (account,) in await rows(_HOLDING):
        found[ids[account]].is_odd = True
    opened = _opened(await rows(_LOTS_POSTGRESQL if on_postgresql else _LOTS_SQLITE))
    for account, entry, start, previous, digest in entries:
        mine = found[ids[account]]
        lots = opened.get(entry)
        if lots is None:
            mine.entries.append((f"{start},[],[]]", previous, digest))
            continue
        mine.entries.append((f"{start},[{','.join(item for _, _, item in lots)}],[]]", previous, digest))
        places = [(place, owner) for place, owner, _ in lots]
        mine.is_odd |= places != [(place, account) for place in range(len(lots))]
    return found


def _opened(rows: Iterable[Any]) -> dict[Any, list[tuple[int, Any, str]]]:
    """Return the lots of each entry: the place within it, the account, and the text."""
    opened: dict[Any, list[tuple[int, Any, str]]] = {}
    for entry, place, account, body in rows:
        opened.setdefault(entry, []).append((place, account, body))
    return opened
