"""What a check of the stored data found wrong."""

from __future__ import annotations

from attrs import frozen


@frozen
class Fault:
    """One row that is not what it must be: altered, missing or inserted."""

    table: str
    row: str
    """The row's key, readable."""
    problem: str

    def __str__(self) -> str:
        return f"{self.table} {self.row}: {self.problem}"
