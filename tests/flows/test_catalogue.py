"""The catalogue: ids and slugs that are each one title's, and links that find it."""

from __future__ import annotations

import asyncio

import pytest

from buddy_core.catalog import Producer, TitleNotFound, TitleType
from buddy_core.flows import add_producer, find_title
from buddy_core.kernel import PartnerId
from buddy_core.rights import RatingUnknown
from buddy_core.shortids import ShortIdIllegal, ShortIdPublished, ShortIdTaken, change_in
from tests.flows.world import START, Broken, Tampered, World, break_off

pytestmark = pytest.mark.anyio


async def test_a_title_gets_id_and_slug(world: World) -> None:
    """A generated id of four characters, and a slug out of the name in Latin letters, each once a type."""
    first = await world.add_title(name="Kahaani: एक शहर")
    again = await world.add_title(name="Kahaani: एक शहर")
    film = await world.add_title(TitleType.FILM, name="Kahaani: एक शहर")
    assert len(first.short_id) == 4
    assert first.slug == "kahaani-ek-shahar" == film.slug
    assert again.slug == f"{first.slug}-2"
    assert again.short_id != first.short_id
    for title in (first, again, film):
        assert await find_title(title.type, title.short_id, uow=world.uow) == title


async def test_a_link_in_look_alikes_finds_the_title(world: World) -> None:
    """Capitals and look-alikes lead to the same title; another type, a strange text and no title do not."""
    title = await world.add_title(TitleType.FILM, short_id="moon1")
    for text in ("moon1", "MOON1", "m00nl", "mOoNi"):
        assert await find_title("film", text, uow=world.uow) == title
    for kind, text in (("episode", "moon1"), ("film", "moon2"), ("opera", "moon1"), ("film", "")):
        with pytest.raises(TitleNotFound):
            await find_title(kind, text, uow=world.uow)


async def test_an_id_by_hand_is_one_titles(world: World) -> None:
    """A taken id, one that only looks different and an illegal one are refused, and no title is left."""
    await world.add_title(TitleType.FILM, short_id="moon1")
    for wanted, error in (("moon1", ShortIdTaken), ("m00ni", ShortIdTaken), ("no", ShortIdIllegal)):
        with pytest.raises(error):
            await world.add_title(TitleType.FILM, short_id=wanted)
    async with world.uow.read() as tx:
        assert len(await tx.titles.all()) == 1
    assert (await world.add_title(TitleType.SHORT, short_id="moon1")).short_id == "moon1"


async def test_a_published_id_never_changes(world: World) -> None:
    """A draft's id may still be changed; that of a title which is out, or has a date, may not."""
    draft = await world.add_title(published_at=None)
    out, soon = await world.add_title(), await world.add_title(published_at=START)
    for title in (out, soon):
        with pytest.raises(ShortIdPublished):
            async with world.uow.begin() as tx:
                await change_in(tx, title.id, "other", START)
    async with world.uow.begin() as tx:
        assert (await change_in(tx, draft.id, "other", START)).short_id.text == "other"


async def test_titles_added_at_once_are_apart(world: World) -> None:
    """Eight titles of one name at once get eight ids and eight slugs."""
    titles = await asyncio.gather(*(world.add_title(name="Same") for _ in range(8)))
    assert len({title.short_id for title in titles}) == len({title.slug for title in titles}) == 8


async def test_a_producer_has_an_id(world: World) -> None:
    """A producer's id is generated or chosen by hand, and each is one producer's."""
    chosen = Producer(PartnerId(world.ids.uuid7()), "marigold", "Marigold")
    assert await add_producer(chosen, uow=world.uow, clock=world.clock, stock=world.stock) == chosen
    assert len(world.producer.short_id) == 4
    twin = Producer(PartnerId(world.ids.uuid7()), "mar1g01d", "Twin")
    with pytest.raises(ShortIdTaken):
        await add_producer(twin, uow=world.uow, clock=world.clock, stock=world.stock)


async def test_a_broken_addition_leaves_nothing(world: World) -> None:
    """When the rights cannot be written, there is neither title nor id; the id can be used again."""
    whole = world.uow
    world.uow = Tampered(whole, "rights", "append", after=break_off)
    with pytest.raises(Broken):
        await world.add_title(TitleType.FILM, short_id="moon1")
    world.uow = whole
    async with world.uow.read() as tx:
        assert await tx.titles.all() == []
    assert (await world.add_title(TitleType.FILM, short_id="moon1")).short_id == "moon1"


async def test_a_title_has_a_certificate_that_is_known(world: World) -> None:
    """One that stands for no age is refused and nothing stored; one written otherwise is put right."""
    with pytest.raises(RatingUnknown):
        await world.add_title(maturity="PG-12")
    async with world.uow.read() as tx:
        assert await tx.titles.all() == []
    assert (await world.add_title(maturity="u/a 13+")).maturity == "UA 13+"
