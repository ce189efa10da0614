"""The contract of the `Flags` port."""

from __future__ import annotations

import pytest

from buddy_core.flags import DEFAULTS, UnknownFlag
from tests.contracts.cases import Uow

pytestmark = pytest.mark.anyio


async def test_flags_stand_at_their_defaults(uow: Uow) -> None:
    """Until somebody turns one, every flag is as its default says."""
    async with uow.read() as tx:
        assert await tx.flags.all() == dict(DEFAULTS)
        assert {name: await tx.flags.is_on(name) for name in DEFAULTS} == dict(DEFAULTS)


async def test_a_flag_stays_as_it_was_turned(uow: Uow) -> None:
    """Turning a flag, and back, is seen by the next transaction; the others stay."""
    for is_on in (False, True, True):
        async with uow.begin() as tx:
            await tx.flags.set("recon.enabled", is_on)
            assert await tx.flags.is_on("recon.enabled") is is_on
        async with uow.read() as tx:
            assert await tx.flags.all() == {**DEFAULTS, "recon.enabled": is_on}


async def test_an_unknown_flag_is_a_mistake(uow: Uow) -> None:
    """Asking for or turning a flag that does not exist is refused by name."""
    async with uow.begin() as tx:
        with pytest.raises(UnknownFlag):
            await tx.flags.is_on("recon.enable")
        with pytest.raises(UnknownFlag):
            await tx.flags.set("", True)
    async with uow.read() as tx:
        assert set(await tx.flags.all()) == set(DEFAULTS)
