"""Facts of any kind from a Parquet file, row by row, for months that fit into memory."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from buddy_core.royalty import BadInput, FactTable, Problem, schema_json

ROWS_AT_ONCE = 65_536
UNREADABLE = (pa.ArrowException, OSError, OverflowError)
"""What Arrow raises where a file, or a page of it, is not as it should be."""


def parquet_facts(path: Path) -> FactTable:
    """Return a Parquet file's rows as facts; the first word of its name says of which kind, such as `sales`.

    Each row becomes a Python value: some million rows are as many as this is good for. Watch of
    more is shared where it lies, by `DuckdbWatchTotals`. A file that is no Parquet, or whose
    columns are missing, unknown or there twice, has no rows but `problems`, which are told with
    those of all other files.
    """
    forms = json.loads(schema_json("facts"))["properties"]
    section = re.split(r"[^a-z]", path.name.lower())[0]
    if section not in forms or "items" not in forms[section]:
        kinds = ", ".join(name for name, form in forms.items() if "items" in form)
        return _bad(
            path, section, ("", "has no kind of facts in its name", f"begin the name with one of {kinds}")
        )
    try:
        file = pq.ParquetFile(path)
    except UNREADABLE:
        return _bad(path, section, ("", "is no Parquet file", "write it again, or name another"))
    form = forms[section]["items"]
    there = file.schema_arrow.names
    missing = [
        (name, "the column is missing", f"add it: {form['properties'][name]['description']}")
        for name in form.get("required", ())
        if name not in there
    ]
    known = ", ".join(form["properties"])
    odd = [
        (name, "is not known here", f"leave it out; there are {known}")
        for name in dict.fromkeys(there)
        if name not in form["properties"]
    ]
    twice = [
        (name, "is there twice", "leave one of the columns out")
        for name, many in Counter(there).items()
        if many > 1
    ]
    if missing or odd or twice:
        return _bad(path, section, *missing, *odd, *twice)
    return FactTable(str(path), section, _rows(path, file))


def _rows(path: Path, file: pq.ParquetFile) -> Iterator[dict[str, Any]]:
    """Yield a file's rows.

    Raises:
        BadInput: a page of it is corrupt.
    """
    number = 0
    try:
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
            for row in _values(batch):
                number += 1
                yield {name: _plain(value) for name, value in row.items()}
    except UNREADABLE as error:
        what = f"cannot be read after row {number}" if number else "cannot be read"
        reason = f"{error}".partition("\n")[0]
        problem = Problem(str(path), 0, "", what, f"write the file again ({reason})")
        raise BadInput((problem,), 1) from error


def _values(batch: pa.RecordBatch) -> Iterator[dict[str, Any]]:
    """Yield rows as Python values; what Python has no value for, such as a day before year 1, as its text."""
    try:
        yield from batch.to_pylist()
        return
    except (ValueError, OverflowError):
        pass
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    for place in range(batch.num_rows):
        yield {name: _value(column[place]) for name, column in columns.items()}


def _value(cell: pa.Scalar) -> Any:
    try:
        return cell.as_py()
    except (ValueError, OverflowError):
        return f"{cell.value} ({cell.type})"


def _plain(value: Any) -> Any:
    """Return a cell as JSON has it: whole numbers, and texts for what is exact."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _bad(path: Path, section: str, *problems: tuple[str, str, str]) -> FactTable:
    return FactTable(
        str(path), section, (), problems=tuple(Problem(str(path), 0, *problem) for problem in problems)
    )
