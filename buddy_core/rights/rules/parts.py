"""Parts of a whole as people write them: exact fractions and per cent, and nothing that would be rounded."""

from __future__ import annotations

import re
from fractions import Fraction

from buddy_core.kernel.errors import InvalidValue

_FRACTION = re.compile(r"([0-9]{1,12})\s*/\s*([0-9]{1,12})", re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,12})?)\s*%", re.ASCII)


def read_part(text: str, name: str = "part") -> Fraction:
    """Return the part from 0 to 1 that a text such as `3/5` or `33.34 %` says, exactly.

    A bare number is refused: 1 may mean one per cent, or the whole.

    Raises:
        InvalidValue: it says none; `name` names it.
    """
    given = text.strip()
    fraction, percent = _FRACTION.fullmatch(given), _PERCENT.fullmatch(given)
    if fraction is not None and int(fraction[2]) != 0:
        value = Fraction(int(fraction[1]), int(fraction[2]))
    elif percent is not None:
        value = Fraction(percent[1]) / 100
    else:
        raise InvalidValue(
            name,
            f"{given[:40]!r} is no part; write an exact fraction such as 3/5, or per cent such as 33.34%",
        )
    if value > 1:
        raise InvalidValue(name, f"{given[:40]!r} is more than the whole; write at most 1/1 or 100%")
    return value
