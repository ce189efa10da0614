"""The deals of a period looked up by title, country and instant, and every problem found on the way."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from math import lcm

from attrs import define, field, frozen

from buddy_core.kernel.countries import COUNTRIES
from buddy_core.kernel.currencies import minor_digits
from buddy_core.kernel.errors import BuddyError
from buddy_core.kernel.periods import Period, month_of
from buddy_core.kernel.periods import month as month_period
from buddy_core.kernel.rounding import exact_sum
from buddy_core.kernel.territories import Territories
from buddy_core.royalty.errors import About, TermsProblems, about, decimal_text
from buddy_core.royalty.model.balances import Balances
from buddy_core.royalty.model.facts import FxRate, Model
from buddy_core.royalty.model.months import PLATFORM, Month
from buddy_core.royalty.model.terms import Account, Deal, Escalator, Terms

NOT_HOLDERS = (PLATFORM, "fund")
"""Names that a statement keeps for itself."""


@define
class Problems:
    """What is wrong with facts and terms; all of it is told at once."""

    found: dict[str, tuple[About, ...]] = field(factory=dict)

    def add(self, text: str, *of: About) -> None:
        """Note a problem: what, where, and what to do; `of` is what it is about, the nearest first."""
        self.found.setdefault(text, of)

    def refuse(self) -> None:
        """Raise TermsProblems with all of them, if there are any."""
        if self.found:
            texts = sorted(self.found)
            raise TermsProblems(tuple(texts), tuple(self.found[text] for text in texts))


@frozen
class _Title:
    deals: tuple[Deal, ...]
    changes: tuple[datetime, ...]
    """The instants inside the period at which a deal of the title begins or ends."""


class Book:
    """Deals by title; between two changes of a title's deals every instant has the same answer."""

    def __init__(self, terms: Terms, month: Month, problems: Problems) -> None:
        self.period = month.period
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
        self._check_guarantees(month)
        self.deals: dict[str, Deal] = {}
        titles: dict[str, list[Deal]] = defaultdict(list)
        for deal in terms.deals:
            if self.deals.setdefault(deal.id, deal) is not deal:
                problems.add(
                    f"two deals are called {deal.id}; give one another id", about("deals", id=deal.id)
                )
            if deal.holder.casefold() in NOT_HOLDERS:
                problems.add(
                    f"deal {deal.id}: no holder may be called {deal.holder}; give another name",
                    about("deals", id=deal.id),
                )
            titles[deal.title].append(deal)
            self._check_account(deal)
        self._titles = {
            title: _Title(tuple(sorted(deals, key=lambda deal: deal.id)), _changes(deals, self.period))
            for title, deals in titles.items()
        }
        for title, known in self._titles.items():
            self._check_parts(title, known)

    def check_known(self, title: str) -> None:
        """Note a title that has no deal and is not the platform's own, whether or not it earned."""
        if title not in self._titles and self._own is not None and title not in self._own:
            self._problems.add(
                f"there is no deal for {title}; add one, or name it among the platform's own titles",
                about("facts", title=title),
            )

    def deals_at(self, title: str, territory: str, at: datetime) -> tuple[Deal, ...]:
        """Return the deals of a title that hold in a country at an instant, by id."""
        known = self._titles.get(title)
        if known is None:
            self.check_known(title)
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
        # What is watched is watched by a deal: a title may begin or end within the month.
        sets: dict[tuple[Deal, ...], datetime] = {}
        for at in begins:
            if there := tuple(deal for deal in known.deals if deal.holds(territory, at)):
                sets.setdefault(there, at)
        if len(sets) > 1:
            change = max(sets.values())
            self._problems.add(
                f"the deals of {title} change at {change.isoformat()} in {territory}, so watch and "
                "impressions need their instant (at) there; or let deals change with the month",
                about("deals", title=title),
            )
        return self.deals_at(title, territory, next(iter(sets.values()), self.period.start))

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
                    f"impressions of {title} need their instant (at)",
                    about("deals", id=deal.id),
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

    def check_brought(self, before: Balances) -> None:
        """Note balances whose account or pool nobody knows, and advances that were covered and are gone."""
        for name, balance in before.accounts.items():
            holder, _, currency = name.rpartition(":")
            account = self.accounts.get(name)
            if account is None and (balance.recouped or not holder or not is_currency(currency)):
                self._problems.add(
                    f"a balance of account {name} is brought forward, which is not in the terms; add it",
                    about("before", account=name),
                )
            elif account is not None and balance.recouped > account.advance:
                self._problems.add(
                    f"a balance of account {name} has recouped {balance.recouped} of an advance of "
                    f"{account.advance}; the advance is all that was ever paid, so leave it in the terms "
                    "when it is recouped",
                    about("before", account=name),
                )
        for name in before.pools:
            if not is_pool(name):
                self._problems.add(
                    f"a balance of pool {name} names no pool; write plan/country/currency, such as "
                    "gold/IN/INR",
                    about("before", pool=name),
                )

    def _checked(self, title: str, territory: str, at: datetime, known: _Title) -> tuple[Deal, ...]:
        if territory not in COUNTRIES:
            return ()  # told where the facts are checked
        deals = tuple(deal for deal in known.deals if deal.holds(territory, at))
        if not deals and self._own is not None and title not in self._own:
            self._problems.add(
                f"{title} earned in {territory} at {at.isoformat()}, where no deal of it holds; let one hold "
                "there and then, or name the title among the platform's own",
                about("facts", title=title, territory=territory),
            )
        if not self.period.start <= at < self.period.end and not _is_whole(deals):
            # Within the period the parts of all its titles have been looked at.
            self._add_parts(title, territory, deals)
        return deals

    def _check_parts(self, title: str, known: _Title) -> None:
        """Note parts that do not make 1 at some instant of the period where a deal holds."""
        for at in (self.period.start, *known.changes):
            # Deals of a title that has no change hold all of the period, or none of it.
            deals = tuple([deal for deal in known.deals if deal.holds_at(at)])
            if not deals:
                continue
            first = deals[0].territories
            if all(deal.territories is first or deal.territories == first for deal in deals):
                if not _is_whole(deals):
                    self._add_parts(title, _places(first.countries), deals)
                continue
            for countries, places in _parted(tuple([deal.territories for deal in deals])):
                there = tuple([deals[place] for place in places])
                if not _is_whole(there):
                    self._add_parts(title, _places(countries), there)

    def _add_parts(self, title: str, where: str, deals: tuple[Deal, ...]) -> None:
        parts = exact_sum(deal.part for deal in deals)
        holders = ", ".join(f"{deal.holder} {deal.part}" for deal in deals)
        self._problems.add(
            f"the parts of {title} in {where} make {parts} ({holders}), and must make exactly 1; "
            "correct them, add the missing holder, or let deals that follow each other not overlap",
            about("deals", title=title),
        )

    def _check_pools(self, terms: Terms) -> None:
        plans = Counter(rule.plan for rule in terms.pools)
        for plan in sorted(plan for plan, many in plans.items() if many > 1):
            self._problems.add(
                f"there are two rules for the pools of {plan}; leave one of them out",
                about("pools", plan=plan),
            )

    def _check_guarantees(self, month: Month) -> None:
        for account in self.accounts.values():
            for guarantee in account.guarantees:
                for edge in (guarantee.starts_at, guarantee.ends_at):
                    if not _begins_a_month(edge, month.zone):
                        self._problems.add(
                            f"the guarantee of account {account.id} begins or ends at {edge.isoformat()}, "
                            f"within a month; let its term begin and end with months of {month.zone}",
                            about("accounts", id=account.id),
                        )

    def _check_account(self, deal: Deal) -> None:
        if deal.account is None:
            return
        account = self.accounts.get(deal.account)
        if account is None:
            self._problems.add(
                f"deal {deal.id} names the account {deal.account}, which is not in the terms",
                about("deals", id=deal.id),
            )
        elif account.holder != deal.holder:
            self._problems.add(
                f"deal {deal.id} of {deal.holder} names the account {account.id}, which is "
                f"{account.holder}'s; what one holder earns never pays another's advance",
                about("deals", id=deal.id),
            )


def _is_whole(deals: tuple[Deal, ...]) -> bool:
    """Say whether the parts of some deals make exactly 1, or there is none."""
    if not deals:
        return True
    if len(deals) == 1:
        above, below = deals[0].part.as_integer_ratio()
        return above == below
    parts = [deal.part.as_integer_ratio() for deal in deals]
    whole = lcm(*[below for _, below in parts])
    return sum([above * (whole // below) for above, below in parts]) == whole


@lru_cache(maxsize=4096)
def _parted(sets: tuple[Territories, ...]) -> tuple[tuple[frozenset[str], tuple[int, ...]], ...]:
    """Return which countries have which of some sets of territories, those that have the same together."""
    found: dict[tuple[int, ...], set[str]] = defaultdict(set)
    for country in frozenset().union(*(item.countries for item in sets)):
        found[tuple(place for place, item in enumerate(sets) if country in item)].add(country)
    return tuple((frozenset(countries), places) for places, countries in sorted(found.items()))


def _places(countries: frozenset[str]) -> str:
    """Name a few countries, and count the others."""
    if countries == COUNTRIES:
        return "every country"
    names = sorted(countries)
    more = f" and {len(names) - MOST_NAMED} more countries" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


MOST_NAMED = 3


def _begins_a_month(at: datetime, zone: str) -> bool:
    try:
        return month_period(month_of(at, zone), zone).start == at
    except BuddyError:
        return False  # before or after all months that have a name


def is_currency(code: str) -> bool:
    """Say whether money can be in it."""
    try:
        minor_digits(code)
    except BuddyError:
        return False
    return True


MOST_APART = Fraction(1, 100)
"""How much a rate there and the rate back may miss each other: published ones are rounded each by itself."""
LONGEST_STAMPED = timedelta(days=366)
"""A rate stamped longer than this before or after its month is of another year."""


def is_pool(name: str) -> bool:
    """Say whether a text names a pool: plan, country and currency."""
    plan, country, currency = ["", "", "", *name.rsplit("/", 2)][-3:]
    return bool(plan) and country in COUNTRIES and is_currency(currency)


class Exchange:
    """Stamped rates by pair of currencies."""

    def __init__(self, rates: Iterable[FxRate], month: Month, problems: Problems) -> None:
        self.problems = problems
        self.rates: dict[tuple[str, str], FxRate] = {}
        start, end = month.period.start - LONGEST_STAMPED, month.period.end + LONGEST_STAMPED
        for rate in rates:
            pair = (rate.base, rate.quote)
            there = self.rates.setdefault(pair, rate)
            of = about("rates", base=rate.base, quote=rate.quote)
            if there.rate != rate.rate:
                problems.add(
                    f"there are two rates from {rate.base} to {rate.quote}; give one for the period", of
                )
            # Of one rate from two sources the later stamp is printed, whatever their order.
            elif (there.at, there.source) < (rate.at, rate.source):
                self.rates[pair] = rate
            if not start <= rate.at <= end:
                problems.add(
                    f"the rate from {rate.base} to {rate.quote} is stamped {rate.at.isoformat()}, more than "
                    f"a year from {month.name}; give the one of the month",
                    of,
                )
            for code in pair:
                if not is_currency(code):
                    problems.add(
                        f"the rate from {rate.base} to {rate.quote}: {code!r} is no currency; write an ISO "
                        "4217 code, such as INR",
                        of,
                    )
        for (base, quote), rate in self.rates.items():
            back = self.rates.get((quote, base))
            if base < quote and back is not None and abs(rate.rate * back.rate - 1) > MOST_APART:
                problems.add(
                    f"the rate from {base} to {quote} is {decimal_text(rate.rate)}, and back it is "
                    f"{decimal_text(back.rate)}, which is no inverse of it; correct one, or give only one",
                    about("rates", base=base, quote=quote),
                )

    def stamped(self, base: str, quote: str) -> FxRate | None:
        """Return the rate by which one currency becomes another, as it was stamped: either way round."""
        return None if base == quote else self.rates.get((base, quote)) or self.rates.get((quote, base))

    def factor(self, base: str, quote: str, where: str, *of: About) -> Fraction:
        """Return minor units of `quote` for one minor unit of `base`; without one, note it and return 1."""
        if base == quote:
            return Fraction(1)
        try:
            shift = Fraction(10) ** (minor_digits(quote) - minor_digits(base))
        except BuddyError as error:
            self.problems.add(f"{where}: {error.message()}", *of)
            return Fraction(1)
        if (there := self.rates.get((base, quote))) is not None:
            return there.rate * shift
        if (back := self.rates.get((quote, base))) is not None:
            return shift / back.rate
        self.problems.add(
            f"{where}: there is no rate from {base} to {quote}; add one with its source and time",
            *of,
            about("facts", currency=base),
        )
        return Fraction(1)


def own_account(holder: str, currency: str) -> Account:
    """Return the plain account that a holder has in a currency where the terms name none."""
    return Account(f"{holder}:{currency}", holder, currency)


def _accounts(terms: Terms, problems: Problems) -> dict[str, Account]:
    found: dict[str, Account] = {}
    for account in terms.accounts:
        if account.id in found:
            problems.add(
                f"two accounts are called {account.id}; give one another id", about("accounts", id=account.id)
            )
        found[account.id] = account
        if ":" in account.id and account.id != own_account(account.holder, account.currency).id:
            problems.add(
                f"account {account.id}: a name with a colon is that of a holder's own account; write "
                f"{account.holder}:{account.currency}, or a name without one",
                about("accounts", id=account.id),
            )
        try:
            minor_digits(account.currency)
        except BuddyError as error:
            problems.add(f"account {account.id}: {error.message()}", about("accounts", id=account.id))
    for account in found.values():
        for linked in account.recoups:
            other = found.get(linked)
            if other is None:
                problems.add(
                    f"account {account.id} recoups {linked}, which is not in the terms",
                    about("accounts", id=account.id),
                )
            elif other.holder != account.holder or other.currency != account.currency:
                problems.add(
                    f"account {account.id} recoups {linked} of another holder or currency; link accounts of "
                    "one holder and currency alone",
                    about("accounts", id=account.id),
                )
        guarantees = sorted(account.guarantees, key=lambda guarantee: guarantee.starts_at)
        for before, after in pairwise(guarantees):
            if after.starts_at < before.ends_at:
                problems.add(
                    f"account {account.id} has two guarantees at once; let the terms follow each other",
                    about("accounts", id=account.id),
                )
        starts = [rule.starts_at for rule in account.withholding]
        if len(set(starts)) < len(starts):
            problems.add(
                f"account {account.id} has two rates of withholding from one instant; give one rate",
                about("accounts", id=account.id),
            )
    for loop in _loops(found):
        problems.add(
            f"the accounts {' -> '.join(loop)} recoup each other in a circle; take one link out",
            about("accounts", id=loop[0]),
        )
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
