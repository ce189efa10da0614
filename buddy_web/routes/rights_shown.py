"""What is in books of rights, in the form in which the API answers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from buddy_core.catalog import Producer, Title
from buddy_core.kernel.ids import PartnerId
from buddy_core.rights import Licence, Rating, Spell, Takedown, Window, sells
from buddy_core.views import RightsItems
from buddy_web.rights_names import RightsNames
from buddy_web.schemas import rights as schema


def title_shown(title: Title) -> schema.TitleName:
    """Return a title by its type and short id."""
    return schema.TitleName(type=title.type.value, id=title.short_id, name=title.name)


def items_shown(
    names: RightsNames, items: RightsItems, partners: Mapping[PartnerId, Producer]
) -> dict[str, list[Any]]:
    """Return things of a book by kind."""
    return {
        "licences": [_licence(names, item, partners) for item in items.licences],
        "windows": [_window(names, item) for item in items.windows],
        "ratings": [_rating(item) for item in items.ratings],
        "takedowns": [_takedown(names, item) for item in items.takedowns],
    }


def _licence(names: RightsNames, item: Licence, partners: Mapping[PartnerId, Producer]) -> schema.Licence:
    partner = partners.get(item.partner_id)
    shown = schema.PartnerName(
        id=partner.short_id if partner else "", name=partner.name if partner else "a former partner"
    )
    return schema.Licence(
        id=names.licence(item.id),
        partner=shown,
        ownership=item.ownership,
        share=item.share,
        territories=list(item.territories.included),
        excluding=list(item.territories.excluded),
        starts_at=item.starts_at,
        ends_at=item.ends_at,
        is_exclusive=item.is_exclusive,
        has_tail=item.has_tail,
        assets=list(item.assets),
    )


def _window(names: RightsNames, item: Window) -> schema.Window:
    free = item.free
    return schema.Window(
        id=names.window(item.id),
        type=item.type,
        territories=list(item.territories.included),
        excluding=list(item.territories.excluded),
        starts_at=item.starts_at,
        ends_at=item.ends_at,
        tiers=list(item.tiers),
        is_free=item.is_free,
        sells_tokens=item.sells_tokens,
        sells=list(sells(item)),
        free=schema.FreeRights(
            max_height=free.max_height, ads=free.ads, downloads=free.downloads, streams=free.streams
        ),
    )


def _rating(item: Rating) -> schema.Rating:
    return schema.Rating(
        territories=list(item.territories.included),
        excluding=list(item.territories.excluded),
        label=item.label,
        age=item.age,
    )


def _takedown(names: RightsNames, item: Takedown) -> schema.Takedown:
    return schema.Takedown(
        id=names.takedown(item.id),
        territories=list(item.territories.included),
        excluding=list(item.territories.excluded),
        notice=item.notice,
        starts_at=item.starts_at,
        ends_at=item.ends_at,
    )


def spell_shown(names: RightsNames, spell: Spell) -> schema.Spell:
    """Return a time in which nothing changes."""
    return schema.Spell(
        starts_at=spell.starts_at,
        ends_at=spell.ends_at,
        types=list(spell.types),
        windows=[names.window(item.id) for item in spell.windows],
        licences=[names.licence(id) for id in spell.licences],
        takedowns=[names.takedown(id) for id in spell.takedowns],
        is_available=spell.is_available,
        is_gap=spell.is_gap,
        is_unlicensed=spell.is_unlicensed,
    )
