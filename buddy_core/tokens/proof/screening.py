"""The quick look at an account's books, which passes nothing that the slow one would fault.

A store hands an entry over as the text that its hash is taken over, made from the columns as
they lie there. If the hash fits, every column is what was written, and the text can be read
without doubt. What the look does not understand it leaves to `check_books`, which names rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from hashlib import sha256
from typing import Any

from attrs import Factory, define, frozen

from buddy_core.kernel.canonical import GENESIS, instant_text
from buddy_core.tokens.model import (
    EXPIRED,
    ISSUED,
    SOLD,
    TRANSFERRED,
    WALLET,
    Operation,
    TokenKind,
    ValueVersion,
    is_spent,
)
from buddy_core.tokens.ports import Glance

_SPENT = "spent"
_SYSTEM: Mapping[str, str] = {
    Operation.EARN: ISSUED,
    Operation.PURCHASE: SOLD,
    Operation.SPEND: _SPENT,
    Operation.EXPIRE: EXPIRED,
    Operation.TRANSFER_OUT: TRANSFERRED,
    Operation.TRANSFER_IN: TRANSFERRED,
    Operation.FREEZE: "",
    Operation.UNFREEZE: "",
}
"""The operations that are looked at here, with the system account of each; others go the slow way."""
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
# A JSONEncoder makes a new one of these at each call, which takes as long as to write an entry.
_make_encoder: Any = getattr(json.encoder, "c_make_encoder", None)
_parts = _make_encoder and _make_encoder(
    None, _encoder.default, json.encoder.encode_basestring, None, ":", ",", False, False, True
)
_read = json.JSONDecoder().raw_decode


def _canonical(entry: list[Any]) -> str:
    return "".join(_parts(entry, 0)) if _parts else _encoder.encode(entry)


_END_OF_TIME = "never"
"""Comes after every instant as text, the last one too."""


@frozen
class _Lot:
    """What has to be known of a lot: its times as canonical text; they compare as instants do."""

    effective_from: str
    expires_at: str


@define
class _Standing:
    """How an account stands after the entries that were looked at."""

    sequence: int = 0
    head: bytes = GENESIS
    is_frozen: bool = False
    moved_at: str | None = None
    left: dict[str, int] = Factory(dict)
    """What is left of each lot, by its id as text; used-up lots too."""
    lots: dict[str, _Lot] = Factory(dict)


@frozen
class _InForce:
    number: int
    since: str
    units: Mapping[str, Fraction]


class Screen:
    """Looks at one account after another; it knows the value versions, which were checked before."""

    def __init__(self, versions: Sequence[ValueVersion]) -> None:
        self._versions: dict[str, list[_InForce]] = {}
        for kind in {version.kind for version in versions}:
            self._versions[kind] = _in_force(kind, versions)
        self._worth: dict[tuple[str, int, str, int], str] = {}

    def look(self, glance: Glance) -> list[list[Any]] | None:
        """Return the entries of a glance, read; None: the slow look must be taken.

        Each entry is the list that its hash was taken over.
        """
        if glance.stored is None or glance.is_odd:
            return None
        account = str(glance.account)
        entries, standing = [], _Standing()
        try:
            for body, previous, digest in glance.entries:
                raw = body.encode()
                if previous != standing.head or sha256(previous + raw).digest() != digest:
                    return None
                # What may follow the entry is not in the text that is written of it.
                entry, _ = _read(body)
                # There is one way to write an entry; another that means the same is not ours.
                if _canonical(entry) != body or not self._passes(entry, account, standing):
                    return None
                standing.head = digest
                entries.append(entry)
        except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError):
            # It fits its hash and is still no entry of ours.
            return None
        if glance.stored != (standing.sequence, standing.head, standing.is_frozen, standing.moved_at):
            return None
        if standing.left != glance.balances or min(standing.left.values(), default=0) < 0:
            return None
        return entries

    def _passes(self, entry: list[Any], account: str, standing: _Standing) -> bool:
        (_, mine, sequence, operation, at, standing.moved_at, _, source, *_, postings, opened, held) = entry
        system = _SYSTEM.get(operation)
        standing.sequence += 1
        if system is None or held or mine != account or sequence != standing.sequence:
            return False
        for lot in opened:
            if lot[0] in standing.lots:
                # Which of its two lives counts is not for this look to say.
                return False
            standing.lots[lot[0]] = _Lot(lot[4], lot[5] or _END_OF_TIME)
            standing.left[lot[0]] = 0
        if not system:
            standing.is_frozen = operation == Operation.FREEZE
            return not postings
        return self._move(postings, operation, system, at, source, standing)

    def _move(
        self,
        postings: Sequence[list[Any]],
        operation: str,
        system: str,
        at: str,
        source: str,
        standing: _Standing,
    ) -> bool:
        sums: dict[str, int] = {}
        for account, lot, kind, amount, version, currency, value in postings:
            # More than seven, or fewer, fit no posting, and are left to the slow look.
            sums[kind] = sums.get(kind, 0) + amount
            if not self._is_worth(kind, amount, version, currency, value, at):
                return False
            if account == WALLET:
                # A lot that no entry has opened is not among these.
                standing.left[lot] += amount
                if not _may_draw(standing.lots[lot], operation, at, source):
                    return False
            elif (account != system and not (system == _SPENT and is_spent(account))) or lot is not None:
                return False
        return not any(sums.values())

    def _is_worth(
        self, kind: str, amount: int, version: int, currency: str | None, value: str | None, at: str
    ) -> bool:
        """Tell whether the version was in force and a value, where there is one, is that of the version."""
        for found in self._versions[kind]:
            if found.since <= at:
                break
        if found.since > at or found.number != version:
            return False
        if value is None or currency is None:
            return value is currency
        key = kind, version, currency, amount
        worth = self._worth.get(key)
        if worth is None:
            exact = found.units[currency] * amount
            worth = self._worth[key] = f"{exact.numerator}/{exact.denominator}"
        return worth == value


def _may_draw(lot: _Lot, operation: str, at: str, source: str) -> bool:
    if operation == Operation.SPEND:
        return lot.effective_from <= at < lot.expires_at
    # A merge writes off what exceeds the guest cap, whether its time is over or not.
    return operation != Operation.EXPIRE or source == "merge" or lot.expires_at <= at


def _in_force(kind: TokenKind, versions: Sequence[ValueVersion]) -> list[_InForce]:
    """Return a kind's versions, the newest first: the first of them that had taken effect is in force."""
    mine = sorted((item for item in versions if item.kind == kind), key=lambda item: -item.version)
    return [_InForce(item.version, instant_text(item.effective_from), item.values) for item in mine]
