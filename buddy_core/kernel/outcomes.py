"""The answer of a batch step for each command: done, or refused alone."""

from __future__ import annotations

from typing import Generic, TypeVar

from attrs import frozen

from buddy_core.kernel.errors import BuddyError

T = TypeVar("T")


@frozen
class Done(Generic[T]):
    """The command took effect."""

    value: T


@frozen
class Refused:
    """The rules said no to this command; the others of its batch are untouched."""

    error: BuddyError


Outcome = Done[T] | Refused


def unwrap(outcome: Outcome[T]) -> T:
    """Return the value of a `Done`; raise the error of a `Refused`."""
    if isinstance(outcome, Refused):
        raise outcome.error
    return outcome.value
