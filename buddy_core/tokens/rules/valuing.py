"""Versions of what a token is worth: which is in force, and which may come next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from buddy_core.kernel.canonical import GENESIS
from buddy_core.kernel.clock import utc
from buddy_core.tokens.commands import SetTokenValue
from buddy_core.tokens.errors import BadTokenValue, UnknownKind, ValueVersionInPast, ValueVersionTooFar
from buddy_core.tokens.model import TokenKind, ValueVersion

NOTICE = timedelta(minutes=1)
"""How long before it counts a version must be recorded: longer than any spend takes to commit,
so that no spend can miss a version that was in force."""
HORIZON = timedelta(days=366)
_NEXT = timedelta(microseconds=1)

Versions = Mapping[TokenKind, ValueVersion]
"""The version in force of each kind."""


def next_version(
    existing: Sequence[ValueVersion], command: SetTokenValue, currencies: Iterable[str], at: datetime
) -> ValueVersion:
    """Return the version to append for a kind, given those that exist in order.

    Raises:
        ValueVersionInPast: it would take effect too soon or not after the last one.
        ValueVersionTooFar: it would take effect more than a year from now.
        BadTokenValue: a settlement currency has no value.
    """
    effective_from = utc(command.effective_from, "effective_from")
    if existing:
        earliest = max(utc(at) + NOTICE, existing[-1].effective_from + _NEXT)
        if effective_from < earliest:
            raise ValueVersionInPast(command.kind, effective_from, earliest)
        if effective_from > utc(at) + HORIZON:
            raise ValueVersionTooFar(command.kind, effective_from, utc(at) + HORIZON)
    missing = sorted(set(currencies) - set(command.values))
    if missing:
        raise BadTokenValue(command.kind, f"it has no value in {', '.join(missing)}")
    return ValueVersion(
        kind=command.kind,
        version=len(existing) + 1,
        effective_from=effective_from,
        values=command.values,
        recorded_at=at,
        recorded_by=command.by,
        previous_hash=existing[-1].hash if existing else GENESIS,
    )


def version_at(existing: Iterable[ValueVersion], at: datetime) -> ValueVersion | None:
    """Return the version in force at `at`: the last that had taken effect, or None."""
    live = [version for version in existing if version.effective_from <= at]
    return max(live, key=lambda version: version.version, default=None)


def version_of(versions: Versions, kind: TokenKind) -> ValueVersion:
    """Return the version of a kind.

    Raises:
        UnknownKind: the kind has none.
    """
    try:
        return versions[kind]
    except KeyError:
        raise UnknownKind(kind) from None
