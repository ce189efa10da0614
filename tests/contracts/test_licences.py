"""The contract of the `Licences` port."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest

from buddy_core.kernel import LicenceId, PartnerId
from buddy_core.rights import Licence
from tests.contracts.cases import AT, Uow, title, uid

pytestmark = pytest.mark.anyio


def licence(number: int, **changes: Any) -> Licence:
    """Return a worldwide licence."""
    values: dict[str, Any] = {
        "id": LicenceId(uid(number)),
        "title_id": title(1),
        "partner_id": PartnerId(uid(1)),
        "share": Fraction(3, 5),
        "territories": ("*",),
        "starts_at": AT,
    }
    return Licence(**{**values, **changes})


async def test_licences_come_back_in_id_order(uow: Uow) -> None:
    """Every field is read back; licences are found by the titles named and by partner, in id order."""
    first = licence(1, share=Fraction(1, 3), excluded=("CN", "KP"))
    second = licence(2, title_id=title(2), territories=("IN", "AE"), ends_at=AT + timedelta(days=365))
    third = licence(3, partner_id=PartnerId(uid(2)), share=Fraction(0))
    fourth = licence(4, title_id=title(3), share=Fraction(1))
    async with uow.begin() as tx:
        for item in (fourth, third, second, first):
            await tx.licences.add(item)
    async with uow.read() as tx:
        assert await tx.licences.of_titles([title(2), title(1)]) == [first, second, third]
        assert await tx.licences.of_titles([]) == []
        assert await tx.licences.of_partner(PartnerId(uid(1))) == [first, second, fourth]
        assert await tx.licences.of_partner(PartnerId(uid(9))) == []
