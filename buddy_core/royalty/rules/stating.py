"""A period from end to end: attribution, sharing, one rounding, settling, and where everything went."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import chain, groupby
from operator import attrgetter
from typing import Any, TypeVar

from buddy_core.kernel.canonical import canonical_text
from buddy_core.kernel.rounding import Rounding, exact_sum, round_fraction, sort_key
from buddy_core.royalty.errors import about
from buddy_core.royalty.model.balances import AccountBalance, Balances
from buddy_core.royalty.model.facts import Facts, Paid
from buddy_core.royalty.model.months import PLATFORM, Month
from buddy_core.royalty.model.statements import (
    AccountShare,
    Fund,
    HolderStatement,
    Line,
    PeriodReconciliation,
    PeriodResult,
    Settlement,
)
from buddy_core.royalty.model.terms import Account, Terms
from buddy_core.royalty.rules.attributing import attribute
from buddy_core.royalty.rules.book import Book, Exchange, Problems
from buddy_core.royalty.rules.earned import NOTHING, Attributed
from buddy_core.royalty.rules.falling import fall
from buddy_core.royalty.rules.pieces.splitting import split_fractions
from buddy_core.royalty.rules.settling import converted, settle
from buddy_core.royalty.rules.sharing import Shared, share
from buddy_core.royalty.rules.wording import money_text, rate_text

_START = Balances()
FUND = "fund"
K = TypeVar("K", tuple[int, str], tuple[str, str])


def state_period(month: Month, terms: Terms, facts: Facts, before: Balances = _START) -> PeriodResult:
    """Return every holder's statement of a period, the platform's part, and the reconciliation.

    Per currency all that is to be shared is rounded half up once, and split by largest
    remainder over what holders, the platform and the token fund have exactly; ties go to the
    smaller exact amount, then to the smaller name, the platform and the fund last. The order
    of facts and terms makes no difference.

    Raises:
        TermsProblems: facts or terms that cannot be calculated; every problem is listed.
    """
    attributed, shared, book, exchange = drafted(month, terms, facts, before)
    return stated(month, before, attributed, shared, book, {"": exchange})


def drafted(
    month: Month, terms: Terms, facts: Facts, before: Balances
) -> tuple[Attributed, Shared, Book, Exchange]:
    """Return a period before it is rounded and settled: the exact half, which adjustments are made of.

    Raises:
        TermsProblems: as `state_period`.
    """
    problems = Problems()
    book = Book(terms, month, problems)
    book.check_brought(before)
    exchange = Exchange(facts.rates, month, problems)
    attributed = attribute(month, terms, facts, book, before.pools, problems)
    fallen = fall(attributed.earned, terms, before.waterfalls, book, exchange, problems)
    shared = share(fallen.left, facts.expenses, before.deals, book, exchange, problems)
    shared.lines += fallen.lines
    shared.platform += fallen.platform
    shared.waterfalls = fallen.waterfalls
    _check_accounts(shared, book, exchange)
    problems.refuse()
    return attributed, shared, book, exchange


def stated(
    month: Month,
    before: Balances,
    attributed: Attributed,
    shared: Shared,
    book: Book,
    exchanges: Mapping[str, Exchange],
) -> PeriodResult:
    """Round, settle and reconcile what was drafted; `exchanges` are by the month that a line adjusts."""
    given: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in shared.lines:
        given[line.currency, line.holder].append(line)
    by_holder = {key: in_order(lines) for key, lines in given.items()}
    own = in_order(shared.platform)
    kept: dict[str, list[Fraction]] = defaultdict(list)
    for line in own:
        kept[line.currency].append(line.amount)
    platform = {currency: exact_sum(amounts) for currency, amounts in kept.items()}
    carried: dict[str, Fraction] = defaultdict(Fraction)
    for name, amount in attributed.carried.items():
        carried[_currency(name)] += amount
    brought: dict[str, Fraction] = defaultdict(Fraction)
    for name, amount in before.pools.items():
        brought[_currency(name)] += amount
    currencies = sorted(
        {currency for currency, _ in by_holder}
        | platform.keys()
        | attributed.flows.keys()
        | attributed.stamped.keys()
        | attributed.funds.keys()
        | carried.keys()
        | brought.keys()
    )
    accounts = dict(book.accounts)
    reached = {key: _reached(lines, accounts, book) for key, lines in by_holder.items()}
    exact = {key: exact_sum(amounts.values()) for key, amounts in reached.items()}
    sections: dict[str, dict[str, Fraction]] = defaultdict(dict)
    for (currency, holder), amount in exact.items():
        sections[currency][holder] = amount
    earned: dict[tuple[str, str], int] = {}
    reconciliations: list[PeriodReconciliation] = []
    for currency in currencies:
        amounts = sections[currency]
        fund = attributed.funds.get(currency, Fund(0, NOTHING, NOTHING))
        split = _rounded(amounts, platform.get(currency, NOTHING) + attributed.kept[currency], fund.result)
        earned.update({(currency, holder): split[holder] for holder in amounts})
        reconciliations.append(
            _reconciled(
                currency,
                attributed.flows[currency],
                attributed.stamped[currency],
                brought[currency],
                carried[currency],
                split,
            )
        )
    shares = _account_shares(reached, earned, accounts, exchanges)
    sums: dict[str, int] = defaultdict(int)
    for share_ in chain.from_iterable(shares.values()):
        sums[share_.account] += share_.amount
    for name, balance in before.accounts.items():
        if name not in accounts and balance != AccountBalance():
            whose, _, currency = name.rpartition(":")
            accounts[name] = Account(name, whose, currency)
    settlements = settle(month, sums, accounts, before.accounts, _exchanged(shares))
    settled: dict[tuple[str, str], list[Settlement]] = defaultdict(list)
    for item in settlements:
        settled[item.holder, item.currency].append(item)
    statements = tuple(
        HolderStatement(
            holder,
            currency,
            tuple(by_holder.get((currency, holder), ())),
            exact.get((currency, holder), NOTHING),
            earned.get((currency, holder), 0),
            shares.get((currency, holder), ()),
            tuple(settled[holder, currency]),
        )
        for holder, currency in sorted(
            {(holder, currency) for currency, holder in by_holder}
            | {(item.holder, item.currency) for item in settlements}
        )
    )
    closing = Balances(
        {**before.accounts, **{item.account: item.closing for item in settlements}},
        shared.deals,
        attributed.carried,
        shared.waterfalls,
    )
    pools = tuple(sorted(attributed.pools, key=attrgetter("name")))
    return PeriodResult(statements, tuple(own), pools, attributed.funds, tuple(reconciliations), closing)


def in_order(lines: Iterable[Line]) -> list[Line]:
    """Return lines by `line_order`; all of it is worked out only for lines that begin alike."""
    found: list[Line] = []
    for _, group in groupby(sorted(lines, key=_begins), key=_begins):
        alike = list(group)
        found += alike if len(alike) == 1 else sorted(alike, key=line_order)
    return found


def _begins(line: Line) -> tuple[str, ...]:
    """Return what `line_order` begins with: what a line has as it is."""
    return (
        line.adjusts,
        line.holder,
        line.title,
        line.territory,
        # The same as `value`, which is looked up anew each time.
        line.model._value_,
        line.currency,
        line.deal or "",
    )


def line_order(line: Line) -> tuple[Any, ...]:
    """Return the place of a line; those of one key by their figures, then by what these came from."""
    worked_out = canonical_text(line.inputs)
    return (line.adjusts, *line_key(line), line.rate, line.net, line.amount, worked_out)


def line_key(line: Line) -> tuple[str, ...]:
    """Return what a line is about: holder, title, country, model, and what else tells lines apart."""
    inputs = line.inputs
    return (
        line.holder,
        line.title,
        line.territory,
        line.model.value,
        line.currency,
        line.deal or "",
        *(f"{inputs.get(name, '')}" for name in ("pool", "by", "kind", "value_version", "refund_of", "step")),
    )


def _rounded(holders: Mapping[str, Fraction], platform: Fraction, fund: Fraction) -> dict[str, int]:
    """Round the whole half up once and split it by largest remainder."""
    amounts: dict[tuple[int, str], Fraction] = {(0, holder): amount for holder, amount in holders.items()}
    amounts |= {(1, PLATFORM): platform, (2, FUND): fund}
    return {name: minor for (_, name), minor in _split(amounts).items()}


def _split(amounts: Mapping[K, Fraction], total: int | None = None) -> dict[K, int]:
    """Split a total, or the whole rounded half up, by largest remainder over exact amounts.

    Ties go to the smaller amount, then to the smaller key.
    """
    order = sorted(amounts, key=lambda key: (*sort_key(abs(amounts[key])), key))
    return dict(zip(order, split_fractions([amounts[key] for key in order], total), strict=True))


def _reconciled(
    currency: str,
    flows: Paid,
    stamped: Fraction,
    brought: Fraction,
    carried: Fraction,
    shares: Mapping[str, int],
) -> PeriodReconciliation:
    holders = sum(amount for name, amount in shares.items() if name not in (PLATFORM, FUND))
    exact = flows.net + stamped + brought - carried
    found = PeriodReconciliation(
        currency=currency,
        gross=flows.gross,
        stamped=stamped,
        tax=flows.tax,
        refunds=flows.refund,
        chargebacks=flows.chargeback,
        fees=flows.fee,
        holders=holders,
        platform=shares[PLATFORM],
        fund=shares[FUND],
        brought=brought,
        carried=carried,
        rounding=round_fraction(exact, Rounding.HALF_UP) - exact,
    )
    assert found.residual == 0, f"{found.residual} of {currency} is not accounted for"
    return found


def _reached(
    lines: Iterable[Line], accounts: dict[str, Account], book: Book
) -> dict[tuple[str, str], Fraction]:
    """Add up a holder's lines by account and month; accounts that no terms name join `accounts`."""
    amounts: dict[tuple[str, str], list[Fraction]] = defaultdict(list)
    for line in lines:
        account = _account(line, book)
        accounts.setdefault(account.id, account)
        amounts[account.id, line.adjusts].append(line.amount)
    return {key: exact_sum(those) for key, those in amounts.items()}


def _account_shares(
    reached: Mapping[tuple[str, str], Mapping[tuple[str, str], Fraction]],
    earned: Mapping[tuple[str, str], int],
    accounts: Mapping[str, Account],
    exchanges: Mapping[str, Exchange],
) -> dict[tuple[str, str], tuple[AccountShare, ...]]:
    """Split what each statement comes to over its accounts, in the currency of each."""
    found: dict[tuple[str, str], tuple[AccountShare, ...]] = {}
    for (currency, holder), exact in reached.items():
        shares: list[AccountShare] = []
        for (name, adjusts), minor in _split(exact, earned[currency, holder]).items():
            exchange, to = exchanges[adjusts], accounts[name].currency
            rate = exchange.factor(currency, to, f"account {name}", about("accounts", id=name))
            amount, fx = converted(minor, rate), exchange.stamped(currency, to)
            shares.append(AccountShare(name, adjusts, minor, rate, amount, fx))
        found[currency, holder] = tuple(sorted(shares, key=attrgetter("account", "adjusts")))
    for exchange in exchanges.values():
        exchange.problems.refuse()
    return found


def _exchanged(shares: Mapping[tuple[str, str], Iterable[AccountShare]]) -> dict[str, str]:
    """Say of each account that has money of another currency what it is the sum of, and by which rates."""
    found: dict[str, list[str]] = defaultdict(list)
    changes: set[str] = set()
    for currency, holder in sorted(shares):
        for share_ in shares[currency, holder]:
            if not share_.minor:
                continue
            said = money_text(share_.minor, currency) + (f" of {share_.adjusts}" if share_.adjusts else "")
            if share_.fx is not None:
                changes.add(share_.account)
                to = share_.fx.quote if share_.fx.base == currency else share_.fx.base
                said += f" = {money_text(share_.amount, to)} at {rate_text(share_.fx)}"
            found[share_.account].append(said)
    return {account: " + ".join(found[account]) for account in changes}


def _account(line: Line, book: Book) -> Account:
    if line.deal is None:
        return book.account_of_step(line.inputs["waterfall"], line.step, line.holder, line.currency)
    return book.account_of(book.deals[line.deal], line.currency)


def _check_accounts(shared: Shared, book: Book, exchange: Exchange) -> None:
    pairs: dict[tuple[str, str], Account] = {}
    for line in shared.lines:
        account = _account(line, book)
        pairs[line.currency, account.id] = account
    for (currency, name), account in pairs.items():
        exchange.factor(currency, account.currency, f"account {name}", about("accounts", id=name))


def _currency(pool: str) -> str:
    return pool.rpartition("/")[2]
