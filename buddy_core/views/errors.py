"""The ways a page has nothing to show."""

from __future__ import annotations

import attrs

from buddy_core.kernel.errors import Conflict, Invalid, NotFound


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


@attrs.define
class StatementChanged(Conflict):
    """An open month's figures changed between two pages of its lines: together they would not add up."""

    code = "views.statement_changed"

    month: str

    def message(self) -> str:
        return f"The figures of {self.month} have changed since the page before. Begin with the first page."


@attrs.define
class MonthNotBegun(Invalid):
    """The month lies in the future: there is nothing to tell of it yet."""

    code = "views.month_not_begun"

    month: str
    newest: str

    def message(self) -> str:
        return f"{self.month} has not begun. Ask for {self.newest} or an earlier month."


@attrs.define
class WalletEntryNotFound(NotFound):
    """Nothing in the wallet, nor in those that came along, is called so."""

    code = "views.wallet_entry_not_found"

    reference: str

    def message(self) -> str:
        named = self.reference[:40]
        return f"This wallet has no entry {named!r}. Name one by its reference, such as 7-1a2b3c4d."
