"""Certificates: the boards' labels and the ages they stand for, by territory."""

from __future__ import annotations

from attrs import frozen

from buddy_core.kernel.territories import Territories


@frozen
class Rating:
    """A title's certificate in some territories: the label shown, and the age from which it may be seen."""

    territories: Territories
    label: str
    age: int
