"""What a producer's pages say of a month: every level adds up, on every store, to what the bank pays."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from buddy_core import views
from buddy_core.access import Actor
from buddy_core.catalog import ProducerNotFound, Title, TitleType
from buddy_core.kernel import COUNTRIES, Money
from buddy_core.royalty import Facts, FxRate, InputKind, Model, statement_csv
from buddy_core.views import OtherTitles, ProducerPage, StatementPage, WhyPage
from buddy_core.views.account_figures import AccountFigure
from buddy_core.views.errors import StatementLineNotFound, StatementNotFound
from buddy_core.views.statement import StatementFile, StatementWanted
from buddy_web.reference import NEWTACT, SELLER_ROUTES
from tests.flows.months import bring, close, number_of, sale, set_terms
from tests.flows.world import START, VIEWER, World

pytestmark = pytest.mark.anyio

SCRIPT = Path(__file__).parents[2] / "examples" / "statement_to_bank.py"
OCTOBER, NOVEMBER = "2026-10", "2026-11"
SALES: Sequence[tuple[int, int, dict[str, Any]]] = (
    (0, 10_007, {}),
    (0, 3_333, {"territory": "AE"}),
    (0, 501, {"model": Model.EST}),
    (1, 7_777, {}),
    (1, 1_001, {"model": Model.PPV}),
    (1, 1_999, {"territory": "US", "currency": "USD"}),
)
"""Place of the title, gross, and what else: three models, three countries, two currencies."""
ACCOUNT = {
    "id": "films",
    "currency": "INR",
    "advance": 5_000,
    "reserve": {"part": "1/10", "periods": 2},
    "withholding": [{"rate": "1/10", "starts_at": "2026-01-01", "key": "IN:194J"}],
    "guarantees": [{"minimum": 90_000, "starts_at": "2026-10-01", "ends_at": "2027-01-01"}],
}


@define
class Producing:
    """A producer with two titles that sold in October, and who reads their pages."""

    world: World
    titles: list[Title]
    actor: Actor

    async def page(self, currency: str | None = None) -> ProducerPage:
        """Fill the producer's page."""
        return await views.producer_page(self.actor, self.world.producer.id, currency, **self._ports())

    async def statement(self, month: str = OCTOBER, page: int = 1, **wanted: Any) -> StatementPage:
        """Fill a statement."""
        return await views.statement_page(self.actor, self._wanted(month, wanted), page, **self._ports())

    async def why(self, line: str, month: str = OCTOBER, **wanted: Any) -> WhyPage:
        """Explain an amount."""
        return await views.why_page(self.actor, self._wanted(month, wanted), line, **self._ports())

    async def file(self, month: str = OCTOBER, **wanted: Any) -> StatementFile:
        """Return a statement to download."""
        return await views.statement_file(self.actor, self._wanted(month, wanted), **self._ports())

    def _wanted(self, month: str, more: dict[str, Any]) -> StatementWanted:
        return StatementWanted(self.world.producer.id, month, **more)

    def _ports(self) -> dict[str, Any]:
        return {"uow": self.world.uow, "clock": self.world.clock, "routes": SELLER_ROUTES}


@pytest.fixture
async def producing(world: World) -> Producing:
    """Answer two titles with their sales; what the first earns goes to an account with an advance."""
    titles = [await world.add_title(TitleType.FILM, share=Fraction(1, 3)) for _ in range(2)]
    account = {**ACCOUNT, "holder": world.producer.short_id}
    await set_terms(world, InputKind.ACCOUNT, "films", account)
    await set_terms(world, InputKind.LICENCE, await number_of(world, titles[0]), {"account": "films"})
    sales = tuple(
        sale(f"s{number}", titles[place], gross, START, **more)
        for number, (place, gross, more) in enumerate(SALES)
    )
    await bring(world, OCTOBER, "october", Facts(sales=sales))
    return Producing(world, titles, await world.staff("finance"))


async def test_a_long_statement_comes_page_by_page(producing: Producing) -> None:
    """Lines come a hundred a page, each once, and open as closed; every sum is of all of them."""
    world = producing.world
    sold = [
        (title, code, model)
        for title in producing.titles
        for code in sorted(COUNTRIES)
        for model in (Model.RENTAL, Model.EST)
    ]
    sales = (
        sale(f"m{number}", title, 300 + number, START, territory=code, model=model)
        for number, (title, code, model) in enumerate(sold)
    )
    await bring(world, OCTOBER, "many", Facts(sales=tuple(sales)))
    open_page = await producing.statement(currency="INR")
    await close(world, OCTOBER)
    total = len((await producing.file(currency="INR")).stated.lines)
    first = await producing.statement(currency="INR")
    assert (first.titles, first.lines) == (open_page.titles, open_page.lines)
    assert (first.lines.first, first.lines.last, first.lines.next, first.lines.total) == (1, 100, 100, total)
    pages = [first]
    while pages[-1].lines.next:
        pages.append(await producing.statement(currency="INR", page=len(pages) + 1))
        before, page = pages[-2:]
        assert (page.earned, page.accounts, page.lines.total) == (first.earned, first.accounts, total)
        assert page.titles[0].is_continued == (page.titles[0].line == before.titles[-1].line)
    seen = [line for page in pages for line in _lines(page)]
    assert len({line.line for line in seen}) == len(seen) == total > 900
    assert _sum(line.amount for line in seen) == first.earned
    titles = {title.line: title.amount for page in pages for title in page.titles}
    assert _sum(titles.values()) == first.earned
    assert await producing.statement(currency="INR", page=10_000) == pages[-1]


async def test_every_level_adds_up_to_what_was_earned(producing: Producing) -> None:
    """Titles, models, and the lines of each title come to the earned amount, open as closed."""
    world, before = producing.world, []
    for is_closed in (False, True):
        if is_closed:
            await close(world, OCTOBER)
            world.clock.set(START)
        page, statement = await producing.page(), await producing.statement(currency="INR")
        assert page.month.month == OCTOBER
        assert page.month.earned == statement.earned
        assert _sum(title.amount for title in page.titles) == page.month.earned
        assert _sum(model.amount for model in page.models) == page.month.earned
        assert _sum(title.amount for title in statement.titles) == statement.earned
        for title in statement.titles:
            lines = [line for place in title.territories for line in place.lines]
            assert _sum(line.amount for line in lines) == title.amount
            assert all(abs(line.exact - line.amount.minor) < 1 for line in lines)
        exact = sum((line.exact for line in _lines(statement)), Fraction(0))
        assert exact + statement.rounding == statement.earned.minor
        assert {model.model for model in page.models} == {"rental", "est", "ppv"}
        before.append((page.titles, statement.titles, statement.accounts, statement.payable))
    assert before[0] == before[1]


async def test_steps_add_up_to_what_is_paid(producing: Producing) -> None:
    """Each account's steps come to its payable, and all of them to that of the statement."""
    page = await producing.statement(currency="INR")
    assert len(page.accounts) == 2
    for account in page.accounts:
        assert _sum(step.amount for step in account.steps) == account.payable
        assert account.steps[-1].left == account.payable
        assert account.account in account.words
    assert _sum(account.payable for account in page.accounts) == page.payable
    assert (await producing.page()).month.payable == page.payable


async def test_what_is_recouped_is_told_from_month_to_month(producing: Producing) -> None:
    """Advance, guarantee and reserve: what was there, what the month added, and what is left."""
    [account] = (await producing.page()).accounts
    assert account.account == "films"
    earned = account.earned.minor
    assert earned == 4_614
    held = round(Fraction(earned, 10))
    recouped = earned - held
    assert _progress(account) == {
        "advance": (5_000, 0, recouped, 5_000 - recouped),
        "guarantee": (90_000, 0, earned, 90_000 - earned),
        "reserve": (held, 0, held, held),
    }
    await close(producing.world, OCTOBER)
    await bring(
        producing.world, NOVEMBER, "november",
        Facts(sales=(sale("n1", producing.titles[0], 30_000, producing.world.clock.now()),)),
    )  # fmt: skip
    [account] = (await producing.page()).accounts
    assert _progress(account) == {
        "advance": (5_000, recouped, 5_000 - recouped, 0),
        "guarantee": (90_000, earned, 10_000, 80_000 - earned),
        "reserve": (held + 1_000, held, 1_000, held + 1_000),
    }
    assert account.payable.minor == round((9_000 - 5_000 + recouped) * Fraction(9, 10))
    assert account.opening.recouped.minor == recouped


async def test_sales_in_another_currency_are_shown(producing: Producing) -> None:
    """Dollars in a rupee entity have a page, a statement and explanations of their own."""
    page = await producing.page("USD")
    assert page.currencies == ("INR", "USD")
    assert [title.title for title in page.titles] == [producing.titles[1].name]
    assert page.month.earned == Money(666, "USD")
    rupees = await producing.statement(currency="INR")
    assert [(other.currency, other.entity) for other in rupees.others] == [("USD", NEWTACT.id)]
    dollars = await producing.statement(currency="USD")
    assert dollars.earned == Money(666, "USD")
    assert (await producing.why(page.titles[0].line, currency="USD")).amount == Money(666, "USD")
    with pytest.raises(StatementNotFound):
        await producing.statement(currency="EUR")


async def test_every_amount_opens_its_explanation(producing: Producing) -> None:
    """Each link of both pages leads to the very amount that it stands on."""
    page, statement = await producing.page(), await producing.statement(currency="INR")
    shown = {title.line: title.amount for title in page.titles}
    shown |= {model.line: model.amount for model in page.models if model.line}
    shown |= {title.line: title.amount for title in statement.titles}
    shown |= {line.line: line.amount for line in _lines(statement)}
    for line, amount in shown.items():
        why = await producing.why(line, currency="INR")
        assert why.amount == amount, line
        assert abs(why.exact - amount.minor) < 1
        assert _sum([part.amount for part in why.parts] or [amount]) == amount
        for part in why.parts:
            assert (await producing.why(part.line, currency="INR")).amount == part.amount
        for item in why.lines:
            assert item.owned - item.fee - item.expenses == item.base
            assert item.base * item.rate == item.exact
            assert producing.titles[0].name in item.words or producing.titles[1].name in item.words
            assert {found.name for found in item.inputs} == {"gross"}
    for nothing in ("film-zzzz", "model-ads", "model-rental.film-zzzz", f"{statement.titles[0].line}.9"):
        with pytest.raises(StatementLineNotFound):
            await producing.why(nothing)


async def test_an_adjustment_says_which_month_it_belongs_to(producing: Producing) -> None:
    """A sale that comes after the close stands in the next month, labelled, and in words."""
    world = producing.world
    await close(world, OCTOBER)
    await bring(world, OCTOBER, "late", Facts(sales=(sale("late", producing.titles[0], 900, START),)))
    statement = await producing.statement(NOVEMBER, currency="INR")
    [line] = _lines(statement)
    assert (line.adjusts, line.amount) == (OCTOBER, Money(300, "INR"))
    [why] = (await producing.why(line.line, NOVEMBER)).lines
    assert why.adjusts == OCTOBER
    assert why.words.startswith("This adjusts 2026-10")
    page = await producing.page()
    assert [(month.month, month.state) for month in page.months] == [
        (OCTOBER, "closed"),
        (NOVEMBER, "running"),
    ]
    assert page.models[0].last == Money(7_039, "INR")


async def test_the_csv_adds_up_to_the_bank(producing: Producing, tmp_path: Path) -> None:
    """A script that knows nothing of us comes to each account's payable, over two currencies."""
    world = producing.world
    rate = FxRate("USD", "INR", Fraction(84), "RBI", START)
    await bring(world, OCTOBER, "rates", Facts(rates=(rate,)))
    account = {**ACCOUNT, "id": "rupees", "holder": world.producer.short_id, "advance": 0}
    await set_terms(world, InputKind.ACCOUNT, "rupees", account)
    licence = await number_of(world, producing.titles[1])
    await set_terms(world, InputKind.LICENCE, licence, {"account": "rupees"})
    await close(world, OCTOBER)
    dollars = await producing.statement(currency="USD")
    assert [(share.is_exchanged, share.arrives.currency) for share in dollars.shares] == [(True, "INR")]
    files = [await producing.file(currency=currency) for currency in ("INR", "USD")]
    texts = {statement_csv(file.month, file.terms) for file in files}
    assert len(texts) == 1, "a month with an entity is one file, whatever currency it is asked in"
    paid = _bank(tmp_path / "statement.csv", *texts)
    page = await producing.statement(currency="INR")
    for account_ in page.accounts:
        assert f"pay {account_.payable.minor} minor units of INR (account {account_.account})" in paid
    assert len(paid.splitlines()) == len(page.accounts) == 2


async def test_nobody_else_sees_a_producers_figures(producing: Producing) -> None:
    """For who may not see them, it is as if there were no such producer."""
    stranger = Producing(producing.world, producing.titles, VIEWER)
    for asked in (stranger.page(), stranger.statement(), stranger.why("film-a"), stranger.file()):
        with pytest.raises(ProducerNotFound):
            await asked
    other = await producing.world.add_producer()
    page = await views.producer_page(producing.actor, other.id, None, **producing._ports())
    assert (page.month.earned.minor, page.titles, page.accounts, page.models) == (0, (), (), ())


def _bank(path: Path, text: str) -> str:
    """Return what the independent script says of a file."""
    path.write_text(text, encoding="utf-8")
    command = [sys.executable, "-I", str(SCRIPT), str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def _progress(account: AccountFigure) -> dict[str, tuple[int, int, int, int]]:
    return {
        item.kind: (item.total.minor, item.before.minor, item.moved.minor, item.left.minor)
        for item in account.progress
    }


def _lines(statement: StatementPage) -> list[Any]:
    return [line for title in statement.titles for place in title.territories for line in place.lines]


def _sum(amounts: Any) -> Money:
    found: Counter[str] = Counter()
    for amount in amounts:
        found[amount.currency] += amount.minor
    [(currency, minor)] = found.items()
    return Money(minor, currency)


@pytest.mark.parametrize("database_url", ["memory"], indirect=True)
async def test_a_hundred_titles_are_listed_and_the_others_summed(world: World) -> None:
    """Those that earned the most, in order; with the others they make the month."""
    titles = [await world.add_title(TitleType.FILM, share=Fraction(1)) for _ in range(103)]
    sales = tuple(sale(title.short_id, title, 100 + place, START) for place, title in enumerate(titles))
    await bring(world, OCTOBER, "many", Facts(sales=sales))
    page = await Producing(world, titles, await world.staff("finance")).page("INR")
    assert [item.amount.minor for item in page.titles] == list(range(202, 102, -1))
    assert page.others == OtherTitles(3, Money(100 + 101 + 102, "INR"))


async def test_a_step_of_a_waterfall_stands_on_the_taker_s_statement(
    producing: Producing, tmp_path: Path
) -> None:
    """Its line and explanation name the step; the file has its account and adds up to the bank."""
    world, title = producing.world, producing.titles[1]
    rate = FxRate("USD", "INR", Fraction(84), "RBI", START)
    await bring(world, OCTOBER, "rates", Facts(rates=(rate,)))
    step = {"name": "equity", "takes": "recoup", "amount": 1_000, "taker": world.producer.short_id}
    fee = {"name": "fee", "takes": "percent_of_gross", "rate": "10%", "taker": "platform"}
    terms = {"currency": "INR", "steps": [fee, {**step, "account": "films"}]}
    await set_terms(world, InputKind.WATERFALL, f"film/{title.short_id}", terms)
    await close(world, OCTOBER)
    page = await producing.statement(currency="INR")
    [line, *_] = [line for line in _lines(page) if line.step]
    assert (line.step, line.deal) == ("equity", None)
    assert line.base * line.rate == line.exact
    why = await producing.why(line.line, currency="INR")
    assert any(
        item.step == "equity" and "The step equity of the waterfall" in item.words for item in why.lines
    )
    file = await producing.file(currency="INR")
    text = statement_csv(file.month, file.terms)
    assert {row.split(",")[3] for row in text.splitlines() if ",equity," in row} == {"films"}
    paid = _bank(tmp_path / "statement.csv", text)
    for account in page.accounts:
        assert f"pay {account.payable.minor} minor units of INR (account {account.account})" in paid
