"""The contracts of the `Promotions`, `PromotionClaims` and `PromotionBooks` ports, and of what they need."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from buddy_core.accounts import Account, AccountType, Credential
from buddy_core.ads import Cap
from buddy_core.kernel import Contention, DeviceId, EntryId
from buddy_core.promotions import Claim, Promotion
from tests.contracts.cases import AT, LATER, Uow, account, race, uid

pytestmark = pytest.mark.anyio

FIRST = Promotion(
    code="MONSOON26",
    version=1,
    token_kind="bonus",
    tokens=5,
    days=30,
    starts_at=AT,
    ends_at=LATER,
    limit=100,
    for_guests=True,
    recorded_at=AT,
    recorded_by="system",
    reason="posters",
)
ENDED = evolve(FIRST, version=2, ends_at=AT + timedelta(minutes=1), reason="too dear")
OTHER = evolve(FIRST, code="DIWALI26", starts_at=LATER, ends_at=LATER + timedelta(days=1))


def claim(number: int, **changes: Any) -> Claim:
    """Return a claim of an account and a device of its own."""
    values: dict[str, Any] = {
        "code": FIRST.code,
        "number": number,
        "account_id": account(number),
        "device_id": DeviceId(f"dev_{number}"),
        "as_guest": True,
        "version": 1,
        "tokens": 5,
        "entry_id": EntryId(uid(number)),
        "claimed_at": AT,
    }
    return Claim(**{**values, **changes})


async def add(uow: Uow, *items: Promotion | Claim) -> None:
    """Append in a transaction of its own."""
    async with uow.begin() as tx:
        for item in items:
            port = tx.promotions if isinstance(item, Promotion) else tx.promotion_claims
            await port.add(item)


async def test_the_newest_version_is_found_by_its_code(uow: Uow) -> None:
    """Every field comes back; a code that is none gives nothing, and locking answers alike."""
    await add(uow, FIRST, OTHER)
    async with uow.begin() as tx:
        assert [await tx.promotions.newest(code) for code in (FIRST.code, "NONE")] == [FIRST, None]
    await add(uow, ENDED)
    async with uow.begin() as tx:
        assert [await tx.promotions.lock(code) for code in (FIRST.code, "NONE")] == [ENDED, None]


async def test_a_version_of_a_code_is_used_once(uow: Uow) -> None:
    """Another one with its number is contention, and the first stays."""
    await add(uow, FIRST)
    with pytest.raises(Contention):
        await add(uow, evolve(FIRST, tokens=9))
    async with uow.read() as tx:
        assert await tx.promotions.newest(FIRST.code) == FIRST


async def test_a_page_shows_each_promotion_once_with_its_claims(uow: Uow) -> None:
    """Those that begin last come first, as they stand now; the next page goes on."""
    await add(uow, FIRST, ENDED, OTHER, claim(1), claim(2))
    async with uow.read() as tx:
        assert await tx.promotions.page(5) == [(OTHER, 0), (ENDED, 2)]
        assert await tx.promotions.page(1, 1) == [(ENDED, 2)]
        assert await tx.promotions.page(5, 2) == []


async def test_claims_are_found_by_account_and_by_device(uow: Uow) -> None:
    """Those of this code alone, and counted."""
    await add(uow, FIRST, OTHER, claim(1), claim(2), claim(1, code=OTHER.code, entry_id=EntryId(uid(9))))
    async with uow.read() as tx:
        claims = tx.promotion_claims
        assert [await claims.count(code) for code in (FIRST.code, OTHER.code, "NONE")] == [2, 1, 0]
        assert await claims.has_any(FIRST.code, [account(7), account(2)])
        assert not await claims.has_any(OTHER.code, [account(2), account(7)])
        assert not await claims.has_any(FIRST.code, [])
        assert await claims.has_device(FIRST.code, DeviceId("dev_2"))
        assert not await claims.has_device(OTHER.code, DeviceId("dev_2"))


@pytest.mark.parametrize(
    "clash",
    [{"number": 1}, {"account_id": account(1)}, {"device_id": DeviceId("dev_1")}],
    ids=["number", "account", "a guest's device"],
)
async def test_what_is_claimed_is_claimed_once(uow: Uow, clash: dict[str, Any]) -> None:
    """A number, an account and a guest's device have one claim of a code; a second is contention."""
    await add(uow, FIRST, claim(1))
    with pytest.raises(Contention):
        await add(uow, evolve(claim(2), **clash))
    async with uow.read() as tx:
        assert await tx.promotion_books.all() == ([FIRST], [claim(1)], [])


async def test_members_share_a_device(uow: Uow) -> None:
    """A family's claims come beside each other, and beside a guest's."""
    mine = {"device_id": DeviceId("dev_1")}
    await add(uow, FIRST, claim(1, as_guest=False), claim(2, **mine), claim(3, as_guest=False, **mine))
    with pytest.raises(Contention):
        await add(uow, claim(4, **mine))
    async with uow.read() as tx:
        assert await tx.promotion_claims.count(FIRST.code) == 3


async def test_whoever_locks_a_promotion_sees_what_those_before_them_claimed(uow: Uow) -> None:
    """Twenty at once count one after another, and nobody's number is used twice."""
    await add(uow, FIRST)

    async def one(place: int) -> int:
        async with uow.begin() as tx:
            await tx.promotions.lock(FIRST.code)
            number: int = await tx.promotion_claims.count(FIRST.code) + 1
            await tx.promotion_claims.add(evolve(claim(place), number=number))
            return number

    numbers, refusals = await race(*(one(place) for place in range(1, 21)))
    assert (sorted(numbers), refusals) == (list(range(1, 21)), [])


async def test_the_books_have_every_version_and_claim(uow: Uow) -> None:
    """In order of code and number, whatever was added first."""
    await add(uow, FIRST, OTHER, ENDED, claim(2), claim(1))
    async with uow.read() as tx:
        assert await tx.promotion_books.all() == ([OTHER, FIRST, ENDED], [claim(1), claim(2)], [])


async def test_the_guests_who_became_a_member_are_found(uow: Uow) -> None:
    """All of them in order of their ids, and nobody else."""
    async with uow.begin() as tx:
        for number in (1, 2, 3):
            await tx.accounts.add(Account(account(number), AccountType.GUEST, AT))
        member = Account(account(9), AccountType.REGISTERED, AT, "m@example.com")
        await tx.accounts.add(member, Credential(account(9), "hash"))
        for number in (3, 1):
            await tx.accounts.mark_merged(account(number), account(9), LATER)
    async with uow.read() as tx:
        assert await tx.accounts.guests_of(account(9)) == [account(1), account(3)]
        assert await tx.accounts.guests_of(account(1)) == []


async def test_several_are_counted_at_once_or_not_at_all(uow: Uow) -> None:
    """A count takes as many as there is room for in every cap; past one of them none is changed."""
    caps = [Cap("guest", "a", "", 9), Cap("guest_device", "d", "", 5)]
    async with uow.begin() as tx:
        assert await tx.reward_counters.take(caps, 5) is None
        assert await tx.reward_counters.take(caps, 1) == caps[1]
        assert await tx.reward_counters.take(caps[:1], 5) == caps[0]
        assert await tx.reward_counters.take(caps[:1], 4) is None
