"""What the refusals say: one whole text an error, and what the rules put into the texts that are composed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import evolve

from buddy_core.kernel import BuddyError, EntryId, HoldId, InvalidValue, LotId
from buddy_core.tokens import (
    BONUS,
    LONGEST_HOLD,
    MAX_TOKENS,
    NOTICE,
    PAID,
    AdjustBeyondLot,
    AdjustTokens,
    AlreadyRefunded,
    AlreadyReversed,
    BadAdjustment,
    BadBreakage,
    BadDrawPolicy,
    BadHold,
    BadLot,
    BadRecurrence,
    BadScope,
    BadStatementPlace,
    BadTimeline,
    BadTokenAmount,
    BadTokenValue,
    BreakageRecord,
    BuyTokens,
    ClockBehind,
    DrawPolicy,
    Entry,
    EntryNotFound,
    FreezeWallet,
    HoldExpired,
    HoldNotForTitle,
    HoldNotFound,
    HoldTokens,
    InsufficientTokens,
    LotNotFound,
    NewIds,
    NotFrozen,
    NotRefundable,
    NotReplayable,
    NotReversible,
    NoValueInCurrency,
    Operation,
    PostBeyondHold,
    Posted,
    PostHold,
    Recurrence,
    RefundBeyondDraws,
    RefundTokens,
    Reset,
    ReverseTokens,
    SetTokenValue,
    Spending,
    Standing,
    TimelineLot,
    UnknownKind,
    Usage,
    ValueVersionInPast,
    ValueVersionTooFar,
    Void,
    VoidBeyondBalance,
    VoidHold,
    Wallet,
    WalletFrozen,
    WalletMoved,
    adjust,
    breakage,
    buy,
    draw_order,
    earn,
    expired_by_lot,
    freeze,
    hold,
    next_version,
    post,
    refund,
    reverse,
    spend,
    timeline,
    void,
)
from buddy_core.tokens.rules.telling import tell
from tests.contracts.cases import (
    AT,
    LATER,
    NEWTACT,
    VERSIONS,
    account,
    earned,
    earning,
    spending,
    spent,
    title,
    uid,
    version_of,
)
from tests.core.tokens.strategies import EPISODE

NAIVE, TICK = datetime(2026, 11, 21, 12), timedelta(microseconds=1)  # noqa: DTZ001
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ENTRY, HOLD, LOT = EntryId(uid(1)), HoldId(uid(2)), LotId(uid(3))


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            BadTokenAmount("9"),
            "tokens.bad_amount: '9' is not a number of tokens; give a whole number from 1 to 2^53.",
        ),
        (BadLot("it is odd"), "tokens.bad_lot: The lot cannot be opened: it is odd."),
        (
            BadScope("film"),
            "tokens.bad_scope: 'film' names nothing that tokens can be spent on; "
            "write title:<id> or type:<name>.",
        ),
        (
            UnknownKind("gold"),
            "tokens.unknown_kind: There is no value version for tokens of kind 'gold'. "
            "Add one before using the kind.",
        ),
        (
            InsufficientTokens(7, 3),
            "tokens.insufficient: This costs 7 tokens and 3 can be spent. Get 4 more to go on.",
        ),
        (
            WalletFrozen(account(1)),
            "tokens.wallet_frozen: This wallet is frozen: it can neither earn nor spend. "
            "Support can say why and unfreeze it.",
        ),
        (
            WalletMoved(account(1)),
            "tokens.wallet_moved: This wallet was merged into another account's. Nothing was done; "
            "use that account.",
        ),
        (
            NotReversible(Operation.SPEND),
            "tokens.not_reversible: An entry that did 'spend' brought no tokens in, "
            "so there are none to take back.",
        ),
        (
            NotRefundable(Operation.EARN),
            "tokens.not_refundable: An entry that did 'earn' spent no tokens, so none can be given back.",
        ),
        (
            NotFrozen(account(1)),
            "tokens.not_frozen: This wallet is not frozen, so there is nothing to unfreeze.",
        ),
        (
            NoValueInCurrency(PAID, 4, "AED"),
            "tokens.no_value_in_currency: Version 4 of paid tokens has no value in AED. "
            "Add a version that has one.",
        ),
        (
            ValueVersionInPast(BONUS, NOON, NOON + timedelta(hours=1)),
            "tokens.value_version_in_past: A new value of bonus tokens must take effect at "
            "2026-11-21 13:00:00 UTC or later: a minute from now at least, and after the newest version, so "
            "that no past figure changes.",
        ),
        (
            ValueVersionTooFar(BONUS, NOON, NOON + timedelta(days=1)),
            "tokens.value_version_too_far: A new value of bonus tokens must take effect by "
            "2026-11-22T12:00:00+00:00, within a year.",
        ),
        (
            BadTokenValue(BONUS, "it is odd"),
            "tokens.bad_value: The value of bonus tokens cannot be used: it is odd.",
        ),
        (
            BadDrawPolicy("it is odd"),
            "tokens.bad_draw_policy: The lots cannot be put in order by this policy: it is odd.",
        ),
        (
            BadRecurrence("P", "it is odd"),
            "tokens.bad_recurrence: 'P' is not how often something recurs: it is odd. Write one such as P1M.",
        ),
        (
            BadTimeline("it is odd"),
            "tokens.bad_timeline: Nothing follows from these lots and events: it is odd.",
        ),
        (
            VoidBeyondBalance("a", 7, 3),
            "tokens.void_beyond_balance: 7 tokens cannot be voided: 3 are left. Void at most those; "
            "nothing was voided.",
        ),
        (
            RefundBeyondDraws(7, 3),
            "tokens.refund_beyond_draws: 7 tokens cannot be given back: 3 were drawn. "
            "Nothing was given back.",
        ),
        (BadHold("it is odd"), "tokens.bad_hold: These tokens cannot be held: it is odd."),
        (
            HoldNotFound(HOLD),
            "tokens.hold_not_found: This wallet has no such hold that is still open: it was posted or "
            "voided, or never was. Hold the tokens again.",
        ),
        (
            HoldExpired(HOLD, NOON),
            "tokens.hold_expired: This hold ended at 2026-11-21T12:00:00+00:00; its tokens are free. "
            "Hold them again.",
        ),
        (
            PostBeyondHold(7, 3),
            "tokens.post_beyond_hold: 7 tokens cannot be posted: 3 are held. Nothing was posted.",
        ),
        (
            HoldNotForTitle(HOLD),
            "tokens.hold_not_for_title: Some of the tokens held may not be spent on this title. "
            "Void the hold and hold for the title.",
        ),
        (
            EntryNotFound(ENTRY),
            "tokens.entry_not_found: This wallet has no such entry. If the account was merged, "
            "name the account it became.",
        ),
        (
            NotRefundable("earn"),
            "tokens.not_refundable: An entry that did 'earn' spent no tokens, so none can be given back.",
        ),
        (
            AlreadyRefunded(ENTRY),
            "tokens.already_refunded: All tokens of this entry were given back before. "
            "Nothing was given back now.",
        ),
        (
            NotReversible("spend"),
            "tokens.not_reversible: An entry that did 'spend' brought no tokens in, "
            "so there are none to take back.",
        ),
        (
            AlreadyReversed(ENTRY),
            "tokens.already_reversed: This entry was reversed before: what could be taken was taken then.",
        ),
        (
            LotNotFound(LOT),
            "tokens.lot_not_found: This wallet has no such lot. Look the lot up in the wallet's entries.",
        ),
        (
            BadAdjustment("it is odd"),
            "tokens.bad_adjustment: The wallet cannot be adjusted: it is odd.",
        ),
        (
            AdjustBeyondLot(7, 3),
            "tokens.adjust_beyond_lot: 7 tokens cannot be taken: the lot has 3 left. Nothing was taken.",
        ),
        (
            BadBreakage("it is odd"),
            "tokens.bad_breakage: No breakage follows from these figures: it is odd.",
        ),
        (
            NotReplayable(7, "it is odd"),
            "tokens.not_replayable: Entry 7 does not follow from the wallet before it: it is odd. "
            "Replay all entries of one account in order, and let buddy verify check the store.",
        ),
        (
            ClockBehind(NOON, NOON + timedelta(hours=1)),
            "tokens.clock_behind: It is 2026-11-21T12:00:00+00:00 by this host's clock, and the wallet's "
            "last entry is of 2026-11-21T13:00:00+00:00. Nothing was written; set the clock, then try again.",
        ),
        (
            BadStatementPlace(),
            "tokens.bad_statement_place: No page of this statement ended there. Begin at the newest, "
            "or send what the last page gave.",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BuddyError) else "",
)
def test_a_refusal_says_what_happened_and_what_to_do(error: BuddyError, text: str) -> None:
    """The text has the stable code, the facts and the way on, and nothing else."""
    assert str(error) == text


# -- what the rules put into the texts that are composed -----------------------------------------------

WALLET = earned(Wallet(account(1)), 9, 1).wallet
BOOK = earned(Wallet(account(1)), 9, 1).entry
FROZEN = evolve(WALLET, is_frozen=True)
NEW = NewIds(ENTRY, LotId(uid(4)), HOLD)
LOT_OF_BOOK = BOOK.lots[0]
SPENT = spent(WALLET, 4, 2)
REFUNDED = refund(
    SPENT.wallet,
    Spending(SPENT.entry, (), {LOT_OF_BOOK.id: LOT_OF_BOOK}),
    RefundTokens(account(1), SPENT.entry.id, "why", "ref", "refund"),
    AT,
    NEW,
)


LIVE = TimelineLot("a", 5, AT)


def bought(wallet: Wallet = WALLET, ids: NewIds = NEW, **changes: Any) -> Posted:
    """Buy tokens for 49 rupees."""
    wanted = BuyTokens(account(1), PAID, 50, 4900, "INR", "order", "o", "buy", None)
    return buy(wallet, evolve(wanted, **changes), VERSIONS, AT, ids)


def held(wallet: Wallet = WALLET, ids: NewIds = NEW, **changes: Any) -> Wallet:
    """Hold four tokens for an episode."""
    wanted = HoldTokens(account(1), (EPISODE,), 4, LATER, "why", "ref", "hold")
    return hold(wallet, evolve(wanted, **changes), VERSIONS, AT, ids).wallet


HELD = held()
RESTRICTED = held(earned(Wallet(account(1)), 9, 1, scopes=(EPISODE,)).wallet)


def posted(at: datetime = AT, wallet: Wallet = HELD, **changes: Any) -> Posted:
    """Post what is held."""
    seller: dict[str, Any] = {"country": "IN", "entity": NEWTACT, "currency": "INR"}
    wanted = PostHold(account(1), HOLD, title(1), (EPISODE,), "why", "ref", "post", **seller)
    return post(wallet, evolve(wanted, **changes), VERSIONS, at, NEW)


def spent_in(country: str) -> Posted:
    """Spend a token in a country."""
    return spend(WALLET, spending(account(1), 1, "s", country=country), VERSIONS, AT, NEW)


def no_country(country: str) -> InvalidValue:
    """Return the refusal of what is no country."""
    return InvalidValue("country", f"{country!r} is not a country code of two capital letters, such as IN")


def refunded(of: Entry, earlier: tuple[Entry, ...] = (), amount: int | None = None) -> object:
    """Refund an entry."""
    known = Spending(of, earlier, {LOT_OF_BOOK.id: LOT_OF_BOOK})
    return refund(SPENT.wallet, known, RefundTokens(account(1), of.id, "why", "ref", "r", amount), AT, NEW)


def reversed_(of: Entry, earlier: tuple[Entry, ...] = ()) -> Posted:
    """Reverse an entry."""
    wanted = ReverseTokens(account(1), of.id, "why", "ref", "reverse")
    return reverse(WALLET, of, earlier, wanted, VERSIONS, AT, NEW)


def adjusted(amount: Any, reason: str = "a slip", at: datetime = AT) -> Posted:
    """Adjust the lot of nine."""
    wanted = AdjustTokens(account(1), BOOK.id, LOT_OF_BOOK.id, amount, reason, "admin-1", "adjust")
    return adjust(WALLET, LOT_OF_BOOK, BOOK, wanted, VERSIONS, at, NEW)


def valued(effective_from: datetime, *currencies: str) -> object:
    """Set another value of bonus tokens, in rupees."""
    wanted = SetTokenValue(BONUS, effective_from, {"INR": Fraction(60)}, "admin-1", "key")
    return next_version([version_of(BONUS)], wanted, currencies, AT)


def froze(is_frozen: bool, reason: str = "odd") -> object:
    """Freeze or unfreeze the wallet of nine."""
    return freeze(WALLET, FreezeWallet(account(1), is_frozen, reason, "admin-1", "key"), AT, NEW)


def played(*lots: TimelineLot, **more: Any) -> object:
    """Play an hour of a timeline."""
    return timeline(lots, **{"since": AT, "until": LATER, **more})


@pytest.mark.parametrize(
    ("attempt", "refusal"),
    [
        # posting
        (lambda: earned(FROZEN, 1, 1), WalletFrozen(account(1))),
        (lambda: earned(WALLET, 1, 1, kind="gold"), UnknownKind("gold")),
        (lambda: earned(WALLET, 1, 1, scopes=("film",)), BadScope("film")),
        (lambda: earned(WALLET, 1, 1, scopes=("type:film", f"title:{uid(9)}", "type: ")), BadScope("type: ")),
        (lambda: earned(WALLET, 1, 1, scopes=("title:a",)), BadScope("title:a")),
        (lambda: bought(FROZEN), WalletFrozen(account(1))),
        (lambda: bought(effective_from=AT - TICK), BadLot("it would take effect in the past")),
        (lambda: spent(FROZEN, 1, 1), WalletFrozen(account(1))),
        (lambda: spent(WALLET, 10, 1), InsufficientTokens(10, 9)),
        (lambda: spent_in("IND"), no_country("IND")),
        (lambda: spent_in("I"), no_country("I")),
        (lambda: spent_in("1N"), no_country("1N")),
        (lambda: spent_in("ÉÉ"), no_country("ÉÉ")),
        (lambda: spent_in("in"), no_country("in")),
        (lambda: posted(country=""), no_country("")),
        (lambda: froze(False), NotFrozen(account(1))),
        (
            lambda: froze(True, " "),
            InvalidValue("reason", "is missing; say why, for whoever asks later"),
        ),
        # holding
        (lambda: held(expires_at=AT), BadHold("the hold would end before it begins")),
        (
            lambda: held(expires_at=AT + LONGEST_HOLD + TICK),
            BadHold("a hold ends within 31 days"),
        ),
        (lambda: held(FROZEN), WalletFrozen(account(1))),
        (lambda: posted(wallet=evolve(HELD, is_frozen=True)), WalletFrozen(account(1))),
        (lambda: posted(hold_id=HoldId(uid(9))), HoldNotFound(HoldId(uid(9)))),
        (lambda: posted(at=LATER), HoldExpired(HOLD, LATER)),
        (lambda: posted(amount=5), PostBeyondHold(5, 4)),
        (
            lambda: posted(wallet=RESTRICTED, title_scopes=("type:film",)),
            HoldNotForTitle(HOLD),
        ),
        # correcting
        (lambda: refunded(BOOK), NotRefundable("earn")),
        (lambda: refunded(SPENT.entry, (REFUNDED.entry,)), AlreadyRefunded(SPENT.entry.id)),
        (lambda: refunded(SPENT.entry, amount=5), RefundBeyondDraws(5, 4)),
        (lambda: reversed_(SPENT.entry), NotReversible("spend")),
        (lambda: reversed_(BOOK, (reversed_(BOOK).entry,)), AlreadyReversed(BOOK.id)),
        (lambda: adjusted("3"), BadTokenAmount("3")),
        (lambda: adjusted(0), BadTokenAmount(0)),
        (lambda: adjusted(-10), AdjustBeyondLot(10, 9)),
        (
            lambda: adjusted(1, "\t"),
            BadAdjustment("there is no reason; say why, for whoever asks later"),
        ),
        (
            lambda: adjusted(1, at=AT + timedelta(days=90)),
            BadAdjustment("the lot has expired, so that what it is given could not be spent"),
        ),
        (
            lambda: adjusted(MAX_TOKENS - 8),
            BadAdjustment("the lot would have more than 2^53 tokens"),
        ),
        # valuing
        (
            lambda: valued(AT),
            ValueVersionInPast(BONUS, AT, AT + NOTICE),
        ),
        (
            lambda: valued(AT + timedelta(days=366) + TICK),
            ValueVersionTooFar(BONUS, AT + timedelta(days=366) + TICK, AT + timedelta(days=366)),
        ),
        (lambda: valued(LATER, "USD", "INR", "AED"), BadTokenValue(BONUS, "it has no value in AED, USD")),
        (lambda: version_of(PAID).unit("AED"), NoValueInCurrency(PAID, 1, "AED")),
        # the model
        (
            lambda: evolve(LOT_OF_BOOK, expires_at=LOT_OF_BOOK.effective_from),
            BadLot("it would expire before it takes effect"),
        ),
        (lambda: evolve(LOT_OF_BOOK, priority=1.0), BadLot("priority must be a whole number")),
        (lambda: evolve(LOT_OF_BOOK, scopes="film"), BadLot("scopes must be a tuple of texts")),
        (lambda: evolve(LOT_OF_BOOK, cost_minor=1), BadLot("a cost needs both an amount and a currency")),
        (
            lambda: evolve(LOT_OF_BOOK, cost_minor=-1, cost_currency="INR"),
            BadLot("a cost is a whole number of minor units, not below zero"),
        ),
        (lambda: evolve(BOOK, rule_version=True), BadLot("rule_version must be a whole number")),
        (
            lambda: version_of(BONUS, values={"INR": Fraction(1), "USD": -1}),
            BadTokenValue("these", "USD needs an exact value that is not negative"),
        ),
        # ordering
        (
            lambda: DrawPolicy(("kind", "cost")),
            BadDrawPolicy(
                "'cost' is no key; the keys are kind, restricted_first, priority, expires_at, created_at, id"
            ),
        ),
        (lambda: DrawPolicy(()), BadDrawPolicy("it needs one key at least, and none twice")),
        (lambda: DrawPolicy(("id", "id")), BadDrawPolicy("it needs one key at least, and none twice")),
        (
            lambda: draw_order([Reset(AT)], DrawPolicy(("id",))),
            BadDrawPolicy("it reads the field 'id', which Reset has not"),
        ),
        # breakage
        (
            lambda: expired_by_lot([BreakageRecord("a", "release", 1)]),
            BadBreakage("lot a releases more than it planned"),
        ),
        (
            lambda: expired_by_lot([BreakageRecord("a", "reopen", 1)]),
            BadBreakage("lot a reopens more than it released"),
        ),
        (
            lambda: breakage(5, 0, 5),
            BadBreakage("nothing was expected to be redeemed, so no proportion of it can be"),
        ),
        (
            lambda: breakage(-1, 0),
            BadBreakage("sold is -1; give whole minor units, not below zero"),
        ),
        (lambda: breakage(5, 6), BadBreakage("redeemed is 6, more than the 5 sold")),
        (
            lambda: breakage(5, 0, 6),
            BadBreakage("expected_unredeemed is 6, more than the 5 sold"),
        ),
        # timelines
        (
            lambda: Recurrence("1M", AT),
            BadRecurrence("1M", "it is not an ISO 8601 duration of whole numbers"),
        ),
        (lambda: Recurrence("P0D", AT), BadRecurrence("P0D", "it has no length")),
        (lambda: Usage(AT, 1, "film"), BadTimeline("scopes are texts in a tuple")),
        (
            lambda: TimelineLot("a", 1, AT, AT),
            BadLot("it would expire before it takes effect"),
        ),
        (lambda: played(until=AT - TICK), BadTimeline("it ends before it begins")),
        (lambda: played(LIVE, LIVE), BadTimeline("two lots have the same id")),
        (
            lambda: played(resets=[Reset(LATER), Reset(LATER)]),
            BadTimeline("two resets come at the same instant"),
        ),
        (
            lambda: played(LIVE, voids=[Void(LATER, "z"), Void(LATER), Void(LATER, "y")]),
            BadTimeline("a void names lot 'y', which is not given"),
        ),
        (
            lambda: played(resets=[Reset(AT)]),
            BadTimeline("a reset or void up to `since` is part of the openings; give those after it"),
        ),
        (
            lambda: played(carried=Standing(LATER, {})),
            BadTimeline("what is carried stood so at another instant than `since`"),
        ),
        (
            lambda: played(carried=Standing(AT, {"a": 3})),
            BadTimeline("lot 'a' carries 3, and is not among the live lots"),
        ),
        (
            lambda: played(LIVE, carried=Standing(AT, {})),
            BadTimeline("lot 'a' has begun, and nothing is carried of it"),
        ),
        (lambda: played(LIVE, voids=[Void(LATER, "a", 9)]), VoidBeyondBalance("a", 9, 5)),
    ],
)
def test_a_rule_names_what_is_wrong(attempt: Callable[[], object], refusal: BuddyError) -> None:
    """The very facts are on the error: who, what, how much of it there is, and why not."""
    with pytest.raises(type(refusal)) as refused:
        attempt()
    assert refused.value.facts() == refusal.facts()


@pytest.mark.parametrize(
    ("attempt", "field"),
    [
        (lambda: bought(effective_from=NAIVE), "effective_from"),
        (lambda: held(expires_at=NAIVE), "expires_at"),
        (lambda: valued(NAIVE), "effective_from"),
        (lambda: played(since=NAIVE), "since"),
        (lambda: played(until=NAIVE), "until"),
        (lambda: Recurrence("P1D", NAIVE), "anchor"),
    ],
)
def test_a_naive_instant_is_named_by_its_field(attempt: Callable[[], object], field: str) -> None:
    """Where a command has several instants, the refusal says which of them names none."""
    with pytest.raises(InvalidValue) as refused:
        attempt()
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (
            lambda: earn(WALLET, earning(account(1), 1, "k"), VERSIONS, AT, NewIds(ENTRY)),
            "earn opens a lot, so the step mints its id",
        ),
        (
            lambda: bought(ids=NewIds(ENTRY)),
            "buy opens a lot, so the step mints its id",
        ),
        (
            lambda: held(ids=NewIds(ENTRY)),
            "a hold needs an id, so the step mints it",
        ),
    ],
)
def test_whoever_forgets_an_id_is_told(attempt: Callable[[], object], words: str) -> None:
    """A rule that is not given the id that it uses up fails at once, and says who should have minted it."""
    with pytest.raises(AssertionError) as refused:
        attempt()
    assert str(refused.value).splitlines()[0] == words


BOUGHT, POSTED = bought(), posted()
VOIDED = void(HELD, VoidHold(account(1), HOLD, "why", "ref", "void"), AT, NEW)
ADJUSTED = adjusted(1)


@pytest.mark.parametrize(
    ("entry", "lacking", "words"),
    [
        (
            BOUGHT,
            {"lots": (evolve(BOUGHT.entry.lots[0], cost_minor=None, cost_currency=None),)},
            "what is bought has a cost",
        ),
        (POSTED, {"hold_id": None}, "a post names its hold"),
        (VOIDED, {"hold_id": None}, "a void names its hold"),
        (REFUNDED, {"corrects": None}, "a refund names the spend"),
        (reversed_(BOOK), {"corrects": None}, "a reversal names the earning"),
        (ADJUSTED, {"corrects": None}, "an adjustment names what it corrects"),
        (
            SPENT,
            {"postings": tuple(evolve(item, currency=None) for item in SPENT.entry.postings)},
            "what a title collects is valued",
        ),
    ],
)
def test_an_entry_that_lacks_its_own_is_not_told_of(
    entry: Posted, lacking: dict[str, Any], words: str
) -> None:
    """No rule makes such an entry; whoever does learns what is missing before anybody hears of it."""
    assert tell(entry.entry) is not None
    with pytest.raises(AssertionError) as refused:
        tell(evolve(entry.entry, **lacking))
    assert str(refused.value).splitlines()[0] == words
