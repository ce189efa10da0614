"""Watch rows and subscriptions in Parquet files, added up by DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import ibis
import numpy as np
import pyarrow as pa
from ibis import Table

from buddy_adapters.warehouse import checks, expressions
from buddy_core.royalty import (
    GRAIN_BITS,
    MONEY,
    SUBSCRIPTION_COLUMNS,
    WATCH_COLUMNS,
    Paid,
    PartTotal,
    PoolMethod,
    PoolName,
    PoolRule,
    PoolTotals,
    Problem,
    WatchMonth,
    WatchTotals,
    Wrong,
    check_holders,
    check_rule,
    missing_holders,
)

MEMORY_LIMIT = "1536MB"
"""What DuckDB may use before it writes to the spill folder; Python and Arrow come on top."""


class DuckdbWatchTotals:
    """One period's Parquet files: `watch` and `subscriptions`, each a file, a folder of files or several.

    Checked and grouped at the first call; what comes of it is kept until `close`, so that
    other rules on the same month cost less. Not for two threads at once.
    """

    def __init__(
        self,
        watch: str | Path | Sequence[str | Path],
        subscriptions: str | Path | Sequence[str | Path],
        *,
        memory_limit: str = MEMORY_LIMIT,
        spill_folder: str | Path | None = None,
        threads: int | None = None,
    ) -> None:
        config: dict[str, Any] = {"memory_limit": memory_limit, "preserve_insertion_order": False}
        if spill_folder is not None:
            config["temp_directory"] = str(spill_folder)
        if threads is not None:
            config["threads"] = threads
        self._connection: Any = ibis.duckdb.connect(**config)
        # It would write its bar into the standard output of whoever calls.
        self._connection.con.execute("SET enable_progress_bar = false")
        self._watch, self._subscriptions = watch, subscriptions
        self._grouped_for: WatchMonth | None = None

    def __enter__(self) -> DuckdbWatchTotals:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def done(self) -> float | None:
        """Return which part of the running query is done, from any thread; None where DuckDB cannot tell."""
        percent = self._connection.con.query_progress()
        return None if percent < 0 else percent / 100

    def close(self) -> None:
        """Give memory and spilled files back."""
        self._connection.disconnect()

    def totals(self, rule: PoolRule, month: WatchMonth) -> tuple[PoolTotals, ...]:
        check_rule(rule, month)
        self._prepare(month, check_holders(month, rule))
        return self._count(rule, month)

    def paid(self, month: WatchMonth) -> Mapping[PoolName, Paid]:
        self._prepare(month)
        rows = self._read(_files(self._subscriptions, "subscriptions", checks.Findings()))
        sums = {name: rows[name].cast("int64").sum().cast(expressions.WIDE) for name in MONEY}
        table = rows.group_by(["plan", "territory", "currency"]).agg(**sums).to_pyarrow()
        return {
            PoolName(row["plan"], row["territory"], row["currency"]): Paid(
                **{name: row[name] for name in MONEY}
            )
            for row in _rows(table)
        }

    def _prepare(self, month: WatchMonth, problems: Iterable[Problem] = ()) -> None:
        """Group the files unless they are grouped already, and refuse what is wrong."""
        if self._grouped_for is None or not _same_rows(self._grouped_for, month):
            try:
                self._group(month, problems)
            except duckdb.Error as error:
                findings = checks.Findings()
                for given, what in ((self._watch, "watch"), (self._subscriptions, "subscriptions")):
                    findings.add(checks.unreadable(_files(given, what, findings)))
                findings.refuse()
                raise error
            self._grouped_for = month
        else:
            findings = checks.Findings()
            findings.add(problems)
            findings.refuse()

    def _group(self, month: WatchMonth, problems: Iterable[Problem]) -> None:
        """Check the files, number pools, members and titles, and add up seconds by member and title."""
        self._grouped_for = None
        findings = checks.Findings()
        findings.add(problems)
        watch, subscriptions = self._opened(findings)
        checks.check_subscriptions(subscriptions, month, findings)
        if not findings.count and not checks.is_suspect(watch, month):
            members = self._members(watch, subscriptions, month)
            titles = watch.select("title").distinct()
            titles = self._kept("titles", titles.mutate(number=ibis.row_number().cast("int32")))
            pairs = self._kept("pairs", expressions.pairs(watch, members, titles))
            facts = pairs.agg(unpaid=pairs.count(where=pairs.member.isnull()), most=pairs.seconds.max())
            found = facts.to_pyarrow().to_pylist()[0]
            is_sound = not found["unpaid"] and (found["most"] or 0) <= month.period_seconds
            if (
                is_sound
                and not checks.has_blank(titles, "title")
                and not checks.has_blank(members, "account")
            ):
                return
        # Something is wrong: now each row is looked at. An empty name met no member or is among the titles.
        checks.check_watch(watch, month, findings)
        checks.check_paid(watch, subscriptions, month, findings)
        checks.check_sums(watch, month, findings)
        findings.refuse()

    def _opened(self, findings: checks.Findings) -> tuple[Table, Table]:
        watch_files = _files(self._watch, "watch", findings)
        files = _files(self._subscriptions, "subscriptions", findings)
        kinds = checks.check_columns(self._connection, watch_files, WATCH_COLUMNS, findings)
        others = checks.check_columns(self._connection, files, SUBSCRIPTION_COLUMNS, findings)
        for column in SUBSCRIPTION_COLUMNS[:3]:
            kind, other = kinds.get(column.name), others.get(column.name)
            if kind and other and kind != other:
                said = Wrong.wrong_type(f"{other}, and {kind} in the watch rows", column)
                findings.add([Problem(files[0], 0, column.name, *said)])
        findings.refuse()
        return self._read(watch_files), self._read(files)

    def _read(self, files: Sequence[str]) -> Table:
        rows: Table = self._connection.read_parquet(
            list(files), filename=True, file_row_number=True, union_by_name=True
        )
        # Plans and territories are compared with those of rules, which are text.
        numbers = [
            name
            for name in ("plan", "territory", "currency")
            if name in rows.columns and not rows[name].type().is_string()
        ]
        return rows.mutate(**{name: rows[name].cast("string") for name in numbers}) if numbers else rows

    def _members(self, watch: Table, subscriptions: Table, month: WatchMonth) -> Table:
        """Keep `pools` (pool, plan, territory, currency) and `members`, and answer the members."""
        net: Any = subscriptions.gross - subscriptions.tax - subscriptions.fee
        net = net - subscriptions.refund - subscriptions.chargeback
        columns = ["account", "plan", "territory", "currency"]
        pays = (subscriptions.gross != 0) | (net != 0)
        rows = subscriptions.select(*columns, net=net.cast("int64"), pays=pays)
        if month.funded:
            funded = self._given(
                "funded",
                plan=[found.pool.plan for found in month.funded],
                territory=[found.pool.territory for found in month.funded],
                currency=[found.pool.currency for found in month.funded],
            )
            watchers = watch.select("account", "plan", "territory").distinct()
            placed = watchers.join(funded, ["plan", "territory"])
            watching = {"net": ibis.literal(0, "int64"), "pays": ibis.literal(value=True)}
            rows = rows.union(placed.select(*columns, **watching))
        pools = rows.select(*columns[1:]).distinct()
        pools = self._kept("pools", pools.mutate(pool=ibis.row_number().cast("int32")))
        members = rows.join(pools, columns[1:])
        number = ibis.row_number().cast("int32")
        return self._kept(
            "members",
            members.select("account", "plan", "territory", "pool", "net", "pays").mutate(member=number),
        )

    def _count(self, rule: PoolRule, month: WatchMonth) -> tuple[PoolTotals, ...]:
        tables = {name: self._connection.table(name) for name in ("pairs", "members", "titles", "pools")}
        members, titles = tables["members"], tables["titles"]
        counted = expressions.counting(tables["pairs"], members, titles, rule)
        if members.filter(~members.pays).count().to_pyarrow().as_py():
            # Where it is known who pays, those who do not pay are in no divisor.
            counted = counted.semi_join(members.filter(members.pays), "member")
        if expressions.method_of(rule) is PoolMethod.EQUAL_PER_SUBSCRIBER:
            self._check_held(rule, month)
            counted = expressions.with_players(counted, members, self._holders(month))
        accounts = self._kept("accounts", expressions.accounts(counted, members, rule))
        parts = _rows(expressions.parts(counted, accounts, rule).to_pyarrow())
        names = {row["number"]: str(row["title"]) for row in titles.to_pyarrow().to_pylist()}
        holders = {(found.title, found.territory): found.holder for found in month.holders}
        if expressions.method_of(rule) is not PoolMethod.EQUAL_PER_SUBSCRIBER:
            holders = {}
        funded = {pool.pool: pool.net for pool in month.funded if rule.plan in ("*", pool.pool.plan)}
        return _assembled(self._pools(rule), parts, names, funded, holders)

    def _pools(self, rule: PoolRule) -> list[dict[str, Any]]:
        """Return each pool of the rule's plan with its accounts and money, and of those the counted ones."""
        members, pools, accounts = (self._connection.table(name) for name in ("members", "pools", "accounts"))
        if rule.plan != "*":
            pools = pools.filter(pools.plan == rule.plan)
        everyone = members.group_by("pool").agg(
            accounts=members.pays.sum(), net=members.net.sum().cast(expressions.WIDE)
        )
        if expressions.method_of(rule) is PoolMethod.EQUAL_PER_SUBSCRIBER:
            accounts = accounts.select("member", "pool", "net").distinct()
        active = accounts.group_by("pool").agg(
            counted=accounts.count(), active=accounts.net.sum().cast(expressions.WIDE)
        )
        return list(pools.join(everyone, "pool").left_join(active, "pool").to_pyarrow().to_pylist())

    def _check_held(self, rule: PoolRule, month: WatchMonth) -> None:
        pairs, members, titles = (self._connection.table(name) for name in ("pairs", "members", "titles"))
        if rule.plan != "*":
            members = members.filter(members.plan == rule.plan)
        placed = pairs.join(members, "member").join(titles, "number").select("title", "territory").distinct()
        watched = ((str(row["title"]), row["territory"]) for row in placed.to_pyarrow().to_pylist())
        findings = checks.Findings()
        findings.add(missing_holders(watched, rule, month))
        findings.refuse()

    def _holders(self, month: WatchMonth) -> Table:
        """Keep the holder table with numbers for titles and holders, and answer it."""
        numbers = {name: number for number, name in enumerate(_players(month))}
        given = self._given(
            "given_holders",
            name=[found.title for found in month.holders],
            territory=[found.territory for found in month.holders],
            player=pa.array([numbers[found.holder] for found in month.holders], pa.int32()),
        )
        titles = self._connection.table("titles")
        named = titles.select("number", name=titles.title.cast("string"))
        return self._kept("holders", named.join(given, "name").select("number", "territory", "player"))

    def _given(self, name: str, /, **columns: Any) -> Table:
        return self._kept(name, ibis.memtable(pa.table(columns)))

    def _kept(self, name: str, expression: Table) -> Table:
        """Run an expression into a table of the store's own, which it may spill."""
        # Ibis's `overwrite` writes the rows twice, and what it drops loses its name on the way through
        # sqlglot 30; so this one statement is ours.
        self._connection.raw_sql(f"DROP TABLE IF EXISTS {name}")
        table: Table = self._connection.create_table(name, expression)
        return table


def _same_rows(before: WatchMonth, now: WatchMonth) -> bool:
    """Say whether two months are grouped alike: holders and funded money come in later."""
    pools = [{found.pool for found in month.funded} for month in (before, now)]
    return before.period_seconds == now.period_seconds and pools[0] == pools[1]


def _files(given: str | Path | Sequence[str | Path], what: str, findings: checks.Findings) -> list[str]:
    found: list[str] = []
    for path in [given] if isinstance(given, str | Path) else given:
        folder = Path(path)
        inside = sorted(folder.glob("*.parquet")) if folder.is_dir() else [folder]
        if not inside or not inside[0].exists():
            said = ("there is no Parquet file", f"write the {what} rows there, or name another place")
            findings.add([Problem(str(path), 0, "", *said)])
            continue
        found += map(str, inside)
    return found


def _players(month: WatchMonth) -> list[str]:
    return sorted({found.holder for found in month.holders})


def _assembled(
    pools: Iterable[dict[str, Any]],
    parts: Iterable[dict[str, Any]],
    names: dict[int, str],
    funded: dict[PoolName, int],
    holders: dict[tuple[str, str], str],
) -> tuple[PoolTotals, ...]:
    """Put the store's rows into the core's values; here numbers of any size are added at last."""
    found: dict[int, list[dict[str, Any]]] = {}
    for row in parts:
        found.setdefault(row["pool"], []).append(row)
    answer = []
    unwatched = dict(funded)
    for row in pools:
        name = PoolName(row["plan"], row["territory"], row["currency"])
        net, active = int(row["net"]), int(row["active"] or 0)
        sums = _parts(found.get(row["pool"], ()), names, holders, name.territory)
        counted, money = row["counted"] or 0, unwatched.pop(name, None)
        if money is None:
            answer.append(PoolTotals(name, net, row["accounts"], counted, net - active, sums))
        else:
            answer.append(PoolTotals(name, money, row["accounts"], counted, 0, sums))
    answer += [PoolTotals(name, money, 0, 0, 0, ()) for name, money in unwatched.items()]
    return tuple(sorted(answer, key=lambda pool: pool.pool))


def _parts(
    rows: Iterable[dict[str, Any]], names: dict[int, str], holders: dict[tuple[str, str], str], territory: str
) -> tuple[PartTotal, ...]:
    found = []
    for row in rows:
        title = names[row["number"]]
        money, weight = ((row.get(name), row.get(f"{name}_part")) for name in ("money", "weight"))
        found.append(
            PartTotal(
                title, _grains(*money), _grains(*weight), row["accounts"], holders.get((title, territory))
            )
        )
    return tuple(sorted(found, key=lambda part: part.title))


def _rows(table: Any) -> list[dict[str, Any]]:
    """Return a table's rows, with whole decimals as ints: quicker by their bytes than one by one."""
    columns = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        if pa.types.is_decimal(column.type):
            halves = np.frombuffer(column.buffers()[1], dtype="<i8").reshape(-1, 2)
            halves = halves[column.offset : column.offset + len(column)]
            low, high = halves[:, 0].view("<u8").tolist(), halves[:, 1].tolist()
            columns[name] = [(upper << 64) | lower for upper, lower in zip(high, low, strict=True)]
        else:
            columns[name] = column.to_pylist()
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _grains(whole: Any, part: Any) -> int:
    return ((whole or 0) << GRAIN_BITS) + (part or 0)


_conforms: type[WatchTotals] = DuckdbWatchTotals
