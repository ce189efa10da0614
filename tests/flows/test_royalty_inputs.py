"""Facts and terms from outside: once by name, on the record, and every problem is told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from attrs import define, evolve

from buddy_core import flows
from buddy_core.access import SYSTEM, Actor, NotPermitted, SecondFactorNeeded
from buddy_core.catalog import Title, TitleType
from buddy_core.flows import BringFacts, Brought, Effect, SetTerms, month_for
from buddy_core.flows import royalty_inputs as inputs
from buddy_core.kernel.canonical import canonical_bytes
from buddy_core.kernel.errors import BuddyError, InvalidValue
from buddy_core.royalty import (
    PLATFORM,
    BadInput,
    FactsPending,
    Input,
    InputDiffers,
    InputKind,
    InputNotFound,
    PassedOver,
    TermsChanged,
    TermsProblems,
)
from buddy_core.tokens import PAID
from buddy_web.reference import NEWTACT, THAJA
from tests.contracts.cases import race
from tests.flows.world import VIEWER, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio

OCTOBER, NOVEMBER = "2026-10", "2026-11"


def sale(title: Title, id: str = "s1", gross: int = 118_00, **changes: Any) -> dict[str, Any]:
    """Return a rental of a title in October."""
    fact = {
        "id": id,
        "model": "rental",
        "title": f"{title.type}/{title.short_id}",
        "territory": "IN",
        "currency": "INR",
        "gross": gross,
        "tax": 18_00 if gross == 118_00 else 0,
        "at": "2026-10-05",
    }
    return {**fact, **changes}


async def bring(
    world: World,
    sections: dict[str, Any] | bytes | None,
    name: str = "sales",
    month: str = OCTOBER,
    *,
    actor: Actor = SYSTEM,
    entity: Any = NEWTACT,
    file: str = "facts.json",
    uow: Any = None,
) -> Brought:
    """Bring facts in; None announces them."""
    content = json.dumps(sections).encode() if isinstance(sections, dict) else sections
    command = BringFacts(entity, month, name, content, file)
    return await flows.bring_facts(
        actor, command, correlation_id="c1", uow=uow or world.uow, clock=world.clock
    )


async def set_terms(
    world: World,
    kind: InputKind,
    key: str,
    terms: Any,
    *,
    actor: Actor = SYSTEM,
    base: int | None = None,
    uow: Any = None,
) -> int:
    """Set terms; None takes them away."""
    command = SetTerms(NEWTACT, kind, key, terms, base)
    return await flows.set_terms(actor, command, correlation_id="c1", uow=uow or world.uow, clock=world.clock)


async def effect(world: World, kind: InputKind, key: str, terms: Any, month: str = OCTOBER) -> Effect:
    """Return what setting terms would mean for a month."""
    return await flows.terms_effect(SYSTEM, SetTerms(NEWTACT, kind, key, terms), month, uow=world.uow)


async def a_film(world: World) -> tuple[Title, str]:
    """Add a film of the first producer, who has 60 of 100, and return it with its licence's number."""
    licence = world.licence(share=Fraction(3, 5))
    return await world.add_title(TitleType.FILM, licences=[licence]), licence.number


async def earned(world: World, month: str = OCTOBER) -> dict[str, int]:
    """Return what each holder earned in a month as it lies there, in paise."""
    stated = await world.provisional(month)
    found = {item.holder: item.earned for item in stated.result.statements}
    [whole] = stated.result.reconciliations
    return found | {PLATFORM: whole.platform}


async def payable(world: World, month: str = OCTOBER) -> dict[str, int]:
    """Return what each account is paid for a month as it lies there."""
    stated = await world.provisional(month)
    return {one.account: one.payable for item in stated.result.statements for one in item.settlements}


# -- facts ------------------------------------------------------------------------------------------


async def test_facts_count_once_by_their_name(world: World) -> None:
    """The same facts again are answered and count once; others of that name are refused."""
    film, _ = await a_film(world)
    facts = {"sales": [sale(film), sale(film, "s2")]}
    first = await bring(world, facts)
    assert first == Brought(1, 2, is_new=True, is_late=False)
    assert await bring(world, facts) == evolve(first, is_new=False)
    # The same facts in another order of keys and as text of another shape are the same.
    again = [dict(reversed(item.items())) for item in facts["sales"]]
    assert await bring(world, json.dumps({"sales": again}, indent=3).encode()) == evolve(first, is_new=False)
    with pytest.raises(InputDiffers):
        await bring(world, {"sales": [sale(film)]})
    with pytest.raises(InputDiffers):
        await bring(world, facts, month="2026-09")
    assert await earned(world) == {world.producer.short_id: 120_00, PLATFORM: 80_00}
    assert await world.audit() == [("royalty.facts", "newtact:2026-10:sales")]


async def test_each_entity_has_facts_of_its_own(world: World) -> None:
    """One name may be used by both entities, and each counts its own."""
    film, _ = await a_film(world)
    await bring(world, {"sales": [sale(film)]})
    assert (await bring(world, {"sales": []}, entity=THAJA)).sequence == 1
    assert await earned(world) == {world.producer.short_id: 60_00, PLATFORM: 40_00}


async def test_a_csv_says_in_its_name_what_it_is(world: World) -> None:
    """Its rows are told by their line where they cannot be, blank lines counted."""
    film, _ = await a_film(world)
    heading = "id,model,title,territory,currency,gross,at\n"
    good = f"s1,rental,film/{film.short_id},IN,INR,10000,2026-10-05\n"
    found = await bring(world, (heading + good).encode(), file="sales-2026-10.csv")
    assert found.facts == 1
    bad = f"{heading}{good}\n,,,,,,\ns2,rental,film/zzzz,IN,INR,10000,2026-10-05\n"
    with pytest.raises(BadInput) as refused:
        await bring(world, bad.encode(), "more", file="sales.csv")
    [problem] = refused.value.problems
    assert (problem.file, problem.row, problem.column) == ("sales.csv", 4, "title")


async def test_facts_of_a_closed_month_are_late(world: World) -> None:
    """They stand in the next month as an adjustment, and the closed one stays as it is."""
    film, _ = await a_film(world)
    await bring(world, {"sales": [sale(film)]})
    world.clock.set(month_for(NEWTACT, OCTOBER).period.end)
    [closed] = (await world.close(OCTOBER, NEWTACT)).closed
    late = await bring(world, {"sales": [sale(film, "s2")]}, "late")
    assert late == Brought(2, 1, is_new=True, is_late=True)
    assert await bring(world, {"sales": [sale(film, "s2")]}, "late") == evolve(late, is_new=False)
    assert await earned(world, NOVEMBER) == {world.producer.short_id: 60_00, PLATFORM: 40_00}
    [again] = (await world.close(OCTOBER, NEWTACT)).closed
    assert [item.body for item in again.statements] == [item.body for item in closed.statements]


async def test_nothing_comes_in_before_the_first_closed_month(world: World) -> None:
    """The books begin with it; what is older is refused."""
    film, _ = await a_film(world)
    world.clock.set(month_for(NEWTACT, OCTOBER).period.end)
    await bring(world, {"sales": [sale(film)]}, "first")
    await world.close(OCTOBER, NEWTACT)
    with pytest.raises(PassedOver) as refused:
        await bring(world, {"sales": [sale(film, at="2026-09-05")]}, month="2026-09")
    assert refused.value.first == OCTOBER


async def test_nothing_comes_in_before_it_has_happened(world: World) -> None:
    """A month that has not begun in the entity's zone takes no facts, and none that is announced."""
    contents: tuple[dict[str, Any] | None, ...] = ({"sales": []}, None)
    for content in contents:
        with pytest.raises(InvalidValue, match="has not begun"):
            await bring(world, content, month=NOVEMBER)
    world.clock.set(datetime(2026, 10, 31, 18, 30, tzinfo=UTC))
    assert (await bring(world, {"sales": []}, month=NOVEMBER)).is_new


async def test_announced_facts_keep_a_month_open(world: World) -> None:
    """The close waits for them by name; announcing twice is once, and an empty file ends it."""
    film, _ = await a_film(world)
    await bring(world, {"sales": [sale(film)]})
    first = await bring(world, None, "watch")
    assert (first.facts, first.is_new) == (0, True)
    assert await bring(world, None, "watch") == evolve(first, is_new=False)
    with pytest.raises(InvalidValue, match="was announced"):
        await bring(world, {}, "watch", month="2026-09")
    world.clock.set(month_for(NEWTACT, OCTOBER).period.end)
    [refused] = (await world.close(OCTOBER, NEWTACT)).refused
    assert isinstance(refused, FactsPending)
    assert refused.names == ("watch",)
    assert (await bring(world, {}, "watch")).is_new
    # What has come is not awaited again.
    assert not (await bring(world, None, "watch")).is_new
    assert (await world.close(OCTOBER, NEWTACT)).closed
    with pytest.raises(InvalidValue, match="not awaited any more"):
        await bring(world, None, "other")


async def test_every_problem_of_a_file_is_told(world: World) -> None:
    """Unknown titles and licences, another month's facts and spends are told at once; nothing is stored."""
    film, _ = await a_film(world)
    before = await world.books()
    use = {
        "id": "t",
        "title": "film/zzzz",
        "territory": "IN",
        "kind": "bonus",
        "tokens": 2,
        "version": 1,
        "currency": "INR",
        "value": "40",
        "at": "2026-10-05",
    }
    facts = {
        "sales": [sale(film), {**sale(film, "s2", at="2026-11-05"), "title": "film/zzzz"}],
        "watch": [{"account": "a", "title": "film/zzzz", "territory": "IN", "seconds": 60}],
        "expenses": [{"id": "e1", "deal": "L-none", "amount": 5}],
        "tokens": [use],
    }
    with pytest.raises(BadInput) as refused:
        await bring(world, facts)
    assert [(item.column, item.row) for item in refused.value.problems] == [
        ("expenses[0].deal", 0),
        ("sales[1].at", 0),
        ("sales[1].title", 0),
        ("tokens", 0),
        ("watch[0].title", 0),
    ]
    assert all(item.fix for item in refused.value.problems)
    assert await world.books() == before


async def test_what_contradicts_the_months_facts_is_refused(world: World) -> None:
    """What could never be mended does not come in: an id told twice, or more seconds than the month has."""
    film, number = await a_film(world)
    watch = {"account": "a", "title": f"film/{film.short_id}", "territory": "IN", "seconds": 2_000_000}
    expense = {"id": "e1", "deal": number, "amount": 5_00}
    await bring(world, {"sales": [sale(film)], "watch": [watch], "expenses": [expense]})
    twice = {"sales": [sale(film)], "watch": [watch], "expenses": [expense]}
    with pytest.raises(BadInput) as refused:
        await bring(world, twice, "more")
    said = " ".join(item.text() for item in refused.value.problems)
    assert refused.value.count == 3
    for words in ("s1 is there twice", "e1 is there twice", "4000000 seconds"):
        assert words in said, words
    assert (await bring(world, {"sales": [sale(film, "s2")]}, "more")).is_new


async def test_watch_may_come_before_what_was_paid_for_it(world: World) -> None:
    """Files come in any order; a plan without any revenue is told when the month is stated."""
    film, _ = await a_film(world)
    plan = {"territory": "IN", "plan": "basic"}
    watch = {"account": "a", "title": f"film/{film.short_id}", "seconds": 600, **plan}
    assert (await bring(world, {"watch": [watch]}, "watch")).is_new
    with pytest.raises(TermsProblems, match="no revenue of it anywhere"):
        await flows.provisional_month(NEWTACT, OCTOBER, uow=world.uow)
    paid = {"id": "p1", "account": "a", "currency": "INR", "gross": 99_00, **plan}
    assert (await bring(world, {"subscriptions": [paid]}, "paid")).is_new
    stated = await flows.provisional_month(NEWTACT, OCTOBER, uow=world.uow)
    assert stated.bodies


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"{", "is no JSON"),
        (b"[]", "write an object"),
        (b"\xff\xfe", "is UTF-16"),
        (b'{"sale": []}', 'did you mean "sales"'),
        (b'{"sales": [{"id": "a"}]}', "is missing"),
        (b'{"deals": []}', "these are terms, not facts"),
        (b"[" * 100_000, "brackets within brackets"),
    ],
)
async def test_what_is_no_file_of_facts_is_refused(world: World, content: bytes, said: str) -> None:
    """It is said what is wrong and what to write, and nothing is written."""
    with pytest.raises(BadInput) as refused:
        await bring(world, content)
    assert said in refused.value.message()
    assert await world.audit() == []


async def test_a_file_that_is_too_long_is_refused(world: World) -> None:
    """More than 50 MB is split into several files."""
    with pytest.raises(InvalidValue, match="50 MB"):
        await bring(world, b" " * (inputs.MOST_BYTES + 1))


@pytest.mark.parametrize("name", ["", " a", "a" * 121, "a\nb", "a\0b"])
async def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    """A name is a short line of text."""
    with pytest.raises(InvalidValue):
        BringFacts(NEWTACT, OCTOBER, name, None)


async def test_two_files_at_once_both_count(world: World) -> None:
    """Two names at the same time get two places; one name comes in once."""
    film, _ = await a_film(world)
    found, refused = await race(
        bring(world, {"sales": [sale(film, "s1")]}, "a"), bring(world, {"sales": [sale(film, "s2")]}, "b")
    )
    assert (sorted(item.sequence for item in found), refused) == ([1, 2], [])
    same = {"sales": [sale(film, "s3")]}
    found, refused = await race(*(bring(world, same, "c") for _ in range(3)))
    assert ([item.sequence for item in found], refused) == ([3] * 3, [])
    assert sorted(item.is_new for item in found) == [False, False, True]
    assert await earned(world) == {world.producer.short_id: 180_00, PLATFORM: 120_00}


async def test_only_who_may_brings_facts_in(world: World) -> None:
    """A viewer and support may not; finance may once a second factor is proved."""
    for actor in (VIEWER, await world.staff("support")):
        with pytest.raises(NotPermitted):
            await bring(world, {}, actor=actor)
    finance = await world.staff("finance")
    with pytest.raises(SecondFactorNeeded):
        await bring(world, {}, actor=evolve(finance, has_second_factor=False))
    assert (await bring(world, {}, actor=finance)).is_new


async def test_what_breaks_off_leaves_no_input(world: World) -> None:
    """Where it fails after the facts or terms were written, neither they nor a record stay."""
    film, number = await a_film(world)
    before = await world.books()
    broken = Tampered(world.uow, "royalty_inputs", "add", after=break_off)
    with pytest.raises(Broken):
        await bring(world, {"sales": [sale(film)]}, uow=broken)
    with pytest.raises(Broken):
        await set_terms(world, InputKind.LICENCE, number, {"preset": "short"}, uow=broken)
    assert await world.books() == before


# -- terms ------------------------------------------------------------------------------------------


async def test_terms_of_a_licence_are_set_replaced_and_removed(world: World) -> None:
    """They count at once for months that are open; removed, the licence's own share counts again."""
    film, number = await a_film(world)
    await bring(world, {"sales": [sale(film)]})
    assert await set_terms(world, InputKind.LICENCE, number, {"preset": "short"}) == 2
    assert (await earned(world))[PLATFORM] == 70_00
    assert await set_terms(world, InputKind.LICENCE, number, {"rates": {"rental": "1/3"}, "fee": "10%"}) == 3
    assert await earned(world) == {world.producer.short_id: 30_00, PLATFORM: 70_00}
    # The same again changes nothing.
    assert await set_terms(world, InputKind.LICENCE, number, {"fee": "10%", "rates": {"rental": "1/3"}}) == 3
    assert await set_terms(world, InputKind.LICENCE, number, None) == 4
    assert await set_terms(world, InputKind.LICENCE, number, None) == 4
    assert (await earned(world))[PLATFORM] == 40_00
    records = await world.records("royalty.terms")
    assert [json.loads(item.after)["terms"] for item in reversed(records)][-1] is None or len(records) == 3
    assert {item.resource for item in records} == {f"newtact:licence:{number}"}


async def test_an_account_has_an_advance_that_earnings_cover(world: World) -> None:
    """A licence names it, what it earns is recouped first, and both can be taken away in order."""
    film, number = await a_film(world)
    await bring(world, {"sales": [sale(film)]})
    asha = {"holder": world.producer.short_id, "currency": "INR", "advance": 50_00}
    await set_terms(world, InputKind.ACCOUNT, "asha", asha)
    await set_terms(world, InputKind.LICENCE, number, {"account": "asha"})
    assert await payable(world) == {"asha": 10_00}
    with pytest.raises(BadInput) as refused:
        await set_terms(world, InputKind.ACCOUNT, "asha", None)
    assert refused.value.problems[0].column == f"licence {number}"
    await set_terms(world, InputKind.LICENCE, number, None)
    await set_terms(world, InputKind.ACCOUNT, "asha", None)
    assert list((await payable(world)).values()) == [60_00]


async def test_an_advance_that_was_covered_stays(world: World) -> None:
    """After a close has recouped, neither the account nor its advance can be taken away."""
    film, number = await a_film(world)
    await bring(world, {"sales": [sale(film)]})
    asha = {"holder": world.producer.short_id, "currency": "INR", "advance": 50_00}
    await set_terms(world, InputKind.ACCOUNT, "asha", asha)
    await set_terms(world, InputKind.LICENCE, number, {"account": "asha"})
    world.clock.set(month_for(NEWTACT, OCTOBER).period.end)
    await world.close(OCTOBER, NEWTACT)
    await set_terms(world, InputKind.LICENCE, number, None)
    with pytest.raises(BadInput, match="brought forward"):
        await set_terms(world, InputKind.ACCOUNT, "asha", None)
    with pytest.raises(BadInput, match="recouped"):
        await set_terms(world, InputKind.ACCOUNT, "asha", {**asha, "advance": 0})
    assert await set_terms(world, InputKind.ACCOUNT, "asha", {**asha, "advance": 70_00}) == 5


async def test_a_plan_has_a_rule_for_its_pools(world: World) -> None:
    """Two subscribers' money goes by their own seconds once the rule says so."""
    one, _ = await a_film(world)
    other_producer = await world.add_producer()
    two = await world.add_title(
        TitleType.FILM, licences=[world.licence(partner=other_producer, share=Fraction(3, 5))]
    )
    paid = {"plan": "gold", "territory": "IN", "currency": "INR", "gross": 100_00}
    facts = {
        "subscriptions": [{**paid, "id": "a", "account": "a"}, {**paid, "id": "b", "account": "b"}],
        "watch": [
            {
                "account": who,
                "title": f"film/{title.short_id}",
                "territory": "IN",
                "plan": "gold",
                "seconds": n,
            }
            for who, title, n in (("a", one, 100), ("b", two, 300))
        ],
    }
    await bring(world, facts)
    holders = (world.producer.short_id, other_producer.short_id)
    assert [(await earned(world))[name] for name in holders] == [30_00, 90_00]
    await set_terms(world, InputKind.POOL, "gold", {"method": "user_centric"})
    assert [(await earned(world))[name] for name in holders] == [60_00, 60_00]


async def test_terms_of_a_closed_month_stay_what_they_were(world: World) -> None:
    """What is set after a close counts from the next month on."""
    film, number = await a_film(world)
    await bring(world, {"sales": [sale(film)]})
    world.clock.set(month_for(NEWTACT, OCTOBER).period.end)
    await world.close(OCTOBER, NEWTACT)
    await set_terms(world, InputKind.LICENCE, number, {"preset": "short"})
    await bring(world, {"sales": [sale(film, "s2", at="2026-11-01")]}, "more", NOVEMBER)
    assert await earned(world, NOVEMBER) == {world.producer.short_id: 30_00, PLATFORM: 70_00}
    assert not (await world.close(OCTOBER, NEWTACT)).refused


@pytest.mark.parametrize(
    ("kind", "terms", "column"),
    [
        (InputKind.LICENCE, {"preset": "filn"}, "preset"),
        (InputKind.LICENCE, {"rates": {"rental": "150%"}}, "rates.rental"),
        (InputKind.LICENCE, {"rates": {"rentals": "50%"}}, "rates.rentals"),
        (InputKind.LICENCE, {"fee": "-1%"}, "fee"),
        (InputKind.LICENCE, {"part": "50%"}, "part"),
        (InputKind.LICENCE, {"expense_cap": -5}, "expense_cap"),
        (InputKind.LICENCE, {"account": "none-such"}, "licence "),
        (InputKind.ACCOUNT, {"currency": "INR"}, "holder"),
        (InputKind.ACCOUNT, {"holder": "zzzz", "currency": "INR"}, "accounts."),
        (InputKind.ACCOUNT, {"holder": "P", "currency": "RUPEES"}, "account "),
        (InputKind.ACCOUNT, {"holder": "P", "currency": "INR", "recoups": ["other"]}, "account "),
        (InputKind.ACCOUNT, {"holder": "P", "currency": "INR", "id": "other"}, "id"),
        (
            InputKind.ACCOUNT,
            {"holder": "P", "currency": "INR", "reserve": {"part": "1/2"}},
            "reserve.periods",
        ),
        (InputKind.POOL, {"method": "by_luck"}, "method"),
        (InputKind.POOL, {"min_seconds": -1}, "min_seconds"),
    ],
)
async def test_terms_that_cannot_be_are_refused_at_their_key(
    world: World, kind: InputKind, terms: dict[str, Any], column: str
) -> None:
    """Each is told by its key, by setting them and by asking for their effect; nothing is written."""
    _, number = await a_film(world)
    before = await world.books()
    if terms.get("holder") == "P":
        terms = {**terms, "holder": world.producer.short_id}
    key = number if kind is InputKind.LICENCE else "asha"
    for act in (set_terms, effect):
        with pytest.raises(BadInput) as refused:
            await act(world, kind, key, terms)
        assert refused.value.problems[0].column.startswith(column)
        assert refused.value.problems[0].fix
    assert await world.books() == before


async def test_every_problem_of_terms_is_told(world: World) -> None:
    """Two faults of form are told together."""
    _, number = await a_film(world)
    with pytest.raises(BadInput) as refused:
        await set_terms(world, InputKind.LICENCE, number, {"fee": "x", "ads_by": "luck", "colour": 1})
    assert [item.column for item in refused.value.problems] == ["ads_by", "colour", "fee"]
    with pytest.raises(InvalidValue):
        await set_terms(world, InputKind.LICENCE, number, {"fee": 0.1})


async def test_a_problem_that_was_there_before_is_no_reason(world: World) -> None:
    """Terms that are right are set while an account's wait to be mended; others tell only of their own."""
    _, number = await a_film(world)
    term = {"minimum": 5_00, "starts_at": "2026-12-15", "ends_at": "2027-01-01"}
    asha = {"holder": world.producer.short_id, "currency": "INR", "guarantees": [term]}
    with pytest.raises(BadInput, match="account asha: the guarantee of account asha begins or ends at"):
        await set_terms(world, InputKind.ACCOUNT, "asha", asha)
    # Terms of an earlier version may have what is refused today.
    body = canonical_bytes({**asha, "id": "asha"})
    older = Input(NEWTACT.id, 1, InputKind.ACCOUNT, "asha", "", body, world.clock.now())
    async with world.uow.begin() as tx:
        await inputs._store_in(tx, SYSTEM, older, inputs.SET, "c1")
    assert await set_terms(world, InputKind.LICENCE, number, {"fee": "5%"}) == 2
    with pytest.raises(BadInput) as refused:
        await set_terms(world, InputKind.LICENCE, number, {"account": "none-such"})
    assert refused.value.count == 1
    later = {**asha, "guarantees": [{**term, "starts_at": "2026-12-01"}]}
    assert await set_terms(world, InputKind.ACCOUNT, "asha", later) == 3


async def test_what_there_is_not_is_not_found(world: World) -> None:
    """A licence that is none, and terms that were never set, are said by name."""
    for kind, terms in ((InputKind.LICENCE, {"fee": "0"}), (InputKind.POOL, None), (InputKind.ACCOUNT, None)):
        with pytest.raises(InputNotFound):
            await set_terms(world, kind, "none-such", terms)
    with pytest.raises(InvalidValue):
        await set_terms(world, InputKind.FACTS, "sales", {})


async def test_terms_that_somebody_else_set_are_not_set_over(world: World) -> None:
    """Who looked at older terms is told, and the same terms again are no contradiction."""
    _, number = await a_film(world)
    assert await set_terms(world, InputKind.LICENCE, number, {"fee": "5%"}, base=0) == 1
    assert await set_terms(world, InputKind.LICENCE, number, {"fee": "5%"}, base=0) == 1
    with pytest.raises(TermsChanged) as refused:
        await set_terms(world, InputKind.LICENCE, number, {"fee": "6%"}, base=0)
    assert (refused.value.seen, refused.value.sequence) == (0, 1)
    assert await set_terms(world, InputKind.LICENCE, number, {"fee": "6%"}, base=1) == 2


async def test_two_who_set_terms_at_once_come_one_after_the_other(world: World) -> None:
    """Both are written, each with its place."""
    _, number = await a_film(world)
    found, refused = await race(
        set_terms(world, InputKind.LICENCE, number, {"fee": "5%"}),
        set_terms(world, InputKind.POOL, "gold", {"method": "user_centric"}),
    )
    assert (sorted(found), refused) == ([1, 2], [])


async def test_only_who_may_sets_terms(world: World) -> None:
    """Finance publishes and sets none; royalty operations do, with a second factor; partners never."""
    _, number = await a_film(world)
    fee = {"fee": "5%"}
    for actor in (VIEWER, await world.staff("finance"), await world.staff("content_manager")):
        with pytest.raises(NotPermitted):
            await set_terms(world, InputKind.LICENCE, number, fee, actor=actor)
    ops = await world.staff("royalty_ops")
    with pytest.raises(SecondFactorNeeded):
        await set_terms(world, InputKind.LICENCE, number, fee, actor=evolve(ops, has_second_factor=False))
    assert await set_terms(world, InputKind.LICENCE, number, fee, actor=ops) == 1
    with pytest.raises(NotPermitted):
        await flows.terms_effect(
            VIEWER, SetTerms(NEWTACT, InputKind.LICENCE, number, fee), OCTOBER, uow=world.uow
        )


# -- effects ----------------------------------------------------------------------------------------


async def test_an_effect_says_who_would_have_what_and_writes_nothing(world: World) -> None:
    """By holder and title, with totals, for an open month and for a closed one; spends count too."""
    film, number = await a_film(world)
    await bring(world, {"sales": [sale(film)]})
    guest = await world.guest()
    await world.earn(guest, 20, PAID)
    await world.unlock(guest, film)
    before = await world.books()
    found = await effect(world, InputKind.LICENCE, number, {"rates": {"rental": "70%"}})
    mine, platform = found.differences
    name = f"film/{film.short_id}"
    assert (mine.holder, mine.title, mine.change) == (world.producer.short_id, name, Fraction(10_00))
    assert (platform.holder, platform.change) == (PLATFORM, Fraction(-10_00))
    assert [item.earned_then.minor - item.earned.minor for item in found.totals] == [10_00, -10_00]
    assert found.is_changed
    same = await effect(world, InputKind.LICENCE, number, {"rates": {"rental": "60%"}})
    assert (same.differences, same.is_changed) == ((), False)
    assert await world.books() == before
    world.clock.set(month_for(NEWTACT, OCTOBER).period.end + timedelta(days=1))
    await world.close(OCTOBER, NEWTACT)
    assert (await effect(world, InputKind.LICENCE, number, {"rates": {"rental": "70%"}})).differences == (
        found.differences
    )


async def test_an_advance_changes_what_is_paid_and_not_what_is_earned(world: World) -> None:
    """The effect has no difference by title, and tells that less is paid."""
    film, number = await a_film(world)
    await bring(world, {"sales": [sale(film)]})
    asha = {"holder": world.producer.short_id, "currency": "INR"}
    await set_terms(world, InputKind.ACCOUNT, "asha", asha)
    await set_terms(world, InputKind.LICENCE, number, {"account": "asha"})
    found = await effect(world, InputKind.ACCOUNT, "asha", {**asha, "advance": 25_00})
    assert found.differences == ()
    [mine] = [item for item in found.totals if item.is_changed]
    assert (mine.payable.minor, mine.payable_then.minor) == (60_00, 35_00)


async def test_terms_that_mend_a_month_can_be_tried(world: World) -> None:
    """Where a month cannot be stated as it is, terms that mend it are told, and others are not to blame."""
    _, number = await a_film(world)
    paid = {"id": "a", "plan": "gold", "territory": "IN", "currency": "INR", "gross": 100_00}
    await bring(world, {"subscriptions": [paid]})
    with pytest.raises(TermsProblems, match="needs the account"):
        await effect(world, InputKind.POOL, "gold", {"method": "user_centric"})
    await set_terms(world, InputKind.POOL, "gold", {"method": "user_centric"})
    other = await effect(world, InputKind.LICENCE, number, {"preset": "short"})
    assert (other.now, other.then, len(other.problems)) == (None, None, 1)
    mended = await effect(world, InputKind.POOL, "gold", None)
    assert (mended.now, mended.problems, mended.is_changed) == (None, (), True)
    assert mended.then is not None
    assert mended.differences == ()
    await set_terms(world, InputKind.POOL, "gold", None)
    assert await earned(world) == {PLATFORM: 100_00}


async def test_an_effect_of_a_month_that_is_none_is_refused(world: World) -> None:
    """The month is told."""
    _, number = await a_film(world)
    with pytest.raises(BuddyError) as refused:
        await effect(world, InputKind.LICENCE, number, {}, "2026-13")
    assert refused.value.code == "kernel.invalid_month"


# -- facts of a closed month ------------------------------------------------------------------------

USD = {"base": "USD", "quote": "INR", "rate": "80", "source": "RBI", "at": "2026-10-02"}
BY_GROSS = {
    "bands": [{"over": 0, "up_to": 1000, "rate": "40%"}, {"over": 1000, "rate": "50%"}],
    "basis": "gross",
}


@pytest.mark.parametrize(
    ("terms", "late", "said"),
    [
        (
            {"rates": {"rental": BY_GROSS}},
            lambda film: {"sales": [sale(film, "l", currency="USD")], "rates": [USD]},
            "has money of several currencies, and counts or takes back money; name an account",
        ),
        (
            {"rates": {"subscription": {"first": "40%", "then": [{"at": "2026-10-15", "rate": "50%"}]}}},
            lambda film: {
                "subscriptions": [
                    {"id": "r", "plan": "gold", "territory": "IN", "currency": "INR", "gross": 5}
                ],
                "watch": [
                    {
                        "account": "v",
                        "title": f"film/{film.short_id}",
                        "territory": "IN",
                        "plan": "gold",
                        "seconds": 5,
                    }
                ],
            },
            "changes within the month, so watch",
        ),
    ],
)
async def test_what_a_closed_month_could_never_state_does_not_come_in(
    world: World, terms: dict[str, Any], late: Any, said: str
) -> None:
    """Its terms stay as they were closed: a file that needs others is refused, and later months go on."""
    film, number = await a_film(world)
    await set_terms(world, InputKind.LICENCE, number, terms)
    await bring(world, {"sales": [sale(film)]})
    world.clock.set(datetime(2026, 11, 20, tzinfo=UTC))
    await world.close(OCTOBER)
    await world.close(OCTOBER)
    with pytest.raises(BadInput) as refused:
        await bring(world, late(film), "late")
    [problem] = refused.value.problems
    assert problem.what.startswith("2026-10 is closed, and its terms stay as they are: ")
    assert said in problem.text()
    assert problem.fix.endswith("is brought in for the next open month, as of a day in it")
    await bring(world, {"sales": [sale(film, "s2", 100, at="2026-11-03")]}, "more", NOVEMBER)
    assert (await world.provisional(NOVEMBER)).result.statements


@define
class Overtaken:
    """A unit of work whose first reading is followed by what somebody else does."""

    uow: Any
    meanwhile: Callable[[], Awaitable[Any]]
    was_read: bool = False

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Any]:
        """Read, and let the other go first before anything is written."""
        async with self.uow.read() as tx:
            yield tx
        if not self.was_read:
            self.was_read = True
            await self.meanwhile()

    def begin(self) -> Any:
        """Write as ever."""
        return self.uow.begin()


async def test_a_file_that_is_overtaken_by_the_close_is_late(world: World) -> None:
    """It was in time when it was read, and is looked at once more with the terms of the closed month."""
    film, number = await a_film(world)
    await set_terms(world, InputKind.LICENCE, number, {"rates": {"rental": BY_GROSS}})
    await bring(world, {"sales": [sale(film)]})
    world.clock.set(datetime(2026, 11, 20, tzinfo=UTC))

    async def close() -> None:
        await world.close(OCTOBER)
        await world.close(OCTOBER)

    overtaken = Overtaken(world.uow, close)
    with pytest.raises(BadInput, match="2026-10 is closed, and its terms stay as they are"):
        await bring(world, {"sales": [sale(film, "l", currency="USD")], "rates": [USD]}, "l", uow=overtaken)
    assert overtaken.was_read
    async with world.uow.read() as tx:
        assert await tx.royalty_inputs.find(NEWTACT.id, InputKind.FACTS, "l") is None


async def test_what_late_facts_need_comes_before_them(world: World) -> None:
    """A rate that is missing is told; once it is there, what was sold in its currency comes in."""
    film, _ = await a_film(world)
    await set_terms(world, InputKind.WATERFALL, f"film/{film.short_id}", waterfall(world))
    await bring(world, {"sales": [sale(film)]})
    world.clock.set(datetime(2026, 11, 20, tzinfo=UTC))
    await world.close(OCTOBER)
    await world.close(OCTOBER)
    with pytest.raises(BadInput, match="there is no rate from USD to INR; add one"):
        await bring(world, {"sales": [sale(film, "l", currency="USD")]}, "late")
    await bring(world, {"rates": [USD]}, "rates")
    assert (await bring(world, {"sales": [sale(film, "l", currency="USD")]}, "late")).is_late
    assert (await world.provisional(NOVEMBER)).result.statements


# -- waterfalls -------------------------------------------------------------------------------------


def waterfall(world: World, **changes: Any) -> dict[str, Any]:
    """Return a fee of the platform, and an investment that the first producer recoups."""
    fee = {"name": "fee", "takes": "percent_of_gross", "rate": "10%", "taker": "platform"}
    equity = {"name": "equity", "takes": "recoup", "amount": 50_00, "taker": world.producer.short_id}
    return {"currency": "INR", "steps": [fee, equity], **changes}


async def test_a_waterfall_takes_before_the_licences(world: World) -> None:
    """What a title netted runs through its steps first, and its licences share what they leave."""
    film, _ = await a_film(world)
    public = f"film/{film.short_id}"
    await bring(world, {"sales": [sale(film)]})
    before = await earned(world)
    steps = waterfall(world)
    tried = await effect(world, InputKind.WATERFALL, public, steps)
    # Of 100.00 the fee has 10.00 and the investor 50.00; of 40.00 left the licence gives 60 %.
    assert await earned(world) == before == {world.producer.short_id: 60_00, PLATFORM: 40_00}
    assert {item.holder: item.earned_then.minor for item in tried.totals} == {
        world.producer.short_id: 74_00,
        PLATFORM: 26_00,
    }
    assert await set_terms(world, InputKind.WATERFALL, public, steps) == 2
    assert await set_terms(world, InputKind.WATERFALL, public, {**steps, "id": public, "title": public}) == 2
    assert await earned(world) == {world.producer.short_id: 74_00, PLATFORM: 26_00}
    world.clock.set(datetime(2026, 11, 20, tzinfo=UTC))
    # What it has received and taken goes into the next month, open or closed.
    await bring(world, {"sales": [sale(film, "s2", 100_00, at="2026-11-03")]}, "more", NOVEMBER)
    assert await earned(world, NOVEMBER) == {world.producer.short_id: 54_00, PLATFORM: 46_00}
    await set_terms(world, InputKind.WATERFALL, public, None)
    assert await earned(world) == before


async def test_a_waterfall_is_carried_over_a_close(world: World) -> None:
    """A closed month keeps its steps and where they stand, and states itself again byte by byte."""
    film, _ = await a_film(world)
    await bring(world, {"sales": [sale(film)]})
    await set_terms(world, InputKind.WATERFALL, f"film/{film.short_id}", waterfall(world))
    world.clock.set(datetime(2026, 11, 20, tzinfo=UTC))
    await world.close(OCTOBER)
    await world.close(OCTOBER)
    await bring(world, {"sales": [sale(film, "s2", 100_00, at="2026-11-03")]}, "more", NOVEMBER)
    assert await earned(world, NOVEMBER) == {world.producer.short_id: 54_00, PLATFORM: 46_00}
    await bring(world, {"sales": [sale(film, "late", 0, refund=100_00)]}, "late")
    found = await world.provisional(NOVEMBER)
    assert found.result.balances.waterfalls[f"film/{film.short_id}"].received == 100_00
    lines = [line for item in found.result.statements for line in item.lines if line.adjusts]
    assert {line.step: line.amount for line in lines} == {"": -24_00, "equity": -50_00}


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"steps": [{"name": "fee", "takes": "percent_of_gross", "taker": "platform"}]}, "steps[0].rate"),
        ({"currency": "RUPEES"}, "waterfall film/"),
        ({"colour": 1}, "colour"),
        ({"title": "film/zzzz"}, "title"),
        ({"id": "other"}, "id"),
        (
            {"steps": [{"name": "fee", "takes": "fixed", "amount": 1, "taker": "zzzz"}]},
            "waterfall film/",
        ),
        (
            {"steps": [{"name": "x", "takes": "fixed", "amount": 1, "taker": "P", "account": "none"}]},
            "waterfall film/",
        ),
    ],
)
async def test_a_waterfall_that_cannot_be_is_refused(
    world: World, changes: dict[str, Any], column: str
) -> None:
    """Unknown takers, accounts and keys are told with their place, and nothing is set."""
    film, _ = await a_film(world)
    public = f"film/{film.short_id}"
    text = json.dumps(waterfall(world, **changes)).replace('"P"', f'"{world.producer.short_id}"')
    with pytest.raises(BadInput) as caught:
        await set_terms(world, InputKind.WATERFALL, public, json.loads(text))
    assert [item.column.startswith(column) for item in caught.value.problems] == [True]
    with pytest.raises(InputNotFound):
        await set_terms(world, InputKind.WATERFALL, "film/zzzz", waterfall(world))
    with pytest.raises(InputNotFound):
        await set_terms(world, InputKind.WATERFALL, public, None)
