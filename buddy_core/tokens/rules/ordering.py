"""The order in which lots are drawn, as data: one function for ledger, timeline and anyone's own lots."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any, TypeVar

from attrs import field, frozen

from buddy_core.kernel.clock import whole_second
from buddy_core.tokens.errors import BadDrawPolicy
from buddy_core.tokens.model import BONUS, DEFAULT_PRIORITY, PAID, TokenKind

T = TypeVar("T")


class OrderKey(StrEnum):
    """What lots may be ordered by; the value is the field that it reads, but for `restricted_first`."""

    KIND = "kind"
    """By the policy's `kinds`; a kind not named there comes after those named, by its name."""
    RESTRICTED_FIRST = "restricted_first"
    """Lots with `scopes` before lots that may go to anything."""
    PRIORITY = "priority"
    """The lower number first."""
    EXPIRES_AT = "expires_at"
    """The nearest first, compared to the second; a lot that never expires (None) comes last."""
    CREATED_AT = "created_at"
    """The older first; a lot whose creation is not known (None) comes before all."""
    ID = "id"
    """The smaller first."""


LEDGER_KEYS = (OrderKey.KIND, OrderKey.PRIORITY, OrderKey.EXPIRES_AT, OrderKey.CREATED_AT, OrderKey.ID)


def _kinds(kinds: Iterable[TokenKind]) -> tuple[TokenKind, ...]:
    return tuple(kinds)


# Truncated expiries all lie before the one, and creations after the other.
_NEVER = datetime.max.replace(tzinfo=UTC)
_EVER = datetime.min.replace(tzinfo=UTC)


def _expiry(value: datetime | None) -> datetime:
    if value is None:
        return _NEVER
    return value if value.tzinfo is UTC and not value.microsecond else whole_second(value)


class _Ranks(dict[TokenKind, tuple[int, str]]):
    """The place of each kind; one that is not named comes after those named, by its name."""

    def __init__(self, kinds: tuple[TokenKind, ...]) -> None:
        super().__init__({kind: (rank, "") for rank, kind in enumerate(kinds)})

    def __missing__(self, kind: TokenKind) -> tuple[int, str]:
        return (len(self), kind)


_FIELDS = {key: "scopes" if key is OrderKey.RESTRICTED_FIRST else key.value for key in OrderKey}
_MEANINGS: dict[OrderKey, Callable[[Any], Any]] = {
    OrderKey.RESTRICTED_FIRST: lambda scopes: not scopes,
    OrderKey.EXPIRES_AT: _expiry,
    OrderKey.CREATED_AT: lambda created_at: created_at or _EVER,
}
"""What a field counts as, where it is not its own value. Kinds depend on the policy."""


def _keys(keys: Iterable[str]) -> tuple[OrderKey, ...]:
    found = []
    for key in keys:
        try:
            found.append(OrderKey(key))
        except ValueError:
            raise BadDrawPolicy(f"{key!r} is no key; the keys are {', '.join(OrderKey)}") from None
    if not found or len(set(found)) < len(found):
        raise BadDrawPolicy("it needs one key at least, and none twice")
    return tuple(found)


@frozen
class DrawPolicy:
    """Which lots are drawn before which: the first of `keys` that tells two lots apart decides.

    Lots that no key tells apart stay in the order given; end with `id` to leave
    nothing to chance.

    Raises:
        BadDrawPolicy: a key that there is not, a key twice, or no key.
    """

    keys: tuple[OrderKey, ...] = field(default=LEDGER_KEYS, converter=_keys)
    kinds: tuple[TokenKind, ...] = field(default=(BONUS, PAID), converter=_kinds)
    # A spend sorts its lots each time, so what can be looked up beforehand is.
    _read: Callable[[Any], Any] = field(init=False, repr=False, eq=False)
    _mean: tuple[tuple[int, Callable[[Any], Any]], ...] = field(init=False, repr=False, eq=False)

    @_read.default
    def _reader_of_fields(self) -> Callable[[Any], Any]:
        return attrgetter(*(_FIELDS[key] for key in self.keys))

    @_mean.default
    def _meanings_of_fields(self) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
        meanings = {**_MEANINGS, OrderKey.KIND: _Ranks(self.kinds).__getitem__}
        return tuple((place, meanings[key]) for place, key in enumerate(self.keys) if key in meanings)

    def key(self, lot: object) -> list[Any]:
        """Return what the lot is sorted by; only the fields that `keys` name are read.

        Raises:
            BadDrawPolicy: the lot lacks such a field.
        """
        try:
            values = self._read(lot)
        except AttributeError as missing:
            problem = f"it reads the field {missing.name!r}, which {type(lot).__name__} has not"
            raise BadDrawPolicy(problem) from missing
        found = list(values) if len(self.keys) > 1 else [values]
        for place, mean in self._mean:
            found[place] = mean(found[place])
        return found


LEDGER_POLICY = DrawPolicy()
"""What a spend follows: bonus first, then priority, nearest expiry, creation, id."""


@frozen
class Candidate:
    """The fields that any policy may read, for who has no lots of their own to order."""

    id: str = ""
    kind: TokenKind = BONUS
    priority: int = DEFAULT_PRIORITY
    expires_at: datetime | None = None
    created_at: datetime | None = None
    scopes: tuple[str, ...] = ()


def draw_order(
    lots: Iterable[T], policy: DrawPolicy = LEDGER_POLICY, of: Callable[[T], object] | None = None
) -> list[T]:
    """Sort lots as a spend draws them, the first to be drawn first.

    Anything will do that has the fields named by the policy: open lots of the
    ledger, lots of a timeline, a `Candidate`, a class of one's own. `of` tells
    where they are, if not on the thing itself.

    Raises:
        BadDrawPolicy: a lot lacks a field that the policy names.
    """
    key = policy.key
    return sorted(lots, key=key if of is None else lambda lot: key(of(lot)))
