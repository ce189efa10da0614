"""The ways the token rules say no."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from buddy_core.kernel.errors import Invalid, NotFound, Rejected, Unavailable
from buddy_core.kernel.ids import AccountId, EntryId, HoldId, LotId


@attrs.define
class BadTokenAmount(Invalid):
    """A number of tokens must be a whole number from 1 to 2^53."""

    code = "tokens.bad_amount"

    amount: object

    def message(self) -> str:
        return f"{self.amount!r} is not a number of tokens; give a whole number from 1 to 2^53."


@attrs.define
class ClockBehind(Unavailable):
    """This host's clock shows an instant before one that the wallet's history has already."""

    code = "tokens.clock_behind"

    at: datetime
    last: datetime

    def message(self) -> str:
        return (
            f"It is {self.at.isoformat()} by this host's clock, and the wallet's last entry is of "
            f"{self.last.isoformat()}. Nothing was written; set the clock, then try again."
        )


@attrs.define
class WalletMoved(Rejected):
    """The wallet's tokens went to another account when its owner joined; nothing more comes or goes here."""

    code = "tokens.wallet_moved"

    account_id: AccountId

    def message(self) -> str:
        return "This wallet was merged into another account's. Nothing was done; use that account."


@attrs.define
class BadLot(Invalid):
    """A lot's fields contradict each other."""

    code = "tokens.bad_lot"

    problem: str

    def message(self) -> str:
        return f"The lot cannot be opened: {self.problem}."


@attrs.define
class BadScope(Invalid):
    """A scope says what a lot may be spent on: `title:<id>` or `type:<name>`."""

    code = "tokens.bad_scope"

    scope: str

    def message(self) -> str:
        return f"{self.scope!r} names nothing that tokens can be spent on; write title:<id> or type:<name>."


@attrs.define
class UnknownKind(Invalid):
    """No value is known for this kind of token."""

    code = "tokens.unknown_kind"

    kind: str

    def message(self) -> str:
        return f"There is no value version for tokens of kind {self.kind!r}. Add one before using the kind."


@attrs.define
class InsufficientTokens(Rejected):
    """The wallet holds fewer spendable tokens than the cost."""

    code = "tokens.insufficient"

    needed: int
    available: int

    def message(self) -> str:
        return (
            f"This costs {self.needed} tokens and {self.available} can be spent. "
            f"Get {self.needed - self.available} more to go on."
        )


@attrs.define
class WalletFrozen(Rejected):
    """A frozen wallet neither earns nor spends."""

    code = "tokens.wallet_frozen"

    account_id: AccountId

    def message(self) -> str:
        return "This wallet is frozen: it can neither earn nor spend. Support can say why and unfreeze it."


@attrs.define
class NotFrozen(Rejected):
    """Only a frozen wallet can be unfrozen."""

    code = "tokens.not_frozen"

    account_id: AccountId

    def message(self) -> str:
        return "This wallet is not frozen, so there is nothing to unfreeze."


@attrs.define
class NoValueInCurrency(Invalid):
    """The value version has no value in the settlement currency."""

    code = "tokens.no_value_in_currency"

    kind: str
    version: int
    currency: str

    def message(self) -> str:
        return (
            f"Version {self.version} of {self.kind} tokens has no value in {self.currency}. "
            "Add a version that has one."
        )


@attrs.define
class ValueVersionInPast(Rejected):
    """A value version may only take effect now or later, after all that exist."""

    code = "tokens.value_version_in_past"

    kind: str
    effective_from: datetime
    earliest: datetime

    def message(self) -> str:
        # The next whole second: to a person a microsecond after midnight is no instant to choose.
        whole = (self.earliest + timedelta(microseconds=999_999)).replace(microsecond=0)
        return (
            f"A new value of {self.kind} tokens must take effect at {whole:%Y-%m-%d %H:%M:%S} UTC or later: "
            "a minute from now at least, and after the newest version, so that no past figure changes."
        )


@attrs.define
class ValueVersionTooFar(Rejected):
    """A value version too far ahead could never be corrected: later ones must come after it."""

    code = "tokens.value_version_too_far"

    kind: str
    effective_from: datetime
    latest: datetime

    def message(self) -> str:
        return (
            f"A new value of {self.kind} tokens must take effect by {self.latest.isoformat()}, within a year."
        )


@attrs.define
class BadTokenValue(Invalid):
    """A token value is missing, negative or not exact."""

    code = "tokens.bad_value"

    kind: str
    problem: str

    def message(self) -> str:
        return f"The value of {self.kind} tokens cannot be used: {self.problem}."


@attrs.define
class BadDrawPolicy(Invalid):
    """A draw policy names what lots cannot be ordered by."""

    code = "tokens.bad_draw_policy"

    problem: str

    def message(self) -> str:
        return f"The lots cannot be put in order by this policy: {self.problem}."


@attrs.define
class BadRecurrence(Invalid):
    """A recurrence needs an ISO 8601 duration that has a length."""

    code = "tokens.bad_recurrence"

    every: str
    problem: str

    def message(self) -> str:
        return f"{self.every!r} is not how often something recurs: {self.problem}. Write one such as P1M."


@attrs.define
class BadTimeline(Invalid):
    """The facts of a timeline contradict each other."""

    code = "tokens.bad_timeline"

    problem: str

    def message(self) -> str:
        return f"Nothing follows from these lots and events: {self.problem}."


@attrs.define
class VoidBeyondBalance(Rejected):
    """A void takes no more than is left; it is refused whole."""

    code = "tokens.void_beyond_balance"

    lot: str | None
    amount: int
    available: int

    def message(self) -> str:
        return (
            f"{self.amount} tokens cannot be voided: {self.available} are left. Void at most those; "
            "nothing was voided."
        )


@attrs.define
class RefundBeyondDraws(Rejected):
    """A refund gives back no more than was drawn."""

    code = "tokens.refund_beyond_draws"

    amount: int
    drawn: int

    def message(self) -> str:
        return f"{self.amount} tokens cannot be given back: {self.drawn} were drawn. Nothing was given back."


@attrs.define
class BadHold(Invalid):
    """A hold must end after it begins, and soon enough that tokens do not lie idle."""

    code = "tokens.bad_hold"

    problem: str

    def message(self) -> str:
        return f"These tokens cannot be held: {self.problem}."


@attrs.define
class HoldNotFound(NotFound):
    """The wallet has no open hold of that name."""

    code = "tokens.hold_not_found"

    hold_id: HoldId

    def message(self) -> str:
        return (
            "This wallet has no such hold that is still open: it was posted or voided, or never was. "
            "Hold the tokens again."
        )


@attrs.define
class HoldExpired(Rejected):
    """The hold's time was over, so that its tokens are free again."""

    code = "tokens.hold_expired"

    hold_id: HoldId
    expired_at: datetime

    def message(self) -> str:
        return f"This hold ended at {self.expired_at.isoformat()}; its tokens are free. Hold them again."


@attrs.define
class PostBeyondHold(Rejected):
    """A post takes no more than was held."""

    code = "tokens.post_beyond_hold"

    amount: int
    held: int

    def message(self) -> str:
        return f"{self.amount} tokens cannot be posted: {self.held} are held. Nothing was posted."


@attrs.define
class HoldNotForTitle(Rejected):
    """Some of the tokens held may not be spent on this title."""

    code = "tokens.hold_not_for_title"

    hold_id: HoldId

    def message(self) -> str:
        return "Some of the tokens held may not be spent on this title. Void the hold and hold for the title."


@attrs.define
class EntryNotFound(NotFound):
    """The wallet has no entry of that name, or its tokens are in another wallet by now."""

    code = "tokens.entry_not_found"

    entry_id: EntryId

    def message(self) -> str:
        return "This wallet has no such entry. If the account was merged, name the account it became."


@attrs.define
class NotRefundable(Rejected):
    """Only what spent tokens can be refunded."""

    code = "tokens.not_refundable"

    operation: str

    def message(self) -> str:
        return f"An entry that did {str(self.operation)!r} spent no tokens, so none can be given back."


@attrs.define
class AlreadyRefunded(Rejected):
    """Everything that the entry spent was given back before."""

    code = "tokens.already_refunded"

    entry_id: EntryId

    def message(self) -> str:
        return "All tokens of this entry were given back before. Nothing was given back now."


@attrs.define
class NotReversible(Rejected):
    """Only what brought tokens in can be reversed."""

    code = "tokens.not_reversible"

    operation: str

    def message(self) -> str:
        return (
            f"An entry that did {str(self.operation)!r} brought no tokens in, so there are none to take back."
        )


@attrs.define
class AlreadyReversed(Rejected):
    """An entry is reversed once."""

    code = "tokens.already_reversed"

    entry_id: EntryId

    def message(self) -> str:
        return "This entry was reversed before: what could be taken was taken then."


@attrs.define
class LotNotFound(NotFound):
    """The wallet has no lot of that name."""

    code = "tokens.lot_not_found"

    lot_id: LotId

    def message(self) -> str:
        return "This wallet has no such lot. Look the lot up in the wallet's entries."


@attrs.define
class BadAdjustment(Invalid):
    """An adjustment names what it corrects, why, and a lot that can still be used."""

    code = "tokens.bad_adjustment"

    problem: str

    def message(self) -> str:
        return f"The wallet cannot be adjusted: {self.problem}."


@attrs.define
class AdjustBeyondLot(Rejected):
    """An adjustment takes no more than the lot has left."""

    code = "tokens.adjust_beyond_lot"

    amount: int
    available: int

    def message(self) -> str:
        return f"{self.amount} tokens cannot be taken: the lot has {self.available} left. Nothing was taken."


@attrs.define
class BadBreakage(Invalid):
    """Breakage cannot follow from these figures."""

    code = "tokens.bad_breakage"

    problem: str

    def message(self) -> str:
        return f"No breakage follows from these figures: {self.problem}."


@attrs.define
class NotReplayable(Invalid):
    """Entries make a wallet only in the order they were written, all of them, unaltered."""

    code = "tokens.not_replayable"

    sequence: int
    problem: str

    def message(self) -> str:
        return (
            f"Entry {self.sequence} does not follow from the wallet before it: {self.problem}. "
            "Replay all entries of one account in order, and let buddy verify check the store."
        )


@attrs.define
class BadStatementPlace(Invalid):
    """A statement goes on only where one of its own pages ended."""

    code = "tokens.bad_statement_place"

    def message(self) -> str:
        return "No page of this statement ended there. Begin at the newest, or send what the last page gave."
