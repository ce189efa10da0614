"""The deals of a period looked up by title, country and instant, and every problem found on the way."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from fractions import Fraction
from itertools import pairwise

from attrs import define, field, frozen

from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.currencies import minor_digits
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.periods import Period
from buddy_core.kernel.rounding import exact_sum
from buddy_core.royalty.errors import TermsProblems
from buddy_core.royalty.model.balances import AccountBalance
from buddy_core.royalty.model.facts import FxRate, Model
from buddy_core.royalty.model.months import PLATFORM
from buddy_core.royalty.model.terms import Account, Deal, Escalator, Terms

NOT_HOLDERS = (PLATFORM, "fund")
"""Names that a statement keeps for itself."""


@define
class Problems:
    """What is wrong with facts and terms; all of it is told at once."""

    found: set[str] = field(factory=set)

    def add(self, text: str) -> None:
        """Note a problem: what, where, and what to do."""
        self.found.add(text)

    def refuse(self) -> None:
        """Raise TermsProblems with all of them, if there are any."""
        if self.found:
            raise TermsProblems(tuple(sorted(self.found)))


@frozen
class _Title:
    deals: tuple[Deal, ...]
    changes: tuple[datetime, ...]
    """The instants inside the period at which a deal of the title begins or ends."""


class Book:
    """Deals by title; between two changes of a title's deals every instant has the same answer."""

    def __init__(self, terms: Terms, period: Period, problems: Problems) -> None:
        self.period = period
        self._problems = problems
        self._own = terms.own_titles
        self._steps = {
            (waterfall.id, step.name, step.taker): step.account
            for waterfall in terms.waterfalls
            for step in waterfall.steps
        }
        self._found: dict[tuple[str, str, int], tuple[Deal, ...]] = {}
        self._plain: dict[tuple[str, str], Account] = {}
        self.accounts = _accounts(terms, problems)
        self._check_pools(terms)
        self._check_guarantees()
        self.deals: dict[str, Deal] = {}
        titles: dict[str, list[Deal]] = defaultdict(list)
        for deal in terms.deals:
            if self.deals.setdefault(deal.id, deal) is not deal:
                problems.add(f"two deals are called {deal.id}; give one another id")
            if deal.holder in NOT_HOLDERS:
                problems.add(f"deal {deal.id}: no holder may be called {deal.holder}; give another name")
            titles[deal.title].append(deal)
            self._check_account(deal)
        self._titles = {
            title: _Title(tuple(sorted(deals, key=lambda deal: deal.id)), _changes(deals, period))
            for title, deals in titles.items()
        }

    def deals_at(self, title: str, territory: str, at: datetime) -> tuple[Deal, ...]:
        """Return the deals of a title that hold in a country at an instant, by id."""
        known = self._titles.get(title)
        if known is None:
            if self._own is not None and title not in self._own:
                self._problems.add(
                    f"there is no deal for {title}; add one, or name it among the platform's own titles"
                )
            return ()
        place = bisect_right(known.changes, at) if known.changes else 0
        if not self.period.start <= at < self.period.end:
            return self._checked(title, territory, at, known)
        key = (title, territory, place)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._checked(title, territory, at, known)
        return found

    def deals_in(self, title: str, territory: str) -> tuple[Deal, ...]:
        """Return the deals for what has no instant: the one set that holds within the period."""
        known = self._titles.get(title)
        if known is None or not known.changes:
            return self.deals_at(title, territory, self.period.start)
        begins = (self.period.start, *known.changes)
        sets = {tuple(deal for deal in known.deals if deal.holds(territory, at)): at for at in begins}
        some = [(deals, at) for deals, at in sets.items() if deals]
        if len(some) > 1:
            change = max(at for _, at in some)
            self._problems.add(
                f"the deals of {title} change at {change.isoformat()} in {territory}, so watch and "
                "impressions need their instant (at) there; or let deals change with the month"
            )
        return self.deals_at(title, territory, some[0][1] if some else self.period.start)

    def knows(self, title: str) -> bool:
        """Say whether a title has deals, or may earn without one."""
        return title in self._titles or self._own is None or title in self._own

    def check_one_rate(self, deals: tuple[Deal, ...], model: Model, title: str) -> None:
        """Note rates that change within the period, for what has no instant."""
        for deal in deals:
            rate = deal.rates.get(model)
            steps = rate.then if isinstance(rate, Escalator) else ()
            if any(self.period.start < step.at < self.period.end for step in steps):
                self._problems.add(
                    f"the {model.value} rate of deal {deal.id} changes within the month, so watch and "
                    f"impressions of {title} need their instant (at)"
                )

    def account_of(self, deal: Deal, currency: str) -> Account:
        """Return the account that a deal's money of a currency is settled in."""
        return self._account(deal.account, deal.holder, currency)

    def account_of_step(self, waterfall: str, name: str, holder: str, currency: str) -> Account:
        """Return the account that a holder's money of a step of a waterfall is settled in."""
        return self._account(self._steps[waterfall, name, holder], holder, currency)

    def _account(self, name: str | None, holder: str, currency: str) -> Account:
        if name is not None and (named := self.accounts.get(name)) is not None:
            return named
        plain = self._plain.get((holder, currency))
        if plain is None:
            plain = self._plain[holder, currency] = own_account(holder, currency)
        return self.accounts.get(plain.id, plain) if name is None else plain

    def adopt(self, other: Book) -> None:
        """Know deals, steps and accounts of an earlier period, where this one's terms have dropped them."""
        self.deals = {**other.deals, **self.deals}
        self._steps = {**other._steps, **self._steps}
        self.accounts = {**other.accounts, **self.accounts}

    def check_brought(self, balances: Mapping[str, AccountBalance]) -> None:
        """Note balances whose account nobody knows, and advances that were covered and are gone."""
        for name, balance in balances.items():
            holder, _, currency = name.rpartition(":")
            account = self.accounts.get(name)
            if account is None and (balance.recouped or not holder or not is_currency(currency)):
                self._problems.add(
                    f"a balance of account {name} is brought forward, which is not in the terms; add it"
                )
            elif account is not None and balance.recouped > account.advance:
                self._problems.add(
                    f"account {name} has recouped {balance.recouped} of an advance of {account.advance}; the "
                    "advance is all that was ever paid, so leave it in the terms when it is recouped"
                )

    def _checked(self, title: str, territory: str, at: datetime, known: _Title) -> tuple[Deal, ...]:
        if territory not in COUNTRIES:
            return ()  # told where the facts are checked
        deals = tuple(deal for deal in known.deals if deal.holds(territory, at))
        if not deals and self._own is not None and title not in self._own:
            self._problems.add(
                f"{title} earned in {territory} at {at.isoformat()}, where no deal of it holds; let one hold "
                "there and then, or name the title among the platform's own"
            )
        parts = exact_sum(deal.part for deal in deals)
        if deals and parts != 1:
            holders = ", ".join(f"{deal.holder} {deal.part}" for deal in deals)
            self._problems.add(
                f"the parts of {title} in {territory} make {parts} ({holders}), and must make exactly 1; "
                "correct them, add the missing holder, or let deals that follow each other not overlap"
            )
        return deals

    def _check_pools(self, terms: Terms) -> None:
        plans = [rule.plan for rule in terms.pools]
        for plan in sorted({plan for plan in plans if plans.count(plan) > 1}):
            self._problems.add(f"there are two rules for the pools of {plan}; leave one of them out")

    def _check_guarantees(self) -> None:
        for account in self.accounts.values():
            for guarantee in account.guarantees:
                for edge in (guarantee.starts_at, guarantee.ends_at):
                    if self.period.start < edge < self.period.end:
                        self._problems.add(
                            f"the guarantee of account {account.id} begins or ends at {edge.isoformat()}, "
                            "within the month; let its term begin and end with months of the entity's zone"
                        )

    def _check_account(self, deal: Deal) -> None:
        if deal.account is None:
            return
        account = self.accounts.get(deal.account)
        if account is None:
            self._problems.add(f"deal {deal.id} names the account {deal.account}, which is not in the terms")
        elif account.holder != deal.holder:
            self._problems.add(
                f"deal {deal.id} of {deal.holder} names the account {account.id}, which is "
                f"{account.holder}'s; what one holder earns never pays another's advance"
            )


def is_currency(code: str) -> bool:
    """Say whether money can be in it."""
    try:
        minor_digits(code)
    except BuddyError:
        return False
    return True


class Exchange:
    """Stamped rates by pair of currencies."""

    def __init__(self, rates: Iterable[FxRate], problems: Problems) -> None:
        self.problems = problems
        self.rates: dict[tuple[str, str], FxRate] = {}
        for rate in rates:
            pair = (rate.base, rate.quote)
            if self.rates.setdefault(pair, rate).rate != rate.rate:
                problems.add(f"there are two rates from {rate.base} to {rate.quote}; give one for the period")

    def factor(self, base: str, quote: str, where: str) -> Fraction:
        """Return minor units of `quote` for one minor unit of `base`; without one, note it and return 1."""
        if base == quote:
            return Fraction(1)
        try:
            shift = Fraction(10) ** (minor_digits(quote) - minor_digits(base))
        except BuddyError as error:
            self.problems.add(f"{where}: {error.message()}")
            return Fraction(1)
        if (there := self.rates.get((base, quote))) is not None:
            return there.rate * shift
        if (back := self.rates.get((quote, base))) is not None:
            return shift / back.rate
        self.problems.add(
            f"{where}: there is no rate from {base} to {quote}; add one with its source and time"
        )
        return Fraction(1)


def own_account(holder: str, currency: str) -> Account:
    """Return the plain account that a holder has in a currency where the terms name none."""
    return Account(f"{holder}:{currency}", holder, currency)


def _accounts(terms: Terms, problems: Problems) -> dict[str, Account]:
    found: dict[str, Account] = {}
    for account in terms.accounts:
        if account.id in found:
            problems.add(f"two accounts are called {account.id}; give one another id")
        found[account.id] = account
        if ":" in account.id and account.id != own_account(account.holder, account.currency).id:
            problems.add(
                f"account {account.id}: a name with a colon is that of a holder's own account; write "
                f"{account.holder}:{account.currency}, or a name without one"
            )
        try:
            minor_digits(account.currency)
        except BuddyError as error:
            problems.add(f"account {account.id}: {error.message()}")
    for account in found.values():
        for linked in account.recoups:
            other = found.get(linked)
            if other is None:
                problems.add(f"account {account.id} recoups {linked}, which is not in the terms")
            elif other.holder != account.holder or other.currency != account.currency:
                problems.add(
                    f"account {account.id} recoups {linked} of another holder or currency; link accounts of "
                    "one holder and currency alone"
                )
        guarantees = sorted(account.guarantees, key=lambda guarantee: guarantee.starts_at)
        for before, after in pairwise(guarantees):
            if after.starts_at < before.ends_at:
                problems.add(
                    f"account {account.id} has two guarantees at once; let the terms follow each other"
                )
        starts = [rule.starts_at for rule in account.withholding]
        if len(set(starts)) < len(starts):
            problems.add(f"account {account.id} has two rates of withholding from one instant; give one rate")
    for loop in _loops(found):
        problems.add(f"the accounts {' -> '.join(loop)} recoup each other in a circle; take one link out")
    return found


def _loops(accounts: dict[str, Account]) -> list[list[str]]:
    loops: list[list[str]] = []
    done: set[str] = set()
    for start in sorted(accounts):
        path: list[str] = []
        stack: list[tuple[str, bool]] = [(start, False)]
        while stack:
            name, leaves = stack.pop()
            if leaves:
                path.pop()
                done.add(name)
            elif name in path:
                loops.append([*path[path.index(name) :], name])
            elif name not in done and name in accounts:
                path.append(name)
                stack.append((name, True))
                stack += [(linked, False) for linked in reversed(accounts[name].recoups)]
    return loops


def _changes(deals: Iterable[Deal], period: Period) -> tuple[datetime, ...]:
    found = {at for deal in deals for at in (deal.starts_at, deal.ends_at) if at is not None}
    return tuple(sorted(at for at in found if period.start < at < period.end))
