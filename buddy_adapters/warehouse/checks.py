"""Parquet files checked before anything is counted: every fault with file, row and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from attrs import define, field, frozen
from ibis import Table

from buddy_core.royalty import (
    MONEY,
    MOST_LISTED,
    MOST_MINOR,
    NEVER_NEGATIVE,
    PAYABLE,
    SUBSCRIPTION_COLUMNS,
    WATCH_COLUMNS,
    Column,
    Kind,
    Problem,
    Said,
    WatchMonth,
    Wrong,
    refuse,
)

FILE, ROW = "filename", "file_row_number"
PLACE = ("account", "plan", "territory")


@define
class Findings:
    """Problems found so far, the first of each sort, and how many there are in all."""

    problems: list[Problem] = field(factory=list)
    count: int = 0

    def add(self, problems: Iterable[Problem], count: int | None = None) -> None:
        """Note problems; `count` where there are more than are given."""
        found = list(problems)
        self.problems += found
        self.count += len(found) if count is None else count

    def refuse(self) -> None:
        """Raise them, if there are any.

        Raises:
            BadInput: there are.
        """
        refuse(self.problems, self.count)


@frozen
class _Check:
    column: str
    bad: Any
    """True for each row that is wrong."""
    say: Callable[[Any], Said]
    """What is wrong, of the value in the column."""


def check_columns(
    connection: Any, files: Sequence[str], columns: Sequence[Column], findings: Findings
) -> dict[str, str]:
    """Note files that are unreadable, and columns that are missing or of another type.

    Answers what each column holds in these files: text, uuid or a whole number.
    """
    kinds: dict[str, str] = {}
    for file in files:
        try:
            schema = connection.read_parquet(file).schema()
        except duckdb.Error as error:
            said = ("cannot be read as Parquet", f"write the file again ({str(error).splitlines()[0]})")
            findings.add([Problem(file, 0, "", *said)])
            continue
        for column in columns:
            if column.name not in schema:
                findings.add([Problem(file, 0, column.name, *Wrong.no_column(column))])
                continue
            kind = _kind(schema[column.name], column)
            if kind is None or kinds.setdefault(column.name, kind) != kind:
                found = f"of the type {schema[column.name]}" + (
                    f", and {kinds[column.name]} in a file before" if kind else ""
                )
                findings.add([Problem(file, 0, column.name, *Wrong.wrong_type(found, column))])
                if schema[column.name].is_floating():
                    found_nan = _not_numbers(file, column.name)
                    findings.add(found_nan[:MOST_LISTED], len(found_nan))
    return kinds


def unreadable(files: Iterable[str]) -> list[Problem]:
    """Name the files of which a page cannot be read; asked only where counting them has failed."""
    found: list[Problem] = []
    for file in files:
        try:
            with pq.ParquetFile(file) as rows:
                for _ in rows.iter_batches():
                    pass
        except (pa.ArrowException, OSError) as error:
            reason = f"{error}".partition("\n")[0]
            found.append(
                Problem(file, 0, "", "cannot be read as Parquet", f"write the file again ({reason})")
            )
    return found


def _kind(dtype: Any, column: Column) -> str | None:
    if dtype.is_integer() and not str(dtype).startswith("uint64"):
        return "whole numbers"
    if column.kind is Kind.NAME and dtype.is_string():
        return "text"
    return "UUIDs" if column.kind is Kind.NAME and dtype.is_uuid() else None


def _not_numbers(file: str, column: str) -> list[Problem]:
    """Name the rows with NaN, read by Arrow.

    DuckDB 2.0 finds none where a filter meets the file's statistics, which leave NaN out.
    """
    found: list[int] = []
    seen = 0
    with pq.ParquetFile(file) as rows:
        for batch in rows.iter_batches(columns=[column]):
            is_nan = pc.fill_null(pc.is_nan(batch.column(0)), False)
            found += [seen + place for place in pc.indices_nonzero(is_nan).to_pylist()]
            seen += batch.num_rows
    return [Problem(file, row + 1, column, *Wrong.no_number()) for row in found]


def is_suspect(watch: Table, month: WatchMonth) -> bool:
    """Say whether seconds are empty, below zero or beyond the period anywhere: quick, and mostly no."""
    facts = watch.agg(
        rows=watch.count(), known=watch.seconds.count(), least=watch.seconds.min(), most=watch.seconds.max()
    )
    found = facts.to_pyarrow().to_pylist()[0]
    if found["rows"] != found["known"]:
        return True
    return bool(found["rows"]) and (found["least"] < 0 or found["most"] > month.period_seconds)


def has_blank(table: Table, column: str) -> bool:
    """Say whether a name in the column is empty."""
    return bool(table.count(where=_is_blank(table[column])).to_pyarrow().as_py())


def check_watch(watch: Table, month: WatchMonth, findings: Findings) -> None:
    """Note empty cells, and seconds below zero or beyond the period; one pass over the rows."""
    seconds: Any = watch.seconds
    period = month.period_seconds
    checks = [*_cells(watch, WATCH_COLUMNS)]
    checks.append(_Check("seconds", seconds < 0, Wrong.negative))
    checks.append(_Check("seconds", seconds > period, lambda found: Wrong.beyond_period(found, period)))
    _run(watch, checks, findings)


def check_subscriptions(subscriptions: Table, month: WatchMonth, findings: Findings) -> None:
    """Note empty cells, impossible amounts, unknown currencies, doubled accounts and funded pools."""
    checks = [*_cells(subscriptions, SUBSCRIPTION_COLUMNS)]
    for name in MONEY:
        amount: Any = subscriptions[name]
        checks.append(_Check(name, (amount > MOST_MINOR) | (amount < -MOST_MINOR), Wrong.too_much))
        if name in NEVER_NEGATIVE:
            say = Wrong.negative_gross if name == "gross" else Wrong.negative
            checks.append(_Check(name, (amount < 0) & (amount >= -MOST_MINOR), say))
    currency: Any = subscriptions.currency
    unknown = (currency != "") & currency.notin(sorted(PAYABLE))
    checks.append(_Check("currency", unknown, Wrong.unknown_currency))
    for pool in sorted({(found.pool.plan, found.pool.territory) for found in month.funded}):
        both = (subscriptions.plan == pool[0]) & (subscriptions.territory == pool[1])
        checks.append(_Check("plan", both, lambda _, pool=pool: Wrong.also_funded(*pool)))  # type: ignore[misc]
    _run(subscriptions, checks, findings)
    _check_doubled(subscriptions, findings)


def _cells(table: Table, columns: Sequence[Column]) -> Iterable[_Check]:
    for column in columns:
        yield _Check(column.name, _is_blank(table[column.name]), lambda _: Wrong.empty())


def _is_blank(cell: Any) -> Any:
    return cell.isnull() | (cell == "") if cell.type().is_string() else cell.isnull()


def _run(table: Table, checks: Sequence[_Check], findings: Findings) -> None:
    counts = table.agg(**{f"n{place}": table.count(where=check.bad) for place, check in enumerate(checks)})
    for count, check in zip(counts.to_pyarrow().to_pylist()[0].values(), checks, strict=True):
        if count:
            rows = first_rows(table.filter(check.bad), [check.column])
            findings.add((_problem(row, check.column, check.say(row[check.column])) for row in rows), count)


def _check_doubled(subscriptions: Table, findings: Findings) -> None:
    known = subscriptions.filter(_is_placed(subscriptions))
    doubled = known.group_by(list(PLACE)).agg(times=known.count())
    extra = doubled.filter(doubled.times > 1)
    count = extra.agg(count=(extra.times - 1).sum()).to_pyarrow()["count"][0].as_py()
    if not count:
        return
    suspects = known.semi_join(extra, list(PLACE))
    window = ibis.window(
        group_by=[suspects[name] for name in PLACE], order_by=[suspects[FILE], suspects[ROW]]
    )
    placed = suspects.mutate(place=ibis.row_number().over(window))
    rows = first_rows(placed.filter(placed.place > 0), list(PLACE))
    findings.add(
        (_problem(row, "account", Wrong.twice(str(row["plan"]), str(row["territory"]))) for row in rows),
        count,
    )


def check_paid(watch: Table, subscriptions: Table, month: WatchMonth, findings: Findings) -> None:
    """Note watch rows of accounts that have no subscription row, outside of funded pools."""
    known: Any = watch.filter(_is_placed(watch))
    for pool in sorted({(found.pool.plan, found.pool.territory) for found in month.funded}):
        known = known.filter((known.plan != pool[0]) | (known.territory != pool[1]))
    unpaid = known.anti_join(subscriptions, list(PLACE))
    count = unpaid.count().to_pyarrow().as_py()
    if count:
        findings.add(
            (
                _problem(row, "account", Wrong.no_subscription(*(str(row[name]) for name in PLACE)))
                for row in first_rows(unpaid, list(PLACE))
            ),
            count,
        )


def check_sums(watch: Table, month: WatchMonth, findings: Findings) -> None:
    """Note accounts whose rows of one title are each within the period and together beyond it."""
    names = ["account", "title", "territory", "plan"]
    known: Any = watch.filter(_is_placed(watch) & watch.title.notnull())
    sums = known.group_by(names).agg(together=known.seconds.sum().cast("int64"), most=known.seconds.max())
    beyond = sums.filter((sums.together > month.period_seconds) & (sums.most <= month.period_seconds))
    count = beyond.count().to_pyarrow().as_py()
    if not count:
        return
    rows = known.join(beyond, names)
    window = ibis.window(group_by=[rows[name] for name in names], order_by=[rows[FILE], rows[ROW]])
    placed = rows.mutate(place=ibis.row_number().over(window))
    found = first_rows(placed.filter(placed.place == 0), ["title", "together"])
    findings.add(
        (
            _problem(
                row, "seconds", Wrong.beyond_in_sum(str(row["title"]), row["together"], month.period_seconds)
            )
            for row in found
        ),
        count,
    )


def first_rows(table: Table, columns: Sequence[str]) -> list[dict[str, Any]]:
    """Return the first hundred rows by file and row, with these columns."""
    wanted = dict.fromkeys([FILE, ROW, *columns])
    rows = table.select(*wanted).order_by([FILE, ROW]).limit(MOST_LISTED)
    return list(rows.to_pyarrow().to_pylist())


def _is_placed(table: Table) -> Any:
    bad: Any = ibis.literal(False)
    for name in PLACE:
        bad = bad | _is_blank(table[name])
    return ~bad


def _problem(row: dict[str, Any], column: str, said: Said) -> Problem:
    return Problem(row[FILE], row[ROW] + 1, column, *said)
