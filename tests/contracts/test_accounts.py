"""The contract of the `Accounts` port."""

from __future__ import annotations

import pytest
from attrs import evolve

from buddy_core.accounts import Account, AccountType, Credential, EmailTaken
from buddy_core.kernel import Contention
from tests.contracts.cases import AT, LATER, Uow, account, race

pytestmark = pytest.mark.anyio


def guest(number: int) -> Account:
    """Return a guest."""
    return Account(account(number), AccountType.GUEST, AT)


def member(number: int, email: str) -> tuple[Account, Credential]:
    """Return a member and the hash that proves them."""
    return Account(account(number), AccountType.REGISTERED, AT, email), Credential(
        account(number), f"$2b${number}"
    )


async def test_accounts_come_back(uow: Uow) -> None:
    """A guest and a member are found by id; only the member by address, with the credential."""
    registered, credential = member(2, "asha@example.com")
    async with uow.begin() as tx:
        await tx.accounts.add(guest(1))
        await tx.accounts.add(registered, credential)
    async with uow.read() as tx:
        assert await tx.accounts.get(account(1)) == guest(1)
        assert await tx.accounts.get(account(2)) == registered
        assert await tx.accounts.get(account(3)) is None
        assert await tx.accounts.by_email("asha@example.com") == (registered, credential)
        assert await tx.accounts.by_email("ASHA@example.com") is None
        assert await tx.accounts.by_email("") is None


async def test_an_address_is_used_once(uow: Uow) -> None:
    """A second account with the same address is refused; two guests without one are fine."""
    async with uow.begin() as tx:
        await tx.accounts.add(*member(1, "asha@example.com"))
        await tx.accounts.add(guest(3))
        await tx.accounts.add(guest(4))
    with pytest.raises(EmailTaken):
        async with uow.begin() as tx:
            await tx.accounts.add(*member(2, "asha@example.com"))
    async with uow.read() as tx:
        assert await tx.accounts.get(account(2)) is None
        found = await tx.accounts.by_email("asha@example.com")
    assert found == member(1, "asha@example.com")


async def test_of_two_registrations_at_once_one_is_told(uow: Uow) -> None:
    """Two members register one address at once: one stands, the other hears that it is taken."""

    async def register(number: int) -> None:
        async with uow.begin() as tx:
            await tx.accounts.add(*member(number, "asha@example.com"))

    _, refusals = await race(register(1), register(2))
    assert [type(error) for error in refusals] == [EmailTaken]


async def test_locking_answers_those_that_exist(uow: Uow) -> None:
    """`lock` returns the accounts found, by id, in whatever order they are named."""
    async with uow.begin() as tx:
        await tx.accounts.add(guest(1))
        await tx.accounts.add(guest(2))
    async with uow.begin() as tx:
        found = await tx.accounts.lock([account(2), account(9), account(1)])
        assert await tx.accounts.lock([]) == {}
    assert found == {account(1): guest(1), account(2): guest(2)}


async def test_a_merge_is_a_pointer_set_once(uow: Uow) -> None:
    """A merged guest points at its member; marking it a second time is contention and changes nothing."""
    async with uow.begin() as tx:
        await tx.accounts.add(guest(1))
        await tx.accounts.add(*member(2, "asha@example.com"))
        await tx.accounts.add(*member(3, "ravi@example.com"))
        await tx.accounts.mark_merged(account(1), account(2), AT)
    with pytest.raises(Contention):
        async with uow.begin() as tx:
            await tx.accounts.mark_merged(account(1), account(3), LATER)
    async with uow.read() as tx:
        merged = await tx.accounts.get(account(1))
    assert merged == evolve(guest(1), merged_into=account(2), merged_at=AT)


async def test_members_are_found_by_how_their_address_begins(uow: Uow) -> None:
    """Newest first, page by page, whatever the capitals; guests and what only looks alike are left out."""
    addresses = ["asha@example.com", "ash_a@example.com", "ashb@example.com", "zed%@example.com"]
    async with uow.begin() as tx:
        await tx.accounts.add(guest(9))
        for number, address in enumerate(addresses):
            await tx.accounts.add(*member(number, address))

    async def found(email: str, after: int | None = None, limit: int = 9) -> list[str | None]:
        async with uow.read() as tx:
            below = None if after is None else account(after)
            return [item.email for item in await tx.accounts.search(email, after=below, limit=limit)]

    assert await found("ASH") == [addresses[2], addresses[1], addresses[0]]
    assert await found("ash_") == [addresses[1]]
    assert await found("zed%") == [addresses[3]]
    assert await found("%") == []
    assert await found("", limit=2) == [addresses[3], addresses[2]]
    assert await found("", after=2) == [addresses[1], addresses[0]]
