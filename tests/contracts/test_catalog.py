"""The contracts of the `Titles` and `Producers` ports."""

from __future__ import annotations

from typing import Any

import pytest

from buddy_core.catalog import Producer, Title, TitleType
from buddy_core.kernel import Contention, PartnerId
from tests.contracts.cases import AT, Uow, title, uid

pytestmark = pytest.mark.anyio

FILM, EPISODE = TitleType.FILM, TitleType.EPISODE


def producer(number: int, name: str) -> Producer:
    """Return a producer."""
    return Producer(PartnerId(uid(number)), f"pr{number}", name)


def make(nth: int, **changes: Any) -> Title:
    """Return a film, or what the changes make of it."""
    values: dict[str, Any] = {
        "id": title(nth),
        "short_id": f"t9k{nth}",
        "slug": f"film-{nth}",
        "type": FILM,
        "name": f"Film {nth}",
        "synopsis": "A night in Mumbai.\nAnd a day.",
        "producer_id": PartnerId(uid(1)),
        "maturity": "UA 13+",
        "languages": ("hi", "en"),
        "year": 2026,
        "duration_s": 5_400,
        "published_at": AT,
        "media_key": f"media-{nth}",
    }
    return Title(**{**values, **changes})


async def add(uow: Uow, *titles: Title) -> None:
    """Add titles in a transaction of its own."""
    async with uow.begin() as tx:
        for item in titles:
            await tx.titles.add(item)


async def test_titles_come_back(uow: Uow) -> None:
    """A title is found by id, and by short id in its type, with every field, empty ones too."""
    film = make(1, name="रात और दिन", languages=())
    series = make(2, type=TitleType.SERIES, media_key=None, published_at=None)
    episode = make(3, type=EPISODE, parent_id=series.id, number=1)
    await add(uow, film, series, episode)
    async with uow.read() as tx:
        wanted = [film.id, episode.id, title(9)]
        assert await tx.titles.get(wanted) == {film.id: film, episode.id: episode}
        assert await tx.titles.get([]) == {}
        assert await tx.titles.find(TitleType.SERIES, "t9k2") == series
        assert await tx.titles.find(FILM, "t9k2") is None
        assert await tx.titles.find(FILM, "T9K1") is None
    async with uow.begin() as tx:
        assert await tx.titles.lock([episode.id, film.id, title(9)]) == {film.id: film, episode.id: episode}
        assert await tx.titles.lock([]) == {}


async def test_many_titles_are_found_by_their_names_at_once(uow: Uow) -> None:
    """Titles come by type and short id, another type's does not, and 40,000 names may be asked."""
    film, short, other = make(1), make(2, type=TitleType.SHORT, short_id="t9k1"), make(3)
    await add(uow, film, short, other)
    async with uow.read() as tx:
        assert await tx.titles.named([(FILM, "t9k1"), (FILM, "none")]) == {(FILM, "t9k1"): film}
        both = [(FILM, "t9k3"), (TitleType.SHORT, "t9k1")]
        assert await tx.titles.named(both) == {(FILM, "t9k3"): other, (TitleType.SHORT, "t9k1"): short}
        assert await tx.titles.named([]) == {}
        many = [(FILM, f"none{number}") for number in range(40_000)]
        assert await tx.titles.named([*many, (FILM, "t9k1")]) == {(FILM, "t9k1"): film}


async def test_titles_stand_in_order(uow: Uow) -> None:
    """All titles come by type, then parent, then number, then name by code point."""
    first, second = title(50), title(51)
    films = [make(number, name=name) for number, name in enumerate(["Banana", "apple", "Éclair"])]
    episodes = [
        make(10 + number, type=EPISODE, parent_id=parent, number=place)
        for number, (parent, place) in enumerate([(first, 1), (first, 2), (first, 10), (second, 1)])
    ]
    await add(uow, *reversed(films), *reversed(episodes))
    async with uow.read() as tx:
        assert await tx.titles.all() == [*episodes, *films]


@pytest.mark.parametrize("changes", [{"short_id": "t9k1"}, {"slug": "film-1"}])
async def test_public_names_are_used_once_in_a_type(uow: Uow, changes: dict[str, str]) -> None:
    """A short id or slug that is taken in the type is contention; in another type it is free."""
    await add(uow, make(1))
    with pytest.raises(Contention):
        await add(uow, make(2, **changes))
    await add(uow, make(3, type=TitleType.SHORT, **changes))
    async with uow.read() as tx:
        assert set(await tx.titles.get([title(1), title(2), title(3)])) == {title(1), title(3)}


async def test_slugs_are_found_by_their_beginning(uow: Uow) -> None:
    """Slugs of one type that begin with the prefix are named; a prefix is no pattern."""
    await add(
        uow,
        make(1, slug="raat"),
        make(2, slug="raat-2"),
        make(3, slug="barsaat"),
        make(4, slug="raat", type=TitleType.SHORT),
    )
    async with uow.read() as tx:
        assert await tx.titles.slugs(FILM, "raat") == {"raat", "raat-2"}
        assert await tx.titles.slugs(FILM, "") == {"raat", "raat-2", "barsaat"}
        assert await tx.titles.slugs(FILM, "r%t") == set()
        assert await tx.titles.slugs(FILM, "raa_") == set()


async def test_producers_come_back_by_name(uow: Uow) -> None:
    """Producers are found by id and listed by name, by code point."""
    made = [producer(1, "Zubaan"), producer(2, "apricot"), producer(3, "Élan")]
    async with uow.begin() as tx:
        assert await tx.producers.all() == []
        for item in reversed(made):
            await tx.producers.add(item)
    async with uow.read() as tx:
        assert await tx.producers.all() == made
        assert await tx.producers.get([made[1].id, PartnerId(uid(9))]) == {made[1].id: made[1]}
