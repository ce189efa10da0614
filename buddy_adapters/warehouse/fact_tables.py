"""Facts of any kind from a Parquet file, row by row, for months that fit into memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from buddy_core.royalty import BadInput, FactTable, Problem, schema_json

ROWS_AT_ONCE = 65_536


def parquet_facts(path: Path) -> FactTable:
    """Return a Parquet file's rows as facts; the first word of its name says of which kind, such as `sales`.

    Each row becomes a Python value: some million rows are as many as this is good for. Watch of
    more is shared where it lies, by `DuckdbWatchTotals`.

    Raises:
        BadInput: it is no Parquet, or columns are missing or unknown; every problem is listed.
    """
    forms = json.loads(schema_json("facts"))["properties"]
    section = re.split(r"[^a-z]", path.name.lower())[0]
    if section not in forms or "items" not in forms[section]:
        kinds = ", ".join(name for name, form in forms.items() if "items" in form)
        raise _bad(path, ("", "has no kind of facts in its name", f"begin the name with one of {kinds}"))
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise _bad(path, ("", "is no Parquet file", "write it again, or name another")) from error
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
        for name in there
        if name not in form["properties"]
    ]
    if missing or odd:
        raise _bad(path, *missing, *odd)
    return FactTable(str(path), section, _rows(file))


def _rows(file: pq.ParquetFile) -> Iterator[dict[str, Any]]:
    for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
        for row in batch.to_pylist():
            yield {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    """Return a cell as JSON has it: whole numbers, and texts for what is exact."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _bad(path: Path, *problems: tuple[str, str, str]) -> BadInput:
    return BadInput(tuple(Problem(str(path), 0, *problem) for problem in problems), len(problems))
