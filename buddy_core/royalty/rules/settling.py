"""Third stage: what was earned is set against advances, reserves and guarantees; whole minor units."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from attrs import define, field

from buddy_core.kernel.rounding import Rounding, round_fraction
from buddy_core.royalty.model.balances import AccountBalance, Held
from buddy_core.royalty.model.months import Month
from buddy_core.royalty.model.statements import Settlement, SettlingStep
from buddy_core.royalty.model.terms import Account, Guarantee, Negative, Withholding
from buddy_core.royalty.rules.wording import money_text, percent_text

_NEW = AccountBalance()
_NOTHING: Mapping[str, str] = {}


@define
class _Open:
    """An account while it is settled: what is there, and what was done."""

    account: Account
    opening: AccountBalance
    earned: int
    left: int = 0
    recouped: int = 0
    held: list[Held] = field(factory=list)
    steps: list[SettlingStep] = field(factory=list)
    topped_up: int = 0
    forgiven: int = 0

    def do(self, name: str, amount: int, note: str = "") -> None:
        """Add to what is there, and note it."""
        if amount:
            self.left += amount
            self.steps.append(SettlingStep(name, amount, self.left, note))

    def money(self, amount: int) -> str:
        """Write an amount of it in major units."""
        return money_text(amount, self.account.currency)

    @property
    def unrecouped(self) -> int:
        """What is open of the advance."""
        return max(0, self.account.advance - self.recouped)


def settle(
    month: Month,
    earned: Mapping[str, int],
    accounts: Mapping[str, Account],
    before: Mapping[str, AccountBalance],
    exchanged: Mapping[str, str] = _NOTHING,
) -> list[Settlement]:
    """Settle every account that earned something or has something left, by id.

    In this order: what was carried, what was earned, reserves held, released and used, what is
    forgiven, a guarantee at the end of its term, the account's own advance, the advances of
    the accounts that it recoups, what is below the threshold, and tax withheld. Each figure
    that is a part of another is rounded half up. `exchanged` says of accounts with money of
    other currencies by which rates it came.
    """
    open_ = {
        name: _begun(
            month, accounts[name], before.get(name, _NEW), earned.get(name, 0), exchanged.get(name, "")
        )
        for name in sorted(accounts)
    }
    for item in open_.values():
        _recoup(item, item, "recouped")
    for item in open_.values():
        for linked in item.account.recoups:
            _recoup(item, open_[linked], f"recouped of {linked}")
    return [_ended(month, item) for item in open_.values()]


def _begun(month: Month, account: Account, opening: AccountBalance, earned: int, exchanged: str) -> _Open:
    item = _Open(account, opening, earned, recouped=opening.recouped)
    item.do("brought forward", opening.carried)
    item.do("earned", earned, exchanged)
    _reserve(month, item)
    if item.left < 0 and account.negative is Negative.FORGIVE:
        item.forgiven = -item.left
        item.do("forgiven", item.forgiven)
    for guarantee in account.guarantees:
        if _ends_in(guarantee, month):
            so_far = _so_far(guarantee, month, item)
            item.topped_up = max(0, guarantee.minimum - so_far)
            note = f"minimum {item.money(guarantee.minimum)}, of which {item.money(so_far)} was earned"
            item.do("guarantee", item.topped_up, note)
    return item


def _so_far(guarantee: Guarantee, month: Month, item: _Open) -> int:
    """Return what the term has earned; what was forgiven was never taken."""
    before = item.opening.in_term if guarantee.starts_at < month.period.start else 0
    return before + item.earned + item.forgiven


def _reserve(month: Month, item: _Open) -> None:
    """Hold back, release what is due, and use what is held where there is less than nothing."""
    reserve = item.account.reserve
    released = 0
    months: list[str] = []
    for held in item.opening.held:
        if reserve is not None and _months_between(held.month, month.name) < reserve.periods:
            item.held.append(held)
        else:
            released += held.amount
            months.append(held.month)
    if reserve is not None and item.earned > 0:
        amount = round_fraction(reserve.part * item.earned, Rounding.HALF_UP)
        if amount:
            item.held.append(Held(month.name, amount))
            item.do("held back", -amount, f"{percent_text(reserve.part)} for {reserve.periods} months")
    item.do("released", released, f"held back in {', '.join(months)}")
    used = 0
    while item.left + used < 0 and item.held:
        oldest = item.held.pop(0)
        part = min(oldest.amount, -item.left - used)
        used += part
        if part < oldest.amount:
            item.held.insert(0, Held(oldest.month, oldest.amount - part))
    item.do("used of what was held", used)


def _recoup(payer: _Open, owner: _Open, name: str) -> None:
    amount = min(max(0, payer.left), owner.unrecouped)
    note = f"advance {owner.money(owner.account.advance)}, {owner.money(owner.recouped)} recouped before"
    owner.recouped += amount
    payer.do(name, -amount, note)


def _ended(month: Month, item: _Open) -> Settlement:
    account, withheld, carried = item.account, 0, 0
    if item.left < 0 or item.left < account.threshold:
        carried = item.left
        note = f"paid from {item.money(account.threshold)} on" if carried > 0 else ""
        item.do("carried forward", -carried, note)
    elif item.left and (rule := _rule(account, month)) is not None:
        withheld = round_fraction(rule.rate * item.left, Rounding.HALF_UP)
        item.do("withheld", -withheld, f"{rule.key} {percent_text(rule.rate)}")
    closing = AccountBalance(item.recouped, carried, tuple(item.held), _in_term(month, item))
    return Settlement(
        account.id,
        account.holder,
        account.currency,
        item.opening,
        item.earned,
        tuple(item.steps),
        item.left,
        withheld,
        item.topped_up,
        item.forgiven,
        closing,
    )


def _rule(account: Account, month: Month) -> Withholding | None:
    rules = [rule for rule in account.withholding if rule.starts_at < month.period.end]
    return max(rules, key=lambda rule: rule.starts_at, default=None)


def _in_term(month: Month, item: _Open) -> int:
    """Return what the guarantee's term has earned so far; a term that ends begins anew."""
    for guarantee in item.account.guarantees:
        runs = guarantee.starts_at < month.period.end and month.period.end < guarantee.ends_at
        if runs:
            return _so_far(guarantee, month, item)
    return 0


def _ends_in(guarantee: Guarantee, month: Month) -> bool:
    return month.period.start < guarantee.ends_at <= month.period.end


def _months_between(first: str, last: str) -> int:
    return (int(last[:4]) - int(first[:4])) * 12 + int(last[5:]) - int(first[5:])


def converted(amount: int, factor: Fraction) -> int:
    """Return an amount in another currency: a single figure, rounded half up."""
    return round_fraction(amount * factor, Rounding.HALF_UP)
