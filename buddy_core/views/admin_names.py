"""How staff pages name accounts and producers: by address, name or a few digits, never by internal id."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol
from uuid import UUID

from buddy_core.accounts import Account, Accounts
from buddy_core.catalog import CatalogTx, Producers, Title
from buddy_core.kernel.ids import AccountId, PartnerId, TitleId
from buddy_core.kernel.unit_of_work import UnitOfWork

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class NamesTx(Protocol):
    """A transaction that reads accounts and producers."""

    @property
    def accounts(self) -> Accounts: ...

    @property
    def producers(self) -> Producers: ...


def name_of(account: Account) -> str:
    """Return the name by which staff know an account."""
    return account.email or f"guest …{account.id.hex[-6:]}"


async def names_in(tx: NamesTx, texts: Iterable[str]) -> dict[str, str]:
    """Return what to write in place of every internal id that occurs in `texts`."""
    names: dict[str, str] = {}
    for found in {match for text in texts for match in _UUID.findall(text)}:
        account = await tx.accounts.get(AccountId(UUID(found)))
        if account is not None:
            names[found] = name_of(account)
            continue
        producer = (await tx.producers.get([PartnerId(UUID(found))])).get(PartnerId(UUID(found)))
        names[found] = producer.name if producer else f"…{found[-6:]}"
    return names


async def name_titles(titles: Sequence[TitleId], *, uow: UnitOfWork[CatalogTx]) -> dict[TitleId, Title]:
    """Return the titles that exist among these, for their names and public ids."""
    async with uow.read() as tx:
        return await tx.titles.get(titles)


def without_ids(text: str, names: dict[str, str]) -> str:
    """Return the text with every internal id replaced."""
    return _UUID.sub(lambda match: names.get(match[0], f"…{match[0][-6:]}"), text)
