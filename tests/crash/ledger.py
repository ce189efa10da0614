"""What lies in the store after a crash, read through the ports that `buddy verify` reads through."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict

from attrs import frozen
from sqlalchemy import text

from buddy_adapters.sql.unit_of_work import SqlUnitOfWork
from buddy_core.entitlements import Grant
from buddy_core.flows import verify
from buddy_core.kernel.ids import EntryId, GrantId
from buddy_core.royalty import TokenSpend
from buddy_core.tokens import WALLET, Entry, Operation
from buddy_web.reference import SELLER_ROUTES

ACTIVE_BACKENDS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@frozen
class Found:
    """The spends of the ledger with the grants and royalty facts that hang on them."""

    spends: dict[str, list[Entry]]
    """By idempotency key."""
    grants: dict[GrantId, Grant]
    facts: dict[EntryId, list[TokenSpend]]
    balance: int
    """All tokens left in all wallets."""
    moved: Counter[Operation]
    """Tokens of all wallets by operation: signed as they change a wallet."""


async def settled(uow: SqlUnitOfWork) -> None:
    """Wait until PostgreSQL has noticed that the killed client is gone: it may be committing for it still."""
    async with asyncio.timeout(30):
        while True:
            async with uow.read() as tx:
                if tx.connection.dialect.name == "sqlite":
                    return
                if not (await tx.connection.execute(ACTIVE_BACKENDS)).scalar_one():
                    return
            await asyncio.sleep(0.005)


async def find(uow: SqlUnitOfWork) -> Found:
    """Read the whole store on one snapshot."""
    spends: dict[str, list[Entry]] = defaultdict(list)
    moved: Counter[Operation] = Counter()
    balance = 0
    async with uow.read() as tx:
        accounts = await tx.ledger_books.accounts()
        for books in await tx.ledger_books.of_accounts(accounts):
            balance += sum(books.balances.values())
            for entry in books.entries:
                moved[entry.operation] += sum(p.amount for p in entry.postings if p.account == WALLET)
                if entry.operation is Operation.SPEND:
                    # An unlock's entry has the account before the key of the request.
                    key = entry.idempotency_key
                    spends[key.split(":", 2)[2] if key.startswith("unlock:") else key].append(entry)
        grants = {grant.id: grant for grant in (await tx.grant_books.all()).grants}
        facts: dict[EntryId, list[TokenSpend]] = defaultdict(list)
        for fact in (await tx.royalty_books.all()).spends:
            facts[fact.entry_id].append(fact)
    return Found(dict(spends), grants, dict(facts), balance, moved)


def tokens_of(entry: Entry) -> int:
    """Return how many tokens a spend took out of the wallet."""
    return -sum(posting.amount for posting in entry.postings if posting.account == WALLET)


async def assert_clean(uow: SqlUnitOfWork) -> None:
    """Ask what `buddy verify` asks; it must find nothing."""
    report = await verify(uow=uow, routes=SELLER_ROUTES)
    assert report.faults == ()
    assert report.checked["entries"] > 0
