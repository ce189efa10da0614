"""The ways a page has nothing to show."""

from __future__ import annotations

import attrs

from buddy_core.kernel.errors import NotFound


@attrs.define
class StatementNotFound(NotFound):
    """There is no such statement for this producer."""

    code = "views.statement_not_found"

    month: str

    def message(self) -> str:
        return f"There is no statement for {self.month}. The producer's page lists those there are."


@attrs.define
class StatementLineNotFound(NotFound):
    """The month has no such line for this producer."""

    code = "views.statement_line_not_found"

    month: str
    line: str

    def message(self) -> str:
        return f"The statement for {self.month} has no line {self.line!r}. Open it from the statement itself."
